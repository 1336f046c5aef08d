"""The session that a client makes for itself."""

import asyncio
import contextlib
import functools
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from aiohttp import StreamReader
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage

from threads_async._ending import call_in

_HAPPY_EYEBALLS_DELAY: Final = 0.02
"""Seconds until the next address of a host is tried as well. `localhost` often means `::1` first, where a server on
IPv4 alone does not answer (on Windows not even with a refusal), and the usual 0.25 s would be waited in vain."""


_LOOK_AGAIN: Final = 0.01
"""Seconds between two looks at what happens in another event loop."""

_END_OF_HEAD: Final = b"\r\n\r\n"


class _HeadFirst(ResponseHandler):
    """Passes the head of an answer to aiohttp's parser before what follows it.

    The parser throws away all that it has read of an answer if other bytes follow it in the same call. With the head
    passed first, such bytes end the connection, and the answer counts (RFC 9112, section 6.3 allows that). An answer to
    nothing that was asked ends the connection too: aiohttp would take it for the answer to the next request.
    """

    # The last bytes of a head that has not ended yet: its end may come in two parts.
    _last = b""
    # Whether the head of the final answer has come.
    _answered = False

    def set_response_params(self, **parameters: Any) -> None:
        """Get ready for the answer to a request."""
        self._answered = False
        super().set_response_params(**parameters)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take the head of an answer from the parser."""
        if self._answered:
            self.abort()
            return
        # The others are interim answers, such as 100 Continue.
        self._answered = data[0].code >= HTTPStatus.OK
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Take `data` from the network."""
        while data and self.exception() is None and (self._payload is None or self._payload.is_eof()):
            if self._answered:
                self.abort()
                return
            end = (self._last + data).find(_END_OF_HEAD)
            if end < 0:
                self._last = (self._last + data)[1 - len(_END_OF_HEAD) :]
                break
            length = end + len(_END_OF_HEAD) - len(self._last)
            self._last = b""
            head, data = data[:length], data[length:]
            super().data_received(head)
            if not data:
                return
        # aiohttp itself calls this without bytes, so that a parser that it has paused goes on.
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take note that the connection has ended, and so has the body that came over it."""
        body = self._payload
        super().connection_lost(exc)
        # If bytes of a body were not HTTP, aiohttp ends the connection but does not tell whoever reads the body.
        if body is not None and not body.is_eof() and body.exception() is None:
            error = aiohttp.ClientPayloadError()
            error.__cause__ = self.exception()
            body.set_exception(error)


def own_session(resolver: AbstractResolver | None) -> aiohttp.ClientSession:
    """Return a new session for the running event loop.

    Args:
        resolver: Finds the addresses of a host; by default aiohttp's.
    """
    connector = aiohttp.TCPConnector(happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY, resolver=resolver)
    # aiohttp has no public way to say what reads the answers of a connection.
    vars(connector)["_factory"] = functools.partial(_HeadFirst, loop=asyncio.get_running_loop())
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def close_session(session: aiohttp.ClientSession, loop: asyncio.AbstractEventLoop) -> None:
    """Close `session`, whose event loop is `loop`, from this one or another."""
    if loop is asyncio.get_running_loop():
        await session.close()
        return
    closing: list[asyncio.Task[None]] = []
    call_in(loop, lambda: closing.append(loop.create_task(session.close())))
    # That loop may end at any moment, and then it never tells.
    while loop.is_running() and not (closing and closing[0].done()):  # noqa: ASYNC110 - that end sets no event
        await asyncio.sleep(_LOOK_AGAIN)
    # A loop that is closed takes no more calls.
    with contextlib.suppress(RuntimeError):
        await session.close()
