"""Describe: a sentence, or picked attributes, become a bird that the network has never seen."""

from __future__ import annotations

import streamlit as st

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.reading import NothingUnderstoodError, Reading, read
from niwt_core.birds.species import is_drawable
from niwt_core.errors import InputError
from pages.shared import figures, frame, resources, sentence, state, style
from pages.shared.wording import GROUP_WORDS, listed, phrases, plain, word

EXAMPLES = {
    "Yellow, black cap": state.EXAMPLE,
    "Gray, hooked bill": "a large gray bird with a white belly, a hooked yellow bill and long pink legs",
    "Brown, spotted": "brown above and white below, with a spotted breast, a white eye ring and a fanned tail",
    "Red, crested": "a red bird with a tuft on its head, black wing tips and a broad black bill",
    "Blue and orange": "a blue-backed bird with an orange belly, a forked tail and short black legs",
}
LEFT_OPEN = "left open"
N_PORTRAITS = 8
PORTRAIT_SEED = 10_000_001


def main() -> None:
    """The page from top to bottom; what is slow is filled in after everything else stands."""
    frame.ensure()
    current = state.described()
    st.title("Describe a bird")
    style.lead("Type what the bird looks like. The network has never seen it.")
    _words(current)
    _pickers(current)
    if st.session_state.pop("ask_encoder", False):
        _ask_encoder(st.session_state["words"])
    if current is None:
        return
    reading = _reading_of(current.text)
    _understood(current, reading)
    _portraits(current)
    st.header("The pattern your words write")
    pattern = st.container()
    if st.button("See its importances →", type="primary", key="next"):
        st.switch_page("pages/importances.py", query_params=st.query_params.to_dict())
    with pattern:
        _pattern(current, reading)
    if reading is not None and reading.unknown:
        _look_up_unknown(current, reading)


# -- what the person does ----------------------------------------------------------------------------------------------


def _words(current: state.Described | None) -> None:
    if "words" not in st.session_state:
        st.session_state["words"] = current.text if current else ""
    st.text_area(
        "Your description",
        key="words",
        height=90,
        on_change=_read_words,
        persist_state="session",
        placeholder=f"for example: {state.EXAMPLE}",
    )
    with st.container(horizontal=True):
        st.button("Read my words", on_click=_read_words, key="read", type="secondary" if current else "primary")
        if current:
            st.button("Clear", on_click=_clear, key="clear")
        elif state.cleared():
            st.button("Undo: bring my bird back", on_click=_undo, key="undo")
    told = st.container()  # always there, so that what follows keeps its place (and the pickers stay open)
    if error := st.session_state.get("describe_error"):
        told.error(plain(error))
        if current:
            told.caption("The bird below is still the one from before.")
    st.markdown("**Or start from one of these:**")
    if current is None:
        with st.container(key="portraits_examples"):
            columns = st.columns(len(EXAMPLES))
            for i, (name, text) in enumerate(EXAMPLES.items()):
                with columns[i]:
                    image = resources.portrait(text, read(text).attributes, PORTRAIT_SEED + i)
                    st.image(image, width="stretch", alt=f"a drawing of {text}")
                    st.button(name, help=text, on_click=_use, args=(text,), width="stretch")
    else:
        with st.container(horizontal=True):
            for name, text in EXAMPLES.items():
                st.button(name, help=text, on_click=_use, args=(text,))


def _pickers(current: state.Described | None) -> None:
    bird = current.picks if current else {}
    with st.expander("Or pick it part by part", key="pickers"):
        columns = st.columns(3)
        for i, (group, values) in enumerate(GROUPS.items()):
            key = f"pick_{group}"
            st.session_state[key] = bird.get(group, LEFT_OPEN)  # the class decides; the picker shows it
            columns[i % 3].selectbox(
                GROUP_WORDS[group].capitalize(), (LEFT_OPEN, *values), key=key, on_change=_pick, args=(group,)
            )


def _read_words() -> None:
    """Make the words the class; words that cannot be read leave the class as it was, and say why."""
    text = st.session_state["words"]
    current = st.session_state.get("described")
    if current is not None and current.text == text:
        st.session_state["describe_error"] = None
        return  # leaving the field and pressing the button are one wish, and picks by hand stay
    try:
        reading = read(text)
    except InputError as error:
        st.session_state["describe_error"] = str(error)
        st.session_state["ask_encoder"] = isinstance(error, NothingUnderstoodError)
        return
    st.session_state["describe_error"] = None
    st.session_state["reading"] = reading
    state.describe_as(text, reading.attributes)


def _use(text: str) -> None:
    st.session_state["words"] = text
    st.session_state["described"] = None  # an example is a fresh start, even the one shown
    _read_words()


def _pick(group: str) -> None:
    current = st.session_state.get("described")
    bird = dict(current.picks) if current else {}
    value = st.session_state[f"pick_{group}"]
    if value == LEFT_OPEN:
        bird.pop(group, None)
    else:
        bird[group] = value
    st.session_state["describe_error"] = None
    if bird:
        state.describe_as(current.text if current else "", bird)
    else:
        _clear()


def _clear() -> None:
    state.clear()
    st.session_state["words"] = ""
    st.session_state["describe_error"] = None


def _undo() -> None:
    state.undo_clear()
    st.session_state["words"] = st.session_state["described"].text


# -- what the page says ------------------------------------------------------------------------------------------------


def _reading_of(text: str) -> Reading | None:
    """How the class's words were read: as remembered, or read again after a refresh."""
    remembered: Reading | None = st.session_state.get("reading")
    if remembered is not None and remembered.text == text:
        return remembered
    try:
        st.session_state["reading"] = read(text)
    except InputError:  # picked by hand only, or an address that somebody wrote
        return None
    return st.session_state["reading"]


def _understood(current: state.Described, reading: Reading | None) -> None:
    bird = current.picks
    from_words = reading.attributes if reading else {}
    by_hand = [group for group in GROUPS if bird.get(group) != from_words.get(group)]
    left_open = [GROUP_WORDS[group] for group in GROUPS if group not in bird]

    st.header("What was understood")
    if reading is not None:
        st.html(sentence.marked(reading))
        if reading.unknown:
            words = listed(f"“{reading.text[start:end]}”" for start, end in reading.unknown)
            st.markdown(f"**Not understood:** {plain(words)} (dotted above), so left out.")
        if reading.notes:
            st.markdown("\n".join(f"- {plain(note)}" for note in reading.notes))
    if by_hand:
        picks = [word(group, bird.get(group, LEFT_OPEN)) for group in by_hand]
        st.markdown(f"**Picked by hand:** {listed(picks)}.")
    said = f"**{len(bird)} of {len(GROUPS)} parts are settled.**"
    st.markdown(f"{said} Left open: {listed(left_open)}." if left_open else f"{said} Nothing is left open.")
    if "wing_pattern" in bird and "back_color" in bird and not is_drawable(bird):
        color = bird["back_color"]
        st.info(f"Wings have the back's colour here, so {bird['wing_pattern']} on {color} wings will not be seen.")


def _portraits(current: state.Described) -> None:
    st.header("Birds like this one")
    varies = [group for group in GROUPS if group not in current.picks]
    if varies:
        st.markdown("Where the words say nothing, each drawing chooses for itself; below it stands what it chose.")
    else:
        st.markdown("Every part is settled, so only pose and paper change from drawing to drawing.")
    bird = dict(current.picks)
    with st.container(key="portraits_described"):
        for row in range(0, N_PORTRAITS, 4):
            for i, column in enumerate(st.columns(4), start=row):
                image, chosen = resources.drawn(current.key, bird, PORTRAIT_SEED + i)
                # The three most visible of what varies; the whole list would be longer than the picture.
                shown = phrases(chosen, sorted(chosen, key=_visibility)[:3])
                column.image(image, width="stretch", caption=shown or None, alt=f"drawing {i + 1}: {phrases(bird)}")


def _visibility(group: str) -> int:
    """Colours of the body first, then patterns and shapes; what is small comes last."""
    order = ("back_color", "belly_color", "crown_color", "breast_pattern", "tail_shape", "wing_pattern", "crest")
    return order.index(group) if group in order else len(order) + list(GROUPS).index(group)


def _pattern(current: state.Described, reading: Reading | None) -> None:
    """The barcode, growing clause by clause to the class as it stands."""
    grown = sentence.steps(reading) if reading else []
    grown = [(label if i == 0 else f"+ {label}", bird) for i, (label, bird) in enumerate(grown)]
    if grown and grown[-1][1] != dict(current.picks):
        grown.append(("+ what you picked by hand", dict(current.picks)))
    grown = grown[-6:] or [(state.YOURS, dict(current.picks))]
    values = resources.predicted_importances([bird for _, bird in grown])
    order, names = figures.channel_order(resources.project())
    n = values.shape[1]
    st.markdown(
        f"For the network, a class is how much each of its {n} neurons speaks for or against it. "
        "It has learned from the birds it knows which neurons go with which words, so your words write a pattern:"
    )
    rows = [figures.BarcodeRow(label, row) for (label, _), row in zip(grown, values, strict=True)]
    fig = figures.barcode(rows, names, "Predicted importance of every neuron, as the words come in", order=order)
    strongest = int(values[-1].argmax())
    alt = (
        f"{len(rows)} strips of {n} cells, one strip for each step of the description. Cells that rise speak for the "
        f"class, cells that hang speak against it. The strongest for it is neuron {strongest}: {names[strongest]}."
    )
    style.chart(fig, alt, key="pattern")


def _look_up_unknown(current: state.Described, reading: Reading) -> None:
    """Ask the sentence encoder, seconds to load, whether an unlisted word is near a known one; once a text."""
    if st.session_state.get("looked_up") == reading.text:
        return
    wider = _read_with_encoder(reading.text) or reading
    st.session_state["looked_up"] = reading.text
    if wider != reading:
        by_hand = {g: current.picks.get(g) for g in GROUPS if current.picks.get(g) != reading.attributes.get(g)}
        bird = {g: v for g, v in (wider.attributes | by_hand).items() if v}
        st.session_state["reading"] = wider
        state.describe_as(current.text, bird)
        st.rerun()


def _ask_encoder(text: str) -> None:
    """A text of which no word is listed: the encoder may know words near them all."""
    if (reading := _read_with_encoder(text)) is not None:
        st.session_state["describe_error"] = None
        st.session_state["reading"] = reading
        st.session_state["looked_up"] = text
        state.describe_as(text, reading.attributes)
        st.rerun()


def _read_with_encoder(text: str) -> Reading | None:
    """None where there is no encoder here, or the words near those of the text make no bird either."""
    with st.spinner("Looking for words near the ones I do not know …"):
        try:
            return read(text, resources.encoder())
        except InputError:
            return None


main()
