"""The server process: prepared pages over HTTP/1.1 on loopback, at the lowest cost that asyncio allows.

``python -m benchmarks.server COUNT TOTAL TOKEN`` prints its port and ends when its standard input is closed. The base
URL selects the list: ``/of/5000`` has 5,000 threads, and ``/of/5000/late/20`` responds after 20 ms. ``/requests``
returns the number of requests for threads so far, without those below ``/warm``.
"""

import asyncio
import re
import sys
from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from benchmarks.pages import Book, prepare

_LINE: Final = re.compile(rb"GET (/warm)?/of/(\d+)(?:/late/(\d+))?/v1/threads\?(\S+) HTTP/1\.1\r\n")
_END: Final = b"\r\n\r\n"
_DEFAULT_TOTAL: Final = 1000

Reply: TypeAlias = Callable[[bytes], tuple[float, bytes]]
"""Takes the head of a request, and returns the seconds to wait and the response."""


def answer(status: bytes, *parts: bytes) -> bytes:
    """Return the bytes of a response whose body is `parts`."""
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % (
        status,
        sum(map(len, parts)),
    )
    return b"".join((head, *parts))


NOT_FOUND: Final = answer(b"404 Not Found", b'{"message":"no such path"}')
UNAUTHORIZED: Final = answer(b"401 Unauthorized", b'{"message":"Unauthenticated"}')


def authorized(request: bytes, token: bytes) -> bool:
    """Return whether a header of `request` has the value `token`."""
    return b": %s\r\n" % token in request


class Connection(asyncio.Protocol):
    """Answers the requests of one connection, in order.

    Args:
        reply: Makes the responses.
    """

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a server on TCP has no other
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each complete request."""
        self._data += data
        while _END in self._data:
            request, self._data = self._data.split(_END, 1)
            seconds, reply = self._reply(request + b"\r\n")
            if seconds:
                asyncio.get_running_loop().call_later(seconds, self._send, reply)
            else:
                self._send(reply)

    def _send(self, reply: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(reply)


class Lists:
    """Makes the responses.

    Args:
        book: The bodies.
        token: The required value of the header ``Api-Token``.
    """

    def __init__(self, book: Book, token: bytes) -> None:
        self._book = book
        self._token = token
        # The number of requests for threads so far.
        self._seen = 0

    def reply(self, request: bytes) -> tuple[float, bytes]:
        """Return the seconds to wait, and the response."""
        if request.startswith(b"GET /requests "):
            return 0, answer(b"200 OK", b"%d" % self._seen)
        line = _LINE.match(request)
        if line is None:
            return 0, NOT_FOUND
        if not authorized(request, self._token):
            return 0, UNAUTHORIZED
        warm, count, late, query = line.groups()
        self._seen += warm is None
        asked = dict(parse_qsl(query.decode()))
        start, total = int(asked.get("start", 0)), int(asked.get("total", _DEFAULT_TOTAL))
        return int(late or 0) / 1000, answer(b"200 OK", *self._book.body(int(count), start, total))


async def serve(connect: Callable[[], Connection]) -> None:
    """Serve until standard input ends.

    Args:
        connect: Returns the protocol of a new connection.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connect, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - the parent process reads it
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    _lists = Lists(Book(prepare(int(sys.argv[1])), int(sys.argv[2])), sys.argv[3].encode())
    asyncio.run(serve(lambda: Connection(_lists.reply)))
