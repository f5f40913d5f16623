"""What all sessions share: the network and its measurements, loaded once and never changed."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import streamlit as st

from pages.shared import state
from pages.shared.jobs.tidying import forgettable
from pages.shared.wording import plain

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from niwt_core.birds.easel import Artist
    from niwt_core.neurons import Dictionary
    from niwt_core.project import Project
    from niwt_core.worlds.base import WordReader, World
    from niwt_core.worlds.described import Described

#: Of what pages send.
JPEG_QUALITY = 92
BUNDLED = Path(__file__).parents[2] / "assets" / "paper_birds"


def world() -> World:
    """The world that the person works in (`state.world_key`).

    Where the address names a project that is not there, or no longer whole, the page says so and goes no further.
    """
    key = state.world_key()
    if key == state.BIRDS:
        return _birds()
    from niwt_core.errors import InputError

    try:
        return world_of(key)
    except InputError as error:
        refuse(str(error))


def world_of(key: str) -> World:
    """The world of a key, the person's or another.

    Raises:
        InputError: there is no such project, or it is no longer whole.
    """
    if key == state.BIRDS:
        return _birds()
    from niwt_core.errors import InputError, without
    from niwt_core.worlds.shelf import stamp_of

    folder = folder_of(key)
    try:
        return _own(key, str(folder), stamp_of(folder))
    except InputError as error:
        raise InputError(without(error, folder)) from error


def refuse(reason: str) -> NoReturn:
    """Say why the page cannot work on this project, offer the one that is always there, and go no further."""
    st.error(plain(reason))
    if state.world_key() != state.BIRDS:
        st.button("Work with Paper Birds instead", on_click=state.use_world, args=(state.BIRDS,), key="to_birds")
    st.stop()


def folder_of(key: str) -> Path:
    """The folder of a project, by the key of its world.

    Raises:
        InputError: there is none.
    """
    from niwt_core.worlds.shelf import folder_of as on_shelf

    return BUNDLED if key == state.BIRDS else on_shelf(key)


def identity() -> str:
    """What caches of anything measured in the person's world are keyed on: its project's folder, and its age.

    Raises:
        InputError: there is no such project.
    """
    from niwt_core.worlds.shelf import stamp_of

    key = state.world_key()
    folder = folder_of(key)
    return str(folder) if key == state.BIRDS else f"{folder} {stamp_of(folder)}"


@st.cache_resource(show_spinner="Waking the network (a few seconds, once) …")
def _birds(folder: str = str(BUNDLED)) -> World:
    from niwt_core.worlds.birds import BirdWorld

    return BirdWorld(_load(Path(folder)), artist=artist())


@st.cache_resource(show_spinner="Opening the project …", max_entries=8)
def _own(key: str, folder: str, stamp: tuple[int, int]) -> World:
    from niwt_core.worlds.photos import PhotoWorld

    return PhotoWorld(_load(Path(folder)), key, Path(folder))


#: Seconds that a thread goes on before another takes its turn, a tenth of Python's default: a loop's step is dozens of
#: short operations, and behind a page that is being made the default turns 2 ms into tenths of a second.
TURN = 0.0005


def _load(folder: Path) -> Project:
    """A project with its learner ready. The import of torch, several seconds, happens here."""
    import pandas  # noqa: F401 - whole, before any chart: Plotly takes one that another thread is importing for whole
    import torch

    from niwt_core.project import load_project

    torch.set_num_threads(1)  # each visitor's work is small; more threads would only wait for one another
    sys.setswitchinterval(TURN)
    _tidying()
    loaded = load_project(folder)
    _ = loaded.learner  # computed now, so that no page waits for it later
    settle()
    return loaded


@st.cache_resource(show_spinner=False)
def _tidying():
    """One thread a server, from its first network on."""
    from streamlit.runtime import Runtime, RuntimeState, exists

    from pages.shared.jobs.tidying import keep_tidy

    return keep_tidy(lambda: exists() and Runtime.instance().state is RuntimeState.NO_SESSIONS_CONNECTED)


def settle() -> None:
    """What is loaded now stays: looking through it for garbage again and again would take a third of a second."""
    gc.collect()
    gc.freeze()


def project() -> Project:
    """The project of the person's world."""
    return world().project


@st.cache_resource(show_spinner=False)
def encoder():
    """The sentence encoder, for words that the lexicon does not list."""
    from niwt_core.text import load_encoder

    loaded = load_encoder()
    settle()
    return loaded


#: Pictures that judge a class, at most; and how many are drawn between two looks at a page.
N_PICTURES, STEP = 100, 10


def features(described: Described, n: int = N_PICTURES) -> Tensor:
    """Features (n, n_features) of pictures of a described class that nothing was fitted to; no rows without pictures.

    Of drawn classes the first n drawings are the same for every n, and only those that are missing are made.

    Raises:
        InputError: the pictures are not there.
    """
    import torch

    here = world()
    if not here.drawn:
        return _features(identity(), described.identity, n, 0, here, described)
    from niwt_core.birds.world import FRESH_SEED

    # What a drawing shows follows from the picks, not from the words.
    starts = range(FRESH_SEED, FRESH_SEED + n, STEP)
    return torch.cat([_features(identity(), described.key, STEP, start, here, described) for start in starts])[:n]


@forgettable
@st.cache_resource(show_spinner=False, max_entries=400)
def _features(world_id: str, key: str, n: int, seed: int, _world: World, _described: Described) -> Tensor:
    from niwt_core.worlds.trial import features_of

    source = _world.pictures_of(_described, n, seed)
    return features_of(_world, source)


def strangers(described: Described) -> Tensor:
    """Features (n, n_features) of pictures of new classes other than the described one (`World.strangers`).

    Raises:
        InputError: the pictures are not there.
    """
    return _strangers(identity(), described.of, world(), described)


@st.cache_resource(show_spinner=False, max_entries=64)
def _strangers(world_id: str, of: str, _world: World, _described: Described) -> Tensor:
    from niwt_core.worlds.trial import features_of

    return features_of(_world, _world.strangers(_described))


def artist() -> Artist:
    """Who draws what pages show, one at a time in a process of its own: drawings would hold everybody up."""
    from niwt_core.birds import easel

    return easel.shared()


@forgettable
@st.cache_data(show_spinner=False, max_entries=300)
def portrait(key: str, bird: dict[str, str], seed: int, size: int = 320, calm: bool = True) -> bytes:
    """A drawing of the bird for the page, a JPEG of size x size."""
    from niwt_core.birds.easel import Wish

    return artist()([Wish(bird, seed, size, calm)], JPEG_QUALITY)[0].data


@forgettable
@st.cache_resource(show_spinner=False, max_entries=80)
def drawn(
    key: str, bird: dict[str, str], first_seed: int, n: int, size: int = 320
) -> tuple[tuple[bytes, dict[str, str]], ...]:
    """Some portraits, JPEGs, and what each drawing chose for the groups that the bird leaves open."""
    from niwt_core.birds.easel import Wish

    sheets = artist()([Wish(bird, first_seed + i, size, calm=True) for i in range(n)], JPEG_QUALITY)
    return tuple(
        (sheet.data, {group: value for group, value in sheet.attributes.items() if group not in bird})
        for sheet in sheets
    )


def predicted_importances(classes: Sequence[Described]) -> np.ndarray:
    """Importances that the map predicts for described classes, (n_classes, n_channels); not cached.

    Raises:
        InputError: a description that the world cannot read.
    """
    here = world()  # first, because its spinner covers the import of torch

    import torch

    return here.project.learner.importances(torch.cat([here.row(described) for described in classes])).numpy()


def average_importances() -> np.ndarray:
    """Mean importances of the classes that the network knows, (n_channels,): what speaks for all speaks for none."""
    return project().importances.values.mean(0).numpy()


def dictionary() -> Dictionary | None:
    """The dictionary of the neurons of the person's world; None where there is none, or none that fits the project."""
    stamp = dictionary_stamp()
    return _read_dictionary(identity(), stamp, world().project) if stamp else None


def dictionary_of(loaded: Project) -> Dictionary | None:
    """The dictionary of a loaded project, as far as that is the one of the person's world."""
    return dictionary() if dictionary_stamp() and loaded is project() else None


def wall_sheet() -> bytes:
    """The picture that each neuron answers to most, side by side on one sheet, as WebP (`neurons.sheet`)."""
    found = dictionary()
    return _draw_wall_sheet(identity(), dictionary_stamp(), world(), found) if found else b""


def dictionary_stamp() -> tuple[int, int] | None:
    """When the dictionary's file was written, and its size; None where there is no file."""
    from niwt_core.neurons.storage import FILE

    try:
        found = (folder_of(state.world_key()) / FILE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@st.cache_resource(show_spinner=False, max_entries=8)
def _read_dictionary(world_id: str, stamp: tuple[int, int], _project: Project) -> Dictionary | None:
    from niwt_core.errors import InputError
    from niwt_core.neurons import load_dictionary

    try:
        return load_dictionary(folder_of(state.world_key()), _project)
    except InputError:
        return None


@st.cache_resource(show_spinner="Preparing what each neuron answers to (once) …", max_entries=8)
def _draw_wall_sheet(world_id: str, stamp: tuple[int, int] | None, _world: World, _found: Dictionary) -> bytes:
    from pages.shared.neurons.neurons import sheet

    return sheet(_world, _found.neurons)


def words() -> WordReader | None:
    """The way from neurons to words in the person's world, learned once on pictures of known classes (some seconds).

    Raises:
        InputError: the pictures are not there.
    """
    return _learn_words(identity(), world())


@st.cache_resource(show_spinner=False, max_entries=8)
def _learn_words(world_id: str, _world: World) -> WordReader | None:
    return _world.learn_words()


def picture_of(described: Described, number: int, size: int = 320) -> bytes:
    """One of the pictures that `features` are of, for people, a JPEG of size x size; there must be so many."""
    here = world()
    if here.drawn:
        from niwt_core.birds.world import FRESH_SEED

        return portrait(described.key, dict(described.picks), FRESH_SEED + number, size, calm=False)
    source = here.pictures_of(described, N_PICTURES)
    assert source is not None, "a picture was asked for where there is none"
    from niwt_core.birds.easel import jpeg

    return jpeg(squared(source[number], size), JPEG_QUALITY)


def pictures(name: str, n: int, seed: int = 0, size: int = 320) -> list[np.ndarray]:
    """Pictures of one of the classes of the person's world, (size, size, 3) uint8 each, cropped to a square.

    Raises:
        InputError: the pictures are not there.
    """
    return _class_pictures(identity(), name, n, seed, size, world())


@forgettable
@st.cache_data(show_spinner=False, max_entries=100)
def _class_pictures(world_id: str, name: str, n: int, seed: int, size: int, _world: World) -> list[np.ndarray]:
    source = _world.pictures(name, n, seed)
    return [squared(source[i], size) for i in range(len(source.labels))]


def squared(image: Image, size: int) -> np.ndarray:
    """A picture's centre as the network is shown it, (size, size, 3) uint8."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    return np.asarray(ImageOps.fit(image, (size, size), Pillow.Resampling.LANCZOS))
