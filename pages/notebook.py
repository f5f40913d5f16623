"""Notebook: every class that a person described, to reopen, compare, take along and bring back."""

from __future__ import annotations

import streamlit as st

from niwt_core.birds.reading import read
from niwt_core.errors import InputError
from niwt_core.limits import MB, NOTEBOOK_BYTES, SEARCH
from niwt_core.notebook import Entry, Kept, Notebook, UnknownNotebookError
from niwt_core.notebook.files import from_json
from niwt_core.notebook.store import UNDO_DAYS
from niwt_core.worlds.described import Described
from pages.shared import frame, state, style
from pages.shared.notebook import cards, comparing, keeping, kept_pictures
from pages.shared.person import notebook_key, permalinks, sign_in
from pages.shared.wording import plain

N_SHOWN = 12


def main() -> None:
    """The page from top to bottom."""
    frame.ensure()
    state.described()  # keeps the described class in the address
    st.title("Notebook")
    style.lead("Every class you describe is kept here by itself, with its pattern and what was measured of it.")
    try:
        notebook = keeping.mine()
        if keeping.waiting():
            notebook = _deliver(notebook)
        _told()
        if notebook is None:
            _empty()
            _bring(None)
        else:
            _open(notebook)
    except UnknownNotebookError as error:
        _unknown(error)
    except InputError as error:
        _unreadable(error)


def _deliver(notebook: Notebook | None) -> Notebook:
    """Write what an earlier page could not; whatever cannot be written now either goes on waiting."""
    if notebook is None:
        return keeping.begin()
    keeping.deliver(notebook)
    return notebook


def _told() -> None:
    """What came of the last button, and the way back from a deletion."""
    if error := st.session_state.pop("notebook_told", None):
        st.error(plain(error))
    if done := st.session_state.pop("notebook_done", None):
        st.success(plain(done))


# -- when there is nothing to show -------------------------------------------------------------------------------------


def _empty() -> None:
    st.header("Nothing here yet")
    bird = Kept(title=state.EXAMPLE, text=state.EXAMPLE, picks=read(state.EXAMPLE).attributes)
    st.html(
        f'{cards.STYLE}<div class="kept"><img src="{kept_pictures.portrait(bird)}" alt="A drawing of {state.EXAMPLE}">'
        "<div><p>Describe a class, and it comes here by itself: its words, its barcode, how well it was found. "
        f"{_whose()}</p>"
        "</div></div>"
    )
    with st.container(horizontal=True):
        if st.button(f"Describe a {state.noun()}", type="primary", key="to_describe"):
            st.switch_page(permalinks.DESCRIBE, query_params=notebook_key.parameters())
        if st.button("Use the example", key="use_example", help=state.EXAMPLE):
            cards.describe_again(Described(bird.text, bird.picks), state.BIRDS)


def _whose() -> str:
    if sign_in.account() is not None:
        return "It is your account’s own, and nobody else’s."
    return "Nobody has to sign in: your notebook is made with your first class, and only its link opens it."


def _unknown(error: InputError) -> None:
    st.error(plain(str(error)))
    _waiting_note()
    st.button("Start a new notebook", type="primary", key="start", on_click=keeping.attempt, args=(keeping.begin,))


def _unreadable(error: InputError) -> None:
    st.error(plain(str(error)))
    _waiting_note()
    st.button("Try again", type="primary", key="again")


def _waiting_note() -> None:
    if n := len(keeping.waiting()):
        what = "One class is" if n == 1 else f"{n} classes are"
        st.info(f"{what} waiting in this session and will be kept as soon as there is a notebook to keep them in.")


# -- the shelf ---------------------------------------------------------------------------------------------------------


def _open(notebook: Notebook) -> None:
    if compared := _compared(notebook):
        st.button("← Back to the shelf", key="back", on_click=_leave_comparison)
        comparing.show(compared)
        return
    _undo(notebook)
    search = st.text_input(
        "Search titles, words, attributes and notes",
        key="search",
        type="search",
        max_chars=SEARCH,
        placeholder="for example: yellow crest",
        bind="query-params",
        width=480,
    ).strip()
    sheet = _sheet(search)
    page = notebook.page(search, sheet * N_SHOWN, N_SHOWN)
    if not page.entries and sheet:  # the last entry of the last sheet went, or somebody wrote the address
        sheet = max(0, (page.total - 1) // N_SHOWN)
        page = notebook.page(search, sheet * N_SHOWN, N_SHOWN)
    _turn_to(sheet)
    _comparison_bar()
    if not page.total:
        _none_found(search)
    else:
        classes = "class" if page.total == 1 else "classes"
        st.header(f"{page.total:,} {classes} with “{plain(search)}”" if search else f"{page.total:,} {classes}")
        _cards(notebook, page.entries)
        _sheets(sheet, page.total)
    _folded(notebook)


def _cards(notebook: Notebook, entries: tuple[Entry, ...]) -> None:
    """Two columns on a desk, one on a telephone, read from left to right."""
    for row in range(0, len(entries), 2):
        for column, entry in zip(st.columns(2), entries[row : row + 2], strict=False):
            with column:
                cards.show(notebook, entry)


def _none_found(search: str) -> None:
    if search:
        st.header(f"Nothing with “{plain(search)}”")
        st.markdown("No class has all of these words in its title, its description, its attributes or its note.")
    else:
        _empty()


def _undo(notebook: Notebook) -> None:
    gone: Entry | None = st.session_state.get("notebook_deleted")
    if gone is not None:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo_line"):
            st.markdown(f"“{plain(gone.title)}” was deleted.")
            st.button("Undo", key="undo_delete", on_click=keeping.attempt, args=(_restore, notebook, gone.id))


def _restore(notebook: Notebook, entry: int) -> None:
    notebook.restore(entry)
    if (gone := st.session_state.get("notebook_deleted")) is not None and gone.id == entry:
        st.session_state["notebook_deleted"] = None


# -- sheets ------------------------------------------------------------------------------------------------------------


def _sheet(search: str) -> int:
    """Which dozen is shown, from the session or else from the address; a new search begins with the first."""
    if st.session_state.get("notebook_searched", search) != search:
        st.session_state["notebook_sheet"] = 0
    st.session_state["notebook_searched"] = search
    asked = st.query_params.get("sheet", "1")
    first = int(asked) - 1 if asked.isascii() and asked.isdigit() and len(asked) < 5 else 0
    sheet: int = st.session_state.setdefault("notebook_sheet", max(0, first))
    return sheet


def _turn_to(sheet: int) -> None:
    st.session_state["notebook_sheet"] = sheet
    if sheet:
        st.query_params["sheet"] = str(sheet + 1)
    else:
        st.query_params.pop("sheet", None)


def _sheets(sheet: int, total: int) -> None:
    last = (total - 1) // N_SHOWN
    if not last:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("← Newer", key="newer", disabled=not sheet, on_click=_turn_to, args=(sheet - 1,))
        st.markdown(f"Sheet {sheet + 1} of {last + 1}")
        st.button("Older →", key="older", disabled=sheet == last, on_click=_turn_to, args=(sheet + 1,))


# -- comparing ---------------------------------------------------------------------------------------------------------


def _compared(notebook: Notebook) -> tuple[Entry, ...]:
    """The entries that the address asks to compare; () for none."""
    asked = st.query_params.get("compare", "")[:200].split("~")
    ids = [int(i) for i in asked if i.isascii() and i.isdigit() and len(i) < 16]
    found = notebook.some(ids[: comparing.MOST]) if ids else ()
    if ids and len(found) < 2:
        st.query_params.pop("compare", None)
        st.info("Of the classes to compare, fewer than two are still in this notebook.")
        return ()
    return found


def _comparison_bar() -> None:
    chosen = sorted(cards.chosen())
    if not chosen:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="comparison_line"):
        if len(chosen) == 1:
            st.markdown("**One class chosen.** Choose another one to compare it with.")
        elif len(chosen) > comparing.MOST:
            st.markdown(f"**{len(chosen)} classes chosen.** At most {comparing.MOST} fit side by side.")
        else:
            st.markdown(f"**{len(chosen)} classes chosen.**")
            st.button("Compare them", type="primary", key="compare_them", on_click=_compare, args=(chosen,))
        st.button("Choose none", key="choose_none", on_click=cards.chosen().clear)


def _compare(chosen: list[int]) -> None:
    st.query_params["compare"] = "~".join(map(str, chosen))


def _leave_comparison() -> None:
    st.query_params.pop("compare", None)


# -- taking along, bringing back ---------------------------------------------------------------------------------------


def _folded(notebook: Notebook) -> None:
    st.header("Take it along, bring it back")
    box = st.expander("Save all classes in a file", key="save_all", on_change="rerun")
    if box.open:
        with box:
            everything = notebook.everything()
            if everything:
                cards.downloads("all", everything)
            else:
                st.markdown("There is nothing to save yet.")
    _bring(notebook)
    _deleted(notebook)
    if sign_in.account() is None:  # an account needs no link, and has one notebook
        _own_link()


def _bring(notebook: Notebook | None) -> None:
    with st.expander("Bring classes in from a file", key="bring"):
        file = st.file_uploader(
            f"A notebook saved as data (JSON, at most {NOTEBOOK_BYTES // MB} MB)",
            key="notebook_file",
            max_upload_size=NOTEBOOK_BYTES // MB,
        )
        if file is not None:
            st.button("Bring them in", type="primary", key="bring_in", on_click=keeping.attempt,
                      args=(_take_in, notebook, file.getvalue()))  # fmt: skip


def _take_in(notebook: Notebook | None, data: bytes) -> None:
    arriving = from_json(data)
    added = (notebook or keeping.begin()).add(arriving)
    known = f" {added.known} of the file were here already." if added.known else ""
    st.session_state["notebook_done"] = f"{added.new} {'class' if added.new == 1 else 'classes'} came in.{known}"


def _deleted(notebook: Notebook) -> None:
    gone = notebook.deleted()
    if not gone:
        return
    with st.expander(f"Deleted in the last {UNDO_DAYS} days ({len(gone)})", key="deleted"):
        for entry in gone[:50]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(entry.title))
                st.button("Bring back", key=f"restore_{entry.id}", on_click=keeping.attempt,
                          args=(_restore, notebook, entry.id))  # fmt: skip


def _own_link() -> None:
    with st.expander("This notebook’s own link", key="own_link"):
        st.markdown(
            "Whoever has this link can read and change the whole notebook, so keep it like a key: as a bookmark, say. "
            "It also stands in the address of every page that you see. To show somebody one class, take that class’s "
            "own link, under *More*."
        )
        link = permalinks.link(keeping.PAGE, {notebook_key.PARAMETER: notebook_key.secret()})
        st.code(link, language=None, wrap_lines=True)
        st.button("Begin a new, empty notebook", key="new", on_click=keeping.attempt, args=(keeping.begin,))
        st.caption("This one stays as it is; then only its link leads back to it.")


main()
