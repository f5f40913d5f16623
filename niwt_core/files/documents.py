"""JSON documents from outside: parsed within limits on bytes, objects and depth."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from niwt_core import limits
from niwt_core.errors import InputError

#: How a character outside Unicode's planes is written in JSON; half of one is no text, and nothing can send it on.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_document(path: Path, max_bytes: int) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        InputError: it cannot be read, has more bytes, objects or depth than it may, or is no JSON object.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({str(error)[:100]}); expected a JSON document.") from error
    if len(data) > max_bytes:
        raise InputError(
            f"{path} has more than {max_bytes / limits.MB:g} MB; expected a JSON document of at most that."
        )
    try:
        document = parse(data)
    except ValueError as error:
        raise InputError(f"{path} is damaged ({str(error)[:100]}); expected a JSON document.") from error
    if not isinstance(document, dict):
        raise InputError(f"{path} holds no JSON object; expected names and values.")
    return document


def parse(data: bytes, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: why it is no JSON text, or one that holds more than a document of this project can.
    """
    if (n := data.count(b"[") + data.count(b"{")) > limits.JSON_BRACKETS:
        raise ValueError(f"{n:,} brackets where at most {limits.JSON_BRACKETS:,} were expected")
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_constant=parse_constant)
        if _SURROGATE.search(data):
            json.dumps(document, ensure_ascii=False).encode()  # whole pairs are text, and have been joined
    except RecursionError as error:
        raise ValueError("brackets within brackets, too deep to be read") from error
    except UnicodeEncodeError as error:
        raise ValueError("half of a character that takes two codes") from error
    return document
