"""Neuron dictionary: search a neuron or pick one from the wall, and see whether its name is true."""

from __future__ import annotations

import streamlit as st

from niwt_core.neurons import Dictionary, Neuron, search
from niwt_core.neurons.storage import FILE
from pages.shared import card, figures, frame, neurons, resources, state, style, wall
from pages.shared.wording import plain

EVERY_PART = "every part"


def main() -> None:
    """The page from top to bottom."""
    frame.ensure()
    state.described()  # keeps the described class in the address
    st.title("Neuron dictionary")
    resources.project()
    dictionary = resources.dictionary()
    if dictionary is None:
        _none_yet()
        return
    style.lead(
        f"{len(dictionary.neurons)} neurons, {len(dictionary.named)} with a clear name. Search one, and see what it "
        "answers to."
    )
    query = st.text_input(
        "Search by word or number",
        key="find",
        type="search",
        max_chars=200,
        placeholder="for example: red crown, forked tail, 17",
        bind="query-params",
        width=480,
    ).strip()
    opened = _opened(dictionary)
    if opened is not None:
        with st.container(border=True, key="card"):
            card.show(dictionary, opened)
    st.header(f"What answers to “{plain(query)}”" if query else f"All {len(dictionary.neurons)} neurons")
    _wall(dictionary, query, opened)


def _none_yet() -> None:
    """No dictionary, or one that does not belong to this network: what it would be, and how to make it."""
    if (resources.BUNDLED / FILE).is_file():
        style.lead("There is a dictionary of this network’s neurons, but it is of no use.")
        st.warning(
            "It was made for another network or is damaged, so its names would be claims without evidence. "
            "Made again, it stands here; that takes a minute or two:"
        )
    else:
        style.lead("What each neuron of the network stands for will be listed here.")
        st.info("Nobody has named this network’s neurons yet. This does it, once; it takes a minute or two:")
    st.code("python -m niwt_core name-neurons", language="bash")


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
        f"No neuron is named after “{plain(query)}”. They are named after what birds differ in: try a colour and a "
        "part, such as “yellow belly”, or just “tail”."
    )


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
