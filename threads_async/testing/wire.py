"""A server below HTTP: it sends exactly the bytes that a test gives it, and breaks connections on purpose."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Self, TypeAlias

Script: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""A coroutine function that responds to a request that has been read.

The connection is then kept for the next request. A script that raises ``ConnectionError`` closes it instead.
"""


class WireServer:
    """A server that runs a script for each request, instead of an HTTP implementation.

    Use it as ``async with WireServer(send(...)) as server:``. Requests are read up to the empty line that ends their
    headers. The n-th request, counted over all connections, runs the n-th script. When there are no more scripts, the
    last one is repeated. A script may send the bytes of several responses, or none.

    Args:
        scripts: The scripts, one for each request: made with `~threads_async.testing.wire.send`,
            `~threads_async.testing.wire.reset`, `~threads_async.testing.wire.hang` or
            `~threads_async.testing.wire.drip`, or your own coroutine functions.

    Attributes:
        requests: The request line and headers of each request, as text, in order.
        url: The base URL, once the server is started: ``http://127.0.0.1`` with a free port.
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
            # The client is gone, or this server is being closed. Neither is an error.
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
        # Give a client in the same event loop the time to read, so that it does not receive two chunks as one. In the
        # first turn, the loop may not have noticed yet that there is something to read.
        for _ in range(2):
            await asyncio.sleep(0)


def send(*chunks: bytes, close: bool = True) -> Script:
    """Return a script that sends bytes.

    Args:
        *chunks: The bytes to send, one chunk after another.
        close: Whether to close the connection afterwards. Otherwise it is kept for the next request.
    """

    async def script(writer: asyncio.StreamWriter) -> None:
        await _write(writer, chunks)
        if close:
            raise ConnectionError

    return script


def reset(*chunks: bytes) -> Script:
    """Return a script that sends bytes and then resets the connection.

    The client gets ``ECONNRESET`` instead of the end of the stream.

    Args:
        *chunks: The bytes to send, one chunk after another.
    """

    async def script(writer: asyncio.StreamWriter) -> None:
        await _write(writer, chunks)
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionError

    return script


def hang(*chunks: bytes) -> Script:
    """Return a script that sends bytes and then nothing more, while the connection stays open.

    Args:
        *chunks: The bytes to send, one chunk after another.
    """

    async def script(writer: asyncio.StreamWriter) -> None:
        await _write(writer, chunks)
        await asyncio.Event().wait()

    return script


def drip(head: bytes, body: bytes, *, seconds: float) -> Script:
    """Return a script that sends a body slowly and without end.

    Args:
        head: The bytes to send at once.
        body: The bytes to send one by one, over and over.
        seconds: Time after each byte, in seconds.
    """

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            for number in range(len(body)):
                writer.write(body[number : number + 1])
                await writer.drain()
                await asyncio.sleep(seconds)

    return script


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """Return the bytes of an HTTP response.

    Args:
        body: The body, sent unchanged.
        status: The status code with its reason phrase.
        headers: Additional headers, each ended by CR LF.
        length: The ``Content-Length``, which may be wrong. By default the length of ``body``.
    """
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode("latin-1") + body
