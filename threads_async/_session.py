"""The session that a client makes for itself."""

import asyncio
import functools
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler

_HAPPY_EYEBALLS_DELAY: Final = 0.02
"""Seconds until the next address of a host is tried as well. `localhost` often means `::1` first, where a server on
IPv4 alone does not answer (on Windows not even with a refusal), and the usual 0.25 s would be waited in vain."""


class _HeadFirst(ResponseHandler):
    """Reads the head of an answer before what follows it.

    aiohttp's parser throws away all that it has read of an answer if other bytes follow it in the same chunk. With the
    head read first, such bytes end the connection, and the answer counts (RFC 9112, section 6.3 allows that).
    """

    def data_received(self, data: bytes) -> None:
        """Take `data` from the network."""
        if data.startswith(b"HTTP/1."):
            head, end, data = data.partition(b"\r\n\r\n")
            super().data_received(head + end)
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
