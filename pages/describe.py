"""Describe: a sentence, or picked attributes, become a class that the network has never seen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.reading import read
from niwt_core.birds.species import is_drawable
from niwt_core.errors import InputError
from niwt_core.worlds.described import Understood
from pages.shared import frame, resources, state, style
from pages.shared.charts import figures
from pages.shared.describing import ready, sentence, understanding
from pages.shared.lessons import teaching
from pages.shared.wording import GROUP_WORDS, listed, phrase, phrases, plain, word

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
#: Strips of the growing pattern, the last ones.
MAX_STEPS = 6


def main() -> None:
    """The page from top to bottom; what is slow is filled in after everything else stands."""
    frame.ensure()
    drawn = state.world_key() == state.BIRDS
    current = state.described()
    st.title(f"Describe a {state.noun()}")
    style.lead(
        f"Type what the {state.noun()} looks like. The network has never seen it: what follows is "
        f"{teaching.term('zero-shot')} learning."
    )
    if drawn:
        _words(current)
        _examples(current)
        _pickers(current)
    else:
        from pages.shared.describing import describing_photos  # with torch, after the title stands

        world = resources.world()
        _words(current)
        describing_photos.examples(world, current)
        describing_photos.pickers(world, current)
    if st.session_state.pop("ask_encoder", False):
        understanding.ask_encoder(st.session_state["words"])
    if current is None:
        return
    found = understanding.understood_of(current)
    if drawn:
        _understood_bird(current, found)
        tried = st.container()
        _portraits(current)
    else:
        _understood_class(current, found)
        describing_photos.judged_on(world, current)
        tried = st.container()
        _or_why_not(describing_photos.pictures, current)
    st.header("The pattern your words write")
    pattern = st.container()
    if st.button("See its importances →", type="primary", key="next"):
        st.switch_page("pages/importances.py", query_params=st.query_params.to_dict())
    with pattern:
        _or_why_not(_pattern, current, found)
    with tried:
        ready.show(current)
    _or_why_not(teaching.show_step, "describe", resources.world(), current)
    if drawn and found is not None and found.unknown:
        understanding.look_up_unknown(current, found)


def _or_why_not(show: Callable[..., None], *args: object) -> None:
    """Show something, or why the world cannot read the class's description."""
    try:
        show(*args)
    except InputError as error:
        st.error(plain(str(error)))


# -- what the person does ----------------------------------------------------------------------------------------------


def _words(current: state.Described | None) -> None:
    drawn, noun = state.world_key() == state.BIRDS, state.noun()
    if "words" not in st.session_state:
        st.session_state["words"] = current.text if current else ""
    st.text_area(
        "Your description",
        key="words",
        height=90,
        on_change=_read_words,
        persist_state="session",
        placeholder=f"for example: {state.EXAMPLE}" if drawn else "what it looks like, in a sentence or two",
    )
    with st.container(horizontal=True):
        st.button("Read my words", on_click=_read_words, key="read", type="secondary" if current else "primary")
        if current:
            st.button("Clear", on_click=_clear, key="clear")
        elif state.cleared():
            st.button(f"Undo: bring my {noun} back", on_click=_undo, key="undo")
    told = st.container()  # always there, so that what follows keeps its place (and the pickers stay open)
    if error := st.session_state.get("describe_error"):
        told.error(plain(error))
        if current:
            told.caption(f"The {noun} below is still the one from before.")


def _examples(current: state.Described | None) -> None:
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
    understanding.make_class(st.session_state["words"])


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


def _understood_bird(current: state.Described, found: Understood | None) -> None:
    bird = current.picks
    from_words = found.picks if found else {}
    by_hand = [group for group in GROUPS if bird.get(group) != from_words.get(group)]
    left_open = [GROUP_WORDS[group] for group in GROUPS if group not in bird]

    st.header("What was understood")
    _marked(found)
    if by_hand:
        picks = [
            word(group, bird[group]) if group in bird else f"{GROUP_WORDS[group]}: {LEFT_OPEN}" for group in by_hand
        ]
        st.markdown(f"**Picked by hand:** {listed(picks)}.")
    said = f"**{len(bird)} of {len(GROUPS)} parts are settled.**"
    st.markdown(f"{said} Left open: {listed(left_open)}." if left_open else f"{said} Nothing is left open.")
    if "wing_pattern" in bird and "back_color" in bird and not is_drawable(bird):
        color = bird["back_color"]
        st.info(f"Wings have the back's colour here, so {bird['wing_pattern']} on {color} wings will not be seen.")


def _understood_class(current: state.Described, found: Understood | None) -> None:
    st.header("What was understood")
    _marked(found)
    if found is not None and not found.marks:
        st.markdown(
            "This project takes a description as a whole: a language model turns each of its clauses into "
            f"{len(resources.project().attribute_names)} numbers, so no single word has a meaning that could be marked."
        )
    if current.picks:
        picks = [phrase(group, value) for group, value in current.picks.items()]
        st.markdown(f"**Picked by hand:** {plain(listed(picks))}.")
    if found is None and not current.picks:
        st.markdown(f"The data set’s own numbers for **{plain(current.of)}** describe it; nothing is left open.")
    else:
        st.markdown("What the words leave open stands where it usually does among the classes the network knows.")


def _marked(found: Understood | None) -> None:
    """The sentence with its words marked, the words that were not understood, and what else there is to say."""
    if found is None:
        return
    st.html(sentence.marked(found))
    if found.unknown:
        words = listed(f"“{found.text[start:end]}”" for start, end in found.unknown)
        st.markdown(f"**Not understood:** {plain(words)} (dotted above), so left out.")
    if found.notes:
        st.markdown("\n".join(f"- {plain(note)}" for note in found.notes))


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
            drawn = resources.drawn(current.key, bird, PORTRAIT_SEED + row, 4)
            for i, (column, (image, chosen)) in enumerate(zip(st.columns(4), drawn, strict=True), start=row):
                # The three most visible of what varies; the whole list would be longer than the picture.
                shown = phrases(chosen, sorted(chosen, key=_visibility)[:3])
                column.image(image, width="stretch", caption=shown or None, alt=f"drawing {i + 1}: {phrases(bird)}")


def _visibility(group: str) -> int:
    """Colours of the body first, then patterns and shapes; what is small comes last."""
    order = ("back_color", "belly_color", "crown_color", "breast_pattern", "tail_shape", "wing_pattern", "crest")
    return order.index(group) if group in order else len(order) + list(GROUPS).index(group)


def _pattern(current: state.Described, found: Understood | None) -> None:
    """The barcode, growing clause by clause to the class as it stands."""
    looked_up = found is not None and st.session_state.get("looked_up") == found.text
    read_it = partial(understanding.understand, wider=looked_up)
    grown = sentence.steps(found, read_it) if found else []
    beside = "what you picked by hand" if current.picks else "what else the data set says of it"
    by_hand = f"+ {beside}" if grown else state.yours()
    classes = [*(described for _, described in grown), current]
    values = resources.predicted_importances(classes)
    labels = [*(label if i == 0 else f"+ {label}" for i, (label, _) in enumerate(grown)), by_hand]
    # A clause that changes nothing is no step, and neither is the class itself where the words say all of it.
    kept = [0, *(i for i in range(1, len(classes)) if not np.allclose(values[i], values[i - 1], rtol=1e-4))][
        -MAX_STEPS:
    ]
    order, names = figures.channel_order(resources.project())
    n = values.shape[1]
    st.markdown(
        f"For the network, a class is how much each of its {n} neurons speaks for or against it. "
        f"It has learned from the {'birds' if state.noun() == 'bird' else 'classes'} it knows which neurons go with "
        "which words, so your words write a pattern:"
    )
    rows = [figures.BarcodeRow(labels[i], values[i]) for i in kept]
    fig = figures.barcode(rows, names, "Predicted importance of every neuron, as the words come in", order=order)
    apart = int((values[-1] - resources.average_importances()).argmax())
    alt = (
        f"{len(rows)} strips of {n} cells, one strip for each step of the description. Cells that rise speak for the "
        f"class, cells that hang speak against it. Beside the average class, neuron {apart} rises most: {names[apart]}."
    )
    style.chart(fig, alt, key="pattern")


main()
