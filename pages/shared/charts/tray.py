"""A tray of small pictures whose marks change while the pictures stay: sent to the browser once, as a style sheet."""

from __future__ import annotations

import base64
from collections.abc import Sequence

_LAYOUT = """
.cyn-tray { display: grid; grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); gap: 10px 8px; }
.cyn-bird { margin: 0; min-width: 0; text-align: center; font-size: 0.78rem; line-height: 1.15; }
.cyn-bird div { aspect-ratio: 1; background-size: cover; border-radius: 8px; }
.cyn-bird figcaption { height: 2.4em; overflow: hidden; margin-top: 3px; }
.cyn-no div { filter: grayscale(1); opacity: 0.6; }
.cyn-yes div { outline: 3px solid #1f7fc0; }
.cyn-yes figcaption { font-weight: 700; }
@media (max-width: 640px) {
  .cyn-tray { grid-template-columns: repeat(auto-fill, minmax(72px, 1fr)); }
  .cyn-bird { font-size: 0.72rem; }
}
"""


def tray_style(name: str, pictures: Sequence[bytes]) -> str:
    """A style element with the pictures, JPEGs.

    A picture stands where an element has the class `cyn-<name>-<number>`.
    """
    rules = "".join(
        f".cyn-{name}-{i} {{ background-image: url(data:image/jpeg;base64,{base64.b64encode(picture).decode()}); }}\n"
        for i, picture in enumerate(pictures)
    )
    return f"<style>{_LAYOUT}{rules}</style>"
