"""The nearest seen classes with their pictures, and what they share with the described class."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
import torch
from torch import Tensor

from niwt_core.birds.attributes import GROUPS, decode
from niwt_core.errors import InputError
from niwt_core.wording.saying import is_embedded
from niwt_core.worlds.described import Described
from pages.shared import resources
from pages.shared.neurons.nearest import Neighbour
from pages.shared.wording import phrase, phrases, plain

PORTRAIT_SEED = 10_000_001
#: Attributes that are told of a photographed class, of what it shares and of what it does not.
N_TOLD = 3
#: An attribute is told from so many standard deviations over the known classes on.
TELLING = 0.5


def drawn(current: Described, near: Sequence[Neighbour]) -> None:
    """Drawings of the nearest birds, and which of the described parts are the same."""
    st.markdown("The network has seen drawings of these. None of them is your bird.")
    descriptions = resources.project().descriptions
    with st.container(key="portraits_nearest"):
        for column, one in zip(st.columns(len(near)), near, strict=True):
            bird = decode(descriptions[one.row].numpy())
            shared = [g for g in GROUPS if g in current.picks and bird[g] == current.picks[g]]
            differs = [g for g in GROUPS if g in current.picks and bird[g] != current.picks[g]]
            with column:
                image = resources.portrait(Described("", bird).key, bird, PORTRAIT_SEED)
                st.image(image, width="stretch", alt=f"{one.name}: {phrases(bird)}")
                st.subheader(one.name, anchor=False)
                st.markdown(f"**Shares {len(shared)} of {len(current.picks)}:** {phrases(bird, shared) or 'nothing'}.")
                if differs:
                    st.markdown("**But has** " + phrases(bird, differs) + ".")


def photographed(current: Described, near: Sequence[Neighbour]) -> None:
    """Photos of the nearest classes, and in which of the strongest attributes they agree with the described one."""
    st.markdown("The network has been trained on photos of these. None of them is your class.")
    world = resources.world()
    project, row = world.project, world.row(current)[0]
    with st.container(key="portraits_nearest"):
        for column, one in zip(st.columns(len(near)), near, strict=True):
            with column:
                photo(one.name)
                st.subheader(plain(one.name), anchor=False)
                seen = project.descriptions[: project.n_seen]
                shared, differs = compared(row, seen[one.row], seen, project.attribute_names)
                if shared:
                    st.markdown(f"**Shares** {plain(', '.join(shared))}.")
                if differs:
                    st.markdown(f"**But has** {plain(', '.join(differs))}.")


def compared(row: Tensor, other: Tensor, seen: Tensor, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands out in both of two descriptions (n_attributes,), and what does in the other alone, in words.

    Args:
        seen: (n_seen, n_attributes): their mean and spread say what stands out. names: of the attributes; columns
            without a name of their own are left out.
    """
    spread = seen.std(0)
    ours, theirs = ((r - seen.mean(0)) / spread.clamp_min(1e-6) for r in (row, other))
    known = torch.tensor([not is_embedded(name) for name in names]) & (spread > 1e-6)
    both = torch.where(known, torch.minimum(ours, theirs), float("-inf"))
    alone = torch.where(known & (ours < TELLING), theirs - ours.clamp_min(0), float("-inf"))
    return _told(both, names), _told(alone, names)


def _told(sizes: Tensor, names: Sequence[str]) -> list[str]:
    best = [i for i in sizes.argsort(descending=True).tolist() if sizes[i] >= TELLING][:N_TOLD]
    return [phrase(*names[i].partition("::")[::2]) for i in best]


def photo(name: str) -> None:
    """A test photo of a class, or a sentence where there is none."""
    try:
        found = resources.pictures(name, 1)
    except InputError as error:
        st.caption(plain(str(error)))
        return
    if found:
        st.image(found[0], width="stretch", alt=f"a photo of {name}")
    else:
        st.caption("There is no test photo of it.")
