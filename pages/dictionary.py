"""Neuron dictionary: search a neuron or pick one from the wall, and see whether its name is true."""

from __future__ import annotations

import streamlit as st

from niwt_core.neurons import Dictionary, Neuron, search
from niwt_core.worlds.base import World
from niwt_core.worlds.photos import PhotoWorld
from pages.shared import frame, resources, state, style
from pages.shared.charts import figures
from pages.shared.jobs import naming
from pages.shared.lessons import teaching
from pages.shared.neurons import card, neurons, surgery, wall
from pages.shared.wording import plain

EVERY_PART = "every part"


def main() -> None:
    """The page from top to bottom."""
    frame.ensure()
    current = state.described()
    st.title("Neuron dictionary")
    world = resources.world()
    dictionary = resources.dictionary()
    if dictionary is None:
        _none_yet(world)
        return
    style.lead(
        f"{len(dictionary.neurons)} neurons, {len(dictionary.named)} with a clear name. Search one, and see what it "
        f"answers to. (Papers call them {teaching.term('channel', 'channels')}.)"
    )
    query = st.text_input(
        "Search by word or number",
        key="find",
        type="search",
        max_chars=200,
        placeholder="for example: red crown, forked tail, 17" if world.drawn else "a word of an attribute, or a number",
        bind="query-params",
        width=480,
    ).strip()
    opened = _opened(dictionary)
    if opened is not None:
        with st.container(border=True, key="card"):
            card.show(dictionary, opened)
            surgery.folded(world, current, [opened.channel], "card")
    st.header(f"What answers to “{plain(query)}”" if query else f"All {len(dictionary.neurons)} neurons")
    _wall(dictionary, query, opened)


def _none_yet(world: World) -> None:
    """No dictionary, or one that does not belong to this network: what it would be, and how to make it."""
    if isinstance(world, PhotoWorld) and not world.is_named:
        style.lead("What each neuron of the network stands for would be listed here.")
        st.info(
            "This project’s classes are described by whole sentences, and no single number of those has a name that a "
            "neuron could be called by. A project with attributes (columns of numbers in classes.csv) can have a "
            "dictionary."
        )
        return
    if resources.dictionary_stamp():
        style.lead("There is a dictionary of this network’s neurons, but it is of no use.")
        st.warning(
            "It was made for another network or is damaged, so its names would be claims without evidence. "
            "Made again, it stands here; that takes some minutes:"
        )
    else:
        style.lead("What each neuron of the network stands for will be listed here.")
        st.info("Nobody has named this network’s neurons yet. This does it, once; it takes some minutes:")
    if world.drawn:
        st.code("python -m niwt_core name-neurons", language="bash")
    else:
        naming.offer(world)


# -- the wall ----------------------------------------------------------------------------------------------------------


def _wall(dictionary: Dictionary, query: str, opened: Neuron | None) -> None:
    parts = list(dict.fromkeys(neurons.part_of(n.name) for n in dictionary.named if n.name))
    order, _ = figures.named_order(dictionary)
    parts.sort(key=[neurons.part_of(name) for name in dictionary.attribute_names].index)
    if not query:
        st.markdown(neurons.tally(dictionary))
    with st.expander("Show fewer"):
        only_clear = st.toggle("Only clear names", key="clear", bind="query-params")
        part = st.selectbox(
            "Named after", [EVERY_PART, *parts], key="part", bind="query-params", width=320
        )  # fmt: skip

    def wanted(neuron: Neuron) -> bool:
        about = None if neuron.name is None else neurons.part_of(neuron.name)
        return (not only_clear or about is not None) and part in (EVERY_PART, about)

    found = search(dictionary, query)
    if query:
        groups = neurons.found_sections(hit for hit in found if wanted(hit.neuron))
    else:
        groups = neurons.sections(dictionary, filter(wanted, dictionary.neurons), order.tolist())
    if not groups:
        st.info(_nothing(dictionary, query, len(found)))
        return
    marks = "✓ passed the causal test, ✗ failed it. " if dictionary.causal else ""
    st.caption(f"{marks}Each picture is the one that the neuron answers to most, the frame where in it.")
    count, sheet = len(dictionary.neurons), resources.wall_sheet()
    wall.show(groups, count, None if opened is None else opened.channel, sheet, card.open_card)


def _nothing(dictionary: Dictionary, query: str, n_found: int) -> str:
    if n_found:
        return f"{n_found} neurons answer to that, but the filters above leave none of them."
    if not query:
        return "The filters above leave no neuron."
    if query.isdigit():
        return f"There is no neuron {query}: the numbers go from 0 to {len(dictionary.neurons) - 1}."
    return (
        f"No neuron is named after “{plain(query)}”. They are named after what the classes differ in: "
        f"{_such_as(dictionary)}."
    )


def _such_as(dictionary: Dictionary) -> str:
    if state.noun() == "bird":
        return "try a colour and a part, such as “yellow belly”, or just “tail”"
    known = [neuron.best_name for neuron in dictionary.live if neuron.best_name is not None]
    return f"try “{plain(neurons.called(known[0]))}”" if known else "none of them has a name yet"


def _opened(dictionary: Dictionary) -> Neuron | None:
    """The neuron of the address; where there is no such neuron, the page says so."""
    asked = st.query_params.get("neuron")
    if asked is None:
        return None
    digits = asked.strip()
    if digits.isascii() and digits.isdigit() and len(digits) < 9 and int(digits) < len(dictionary.neurons):
        return dictionary.neurons[int(digits)]
    st.warning(
        f"The address asks for neuron “{plain(asked[:20])}”, which does not exist: the numbers go from 0 to "
        f"{len(dictionary.neurons) - 1}. Pick one below."
    )
    return None


main()
