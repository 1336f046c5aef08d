"""The session that a client creates for itself."""

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
from threads_async._exchange import Request
from threads_async.redaction import redact_url

_HAPPY_EYEBALLS_DELAY: Final = 0.02
"""Seconds until the next address of a host is tried in parallel. `localhost` often resolves to `::1` first, where a
server that listens only on IPv4 does not respond (on Windows the connection is not even refused). The default delay of
0.25 s would then be lost."""


_LOOK_AGAIN: Final = 0.01
"""Seconds between two checks of a task in another event loop."""

_END_OF_HEAD: Final = b"\r\n\r\n"


class _HeadFirst(ResponseHandler):
    """Passes the head of a response to aiohttp's parser separately from the bytes after it.

    If other bytes follow a response in the same call, the parser discards the response. If the head is passed first,
    such bytes only end the connection, and the response is used, as RFC 9112, section 6.3 allows. A response without a
    request ends the connection too, because aiohttp would take it for the response to the next request.
    """

    # The last bytes of an incomplete head, because the end of the head may arrive in two parts.
    _last = b""
    # Whether the head of the final response was received.
    _answered = False

    def set_response_params(self, **parameters: Any) -> None:
        """Get ready for the response to a request."""
        self._answered = False
        super().set_response_params(**parameters)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take the head of a response from the parser."""
        if self._answered:
            self.abort()
            return
        # Lower statuses are interim responses, such as 100 Continue.
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
        # aiohttp itself calls this without bytes to resume a paused parser, so the call is needed even if `data` is
        # empty.
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the body when the connection ends."""
        body = self._payload
        super().connection_lost(exc)
        # If the body was not valid HTTP, aiohttp ends the connection but does not report it to the reader of the body.
        if body is not None and not body.is_eof() and body.exception() is None:
            error = aiohttp.ClientPayloadError()
            error.__cause__ = self.exception()
            body.set_exception(error)


class ConnectionEnded(aiohttp.ClientError):
    """The connection ended before the response. The cause is the error of aiohttp."""


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionEnded from error


async def _send_redacted(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await send(request)
    except aiohttp.ClientResponseError as error:
        url = type(request.url)(redact_url(request.url), encoded=True)
        error.request_info = error.request_info._replace(url=url, real_url=url)
        raise


def middlewares_for(
    request: Request, session: aiohttp.ClientSession
) -> tuple[aiohttp.ClientMiddlewareType, ...] | None:
    """Return the middlewares with which `session` sends `request`, or None for those of the session.

    If the connection ends, aiohttp sends PUT and DELETE requests a second time and reports only the second outcome. It
    would then be unknown what the first one did, so the request of an action is sent only once.

    The error for a response that is not valid HTTP contains the URL. The instrumentation of OpenTelemetry records its
    text before the client can replace the error, so thread tokens in the URL are shortened.
    """
    ours: list[aiohttp.ClientMiddlewareType] = [] if request.action is None else [_send_once]
    if request.secrets:
        ours.append(_send_redacted)
    # aiohttp has no public way to add a middleware to those of a session.
    return (*ours, *vars(session).get("_middlewares", ())) if ours else None


def own_session(resolver: AbstractResolver | None) -> aiohttp.ClientSession:
    """Return a new session for the running event loop.

    Args:
        resolver: Finds the addresses of a host. By default, the resolver of aiohttp.
    """
    connector = aiohttp.TCPConnector(happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY, resolver=resolver)
    # aiohttp has no public way to set the class that reads the responses of a connection.
    vars(connector)["_factory"] = functools.partial(_HeadFirst, loop=asyncio.get_running_loop())
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def close_session(session: aiohttp.ClientSession, loop: asyncio.AbstractEventLoop) -> None:
    """Close `session`, whose event loop is `loop`, from this event loop or another."""
    if loop is asyncio.get_running_loop():
        await session.close()
        return
    closing: list[asyncio.Task[None]] = []
    call_in(loop, lambda: closing.append(loop.create_task(session.close())))
    # That loop may stop at any moment, and then nothing reports it.
    while loop.is_running() and not (closing and closing[0].done()):  # noqa: ASYNC110 - that end sets no event
        await asyncio.sleep(_LOOK_AGAIN)
    # A closed loop raises RuntimeError.
    with contextlib.suppress(RuntimeError):
        await session.close()
