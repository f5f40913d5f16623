"""The server as it is started by hand: this machine only, its own pages only, and nothing of an error to a stranger."""

import http.client
import re
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from benchmarks.serving import served
from niwt_core import limits

ROOT = Path(__file__).parents[1]
#: What every answer may take, in seconds; all come at once.
PATIENCE = 20


def stream(url: str, *, origin: str | None = None, host: str | None = None) -> ClientConnection:
    """The connection that a page opens to its server."""
    place = urlsplit(url)
    name = f"{host or place.hostname}:{place.port}"
    sock = socket.create_connection((place.hostname, place.port), PATIENCE)
    return connect(
        f"ws://{name}/_stcore/stream", sock=sock, subprotocols=["streamlit"], origin=origin, max_size=None, proxy=None
    )


def messages(connection: ClientConnection) -> Iterator[ForwardMsg]:
    """What the server sends until its run is over."""
    while True:
        found = ForwardMsg()
        found.ParseFromString(connection.recv(PATIENCE))
        yield found
        if found.WhichOneof("type") == "script_finished":
            return


def run(connection: ClientConnection, address: str = "", page: str = "") -> list[ForwardMsg]:
    ask = BackMsg()
    ask.rerun_script.query_string, ask.rerun_script.page_name = address, page
    connection.send(ask.SerializeToString())
    return list(messages(connection))


def upload(url: str, session: str, headers: dict[str, str], body: bytes | None, length: int = 0) -> int:
    """The status of an upload; without a body only `length` is announced."""
    place = urlsplit(url)
    client = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
    client.putrequest("PUT", f"/_stcore/upload_file/{session}/a-file")
    for name, value in {"Content-Type": "multipart/form-data; boundary=cut", **headers}.items():
        client.putheader(name, value)
    client.putheader("Content-Length", str(length if body is None else len(body)))
    client.endheaders(body)
    try:
        return client.getresponse().status
    finally:
        client.close()


def token(url: str) -> dict[str, str]:
    """The headers by which the server knows its own pages."""
    place = urlsplit(url)
    client = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
    client.request("GET", "/_stcore/health")
    cookie = (client.getresponse().getheader("Set-Cookie") or "").partition(";")[0]
    client.close()
    return {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}


def test_only_this_machine_is_answered(app_url: str) -> None:
    port = urlsplit(app_url).port
    with socket.create_connection(("127.0.0.1", port), PATIENCE):
        pass
    with pytest.raises(ConnectionRefusedError):  # a server for everybody answers on every address of the machine
        socket.create_connection(("127.0.0.2", port), PATIENCE)
    started = re.search(r"^app:.*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert started and started[1].endswith("streamlit run app.py"), "make app says otherwise than config.toml"


@pytest.mark.parametrize(
    ("origin", "host"),
    [("http://evil.example", None), ("null", None), ("http://localhost.evil.example", None), (None, "evil.example"),
     ("http://evil.example", "evil.example")],
)  # fmt: skip
def test_other_sites_pages_are_refused(app_url: str, origin: str | None, host: str | None) -> None:
    port = urlsplit(app_url).port
    with pytest.raises(InvalidStatus) as refused:
        stream(app_url, origin=f"{origin}:{port}" if origin and host else origin, host=host)
    assert refused.value.response.status_code == 403
    with stream(app_url, origin=app_url) as own:
        assert own.subprotocol == "streamlit"


def test_other_sites_read_nothing(app_url: str) -> None:
    place = urlsplit(app_url)
    client = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
    for path in ("/_stcore/health", "/_stcore/host-config", "/"):
        client.request("GET", path, headers={"Origin": "http://evil.example"})
        answer = client.getresponse()
        answer.read()
        assert answer.status == 200
        assert answer.getheader("Access-Control-Allow-Origin") != "*", path
    client.close()


def test_an_upload_needs_the_page_s_token_a_session_and_a_size_that_fits(app_url: str) -> None:
    form = b'--cut\r\nContent-Disposition: form-data; name="f"; filename="a.zip"\r\n\r\nPK\r\n--cut--\r\n'
    mine = token(app_url)
    with stream(app_url) as connection:
        session = run(connection)[0].new_session.initialize.session_id
        assert upload(app_url, session, {}, form) == 403
        assert upload(app_url, session, mine | {"X-Xsrftoken": "another"}, form) == 403
        assert upload(app_url, "nobody", mine, form) == 400
        assert upload(app_url, session, mine, None, limits.ZIP_BYTES + 1) == 413
        assert upload(app_url, session, mine, form) == 204


def test_a_message_past_its_limit_ends_the_connection_and_nothing_else(app_url: str) -> None:
    most = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]["maxWidgetStateSize"]
    ask = BackMsg()
    ask.rerun_script.query_string = "x" * (most * 1_000_000 + 1)
    with stream(app_url) as connection, pytest.raises(ConnectionClosed) as closed:
        connection.send(ask.SerializeToString())
        list(messages(connection))
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009, "too large a message"
    with stream(app_url) as connection:
        assert run(connection)


@pytest.mark.parametrize(
    "address", ["text=%ff%fe&picks=%00", "&&&===&=%", "a&" * 2000, "notebook=%ed%a0%80", "text=a&text=b"]
)
def test_any_address_is_answered(app_url: str, address: str) -> None:
    for page in ("start", "notebook", "../../etc/passwd"):
        with stream(app_url) as connection:
            sent = run(connection, address, page)
        assert not any(message.delta.new_element.WhichOneof("type") == "exception" for message in sent), page


@pytest.mark.parametrize("message", [b"\x00\xff nothing", b"\x5a\x06\x0a\x04\xed\xa0\x80A"])
def test_a_message_that_is_none_ends_its_own_connection(app_url: str, message: bytes) -> None:
    with stream(app_url) as connection, pytest.raises(ConnectionClosed):
        connection.send(message)
        list(messages(connection))
    with stream(app_url) as connection:
        assert run(connection)


def test_a_stranger_is_told_nothing_of_an_error(tmp_path: Path) -> None:
    script = tmp_path / "fails.py"
    script.write_text('import streamlit as st\nst.title("Here")\nraise RuntimeError("the password is swordfish")\n')
    with served(tmp_path / "log", ("run", str(script))) as url, stream(url) as connection:
        sent = run(connection)
    # The start of a session names the script's path to every browser: Streamlit's own doing, and no error's.
    said = b"".join(message.SerializeToString() for message in sent if message.WhichOneof("type") == "delta")
    assert any(message.delta.new_element.WhichOneof("type") == "exception" for message in sent)
    for secret in ("swordfish", "RuntimeError", "fails.py", str(ROOT)):
        assert secret.encode() not in said, secret
    assert "swordfish" in (tmp_path / "log").read_text(), "whoever runs the server reads it in the log"


def test_what_is_switched_on_by_hand_and_by_nobody() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    server, client = settings["server"], settings["client"]
    assert server["enableXsrfProtection"] and server["enableCORS"]
    assert not server["enableStaticServing"] and not server["enableAgentApi"]
    assert server["maxUploadSize"] == limits.ZIP_BYTES >> 20
    assert settings["browser"] == {"gatherUsageStats": False}
    assert client["showErrorDetails"] == "none" and client["toolbarMode"] == "minimal" and client["disableDataExport"]
