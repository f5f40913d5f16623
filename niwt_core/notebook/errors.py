"""What can go wrong with a notebook, each as a sentence for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from niwt_core.errors import InputError

if TYPE_CHECKING:
    from niwt_core.notebook.kept import Entry


class NotebookError(InputError):
    """The notebook cannot be read or written now. Nothing was changed."""


class UnknownNotebookError(NotebookError):
    """No notebook belongs to the given secret."""


class GoneError(NotebookError):
    """The entry is not there any more: deleted, perhaps in another tab."""


class ChangedElsewhereError(NotebookError):
    """Somebody else changed the entry since it was read; `now` is what it is now."""

    def __init__(self, message: str, now: Entry) -> None:
        super().__init__(message)
        self.now = now
