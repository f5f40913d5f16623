"""The exceptions that the command line tells in one sentence: input that a person can put right, a lost process."""

from __future__ import annotations

from pathlib import Path

from niwt_core.limits import SENTENCE


class InputError(ValueError):
    """Input that cannot be used as it is.

    The message is one sentence for the person who gave the input: what was expected, what came, and what to do. The
    app shows it as it stands; the command line prints it and exits with code 2. Whatever it quotes, it stays one line
    of at most `SENTENCE` characters without control characters.
    """

    def __init__(self, message: str) -> None:
        line = "".join(c if c.isprintable() else " " for c in message[: 2 * SENTENCE])
        super().__init__(line if len(line) <= SENTENCE else line[: SENTENCE - 2] + " …")


class LostProcessError(RuntimeError):
    """Another process of the team is gone: nothing can be added up any more.

    The message is a sentence that says which one was lost and when, and what to do; the command line prints it and
    exits with `CODE`.
    """

    CODE = 3


def without(error: InputError, *folders: Path | None) -> str:
    """An error's sentence without the server's folders in it, for people who are not to know where it keeps things."""
    said = str(error)
    for folder in folders:
        if folder is not None and folder.is_absolute():
            said = said.replace(f"{folder}/", "").replace(str(folder), folder.name)
    return said
