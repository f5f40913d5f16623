"""Choosing the picture to explain: a fresh drawing of the described bird or of a known species, or somebody's own."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image, ImageOps

from niwt_core.birds.drawing import draw
from niwt_core.birds.species import make_species
from niwt_core.birds.world import FRESH_SEED
from niwt_core.errors import InputError
from niwt_core.images import FORMATS, MAX_BYTES, MAX_PIXELS, decode_image
from pages.shared import state, wording
from pages.shared.lesson import NEW_NAME

SHOWN = 320
NETWORK_SIZE = 64
N_GALLERY = 6
SOURCES = ("Your bird", "A species it knows", "A picture of your own")


@dataclass(frozen=True, eq=False)
class Six:
    """The six drawings that one was chosen from: of one bird, from seeds `first` on; `key` names the bird."""

    key: str
    bird: Mapping[str, str]
    first: int

    def drawings(self, size: int) -> list[np.ndarray]:
        """(size, size, 3) uint8 each."""
        return [scene(self.key, dict(self.bird), self.first + i, size)[0] for i in range(N_GALLERY)]

    def seen_by_network(self) -> list[Image.Image]:
        """The same as they go to the network."""
        return [Image.fromarray(drawing) for drawing in self.drawings(NETWORK_SIZE)]


@dataclass(frozen=True, eq=False)
class Chosen:
    """A picture to explain.

    Attributes:
        seen_by_network: the picture as it goes to the network. shown: the same for people, (SHOWN, SHOWN, 3) uint8.
        alt: what it shows, in words. truth: the class that it was drawn as; None for somebody's own picture.
        attributes: all that is true of the drawn bird; None for somebody's own picture.
        masks: part -> (SHOWN, SHOWN) bool, where it is seen, all of them as "bird"; None for somebody's own picture.
        six: where it was chosen from; None for somebody's own picture.
    """

    seen_by_network: Image.Image
    shown: np.ndarray
    alt: str
    truth: str | None
    attributes: Mapping[str, str] | None
    masks: Mapping[str, np.ndarray] | None
    six: Six | None = None


@st.cache_data(show_spinner=False, max_entries=500)
def scene(key: str, bird: dict[str, str], seed: int, size: int) -> tuple[np.ndarray, dict[str, str]]:
    """The drawing of a fresh bird as in the test, (size, size, 3) uint8, and its complete attributes."""
    drawing = draw(bird, seed=seed, size=size, masks=False)
    return drawing.image, drawing.attributes


@st.cache_data(show_spinner=False, max_entries=200)
def parted(key: str, bird: dict[str, str], seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The same drawing for people, (SHOWN, SHOWN, 3) uint8, and which of its pixels show which part."""
    drawing = draw(bird, seed=seed, size=SHOWN)
    return drawing.image, drawing.masks


def drawn_picture(name: str, six: Six, index: int) -> Chosen:
    """One of six: the network sees it at its own size, people see the same scene larger."""
    seed = six.first + index
    small, attributes = scene(six.key, dict(six.bird), seed, NETWORK_SIZE)
    large, masks = parted(six.key, dict(six.bird), seed)
    alt = f"A paper bird: {wording.phrases(attributes)}"
    return Chosen(Image.fromarray(small), large, alt, name, attributes, masks, six)


def uploaded_picture(data: bytes) -> Chosen:
    """Somebody's own picture, cropped to its centre as the network will see it.

    Raises:
        InputError: what `decode_image` refuses.
    """
    image = on_white(data, decode_image(data, "This file"))
    square = ImageOps.fit(image, (SHOWN, SHOWN), Image.Resampling.LANCZOS)
    return Chosen(image, np.asarray(square), "Your picture, its centre cropped to a square", None, None, None)


def on_white(data: bytes, decoded: Image.Image) -> Image.Image:
    """The picture with white paper behind what is transparent, where decoding would show colours hidden there."""
    raw = Image.open(io.BytesIO(data), formats=FORMATS)
    if not raw.has_transparency_data:
        return decoded
    layer = ImageOps.exif_transpose(raw).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def choose(current: state.Described) -> Chosen | None:
    """The controls to choose a picture with; None as long as there is none, with the reason on the page."""
    source = st.segmented_control("Which picture?", SOURCES, default=SOURCES[0], required=True, key="source")
    if source == SOURCES[2]:
        return _upload()
    if source == SOURCES[1]:
        species = {s.name: s.attributes for s in make_species() if s.seen}
        name = st.selectbox("Species", list(species), key="species", width=320)
        bird = species[name]
        return _gallery(name, state.Described("", bird).key, bird)
    return _gallery(NEW_NAME, current.key, current.picks)


def _upload() -> Chosen | None:
    file = st.file_uploader(
        f"A picture (at most {MAX_BYTES >> 20} MB and {MAX_PIXELS // 1_000_000} megapixels)", key="upload"
    )
    if file is None:
        st.caption("The picture stays in this session; it is not kept.")
        return None
    try:
        chosen = uploaded_picture(file.getvalue())
    except InputError as error:
        st.error(wording.plain(str(error)))
        return None
    st.info("This network has only ever seen paper birds. Whatever you show it, it will name one of them.")
    if min(chosen.seen_by_network.size) < NETWORK_SIZE:
        width, height = chosen.seen_by_network.size
        st.caption(f"The picture is tiny ({width} × {height} pixels); the network sees it blown up to 64 × 64.")
    return chosen


def _gallery(name: str, key: str, bird: Mapping[str, str]) -> Chosen:
    """Six fresh drawings, one of them chosen; another six on request."""
    batch = st.session_state.setdefault("batch", 0)
    picked = st.session_state.setdefault("picked", 0)

    def pick(index: int) -> None:
        st.session_state["picked"] = index

    def more() -> None:
        st.session_state["batch"], st.session_state["picked"] = batch + 1, 0

    six = Six(key, bird, FRESH_SEED + N_GALLERY * batch)
    for i, cell in enumerate(_cells()):
        with cell:
            shown, attributes = scene(key, dict(bird), six.first + i, 128)
            st.image(shown, width="stretch", alt=f"Fresh drawing {i + 1}: {wording.phrases(attributes)}")
            st.button(
                f"Bird {i + 1}",
                key=f"pick{i}",
                on_click=pick,
                args=(i,),
                type="primary" if i == picked else "secondary",
                width="stretch",
            )
    st.button("Another six", on_click=more, icon=":material/refresh:", key="more")
    return drawn_picture(name, six, picked)


def _cells():
    grid = st.grid(N_GALLERY, min_column_width=92, key="gallery")
    return [grid.cell() for _ in range(N_GALLERY)]
