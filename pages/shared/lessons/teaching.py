"""What helps to learn: words explained where they first stand, and the code that a page is made of."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from niwt_core.worlds.base import World
    from niwt_core.worlds.described import Described
    from pages.shared.lessons.snippets import Shown

TERMS = {
    "neuron": "One of the numbers that the network computes at every place of a picture. It is large where the neuron "
    "finds what it looks for: a colour, an edge, a part. What that is came out of training; nobody set it by hand.",
    "channel": "All places of one neuron together: the map of where in the picture it finds something. Channel and "
    "neuron mean the same here.",
    "importance": "How much the score of a class changes when one neuron is turned up a little everywhere. Above 0 the "
    "neuron speaks for the class, below 0 against it.",
    "zero-shot": "Recognising a class of which the network was never shown an example, only told something about it.",
    "seen": "A seen class is one whose pictures the network was trained on. An unseen class is one that it was only "
    "told about.",
    "closed form": "A formula that gives the answer at once, where a loop would come nearer to it step by step.",
    "Grad-CAM": "A map of where a class’s evidence lies: each neuron’s activity at a place, times its importance, "
    "added up over all neurons. (Selvaraju et al., 2017)",
    "harmonic mean": "A mean of two numbers that is only large when both are: 2 S U / (S + U). Whoever is good with "
    "seen classes and bad with unseen ones gets a small one.",
}


def term(word: str, shown: str | None = None) -> str:
    """A word of TERMS as HTML for a sentence (`style.lead`): pressed, it explains itself; by keyboard and finger too.

    Args:
        shown: how it is written here ("neurons"); default: the word itself.

    Raises:
        KeyError: a word that is not explained.
    """
    name = "term-" + "".join(c if c.isalnum() else "-" for c in word.lower())
    return (
        f'<button type="button" class="term" popovertarget="{name}">{escape(shown or word)}</button>'
        f'<span popover id="{name}" class="term-says"><b>{escape(word)}</b><br>{escape(TERMS[word])}</span>'
    )


def how_it_works(told: str) -> None:
    """Equations with this class's numbers, folded; from `equations`."""
    with st.expander("How it works"):
        st.markdown(told)


def show_code(
    page: str,
    world: World,
    described: Described,
    shown: Shown | None = None,
    note: str = "",
    before: Described | None = None,
) -> None:
    """The page's code, folded, ready to copy; arguments as for `snippets.code_for`.

    Args:
        note: what else there is to say of it; our words only.
    """
    from pages.shared.lessons.snippets import code_for

    with st.expander("Show the code"):
        st.caption(f"It runs as it stands, in a notebook or a console started in this project’s folder. {note}")
        st.code(code_for(page, world, described, shown, before), language="python")


def show_step(page: str, world: World, described: Described) -> None:
    """Both, for a step that needs no more than the class: "describe" or "importances".

    Raises:
        InputError: the world cannot read the class's description.
    """
    from pages.shared.lessons import equations

    tell = {"describe": equations.describing, "importances": equations.importing}[page]
    how_it_works(tell(world, described))
    show_code(page, world, described)
