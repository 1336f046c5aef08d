"""A server below HTTP: it sends the very bytes it is told to, and breaks where it is told to."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Self, TypeAlias

Script: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What happens on a connection once a request has been read; afterwards the connection is closed."""


class WireServer:
    """Answers each request by a script instead of by HTTP.

    Requests are read up to the empty line that ends their headers. The n-th request, over all connections, gets the
    n-th script; when they run out, the last is used again. A script may send several answers' bytes, or none.

    Args:
        scripts: What to do, one a request: `send`, `reset`, `hang`, `drip`, or a coroutine function of your own.

    Attributes:
        requests: The heads of the requests read, as text, in order.
        url: Where it listens: ``http://127.0.0.1`` and a free port.
    """

    def __init__(self, *scripts: Script) -> None:
        if not scripts:
            msg = "a WireServer needs at least one script"
            raise ValueError(msg)
        self.requests: list[str] = []
        self.url: str = ""
        self._scripts = scripts
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this in a task
        self._tasks.add(task)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                number = len(self.requests)
                self.requests.append(head.decode("latin-1"))
                await self._scripts[min(number, len(self._scripts) - 1)](writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            # The other side has gone, or this server is being closed: neither is worth a word.
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _write(writer: asyncio.StreamWriter, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
        # A client in the same event loop gets its turn to read, so that chunks do not become one on the way: in the
        # first turn the loop may not know yet that there is something to read.
        for _ in range(2):
            await asyncio.sleep(0)


def send(*chunks: bytes, close: bool = True) -> Script:
    """Send `chunks` one by one, then close the connection, or keep it for the next request."""

    async def script(writer: asyncio.StreamWriter) -> None:
        await _write(writer, chunks)
        if close:
            raise ConnectionError

    return script


def reset(*chunks: bytes) -> Script:
    """Send `chunks`, then reset the connection: the other side sees ECONNRESET instead of an end."""

    async def script(writer: asyncio.StreamWriter) -> None:
        await _write(writer, chunks)
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionError

    return script


def hang(*chunks: bytes) -> Script:
    """Send `chunks`, then nothing more, and keep the connection open."""

    async def script(writer: asyncio.StreamWriter) -> None:
        await _write(writer, chunks)
        await asyncio.Event().wait()

    return script


def drip(head: bytes, body: bytes, *, seconds: float) -> Script:
    """Send `head`, then `body` byte by byte, one each `seconds`, over and over."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            for number in range(len(body)):
                writer.write(body[number : number + 1])
                await writer.drain()
                await asyncio.sleep(seconds)

    return script


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """Return the bytes of an HTTP answer, with `length` as its Content-Length where it is to lie.

    Args:
        body: The body as it goes over the wire.
        status: The status with its phrase.
        headers: Further headers, each ended by CR LF.
        length: The Content-Length, by default that of `body`.
    """
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode("latin-1") + body
