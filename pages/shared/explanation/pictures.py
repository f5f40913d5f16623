"""Choosing the picture to explain: of the described class, of one of the data set's classes, or somebody's own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import streamlit as st
from PIL import Image, ImageOps

from niwt_core.birds.drawing import draw
from niwt_core.birds.easel import Wish, pixels
from niwt_core.birds.species import make_species
from niwt_core.birds.world import FRESH_SEED
from niwt_core.errors import InputError
from niwt_core.images import decode_image
from niwt_core.limits import MB, PICTURE_BYTES, PICTURE_PIXELS
from niwt_core.worlds.base import World
from niwt_core.worlds.photos import PhotoWorld
from pages.shared import resources, state, wording
from pages.shared.jobs.tidying import forgettable

SHOWN = 320
NETWORK_SIZE = 64
#: Uploaded pictures are decoded two at a time on the whole server: a camera's takes up to 500 MB for a moment. What is
#: left of each has at most so many pixels on its shorter side, far more than any network is shown.
_DECODING = threading.BoundedSemaphore(2)
LARGEST = 1024
N_GALLERY = 6
OWN_PICTURE = "A picture of your own"
SOURCES = ("Your bird", "A species it knows", OWN_PICTURE)
#: The same for photos: of the class itself, of classes it was trained on, and of further new ones.
YOUR_CLASS, KNOWN, STRANGER = "Your class", "A class it knows", "Another new class"
PHOTO_SOURCES = (YOUR_CLASS, KNOWN, STRANGER, OWN_PICTURE)
#: Test photos of a class that the gallery goes through, at most.
N_PHOTOS = 300


class Six(Protocol):
    """The pictures that one was chosen from, and what each is called ("Bird")."""

    word: str

    def drawings(self, size: int) -> list[np.ndarray]:
        """(size, size, 3) uint8 each."""

    def seen_by_network(self) -> list[Image.Image]:
        """The same as they go to the network."""


@dataclass(frozen=True, eq=False)
class SixDrawings:
    """Six drawings of one bird, from seeds `first` on; `key` names the bird."""

    key: str
    bird: Mapping[str, str]
    first: int
    word: str = "Bird"

    def drawings(self, size: int) -> list[np.ndarray]:
        return [scene(self.key, dict(self.bird), self.first + i, size)[0] for i in range(N_GALLERY)]

    def seen_by_network(self) -> list[Image.Image]:
        return [Image.fromarray(drawing) for drawing in self.drawings(NETWORK_SIZE)]


@dataclass(frozen=True, eq=False)
class SixPhotos:
    """Up to six photos of one class, from its number `first` on."""

    photos: tuple[Image.Image, ...]
    first: int = 0
    word: str = "Photo"

    def drawings(self, size: int) -> list[np.ndarray]:
        return [resources.squared(photo, size) for photo in self.photos]

    def seen_by_network(self) -> list[Image.Image]:
        return list(self.photos)


@dataclass(frozen=True, eq=False)
class Chosen:
    """A picture to explain.

    Attributes:
        seen_by_network: the picture as it goes to the network. shown: the same for people, (SHOWN, SHOWN, 3) uint8.
        alt: what it shows, in words. truth: the class that it shows; None for somebody's own picture.
        facts: (group, value) of all that is true of it; None for somebody's own picture. Of a photo it is what the
            table of classes says of its class, and `by_table`.
        masks: part -> (SHOWN, SHOWN) bool, where it is seen, all of them as "bird"; None where nobody knows.
        six: where it was chosen from; None for somebody's own picture.
        number: which of its class's pictures it is, from 0, as `World.pictures` gives them; None for somebody's own.
    """

    seen_by_network: Image.Image
    shown: np.ndarray
    alt: str
    truth: str | None
    facts: frozenset[tuple[str, str]] | None
    masks: Mapping[str, np.ndarray] | None
    six: Six | None = None
    by_table: bool = False
    number: int | None = None

    @property
    def of_whom(self) -> str:
        """What facts are true of: "of this bird", "of its class, by the table of classes"."""
        return "of its class, by the class table" if self.by_table else "of this bird"


@forgettable
@st.cache_data(show_spinner=False, max_entries=200)
def scene(key: str, bird: dict[str, str], seed: int, size: int) -> tuple[np.ndarray, dict[str, str]]:
    """The drawing of a fresh bird as in the test, (size, size, 3) uint8, and its complete attributes."""
    wish = Wish(bird, seed, size)
    sheets = resources.artist()([wish], None)
    return pixels(sheets, [wish])[0], sheets[0].attributes


def parted(key: str, bird: dict[str, str], seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The same drawing for people, (SHOWN, SHOWN, 3) uint8, and which of its pixels show which part."""
    image, packed = _parted(key, bird, seed)
    shape = image.shape[:2]
    return image, {part: np.unpackbits(bits, count=SHOWN * SHOWN).reshape(shape).astype(bool)
                   for part, bits in packed.items()}  # fmt: skip


@forgettable
@st.cache_data(show_spinner=False, max_entries=24)
def _parted(key: str, bird: dict[str, str], seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The masks packed, eight pixels in a byte."""
    drawing = draw(bird, seed=seed, size=SHOWN)
    return drawing.image, {part: np.packbits(mask) for part, mask in drawing.masks.items()}


def drawn_picture(name: str, six: SixDrawings, index: int) -> Chosen:
    """One of six: the network sees it at its own size, people see the same scene larger."""
    seed = six.first + index
    small, attributes = scene(six.key, dict(six.bird), seed, NETWORK_SIZE)
    large, masks = parted(six.key, dict(six.bird), seed)
    alt = f"A paper bird: {wording.phrases(attributes)}"
    facts, number = frozenset(attributes.items()), seed - FRESH_SEED
    return Chosen(Image.fromarray(small), large, alt, name, facts, masks, six, number=number)


def photographed_picture(world: PhotoWorld, name: str, truth: str, six: SixPhotos, index: int) -> Chosen:
    """One of up to six photos of the class `name`, which the classifier calls `truth`."""
    photo = six.photos[index]
    facts = world.true_of(name) if world.groups else None
    shown = resources.squared(photo, SHOWN)
    return Chosen(
        photo, shown, f"A test photo of {name}", truth, facts, None, six, by_table=True, number=six.first + index
    )


def uploaded_picture(data: bytes) -> Chosen:
    """Somebody's own picture, cropped to its centre as the network will see it.

    Raises:
        InputError: what `decode_image` refuses.
    """
    with _DECODING:
        image = decode_image(data, paper="white")
        if (short := min(image.size)) > LARGEST:
            image = ImageOps.scale(image, LARGEST / short, Image.Resampling.BOX)
        square = ImageOps.fit(image, (SHOWN, SHOWN), Image.Resampling.LANCZOS)
    return Chosen(image, np.asarray(square), "Your picture, its centre cropped to a square", None, None, None)


def choose(world: World, current: state.Described) -> Chosen | None:
    """The controls to choose a picture with; None as long as there is none, with the reason on the page.

    Raises:
        InputError: photos that are not where they were.
    """
    if isinstance(world, PhotoWorld):
        return _choose_photo(world, current)
    source = st.segmented_control(
        "Which picture?", SOURCES, default=SOURCES[0], required=True, key="source", bind="query-params"
    )
    if source == OWN_PICTURE:
        return _upload(world)
    if source == SOURCES[1]:
        species = {s.name: s.attributes for s in make_species() if s.seen}
        name = st.selectbox("Species", list(species), key="species", bind="query-params", width=320)
        bird = species[name]
        return _gallery(name, state.Described("", bird).key, bird)
    return _gallery(state.yours(), current.key, current.picks)


def _choose_photo(world: PhotoWorld, current: state.Described) -> Chosen | None:
    others = [name for name in world.unseen if name != current.of]
    there = {YOUR_CLASS: bool(current.of), STRANGER: bool(others)}
    sources = [source for source in PHOTO_SOURCES if there.get(source, True)]
    if st.session_state.get("photo_source") not in sources:
        st.session_state.pop("photo_source", None)
    source = st.segmented_control(
        "Which picture?", sources, default=sources[0], required=True, key="photo_source", bind="query-params"
    )
    if not current.of:
        st.caption("There are no photos of your class: on *Describe*, choose one of the new classes to judge it.")
    if source == OWN_PICTURE:
        return _upload(world)
    if source == YOUR_CLASS:
        return _photos(world, current.of, state.yours())
    names = world.project.class_names[: world.project.n_seen] if source == KNOWN else others
    if st.session_state.get("photo_class") not in names:
        st.session_state.pop("photo_class", None)
    name = st.selectbox("Class", names, key="photo_class", bind="query-params", width=320)
    if source == STRANGER:
        st.caption(f"The network was never shown {wording.plain(name)} either, and nobody described it: whatever it "
                   "says here is wrong, and it should not say that it is your class.")  # fmt: skip
    return _photos(world, name, name)


def _upload(world: World) -> Chosen | None:
    file = st.file_uploader(
        f"A picture (at most {PICTURE_BYTES // MB} MB and {PICTURE_PIXELS // 1_000_000} megapixels)",
        key="upload",
        max_upload_size=PICTURE_BYTES // MB,
    )
    if file is None:
        st.caption("The picture stays in this session; it is not kept.")
        return None
    try:
        chosen = uploaded_picture(file.getvalue())
    except InputError as error:
        st.error(wording.plain(str(error)))
        return None
    knows = "has only ever seen paper birds" if world.drawn else f"knows {world.project.n_seen} classes, and yours"
    st.info(f"This network {knows}. Whatever you show it, it will name one of them.")
    side = world.project.backbone.image_size
    if min(chosen.seen_by_network.size) < side:
        width, height = chosen.seen_by_network.size
        st.caption(f"The picture is tiny ({width} × {height} pixels); the network sees it blown up to {side} × {side}.")
    return chosen


def _gallery(name: str, key: str, bird: Mapping[str, str]) -> Chosen:
    """Six fresh drawings, one of them chosen; another six on request."""
    batch, picked = _place()
    six = SixDrawings(key, bird, FRESH_SEED + N_GALLERY * batch)
    small = [scene(key, dict(bird), six.first + i, 128) for i in range(N_GALLERY)]
    alts = [f"Fresh drawing {i + 1}: {wording.phrases(attributes)}" for i, (_, attributes) in enumerate(small)]
    _pickers([image for image, _ in small], alts, six.word, picked)
    _more("Another six", batch)
    return drawn_picture(name, six, picked)


def _photos(world: PhotoWorld, name: str, truth: str) -> Chosen | None:
    """Six test photos of a class, one of them chosen; another six on request, as long as there are more."""
    batch, picked = _place()
    photos, n_batches = _six_photos(resources.identity(), name, batch, world)
    first = N_GALLERY * (batch % max(n_batches, 1))
    if not photos:
        st.info(f"There are no test photos of {wording.plain(name)}.")
        return None
    six, picked = SixPhotos(photos, first), min(picked, len(photos) - 1)
    _pickers(six.drawings(128), [f"Test photo {i + 1} of {name}" for i in range(len(photos))], six.word, picked)
    if n_batches > 1:
        _more("Other photos", batch)
    return photographed_picture(world, name, truth, six, picked)


@forgettable
@st.cache_resource(show_spinner=False, max_entries=40)
def _six_photos(world_id: str, name: str, batch: int, _world: World) -> tuple[tuple[Image.Image, ...], int]:
    """The photos of one batch, and how many batches there are; after the last the first comes again."""
    source = _world.pictures(name, N_PHOTOS)
    n = len(source.labels)
    n_batches = -(-n // N_GALLERY)
    first = N_GALLERY * (batch % max(n_batches, 1))
    return tuple(source[i] for i in range(first, min(first + N_GALLERY, n))), n_batches


def _place() -> tuple[int, int]:
    """Which six are shown, and which of them is chosen."""
    return st.session_state.setdefault("batch", 0), st.session_state.setdefault("picked", 0)


def _pickers(images: list[np.ndarray], alts: list[str], word: str, picked: int) -> None:
    """The pictures in a row, a button under each."""

    def pick(index: int) -> None:
        st.session_state["picked"] = index

    for i, (cell, image, alt) in enumerate(zip(_cells(), images, alts, strict=False)):
        with cell:
            st.image(image, width="stretch", alt=alt)
            st.button(
                f"{word} {i + 1}",
                key=f"pick{i}",
                on_click=pick,
                args=(i,),
                type="primary" if i == picked else "secondary",
                width="stretch",
            )


def _more(label: str, batch: int) -> None:
    def more() -> None:
        st.session_state["batch"], st.session_state["picked"] = batch + 1, 0

    st.button(label, on_click=more, icon=":material/refresh:", key="more")


def _cells():
    grid = st.grid(N_GALLERY, min_column_width=92, key="gallery")
    return [grid.cell() for _ in range(N_GALLERY)]
