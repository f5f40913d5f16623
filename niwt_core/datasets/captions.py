"""Human captions of photos: ten a photo for CUB (Reed et al., 2016), one a line in text_c10/<class>/<photo>.txt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from niwt_core import limits
from niwt_core.datasets.tables import check_inside, lines_of
from niwt_core.errors import InputError


def load_captions(root: Path, class_names: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """class -> name of the photo without its ending -> its captions; classes and photos without any are left out.

    Args:
        root: the folder that holds text_c10/, or text_c10 itself.

    Raises:
        InputError: no such folder, a file that is too large or not UTF-8 or has too many captions, a class name that
            is no plain name, no captions of any of these classes.
    """
    folder = root if root.name == "text_c10" else root / "text_c10"
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; expected captions in text_c10/<class>/<photo>.txt.")
    captions: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in class_names:
        check_inside(name, folder)
        photos = {}
        for path in sorted((folder / name).glob("*.txt")):
            lines = lines_of(path, "one caption a line", limits.CAPTIONS_BYTES)
            kept = tuple(line.strip() for line in lines if line.strip())
            if len(kept) > limits.CAPTIONS:
                raise InputError(f"{path} has {len(kept):,} captions; expected at most {limits.CAPTIONS}.")
            if kept:
                photos[path.stem] = kept
        if photos:
            captions[name] = photos
    if not captions:
        raise InputError(f"{folder} has no captions of the {len(class_names)} classes; expected some in <class>/*.txt.")
    return captions
