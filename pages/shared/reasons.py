"""Why, in words: the sentence, the ranked list, and how far to trust it."""

from __future__ import annotations

import streamlit as st

from niwt_core.explanation import Heatmap, Word
from niwt_core.explanation.words import reasons
from niwt_core.project import Project
from pages.shared import explaining, pictures, resources, wording
from pages.shared.explaining import Seen


def show_reasons(
    project: Project, chosen: pictures.Chosen, heat: Heatmap, seen: Seen, name: str, *, is_winner: bool
) -> None:
    """One sentence that says no more than the list, the list, and where the words come from."""
    if heat.one_colour:
        st.markdown("A picture of one colour gives the words nothing to read, so there are none.")
        return
    with st.spinner("Learning which words the neurons go with, on 600 drawings of known birds (once) …"):
        word_map = resources.words()
    words = explaining.words_of(word_map, heat.importances, seen)
    st.markdown(claim(reasons(words), chosen, name))
    listed, honest = st.columns([0.5, 0.5], gap="large")
    with listed:
        for word in words:
            show_word(word, chosen)
    with honest:
        st.caption(
            "The words are read by a linear map from two things: how much each neuron matters for "
            f"{name} in this picture (its importance) and how active it is. Nothing here looks at the picture again, "
            "and nobody told the map what was drawn."
        )
        st.caption(trust(project, chosen, name, is_winner))


def claim(strong: tuple[Word, ...], chosen: pictures.Chosen, name: str) -> str:
    """The sentence: the surest words only, and how many of them are true."""
    if not strong:
        return f"For **{name}**, no word is sure enough to claim; what the neurons hint at is listed."
    said = wording.listed(wording.phrase(w.group, w.value) for w in strong)
    sentence = f"For **{name}**, this picture's neurons speak most of **{said}**."
    if chosen.attributes is None:
        return sentence
    right = sum(chosen.attributes[w.group] == w.value for w in strong)
    if len(strong) == 1:
        return sentence + (" That is true of this bird." if right else " That is not true of this bird.")
    if right == len(strong):
        return sentence + (" Both are true of this bird." if right == 2 else f" All {right} are true of this bird.")
    return sentence + f" Of these {len(strong)}, {right} {'is' if right == 1 else 'are'} true of this bird."


def show_word(word: Word, chosen: pictures.Chosen) -> None:
    """A word, what the map gives it, and whether it is true."""
    mark = ""
    if chosen.attributes is not None:
        true = chosen.attributes[word.group] == word.value
        mark = " · ✓ true of this bird" if true else " · ✗ not true of this bird"
    probability = word.probability or 0.0
    likely = f"given {wording.of_hundred(probability)}"
    st.progress(min(1.0, max(0.0, probability)), f"**{wording.phrase(word.group, word.value)}** · {likely}{mark}")


def trust(project: Project, chosen: pictures.Chosen, name: str, is_winner: bool) -> str:
    """What is known of how often such words are true."""
    if chosen.attributes is None:
        return "How often they are true of pictures that are no paper birds, nobody has measured."
    checked = explaining.trust_sentence(project.card.get("word_trust", []))
    known = (
        f"Checked on fresh birds of species that the network was never shown, for the class that won: {checked}."
        if checked
        else "How often they are true has not been measured for this network."
    )
    if is_winner:
        return known
    return f"{known} The words for {name}, which does not win here, mix what is seen with what that class asks for."
