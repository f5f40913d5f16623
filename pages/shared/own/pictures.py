"""The first step of Bring your own: photos, from a zip or a folder of the server."""

from __future__ import annotations

import streamlit as st

from niwt_core.errors import InputError
from pages.shared.own import own_projects
from pages.shared.person.owner import owner
from pages.shared.wording import plain

#: Pictures of a class that is worth learning; fewer are taken as well.
ENOUGH = 10


def ask() -> None:
    """The first step: pictures."""
    from niwt_core.files.archive import LIMITS
    from niwt_core.worlds.server_folders import offers

    st.header("1 Your pictures")
    megabytes = LIMITS.packed >> 20
    uploaded = st.file_uploader(
        f"A zip of folders, one for each class, with its photos in it (at most {megabytes} MB)",
        type=["zip"],
        max_upload_size=megabytes,
        key="own_zip",
    )
    st.caption(
        f"Three classes at least, {ENOUGH} photos or more of each work best; at most {LIMITS.files:,} files and "
        f"{LIMITS.unpacked >> 30} GB unpacked. If you have a table `classes.csv` (name, seen, description, and "
        "columns of numbers), put it beside the folders; else you fill one in here. Photos stay on this server, and "
        "nobody finds them without your link."
    )
    if uploaded is not None:
        unpack(uploaded)
    found = offers()
    if found:
        st.subheader("Or a folder on this server")
        titles = {offer.title: offer for offer in found}
        chosen = st.selectbox(
            "Folder",
            list(titles),
            index=None,
            placeholder="choose one, or type a whole path",
            accept_new_options=True,
            key="own_folder",
        )
        if st.button("Take this folder", disabled=not chosen, key="own_take_folder") and chosen:
            take_folder(titles, chosen)
            st.rerun()


def unpack(uploaded) -> None:
    """The upload becomes a draft; what is wrong with it stands below the uploader."""
    from niwt_core.worlds.drafts import draft_of_zip

    kept = st.session_state.get("own_refused", ("", ""))
    if kept[0] != uploaded.file_id:
        bar = st.progress(0.0, "Unpacking, and looking at every picture once …")
        try:
            draft_of_zip(
                uploaded,
                uploaded.name,
                owner(),
                lambda done, total: bar.progress(done / max(total, 1), _counted(done, total)),
            )
        except InputError as error:
            kept = st.session_state["own_refused"] = (uploaded.file_id, str(error))
            bar.empty()
        else:
            st.rerun()
    st.error(plain(kept[1]))


def _counted(done: int, total: int) -> str:
    return f"Unpacking, and looking at every picture once: {done:,} of {total:,}"


def take_folder(titles, chosen: str) -> None:
    """A folder of the server becomes a draft."""
    from niwt_core.worlds.drafts import draft_of_folder
    from niwt_core.worlds.server_folders import offer_of

    try:
        offer = titles[chosen] if chosen in titles else offer_of(chosen)
        draft_of_folder(offer.path, offer.dataset, owner())
    except InputError as error:
        st.session_state["own_messages"] = [str(error)]


def show(draft) -> None:
    """What came, and what was left out of it."""
    from niwt_core.files.archive import sentence

    st.header("1 Your pictures")
    n = sum(row.n_pictures for row in draft.rows)
    if draft.dataset == "folder":
        st.markdown(f"**{plain(draft.name)}**: {n:,} pictures in {len(draft.rows)} classes.")
    else:
        st.markdown(f"**{plain(draft.name)}**, in its official layout, with its own attributes and its own split.")
    if draft.left_out:
        st.warning(plain(sentence(draft.left_out)))
        with st.expander("Which files were left out"):
            st.dataframe(
                {"file": [path for path, _ in draft.named], "why": [why for _, why in draft.named]},
                hide_index=True,
                width="stretch",
            )
            if (n_more := sum(draft.left_out.values()) - len(draft.named)) > 0:
                st.caption(f"And {n_more:,} more.")
    for note in draft.notes:
        st.info(plain(note))
    st.button("Take other pictures", on_click=own_projects.remove, args=(draft.key, draft.name), key="own_other")
