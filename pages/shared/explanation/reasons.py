"""Why, in words: the sentence, the ranked list, and how far to trust it."""

from __future__ import annotations

import streamlit as st

from niwt_core.explanation import Heatmap, Word
from niwt_core.explanation.words import LEAST_STRENGTH, reasons
from niwt_core.worlds.base import World
from pages.shared import resources, wording
from pages.shared.explanation import explaining, pictures
from pages.shared.explanation.explaining import Seen

#: Standard deviations above the usual that fill a word's bar.
FULL_BAR = 2.0


def show_reasons(
    world: World, chosen: pictures.Chosen, heat: Heatmap, seen: Seen, name: str, *, is_winner: bool
) -> None:
    """One sentence that says no more than the list, the list, and where the words come from."""
    if heat.one_colour:
        st.markdown("A picture of one colour gives the words nothing to read, so there are none.")
        return
    on = "600 drawings of known birds" if world.drawn else "photos of known classes"
    with st.spinner(f"Learning which words the neurons go with, on {on} (once) …"):
        reader = resources.words()
    if reader is None:
        st.markdown(
            "The classes of this project are described by whole sentences, or are too few: there are no single words "
            "that its neurons could be read back into."
        )
        return
    words = explaining.words_of(reader, heat.importances, seen)
    st.markdown(claim(reasons(words, least_strength=LEAST_STRENGTH), chosen, name))
    listed, honest = st.columns([0.5, 0.5], gap="large")
    with listed:
        for word in words:
            show_word(word, chosen)
        if not words:
            st.markdown("Nothing stands above what is usual.")
    with honest:
        st.caption(
            "The words are read by a linear map from two things: how much each neuron matters for "
            f"{wording.plain(name)} in this picture (its importance) and how active it is. Nothing here looks at the "
            f"picture again, and nobody told the map what {'was drawn' if world.drawn else 'it shows'}."
        )
        st.caption(trust(world, chosen, wording.plain(name), is_winner))


def claim(strong: tuple[Word, ...], chosen: pictures.Chosen, name: str) -> str:
    """The sentence: the surest words only, and how many of them are true."""
    name = wording.plain(name)
    if not strong:
        return f"For **{name}**, no word is sure enough to claim; what the neurons hint at is listed."
    said = wording.plain(wording.listed(wording.phrase(w.group, w.value) for w in strong))
    sentence = f"For **{name}**, this picture's neurons speak most of **{said}**."
    if chosen.facts is None:
        return sentence
    right, of_whom = sum((w.group, w.value) in chosen.facts for w in strong), chosen.of_whom
    if len(strong) == 1:
        return sentence + f" That is {'' if right else 'not '}true {of_whom}."
    if right == len(strong):
        return sentence + (f" Both are true {of_whom}." if right == 2 else f" All {right} are true {of_whom}.")
    return sentence + f" Of these {len(strong)}, {right} {'is' if right == 1 else 'are'} true {of_whom}."


def show_word(word: Word, chosen: pictures.Chosen) -> None:
    """A word, what the map gives it, and whether it is true."""
    mark = ""
    if chosen.facts is not None:
        true = (word.group, word.value) in chosen.facts
        mark = f" · ✓ true {chosen.of_whom}" if true else f" · ✗ not true {chosen.of_whom}"
    if word.probability is None:
        sure, given = word.strength / FULL_BAR, f"{word.strength:.1f} above the usual"
    else:
        sure, given = word.probability, f"given {wording.of_hundred(word.probability)}"
    said = wording.plain(wording.phrase(word.group, word.value))
    st.progress(min(1.0, max(0.0, sure)), f"**{said}** · {given}{mark}")


def trust(world: World, chosen: pictures.Chosen, name: str, is_winner: bool) -> str:
    """What is known of how often such words are true."""
    if not world.drawn:
        table = (
            " The class table says what is usual for the class that the photo is of; this very photo may not show it."
            if chosen.facts is not None
            else ""
        )
        return (
            "The numbers are expected standard deviations above the mean of the known classes, already cut by how far "
            f"such words held on classes that the map had not met. How often they are true of photos of new classes, "
            f"nobody has measured.{table}"
        )
    if chosen.facts is None:
        return "How often they are true of pictures that are no paper birds, nobody has measured."
    checked = explaining.trust_sentence(world.project.card.get("word_trust", []))
    known = (
        f"Checked on fresh birds of species that the network was never shown, for the class that won: {checked}."
        if checked
        else "How often they are true has not been measured for this network."
    )
    if is_winner:
        return known
    return f"{known} The words for {name}, which does not win here, mix what is seen with what that class asks for."
