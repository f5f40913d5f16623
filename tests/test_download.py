"""The download, from a server on this machine: whole, resumed, refused, wrong and evil."""

import hashlib
import io
import socket
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from niwt_core.__main__ import main
from niwt_core.datasets import download
from niwt_core.datasets.download import download_cub
from niwt_core.errors import InputError

FILES = {
    "attributes.txt": b"1 has_color::red\n",
    "CUB_200_2011/images.txt": b"1 001.Red_Bird/0.jpg\n",
    "CUB_200_2011/images/001.Red_Bird/0.jpg": bytes(range(256)) * 2000,
}


def archive_of(files, *others):
    """A .tgz of files and of other members, each a TarInfo."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=0) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in others:
            tar.addfile(member)
    return stream.getvalue()


def md5(data):
    return hashlib.md5(data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves `server.data`; knows Range if `server.ranges`, and hangs up after `server.stop_after` bytes."""

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append(wanted)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.ranges else 0
        if start and start >= len(server.data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.data)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.data) - 1}/{len(server.data)}")
        self.send_header("Content-Length", str(len(server.data) - start))
        self.end_headers()
        self.wfile.write(server.data[start:][: server.stop_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.data, server.ranges, server.stop_after, server.status, server.asked = archive_of(FILES), True, None, 200, []
    server.url = f"http://127.0.0.1:{server.server_port}/CUB_200_2011.tgz"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data" / "cub"


def left(root):
    return sorted(path.name for path in root.parent.iterdir())


def check_unpacked(root):
    for name, content in FILES.items():
        place = name.removeprefix("CUB_200_2011/") if "/" in name else f"attributes/{name}"
        assert (root / place).read_bytes() == content
    assert left(root) == [root.name]


def test_the_archive_is_fetched_verified_and_unpacked(server, root):
    told = []
    assert download_cub(root, server.url, md5(server.data), lambda done, total: told.append((done, total)))
    check_unpacked(root)
    n = len(server.data)
    assert told[0] == (0, n)
    assert told[-1] == (n, n)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_what_is_there_is_not_fetched_again_and_an_empty_folder_is_filled(server, root):
    root.mkdir(parents=True)
    assert download_cub(root, server.url, md5(server.data))
    assert not download_cub(root, server.url, md5(server.data))
    assert len(server.asked) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_or_starts_again(server, root, ranges):
    server.stop_after = 300_000
    with pytest.raises(InputError, match=r"broke off at 300000 of \d+ bytes; run it again to go on"):
        download_cub(root, server.url, md5(server.data))
    assert left(root) == ["cub.tgz.part"]
    server.stop_after, server.ranges = None, ranges
    told = []
    download_cub(root, server.url, md5(server.data), lambda done, total: told.append((done, total)))
    check_unpacked(root)
    assert server.asked == [None, "bytes=300000-"]
    assert told[0] == (300_000 if ranges else 0, len(server.data))


def test_a_part_that_is_whole_already_is_used(server, root):
    root.parent.mkdir(parents=True)
    (root.parent / "cub.tgz.part").write_bytes(server.data)
    told = []
    assert download_cub(root, server.url, md5(server.data), lambda done, total: told.append((done, total)))
    check_unpacked(root)
    assert server.asked == [f"bytes={len(server.data)}-"]
    assert told == []  # not a byte was fetched


def test_a_part_that_is_longer_than_the_archive_is_thrown_away(server, root):
    root.parent.mkdir(parents=True)
    (root.parent / "cub.tgz.part").write_bytes(server.data + b"more")
    download_cub(root, server.url, md5(server.data))
    check_unpacked(root)
    assert server.asked[1] is None


def test_a_wrong_checksum_leaves_nothing(server, root):
    with pytest.raises(InputError, match=f"has MD5 {md5(server.data)}, expected {md5(b'other')}"):
        download_cub(root, server.url, md5(b"other"))
    assert left(root) == []


def test_no_connection_and_a_refusal_are_named(server, root):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/a.tgz"
        with pytest.raises(InputError, match=r"cannot be reached \(.*refused.*\); check the connection"):
            download_cub(root, closed)
    server.status = 404
    with pytest.raises(InputError, match="answered 404 Not Found; expected the archive"):
        download_cub(root, server.url)
    for url in ("file:///etc/passwd", "cub.tgz", "ftp://127.0.0.1/a.tgz"):
        with pytest.raises(InputError, match="expected an address with https"):
            download_cub(root, url)
    with pytest.raises(InputError, match="cannot be reached"):
        download_cub(root, "http://127.0.0.1:notaport/a b")
    assert left(root) == []


def special(name, kind, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "data",
    [
        archive_of({**FILES, "../evil.txt": b"x"}),
        archive_of({**FILES, "CUB_200_2011/../../evil.txt": b"x"}),
        archive_of({**FILES, "/evil.txt": b"x"}),
        archive_of(FILES, special("CUB_200_2011/link", tarfile.SYMTYPE, "/etc")),
        archive_of(FILES, special("CUB_200_2011/link", tarfile.LNKTYPE, "CUB_200_2011/images.txt")),
        archive_of(FILES, special("CUB_200_2011/device", tarfile.CHRTYPE)),
    ],
)
def test_an_archive_that_reaches_out_is_refused_whole(server, root, tmp_path, data):
    server.data = data
    with pytest.raises(InputError, match="a link or a path out of the folder"):
        download_cub(root, server.url, md5(data))
    assert left(root) == []
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no archive", "is damaged or unsafe"),
        (archive_of(FILES)[:200_000], "is damaged or unsafe"),
        (archive_of(FILES)[:100_000] + b"\xff" * 100_000, "is damaged or unsafe"),
        (archive_of({"other/readme.txt": b"x"}), "holds no CUB_200_2011/images.txt"),
    ],
)
def test_a_damaged_or_foreign_archive_leaves_nothing(server, root, data, message):
    server.data = data
    with pytest.raises(InputError, match=message):
        download_cub(root, server.url, md5(data))
    assert left(root) == []


def test_a_folder_with_something_else_is_left_alone(server, root):
    root.mkdir(parents=True)
    (root / "diary.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not CUB-200-2011"):
        download_cub(root, server.url, md5(server.data))
    assert (root / "diary.txt").read_text() == "mine"
    with pytest.raises(InputError, match="exists and is not CUB-200-2011"):
        download_cub(root / "diary.txt", server.url, md5(server.data))
    with pytest.raises(InputError, match="cannot be written to"):
        download_cub(root / "diary.txt" / "below", server.url, md5(server.data))
    assert server.asked == []


def test_the_command_downloads_and_says_where(server, root, capsys, monkeypatch):
    monkeypatch.setattr(download, "CUB_MD5", md5(server.data))
    arguments = ["download", "cub", "--root", str(root), "--url", server.url]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"CUB-200-2011 is now in {root}.\n"
    check_unpacked(root)
    assert main(arguments) == 0
    assert "already" in capsys.readouterr().out
    server.status = 500
    assert main([*arguments[:3], str(root) + "2", *arguments[4:]]) == 2
    assert "error: " in capsys.readouterr().err
