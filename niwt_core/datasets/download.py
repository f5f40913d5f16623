"""The download of CUB-200-2011: resumed where it stopped, verified, and unpacked in one step or not at all."""

from __future__ import annotations

import gzip
import http.client
import tarfile
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from niwt_core import limits
from niwt_core.errors import InputError

CUB_URL = "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz"
CUB_MD5 = "97eceeb196236b17998738112f37df78"
CUB_FOLDER = "CUB_200_2011"
CHUNK = 2**18

#: Told how many bytes are there, and how many there will be (0: unknown).
ByteProgress = Callable[[int, int], None]


def download_cub(
    root: Path,
    url: str = CUB_URL,
    md5: str = CUB_MD5,
    progress: ByteProgress = lambda done, total: None,
) -> bool:
    """Fetch CUB-200-2011 (1.1 GB) and unpack it as the folder `root`, ready for `load_cub`.

    What has come is kept beside it, as <root>.tgz.part, until it is unpacked; a second call goes on from there.

    Returns:
        False if the data set was there already.

    Raises:
        InputError: `root` holds something else; no connection, or one that broke; another checksum; an archive that
            is damaged, holds links or leads out of its folder.
    """
    root = root.resolve()
    part = root.with_name(root.name + ".tgz.part")
    try:
        if (root / "images.txt").is_file() and (root / "images").is_dir():
            return False
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise InputError(f"{root} exists and is not CUB-200-2011; expected the name of a new folder.")
        if not url.startswith(("https://", "http://")):
            raise InputError(f"Cannot download {url[:100]!r}; expected an address with https:// or http://.")
        root.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, progress)
        _verify(part, md5, url)
        try:
            _unpack(part, root)
        except InputError:  # the right bytes, but of no use: another attempt would end the same
            part.unlink()
            raise
        part.unlink()
    except OSError as error:
        raise InputError(f"CUB-200-2011 cannot be written to {root} ({error.strerror or error}).") from error
    return True


def _fetch(url: str, part: Path, progress: ByteProgress) -> None:
    """Download to `part`, from where it ends if the server can do that, else from the beginning."""
    have = part.stat().st_size if part.is_file() else 0
    # Some servers turn away urllib's own name.
    headers = {"User-Agent": "choose-your-neuron"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        answer = urllib.request.urlopen(request, timeout=limits.DOWNLOAD_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            if error.headers.get("Content-Range") != f"bytes */{have}":  # else it was all there
                part.unlink()
                _fetch(url, part, progress)
            return
        raise InputError(f"{url} answered {error.code} {error.reason}; expected the archive.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(f"{url} cannot be reached ({reason}); check the connection, or give another --url.") from error
    with answer:
        resumed = answer.status == http.client.PARTIAL_CONTENT
        if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink(missing_ok=True)
            raise InputError(f"{url} answered with another part than was asked for; run the command again.")
        done = have if resumed else 0
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else 0
        with part.open("ab" if resumed else "wb") as file:
            progress(done, total)
            while data := _read(answer, url, done):
                file.write(data)
                done += len(data)
                if done > limits.DOWNLOAD_BYTES:
                    part.unlink()
                    raise InputError(f"{url} sends more than {limits.DOWNLOAD_BYTES >> 30} GB; expected the archive.")
                progress(done, total)
    if done < total:
        raise InputError(f"The download from {url} broke off at {done} of {total} bytes; run it again to go on.")


def _read(answer: http.client.HTTPResponse, url: str, done: int) -> bytes:
    try:
        return answer.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        broken = f"The download from {url} broke off at {done} bytes ({error})"
        raise InputError(f"{broken}; run it again to go on.") from error


def _verify(part: Path, md5: str, url: str) -> None:
    from torchvision.datasets.utils import calculate_md5  # imported here: it takes seconds

    if (found := calculate_md5(str(part))) != md5:
        part.unlink()  # or every further attempt would go on from the same wrong bytes
        raise InputError(f"The archive from {url} has MD5 {found}, expected {md5}; it was deleted, run it again.")


def _unpack(archive: Path, root: Path) -> None:
    """Unpack into a folder beside `root`, then rename: `root` is there whole or not at all."""
    if not hasattr(tarfile, "data_filter"):
        raise InputError("This Python cannot unpack archives safely; expected 3.11.4 or newer.")
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-") as temporary:
        folder = Path(temporary)
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    _check_member(member)
                    tar.extract(member, folder, filter="data")
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"The archive {archive} is damaged or unsafe ({str(error)[:100]}).") from error
        unpacked = folder / CUB_FOLDER
        if not (unpacked / "images.txt").is_file():
            raise InputError(f"The archive {archive} holds no {CUB_FOLDER}/images.txt; expected CUB-200-2011.")
        # The official archive has the names of the attributes beside the data set; they belong to it.
        if (names := folder / "attributes.txt").is_file():
            (unpacked / "attributes").mkdir(exist_ok=True)
            names.replace(unpacked / "attributes" / "attributes.txt")
        if root.is_dir():
            root.rmdir()
        unpacked.rename(root)


def _check_member(member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
        raise InputError(
            f"The archive holds {member.name[:80]!r}, a link or a path out of the folder; expected files and folders "
            "alone. Nothing was unpacked."
        )
