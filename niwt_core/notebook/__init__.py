"""The notebook: every described class, what was measured of it and what a person wrote, kept in a database."""

from niwt_core.notebook.database import Database, notebook_url
from niwt_core.notebook.errors import ChangedElsewhereError, GoneError, NotebookError, UnknownNotebookError
from niwt_core.notebook.kept import Entry, Kept, title_of
from niwt_core.notebook.store import Added, Notebook, Page, create_notebook, open_notebook

__all__ = [
    "Added",
    "ChangedElsewhereError",
    "Database",
    "Entry",
    "GoneError",
    "Kept",
    "Notebook",
    "NotebookError",
    "Page",
    "UnknownNotebookError",
    "create_notebook",
    "notebook_url",
    "open_notebook",
    "title_of",
]
