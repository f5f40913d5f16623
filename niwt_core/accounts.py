"""Secrets that belong to an account: the same on every visit, and nobody's guess without this server's key.

A notebook and a shelf of projects are opened by a secret and by nothing else. Where people sign in, theirs is computed
from who they are and a key that only this server has, so that no link has to be kept.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from niwt_core.errors import InputError
from niwt_core.notebook.database import DATA_VARIABLE

FILE = "accounts.key"
#: Bytes of the key.
KEY = 32


def secret_of(account: str, purpose: str) -> str:
    """32 hexadecimal digits for an account and a purpose.

    Args:
        account: what tells one person from all others, for ever: issuer and subject of OpenID.
        purpose: what the secret opens; each purpose has its own.

    Raises:
        InputError: the key can be neither read nor written.
    """
    said = "\0".join([purpose, account]).encode("utf-8", "surrogatepass")
    return hmac.new(_key(_folder() / FILE), said, hashlib.sha256).hexdigest()[:32]


def _folder() -> Path:
    return Path(os.environ.get(DATA_VARIABLE) or Path(__file__).parents[1] / "projects")


def _key(path: Path) -> bytes:
    """The key; made at the first sign-in, whole before it has its name, and readable by this server alone."""
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(KEY))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(partial, path)  # another process may have been quicker: then its key stays
            except FileExistsError:
                pass
            finally:
                partial.unlink()
        found = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The server’s key for accounts cannot be read or written ({error.strerror or 'no reason given'}); whoever "
            "runs the server has to see to its data folder."
        ) from error
    if len(found) != KEY:
        raise InputError(f"The server’s key for accounts has {len(found)} bytes; expected {KEY}.")
    return found
