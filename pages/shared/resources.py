"""What all sessions share: the network and its measurements, loaded once and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.shared import state
from pages.shared.wording import plain

if TYPE_CHECKING:
    from niwt_core.neurons import Dictionary
    from niwt_core.project import Project
    from niwt_core.worlds.base import World

BUNDLED = Path(__file__).parents[2] / "assets" / "paper_birds"


def world() -> World:
    """The world that the person works in (`state.world_key`).

    Where the address names a project that is not there, or no longer whole, the page says so and goes no further.
    """
    from niwt_core.errors import InputError

    try:
        return world_of(state.world_key())
    except InputError as error:
        st.error(plain(str(error)))
        st.button("Work with Paper Birds instead", on_click=state.use_world, args=(state.BIRDS,), key="to_birds")
        st.stop()


def world_of(key: str) -> World:
    """The world of a key, whoever works in it.

    Raises:
        InputError: there is no such project, or it is no longer whole.
    """
    if key == state.BIRDS:
        return _birds()
    from niwt_core.worlds.shelf import folder_of, stamp_of

    folder = folder_of(key)
    return _photos(key, str(folder), stamp_of(folder))


@st.cache_resource(show_spinner="Waking the network (a few seconds, once) …")
def _birds(folder: str = str(BUNDLED)) -> World:
    from niwt_core.worlds.birds import BirdWorld

    return BirdWorld(_load(Path(folder)))


@st.cache_resource(show_spinner="Opening the project …", max_entries=8)
def _photos(key: str, folder: str, stamp: tuple[int, int]) -> World:
    from niwt_core.worlds.photos import PhotoWorld

    return PhotoWorld(_load(Path(folder)), key)


def _load(folder: Path) -> Project:
    """A project with its learner ready. The import of torch, several seconds, happens here."""
    import torch

    from niwt_core.project import load_project

    torch.set_num_threads(1)  # each visitor's work is small; more threads would only wait for one another
    loaded = load_project(folder)
    _ = loaded.learner  # computed now, so that no page waits for it later
    return loaded


def project() -> Project:
    """The project of the person's world."""
    return world().project


@st.cache_resource(show_spinner=False)
def encoder():
    """The sentence encoder, for words that the lexicon does not list."""
    from niwt_core.text import load_encoder

    return load_encoder()


@st.cache_resource(show_spinner=False)
def jacobians(n_images: int = 64):
    """Channel Jacobians of sample drawings, (n_images, n_features, n_channels), for the loop."""
    from niwt_core.birds.described import sample_jacobians

    return sample_jacobians(project(), n_images)


@st.cache_data(show_spinner=False, max_entries=64)
def fresh_features(key: str, bird: dict[str, str], n_drawings: int, seed: int):
    """Features of fresh drawings of a described bird; `key` names the bird."""
    from niwt_core.birds.described import fresh_features as draw_and_run

    return draw_and_run(project(), bird, n_drawings, seed)


@st.cache_data(show_spinner=False, max_entries=2000)
def portrait(key: str, bird: dict[str, str], seed: int, size: int = 320, calm: bool = True):
    """A drawing of the bird for the page, (size, size, 3) uint8."""
    from niwt_core.birds.drawing import draw

    return draw(bird, seed=seed, size=size, masks=False, calm=calm).image


@st.cache_data(show_spinner=False, max_entries=2000)
def drawn(key: str, bird: dict[str, str], seed: int, size: int = 320):
    """A portrait, (size, size, 3) uint8, and what the drawing chose for the groups that the bird leaves open."""
    from niwt_core.birds.drawing import draw

    drawing = draw(bird, seed=seed, size=size, masks=False, calm=True)
    return drawing.image, {group: value for group, value in drawing.attributes.items() if group not in bird}


def predicted_importances(birds: Sequence[Mapping[str, str]]) -> np.ndarray:
    """Importances that the map predicts for described birds, (n_birds, n_channels): one matrix product, not cached."""
    loaded = project()  # first, because its spinner covers the import of torch

    import torch

    from niwt_core.birds.described import description_of

    return loaded.learner.importances(torch.cat([description_of(loaded, bird) for bird in birds])).numpy()


@st.cache_resource(show_spinner=False)
def check_jacobians(n_images: int = 64):
    """The same as `jacobians` of drawings that nothing was fitted to, to compare the loop with the closed form."""
    from niwt_core.birds.described import sample_jacobians

    return sample_jacobians(project(), n_images, fresh=True)


@st.cache_resource(show_spinner=False)
def strangers():
    """Features of 100 birds of species that the network was never shown, (100, n_features)."""
    from niwt_core.birds.described import stranger_features

    return stranger_features(project())


def dictionary() -> Dictionary | None:
    """The dictionary of the bundled project's neurons; None where there is none, or none that fits the project."""
    stamp = _dictionary_stamp()
    return _read_dictionary(str(BUNDLED), stamp) if stamp else None


def dictionary_of(loaded: Project) -> Dictionary | None:
    """The dictionary of a loaded project, as far as that is the bundled one."""
    return dictionary() if _dictionary_stamp() and loaded is project() else None


def wall_sheet() -> bytes:
    """The picture that each neuron answers to most, side by side on one sheet, as WebP (`neurons.sheet`)."""
    return _draw_wall_sheet(str(BUNDLED), _dictionary_stamp())


def _dictionary_stamp() -> tuple[int, int] | None:
    """When the dictionary's file was written, and its size; None where there is no file."""
    from niwt_core.neurons.storage import FILE

    try:
        found = (BUNDLED / FILE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@st.cache_resource(show_spinner=False, max_entries=2)
def _read_dictionary(folder: str, stamp: tuple[int, int]) -> Dictionary | None:
    from niwt_core.errors import InputError
    from niwt_core.neurons import load_dictionary

    try:
        return load_dictionary(Path(folder), project())
    except InputError:
        return None


@st.cache_resource(show_spinner="Drawing what each neuron answers to (once) …", max_entries=2)
def _draw_wall_sheet(folder: str, stamp: tuple[int, int]) -> bytes:
    from pages.shared.neurons import sheet

    found = dictionary()
    return sheet(found.neurons) if found else b""


@st.cache_resource(show_spinner=False)
def words():
    """The map from neurons to words, fitted once on 600 drawings of known birds (some seconds, most of it drawing)."""
    from niwt_core.birds.trust import learn_words

    return learn_words(project())
