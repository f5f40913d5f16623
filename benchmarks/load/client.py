"""A visitor without a screen: Streamlit's own protocol over a websocket, as a browser speaks it.

One `Session` is one tab. It keeps what the page shows (`tree.Tree`), the values of widgets, the address, the messages
that the server may name by their hash, and it asks for living fragments at their interval, as a browser does.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks.load.tree import Node, ProtocolError, Tree
from benchmarks.load.wire import Wire, WireError

#: Seconds until a click has to be answered.
PATIENCE = 30.0
#: Pictures that stand in HTML of the page's own.
_MEDIA = re.compile(rb"/media/[0-9a-f]+\.[a-z0-9]+")


class UnansweredError(RuntimeError):
    """A click that was not answered in time, or whose connection broke."""


class MissingError(RuntimeError):
    """The page does not have what somebody wants to press."""


@dataclass(frozen=True)
class Answered:
    """One click. seconds: until the script had finished; first: until anything new was on the page."""

    page: str
    kind: str
    seconds: float
    first: float


def _default(node: Node) -> str:
    """What a widget holds before anybody has touched it, as an address would say it."""
    proto = node.proto
    if node.kind == "button_group":
        return ",".join(proto.options[i].content for i in proto.default)
    if node.kind == "selectbox":
        return proto.options[proto.default] if proto.HasField("default") else ""
    return str(getattr(proto, "default", "")).lower() if node.kind == "checkbox" else ""


@dataclass
class Session:
    """One tab of one visitor.

    Attributes:
        url: of the server. page: the page's name in the address, "" for the first. query: the rest of the address.
        hears: called with the raw bytes of every message that arrives.
        fails: called with a sentence for whatever a person would call broken.
        patience: seconds until a click has to be answered.
        n_pictures, n_polls: pictures that came, and times a living part was asked for; a refresh goes on counting.
    """

    url: str
    page: str = ""
    query: str = ""
    hears: Callable[[bytes], None] = lambda _: None
    fails: Callable[[str], None] = lambda _: None
    patience: float = PATIENCE
    tree: Tree = field(default_factory=Tree)
    widgets: dict[str, WidgetState] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)  # name in the address -> hash
    id: str = ""
    n_pictures: int = 0
    n_polls: int = 0

    def __post_init__(self) -> None:
        self.wire = Wire(self.url)
        self._hash = ""  # of the page
        self._cached: dict[str, tuple[ForwardMsg, int, str]] = {}  # hash -> message, run count, fragment
        self._runs = 0
        self._age = 2
        self._socket: ClientConnection | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, tuple[float, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()
        self._finished = 0  # full runs that ended well, or the fragment runs of `_waits`
        self._waits: tuple[str, ...] | None = None  # the fragments that a click waits for; () for a full run
        self._begun = False
        self._first = 0.0
        self._fetched: set[str] = set()
        self._file_urls: dict[str, list[FileURLs]] = {}
        self._closing = False

    # -- coming and going ----------------------------------------------------------------------------------------------

    async def open(self) -> Answered:
        """Come to the page of the address; the answer to the first run."""
        began = time.monotonic()
        home = await self.wire.ask("GET", "/" + self.page)
        if home.status != 200:
            raise UnansweredError(f"the page itself came with status {home.status}")
        await self.wire.ask("GET", "/_stcore/health")  # where the browser gets its XSRF cookie
        await self.wire.ask("GET", "/_stcore/host-config")
        xsrf = self.wire.cookies.get("_streamlit_xsrf", "")
        host = urlsplit(self.url)
        try:
            self._socket = await asyncio.wait_for(
                connect(
                    f"ws://{host.netloc}/_stcore/stream",
                    subprotocols=["streamlit", xsrf],  # type: ignore[list-item]
                    origin=self.url,  # type: ignore[arg-type]
                    additional_headers={"Cookie": f"_streamlit_xsrf={xsrf}"},
                    max_size=None,
                    ping_interval=None,
                ),
                PATIENCE,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise UnansweredError(f"no connection: {type(error).__name__} {error}") from None
        self._keep(self._listen())
        return await self._click("open", began=began)

    async def close(self) -> None:
        """Close the tab."""
        self._closing = True
        self._stop_timers()
        if self._socket is not None:
            await self._socket.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.wire.close()

    async def refreshed(self) -> Session:
        """Close the tab and come again by its address: another session."""
        await self.close()
        return Session(
            self.url,
            self.page,
            self.query,
            self.hears,
            self.fails,
            self.patience,
            n_pictures=self.n_pictures,
            n_polls=self.n_polls,
        )

    # -- what a person does --------------------------------------------------------------------------------------------

    async def go(self, page: str) -> Answered:
        """Press a page in the navigation, by its name in the address."""
        if page not in self.pages:
            raise MissingError(f"there is no page “{page}” in the navigation")
        self.query = ""  # as the browser does; the server writes it anew
        return await self._click(f"go to {page or 'start'}", page=self.pages[page])

    async def press(self, key: str = "", label: str = "") -> Answered:
        """Press a button."""
        node = self._need(key, label, "button")
        return await self._click(f"press {key or label}", node, WidgetState(id=node.id, trigger_value=True))

    async def write(self, key: str, text: str) -> Answered:
        """Write into a text field, and leave it."""
        node = self._need(key)
        return await self._click(f"write {key}", node, WidgetState(id=node.id, string_value=text))

    async def choose(self, key: str, option: str) -> Answered:
        """Choose from a list."""
        node = self._need(key, kind="selectbox")
        if option not in node.proto.options:
            raise MissingError(f"“{key}” does not offer “{option}”")
        return await self._click(f"choose {key}", node, WidgetState(id=node.id, string_value=option))

    async def choose_of(self, key: str, option: str) -> Answered:
        """Choose from a row of buttons of which one is on."""
        node = self._need(key, kind="button_group")
        offered = [o.content for o in node.proto.options]
        if option not in offered:
            raise MissingError(f"“{key}” does not offer “{option}”, but {offered}")
        state = WidgetState(id=node.id)
        state.string_array_value.data.append(option)
        return await self._click(f"choose {key}", node, state)

    async def switch(self, key: str, on: bool) -> Answered:
        """Turn a switch or a tick on or off."""
        node = self._need(key, kind="checkbox")
        return await self._click(f"switch {key}", node, WidgetState(id=node.id, bool_value=on))

    async def upload(self, key: str, name: str, data: bytes, kind: str) -> Answered:
        """Choose a file for an uploader; the seconds run from the choosing on."""
        began = time.monotonic()
        node = self._need(key, kind="file_uploader")
        asked = uuid.uuid4().hex
        message = BackMsg()
        message.file_urls_request.request_id = asked
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.id
        await self._send(message)
        await self._until(lambda: asked in self._file_urls, began)
        urls = self._file_urls.pop(asked)[0]
        border = uuid.uuid4().hex
        body = (
            f'--{border}\r\nContent-Disposition: form-data; name="{urls.file_id}"; filename="{name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        ).encode() + data
        sent = await self.wire.ask(
            "PUT",
            urls.upload_url,
            body + f"\r\n--{border}--\r\n".encode(),
            {
                "Content-Type": f"multipart/form-data; boundary={border}",
                "X-Xsrftoken": self.wire.cookies.get("_streamlit_xsrf", ""),
            },
        )
        if sent.status != 204:
            raise UnansweredError(f"the upload was answered with status {sent.status}")
        state = WidgetState(id=node.id)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(data), urls.file_id
        info.file_urls.CopyFrom(urls)
        return await self._click(f"upload {key}", node, state, began=began)

    async def look(self, seconds: float) -> None:
        """Watch the page; living parts go on."""
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            if self._is_broken():
                raise UnansweredError("the connection broke while watching")
            await asyncio.sleep(min(rest, 0.5))

    async def wait_for(self, what: Callable[[Tree], bool], seconds: float) -> bool:
        """Watch the page until something is there; False if it does not come in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if what(self.tree):
                return True
            if self._is_broken():
                raise UnansweredError("the connection broke while watching")
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.5)
        return what(self.tree)

    @property
    def address(self) -> dict[str, str]:
        """The parameters of the address."""
        return dict(parse_qsl(self.query))

    # -- the protocol --------------------------------------------------------------------------------------------------

    def _need(self, key: str = "", label: str = "", kind: str = "") -> Node:
        node = self.tree.find(key, label, kind)
        if node is None:
            raise MissingError(f"“{self.tree.title}” has no {kind or 'widget'} “{key or label}”")
        if getattr(node.proto, "disabled", False):
            raise MissingError(f"“{key or label}” on “{self.tree.title}” cannot be pressed now")
        return node

    async def _click(
        self, kind: str, node: Node | None = None, state: WidgetState | None = None, page: str = "", began: float = 0.0
    ) -> Answered:
        began = began or time.monotonic()
        where = self.page
        fragment = node.fragment if node else ""
        self._waits, self._begun, self._first = ((fragment,) if fragment else ()), False, 0.0
        before = self._finished
        if state is not None and not state.HasField("trigger_value"):
            self.widgets[state.id] = state
            self._write_address(node, state)
        await self._rerun(
            fragment, page, extra=state if state is not None and state.HasField("trigger_value") else None
        )
        await self._until(lambda: self._finished > before, began)
        return Answered(where, kind, time.monotonic() - began, (self._first or time.monotonic()) - began)

    def _write_address(self, node: Node | None, state: WidgetState) -> None:
        """A widget that is bound to the address is written there by the browser."""
        name = getattr(node.proto, "query_param_key", "") if node else ""
        if node is None or not name:
            return
        kind = state.WhichOneof("value")
        chosen = getattr(state, kind)
        value = ",".join(chosen.data) if kind == "string_array_value" else str(chosen)
        value = value.lower() if kind == "bool_value" else value
        found = self.address
        if not value or value == _default(node):
            found.pop(name, None)
        else:
            found[name] = value
        self.query = urlencode(found)

    async def _rerun(
        self, fragment: str = "", page: str = "", is_auto: bool = False, extra: WidgetState | None = None
    ) -> None:
        state = ClientState(
            query_string=self.query,
            page_script_hash=page or self._hash,
            page_name="" if page or self._hash else self.page,
            fragment_id=fragment,
            is_auto_rerun=is_auto,
            cached_message_hashes=list(self._cached),
        )
        state.widget_states.widgets.extend(self.widgets.values())
        if extra is not None:
            state.widget_states.widgets.append(extra)
        context = state.context_info
        context.timezone, context.locale, context.color_scheme = "Europe/Paris", "en-GB", "light"
        context.timezone_offset, context.url, context.is_embedded = -60, f"{self.url}/{self.page}", False
        await self._send(BackMsg(rerun_script=state))

    async def _send(self, message: BackMsg) -> None:
        if self._socket is None:
            raise UnansweredError("not connected")
        try:
            await self._socket.send(message.SerializeToString())
        except WebSocketException as error:
            raise UnansweredError(f"the connection broke: {error}") from None

    async def _until(self, done: Callable[[], bool], began: float) -> None:
        while not done():
            rest = began + self.patience - time.monotonic()
            if rest <= 0:
                raise UnansweredError(f"no answer within {self.patience:.0f} s")
            if self._is_broken():
                raise UnansweredError("the connection broke")
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(rest, 1.0))

    def _is_broken(self) -> bool:
        return self._socket is None or self._socket.close_code is not None

    def _keep(self, work) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _listen(self) -> None:
        assert self._socket is not None
        try:
            async for data in self._socket:
                raw = data if isinstance(data, bytes) else data.encode()
                self.hears(raw)
                message = ForwardMsg.FromString(raw)
                try:
                    self._take(self._whole(message))
                except ProtocolError as error:
                    self.fails(str(error))
                self._changed.set()
        except WebSocketException:
            pass
        if not self._closing:
            self.fails(f"disconnected: code {self._socket.close_code}")
        self._changed.set()

    def _whole(self, message: ForwardMsg) -> ForwardMsg:
        """The message itself where only its hash came; what the server may name by its hash is kept."""
        if message.WhichOneof("type") != "ref_hash":
            if message.metadata.cacheable:
                self._cached[message.hash] = (message, self._runs, message.delta.fragment_id)
            return message
        found = self._cached.get(message.ref_hash)
        if found is None:
            raise ProtocolError("the server names a message by its hash that was never sent, or is forgotten")
        self._cached[message.ref_hash] = (found[0], self._runs, found[2])
        whole = ForwardMsg()
        whole.CopyFrom(found[0])
        whole.metadata.CopyFrom(message.metadata)
        return whole

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "delta":
            self._first = self._first or time.monotonic()
            self.tree.take(message)
            self._take_element(message)
        elif kind == "new_session":
            self._begin(message.new_session, message)
        elif kind == "script_finished":
            self._end(message)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "navigation":
            self.pages = {
                "" if page.is_default else page.url_pathname: page.page_script_hash
                for page in message.navigation.app_pages
            }
            self._hash = message.navigation.page_script_hash
            self.page = next((name for name, known in self.pages.items() if known == self._hash), self.page)
        elif kind == "auto_rerun":
            self._repeat(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop_timer(fragment)
        elif kind == "file_urls_response":
            self._file_urls[message.file_urls_response.response_id] = list(message.file_urls_response.file_urls)
        elif kind == "session_event" and message.session_event.HasField("script_compilation_exception"):
            self.fails(f"exception: {message.session_event.script_compilation_exception.message}")

    def _take_element(self, message: ForwardMsg) -> None:
        """What an element means beyond standing there."""
        if message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.fails(f"exception: {element.exception.type} {element.exception.message}"[:300])
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.fails(f"error message: {element.alert.body}"[:300])
        elif kind == "imgs":
            for picture in element.imgs.imgs:
                self._fetch(picture.url)
        elif kind == "html":
            for found in _MEDIA.findall(element.html.body.encode()):
                self._fetch(found.decode())
        proto = getattr(element, kind)
        if getattr(proto, "set_value", False):
            self._set_by_server(kind, proto)

    def _set_by_server(self, kind: str, proto) -> None:
        state = WidgetState(id=proto.id)
        if kind in ("text_area", "text_input"):
            state.string_value = proto.value
        elif kind in ("selectbox", "radio"):
            state.string_value = proto.raw_value
        elif kind == "checkbox":
            state.bool_value = proto.value
        elif kind in ("button_group", "multiselect"):
            state.string_array_value.data.extend(proto.raw_values)
        elif kind in ("slider", "number_input"):
            values = proto.value if kind == "slider" else [proto.value]
            state.double_array_value.data.extend(values) if kind == "slider" else setattr(
                state, "double_value", values[0]
            )
        else:
            return
        self.widgets[proto.id] = state

    def _begin(self, new: NewSession, message: ForwardMsg) -> None:
        self.id, self._age = new.initialize.session_id, new.config.max_cached_message_age
        fragments = tuple(message.metadata.run.fragment_ids)
        if not fragments:
            self._stop_timers()
            if new.page_script_hash != self._hash:
                self.tree.keep_script(new.main_script_hash)
            self._hash = new.page_script_hash
        self.tree.begin(message.metadata.run.script_run_id)
        if self._waits is not None and (not fragments or set(fragments) & set(self._waits)):
            self._begun = True

    def _end(self, message: ForwardMsg) -> None:
        status = message.script_finished
        fragments = tuple(message.metadata.run.fragment_ids)
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        if message.metadata.HasField("run"):
            self.tree.finish(message.metadata.run.script_run_id, fragments)
        living = {node.id for node in self.tree.nodes.values() if node.id}
        self.widgets = {name: state for name, state in self.widgets.items() if name in living}
        self._runs += 1
        self._cached = {
            name: kept
            for name, kept in self._cached.items()
            if (fragments and kept[2] not in fragments) or self._runs - kept[1] <= self._age
        }
        if self._begun and (not fragments or set(fragments) & set(self._waits or ())):
            self._finished += 1

    def _repeat(self, fragment: str, interval: float) -> None:
        if self._timers.get(fragment, (0.0, None))[0] == interval:
            return
        self._stop_timer(fragment)
        self._timers[fragment] = (interval, self._keep(self._ask_again(fragment, interval)))

    async def _ask_again(self, fragment: str, interval: float) -> None:
        due = time.monotonic()
        while not self._is_broken():
            due = max(due + interval, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            self.n_polls += 1
            with suppress(UnansweredError):
                await self._rerun(fragment, is_auto=True)

    def _stop_timer(self, fragment: str) -> None:
        if (timer := self._timers.pop(fragment, None)) is not None:
            timer[1].cancel()

    def _stop_timers(self) -> None:
        for fragment in list(self._timers):
            self._stop_timer(fragment)

    def _fetch(self, url: str) -> None:
        if url.startswith("/media/") and url not in self._fetched:
            self._fetched.add(url)
            self._keep(self._fetch_now(url))

    async def _fetch_now(self, url: str) -> None:
        try:
            answer = await self.wire.ask("GET", url)
        except WireError as error:
            self.fails(f"a picture did not come: {error}")
            return
        self.n_pictures += answer.status == 200
        shown = any(
            url in node.proto.SerializeToString().decode("latin-1") for node in self.tree.of_kind("imgs", "html")
        )
        if answer.status != 200 and shown:
            self.fails(f"a picture came with status {answer.status}")
