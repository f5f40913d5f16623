"""Links that open the same class in anybody's browser; they say nothing of whose it is."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from niwt_core.worlds.described import Described
from pages.shared import frame, state

DESCRIBE = "pages/describe.py"


def address_of(described: Described, project: str) -> dict[str, str]:
    """What the address says of a class, as `state` reads it."""
    found = {"picks": described.key, "text": described.text, "of": described.of}
    if project != state.BIRDS:
        found["project"] = project
    return {name: value for name, value in found.items() if value}


def link(file: str, parameters: dict[str, str]) -> str:
    """The whole address of a page, as the visitor's browser calls this server."""
    url = urlsplit(st.context.url or "")
    path = PurePosixPath(url.path or "/")
    if path.name in _names():
        path = path.parent
    place = f"{str(path).rstrip('/')}/{_name(file)}"
    return urlunsplit((url.scheme, url.netloc, place, urlencode(parameters), ""))


def _names() -> set[str]:
    """How the pages are called in addresses."""
    return {PurePosixPath(file).stem for pages in frame.PAGES.values() for file, _ in pages}


def _name(file: str) -> str:
    """The page that the app opens with has no name."""
    first = next(pages[0][0] for pages in frame.PAGES.values() if pages)
    return "" if file == first else PurePosixPath(file).stem
