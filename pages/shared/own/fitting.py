"""The last step of Bring your own: the fit, from its title to what became of it."""

from __future__ import annotations

from dataclasses import asdict, replace

import streamlit as st

from niwt_core.errors import InputError
from pages.shared.own import fit_words, own_projects
from pages.shared.person.owner import owner
from pages.shared.wording import plain

REFRESH_SECONDS = 0.5
FIT = "Fit the network to your pictures"


def ask(draft, order) -> None:
    """The title and the button."""
    from niwt_core.limits import PROJECT_TITLE
    from niwt_core.worlds.drafts import problem

    st.header("4 Fit" if draft.dataset == "folder" else "3 Fit")
    title = st.text_input(
        "What shall the project be called?",
        value=(draft.order.get("title") or draft.name.removesuffix(".zip"))[:PROJECT_TITLE],
        max_chars=PROJECT_TITLE,
        key=f"own_title_{draft.key}",
    )
    why_not = problem(draft.rows, bool(draft.attribute_names)) if draft.dataset == "folder" else None
    if why_not:
        st.info(plain(why_not))
    possible = not why_not and order is not None
    pressed = st.button(FIT, type="primary", disabled=not possible, key="own_fit")
    if pressed and possible:  # not in a callback: that would act on what the fields held when the page was drawn
        _begin(draft, order, title)
        st.rerun()


def _begin(draft, chosen, title: str) -> None:
    """Put the fit in line; it goes on whatever page is open."""
    from niwt_core.worlds.apart import make_apart
    from niwt_core.worlds.making import Order
    from niwt_core.worlds.shelf import check_title

    try:
        order = Order(check_title(title), *_ordered(chosen))
        draft = replace(draft, order=asdict(order))  # the next visit finds what was chosen
        draft.save()
        own_projects.fits().start(
            draft.key, owner(), lambda progress, expect: make_apart(draft, order, progress, expect)
        )
    except InputError as error:
        st.session_state["own_messages"] = [str(error)]


def _ordered(chosen) -> tuple[str, str, str]:
    """Network, layer, weights."""
    name, kind, layer = chosen
    return name, layer, kind


def outcome(fit) -> None:
    """What became of a fit that is over and made no project."""
    from pages.shared.jobs.fitting import State

    now = fit.snapshot()
    if now.state is State.FAILED:
        st.error(plain(now.error or "") + " No project was made; your pictures and descriptions are still here.")
    elif now.state is State.CANCELLED:
        st.info("Cancelled. Nothing was saved; your pictures and descriptions are still here.")


def under_way(draft, fit) -> None:
    """A fit in line: how far it is, and its buttons."""
    from pages.shared.jobs.fitting import State

    st.header(f"Fitting “{plain(draft.name)}”")
    now = fit.snapshot()
    st.fragment(_progress, run_every=None if now.state is State.PAUSED else REFRESH_SECONDS)(fit)
    with st.container(horizontal=True):
        if now.state is State.PAUSED:
            st.button("Go on", on_click=fit.go_on, type="primary", icon=":material/play_arrow:", key="own_go_on")
        else:
            st.button("Pause", on_click=fit.pause, type="primary", icon=":material/pause:", key="own_pause")
        st.button("Cancel", on_click=fit.cancel, icon=":material/close:", key="own_cancel")
    st.caption(
        "You can look at other pages meanwhile, or close this one: the address above is your link, and brings you back "
        "here. Pausing lets the next one in line begin."
    )


def _progress(fit) -> None:
    from pages.shared.jobs.fitting import State

    now = fit.snapshot()
    if now.state.is_over:
        if now.state is State.DONE:
            st.session_state["own_done"] = fit.key
        st.rerun()
    st.progress(min(now.share, 1.0), fit_words.standing(now))
