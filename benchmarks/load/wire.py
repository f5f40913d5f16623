"""HTTP as a browser asks for pictures and sends files: one kept connection, and no more than Streamlit needs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: Seconds until an answer has to be there.
PATIENCE = 30.0


class WireError(RuntimeError):
    """The server did not answer, or not in a way that is understood."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status, its headers in small letters, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Wire:
    """A connection to one server, opened when needed and kept; requests go one after the other."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, waits: float = PATIENCE
    ) -> Answer:
        """One request and its answer; cookies that come are kept and sent from then on.

        Raises:
            WireError: no answer within `waits` seconds, or a broken one, twice.
        """
        async with self._lock:
            for _ in range(2):  # a kept connection may have been closed meanwhile
                try:
                    return await asyncio.wait_for(self._once(method, path, body, headers or {}), waits)
                except (OSError, EOFError, ValueError, IndexError, TimeoutError) as error:
                    self._drop()
                    reason = f"{method} {path}: {type(error).__name__} {error}"
            raise WireError(reason)

    async def _once(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        host = urlsplit(self.url)
        if self._streams is None:
            self._streams = await asyncio.open_connection(host.hostname, host.port)
        reader, writer = self._streams
        lines = {"Host": host.netloc, "Content-Length": str(len(body)), "Origin": self.url, **headers}
        if self.cookies:
            lines["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await writer.drain()
        if not (first := await reader.readline()):
            raise EOFError("the server had closed the connection")
        status = int(first.split()[1])
        found: dict[str, str] = {}
        while (line := (await reader.readline()).decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            found[name.lower()] = value.strip()
            if name.lower() == "set-cookie":
                cookie, _, rest = value.strip().partition("=")
                self.cookies[cookie] = rest.split(";")[0]
        return Answer(status, found, await self._body(reader, status, found))

    async def _body(self, reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int((await reader.readline()).split(b";")[0], 16):
                parts.append(await reader.readexactly(size))
                await reader.readline()
            await reader.readline()
            return b"".join(parts)
        if status in (204, 304):
            return b""
        return await reader.readexactly(int(headers.get("content-length", "0")))

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    def close(self) -> None:
        self._drop()
