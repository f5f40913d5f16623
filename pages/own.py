"""Bring your own: photos in class folders become a project that every page works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import streamlit as st

from niwt_core.errors import InputError
from pages.shared import frame, style
from pages.shared.own import fit_words, own_projects
from pages.shared.person.owner import carry, owner
from pages.shared.wording import plain

REFRESH_SECONDS = 0.5
#: Pictures of a class that is worth learning; fewer are taken as well.
ENOUGH = 10
#: Up to so many classes are described in fields, each beside a photo; more in a table.
MOST_FIELDS = 12
THUMBNAIL = 88
FIT = "Fit the network to your pictures"


def main() -> None:
    """The page from top to bottom."""
    frame.ensure()
    st.title("Bring your own")
    style.lead(
        "Give it photos of things you know, a folder for each, and say what they look like. The network learns some "
        "of them from your photos, the others from your words alone, and every page works with them."
    )
    from niwt_core.worlds.drafts import latest_draft

    draft = latest_draft(owner())
    if draft is not None or own_projects.any_of(owner()):
        carry()
    for message in st.session_state.pop("own_messages", []):
        st.error(plain(message))
    own_projects.offer_undo()
    if draft is None:
        own_projects.show()
        begin()
    else:
        go_on_with(draft)
        own_projects.show()
    how_it_works()


def begin() -> None:
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


def go_on_with(draft) -> None:
    """The steps from pictures to a project."""
    from niwt_core.worlds.drafts import was_cut_off

    fit = own_projects.fits().get(draft.key)
    if fit is not None and not fit.snapshot().state.is_over:
        under_way(draft, fit)
        return
    pictures(draft)
    draft, is_kept = classes(draft)
    order = network(draft)
    if fit is not None:
        outcome(fit)
    elif was_cut_off(draft):
        st.warning(
            "The server stopped while your fit was under way or in line. Nothing of what you entered is lost; press "
            f"“{FIT}” to begin again."
        )
    start(draft, order if is_kept else None)


def pictures(draft) -> None:
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


def classes(draft):
    """The table of classes, to look over or to fill in; every change is kept at once.

    Returns:
        the draft as it is on the page, and whether that is kept.
    """
    if draft.dataset != "folder":
        return draft, True
    from niwt_core.limits import DESCRIPTION

    st.header("2 What they look like")
    n_unseen = sum(not row.seen for row in draft.rows)
    told = "numbers" if draft.attribute_names else "words"
    which = "The one without a tick is" if n_unseen == 1 else f"The {n_unseen} without a tick are"
    st.markdown(
        f"**Seen** classes are learned from their photos. {which} learned from {told} alone; photos of unseen classes "
        "only test how well that went."
        + ("" if draft.attribute_names else " What does each class look like, and what tells it from the others?")
    )
    as_fields = len(draft.rows) <= MOST_FIELDS and not draft.attribute_names
    rows = class_fields(draft) if as_fields else class_table(draft, DESCRIPTION)
    if rows == draft.rows:
        return draft, True
    draft = replace(draft, rows=rows)
    try:
        draft.save()
    except InputError as error:
        st.error(plain(f"Your last change is not kept. {error} It stays on this page as long as the page is open."))
        return draft, False
    return draft, True


def class_fields(draft) -> tuple:
    """A few classes, one below the other: a photo, the description, seen or not."""
    from niwt_core.limits import DESCRIPTION

    rows = []
    for i, row in enumerate(draft.rows):
        words, ticked = f"own_words_{draft.key}_{i}", f"own_seen_{draft.key}_{i}"
        st.session_state.setdefault(words, row.description)
        st.session_state.setdefault(ticked, row.seen)
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.image(thumbnail(str(draft.data), row.name), width=THUMBNAIL, alt=f"A photo of {row.name}")
            with st.container(width="stretch", gap="small"):
                description = st.text_input(
                    f"{plain(row.name)} ({row.n_pictures} photos)",
                    key=words,
                    max_chars=DESCRIPTION,
                    placeholder="for example: a small brown bird with a curved bill and a white belly",
                )
                seen = st.checkbox("seen: learned from its photos", key=ticked)
        rows.append(replace(row, description=description, seen=seen))
    return tuple(rows)


@st.cache_data(show_spinner=False, max_entries=200)
def thumbnail(data: str, name: str):
    """The first photo of a class, square, (THUMBNAIL * 2)^2 pixels; grey where it cannot be read."""
    from pathlib import Path

    from PIL import Image, ImageOps

    from niwt_core.datasets.division import pictures_in
    from niwt_core.images import read_image

    folder, size = Path(data) / name, (2 * THUMBNAIL, 2 * THUMBNAIL)
    try:
        return ImageOps.fit(read_image(folder / pictures_in(folder)[0]), size)
    except (InputError, IndexError):
        return Image.new("RGB", size, "#7f8a96")


def class_table(draft, most: int) -> tuple:
    """Many classes, or classes with numbers, as a table."""
    shown = st.session_state.get("own_shown")
    if shown is None or shown[0] != draft.key:  # the table as it was when it was opened: edits stand on top of it
        shown = st.session_state["own_shown"] = (draft.key, _as_table(draft))
    edited = st.data_editor(
        shown[1],
        key=f"own_table_{draft.key}",
        hide_index=True,
        width="stretch",
        height="auto" if len(draft.rows) < 12 else 420,
        disabled=["class", "pictures"],
        column_config={
            "class": st.column_config.TextColumn("Class", width="medium"),
            "pictures": st.column_config.NumberColumn("Pictures", width="small"),
            "seen": st.column_config.CheckboxColumn("Seen", width="small"),
            "description": st.column_config.TextColumn("Description", width="large", max_chars=most),
            **{_column(i): st.column_config.NumberColumn(name) for i, name in enumerate(draft.attribute_names)},
        },
    )
    return _from_table(draft, edited)


def _column(i: int) -> str:
    return f"number {i}"


def _as_table(draft) -> dict[str, list]:
    table = {
        "class": [row.name for row in draft.rows],
        "pictures": [row.n_pictures for row in draft.rows],
        "seen": [row.seen for row in draft.rows],
        "description": [row.description for row in draft.rows],
    }
    return table | {_column(i): [row.numbers[i] for row in draft.rows] for i in range(len(draft.attribute_names))}


def _from_table(draft, table) -> tuple:
    """The rows as edited; a number that was emptied stays what it was."""
    numbers: Sequence[Sequence[float | None]] = [table[_column(i)] for i in range(len(draft.attribute_names))]
    return tuple(
        replace(
            row,
            seen=bool(table["seen"][at]),
            description=str(table["description"][at] or ""),
            numbers=tuple(
                float(column[at]) if column[at] is not None else row.numbers[i] for i, column in enumerate(numbers)
            ),
        )
        for at, row in enumerate(draft.rows)
    )


@st.cache_data(show_spinner="Looking for the best place to cut the network …", max_entries=80)
def proposal(name: str):
    from niwt_core.network.cutpoints import propose

    return propose(name)


def network(draft):
    """Which network, with which weights, cut where; None where that cannot be had."""
    from niwt_core.network.cutpoints import networks
    from niwt_core.worlds import weights

    st.header("3 The network" if draft.dataset == "folder" else "2 The network")
    known = {found.name: found for found in networks()}
    local = [name for name in known if weights.file_of(name)]
    preferred = next((name for name in ("mobilenet_v2", *local) if name in local), "mobilenet_v2")
    asked = draft.order  # of a fit that was cut off, cancelled or failed
    left, right = st.columns(2)
    with left:
        name = st.selectbox(
            "Network, the smallest first",
            list(known),
            index=_place(asked.get("network"), list(known), preferred),
            format_func=lambda name: f"{name} ({known[name].n_parameters / 1e6:.1f} million weights)",
            key="own_network",
        )
    with right:
        fetched = "" if weights.is_downloaded(name) else f", downloaded once ({known[name].weights_mb:.0f} MB)"
        words = {
            weights.FILE: "from this server",
            weights.DOWNLOAD: f"ImageNet weights{fetched}",
            weights.RANDOM: "random (quick to try, poor at seeing)",
        }
        kinds = [kind for kind in words if kind != weights.FILE or name in local]
        kind = st.selectbox(
            "Its weights",
            kinds,
            index=_place(asked.get("weights"), kinds, kinds[0]),
            format_func=words.__getitem__,
            key="own_weights",
        )
    if kind == weights.RANDOM:
        st.caption("A network with random weights has learned nothing yet: good for a trial of the pages, not for use.")
    try:
        found = proposal(name)
    except InputError as error:
        st.error(plain(str(error)))
        return None

    def labelled(layer: str) -> str:
        point = found.point(layer)
        best = " (proposed)" if layer == found.proposed else ""
        return f"{layer}{best}: {point.n_channels} neurons, map of {point.side} × {point.side}"

    layers = [point.layer for point in found.points]
    cut = asked.get("layer") if asked.get("network") == name else None
    layer = st.selectbox(
        "Cut at layer",
        layers,
        index=_place(cut, layers, found.proposed),
        format_func=labelled,
        key=f"own_layer_{name}",
    )
    point = found.point(layer)
    st.caption(
        f"{point.n_channels} channels will be the neurons, on a map of {point.side} × {point.side} places; a class is "
        f"{found.n_features} weights on the features behind them. Proposed is {plain(found.proposed)}: "
        f"{plain(found.reason[0].lower() + found.reason[1:])}"
    )
    return name, kind, layer


def _place(asked: str | None, among: Sequence[str], otherwise: str) -> int:
    """Where in a list stands what was asked for, if it is there, or else something."""
    return among.index(asked if asked in among else otherwise)


def start(draft, order) -> None:
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
        begin_fit(draft, order, title)
        st.rerun()


def begin_fit(draft, chosen, title: str) -> None:
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


def how_it_works() -> None:
    """The steps of a fit."""
    with st.expander("How it works"):
        st.markdown(
            "1. The network, up to the layer you cut at, looks at every photo once as it is and a few times cropped "
            "and mirrored.\n"
            "2. With six seen classes or more, a third of them play unknown ones in a rehearsal, which chooses all "
            "settings; with fewer there is nothing to leave out, and settings that worked elsewhere are taken.\n"
            "3. What follows the cut learns the seen classes. Every fifth of their photos is kept aside for tests.\n"
            "4. Each seen class’s neuron importances are measured on its photos, and a map from descriptions to "
            "importances is fitted to them. That map is what turns a sentence into a class.\n"
            "5. The unseen classes are made from their descriptions, and all are tested on the photos kept aside.\n\n"
            "The same from a command line: `python -m niwt_core fit --dataset folder --root FOLDER --backbone "
            "mobilenet_v2 --layer features.17 --output PROJECT`."
        )


main()
