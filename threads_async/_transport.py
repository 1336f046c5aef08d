"""The only door to the network: a request goes in, the whole answer comes out.

Every exchange is bounded in time and size, its body included, and is tried again where that can help. Redirects are
not followed: they would carry the token to another place. What aiohttp raises never gets out, neither as cause nor as
context, since its errors show headers and addresses.
"""

import asyncio
import errno
import random
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import aiohttp
import stamina
from aiohttp.abc import AbstractResolver
from attrs import frozen

from threads_async._secrets import Secret
from threads_async._version import __version__
from threads_async._wire import TOKEN_HEADER, Request, Response, status_error
from threads_async.errors import (
    ClientClosedError,
    ConnectionFailedError,
    DecodeError,
    RequestError,
    RequestTimeoutError,
    ResponseTooLargeError,
)
from threads_async.retry import RetryBudget, RetryPolicy

USER_AGENT: Final = f"threads-async/{__version__}"
_OK: Final = 200
_MOST_OF_AN_ERROR: Final = 64 * 2**10
"""Bytes read of an answer that is an error anyway."""
_LARGE_BLOCK: Final = 4 * 2**20
"""Bytes, more than most pages have: see `Transport.__init__`."""
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
"""The whole exchange has one timeout of ours; aiohttp's would cut in earlier."""
_HAPPY_EYEBALLS_DELAY: Final = 0.02
"""Seconds until the next address of a host is tried as well. `localhost` often means `::1` first, where a server on
IPv4 alone does not answer (on Windows not even with a refusal), and the usual 0.25 s would be waited in vain."""
_HINT: Final = "is ZennoBrowser running? its API answers on http://localhost:8160"


@frozen
class Limits:
    """Bounds of an exchange.

    Attributes:
        timeout: Most seconds for one attempt: waiting for a free connection, connecting, and the whole answer.
        response_bytes: Most bytes of a body, counted after decompression.
        retry: How often to try, and how long in all.
    """

    timeout: float
    response_bytes: int
    retry: RetryPolicy


class Transport:
    """Sends requests with one token through one session.

    Args:
        token: The API token.
        session: The caller's session, which is used as it is and never closed, or None for one of our own, made when
            first needed.
        limits: Bounds of an exchange.
        clock: Seconds that only go forward.
        draw: A random number from 0 to 1.
        resolver: Finds the addresses of a host for an own session; by default aiohttp's.
    """

    def __init__(  # noqa: PLR0913 - the last three are for tests
        self,
        token: Secret,
        session: aiohttp.ClientSession | None,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._token = token
        self._given = session
        self._own: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # Once glibc has seen a large block come and go, it keeps as much memory at hand (mallopt(3), the dynamic
        # thresholds). Until then it gives that of each page back and gets it again for the next, fault by fault, which
        # can cost as much as reading the page. Elsewhere this is nothing: the block is never touched.
        bytes(_LARGE_BLOCK)
        self._limits = limits
        self._budget = RetryBudget(limits.retry.budget)
        self._clock = clock
        self._draw = draw
        self._resolver = resolver
        self.closed = False

    async def close(self) -> None:
        """Close the session if it is our own. May be called again."""
        self.closed = True
        own, self._own = self._own, None
        if own is not None:
            await own.close()

    def __del__(self) -> None:
        if getattr(self, "_own", None) is not None:
            warnings.warn(
                "unclosed ThreadsClient: use `async with`, or call its close()",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )

    async def get(self, request: Request) -> Response:
        """Send `request` and return the answer, whose status is 200.

        Raises:
            RequestError: It failed, with all its attempts.
            ClientClosedError: This, or the session given, is closed.
        """
        policy = self._limits.retry
        began = self._clock()

        def wait(error: Exception) -> float | bool:
            if not isinstance(error, RequestError):
                return False
            seconds = policy.wait(error, elapsed=self._clock() - began, fraction=self._draw())
            return False if seconds is None or not self._budget.spend() else seconds

        async for attempt in stamina.retry_context(on=wait, attempts=policy.attempts, timeout=None):
            with attempt:
                left = None if policy.deadline is None else policy.deadline - (self._clock() - began)
                outcome = await self._exchange(request, left)
                if isinstance(outcome, Response):
                    error = status_error(outcome, token=self._token, now=datetime.now(UTC))
                    if error is None:
                        self._budget.succeeded(attempts=attempt.num)
                        return outcome
                    outcome = error
                outcome.request = request.label
                outcome.attempts = attempt.num
                raise outcome
        raise AssertionError("stamina ends with a result or an error")

    def _session(self) -> aiohttp.ClientSession:
        if self.closed:
            raise ClientClosedError("the client is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._given is not None:
            if self._given.closed:
                raise ClientClosedError("the session given to the client is closed")
            return self._given
        if self._own is None:
            connector = aiohttp.TCPConnector(happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY, resolver=self._resolver)
            self._own = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
            self._loop = loop
        elif self._loop is not loop:
            raise ClientClosedError("the client was opened in another event loop; make one client for each loop")
        return self._own

    async def _exchange(self, request: Request, left: float | None) -> Response | RequestError:
        """Make one attempt. What failed is returned, not raised: raised here, it would carry aiohttp's error along."""
        session = self._session()
        timeout = self._limits.timeout if left is None else min(self._limits.timeout, left)
        try:
            async with (
                asyncio.timeout(timeout),
                session.get(
                    request.url,
                    params=request.params,
                    headers={
                        TOKEN_HEADER: self._token.reveal(),
                        "Accept": "application/json",
                        "User-Agent": USER_AGENT,
                    },
                    allow_redirects=False,
                    raise_for_status=False,
                    timeout=_NO_TIMEOUT,
                ) as answer,
            ):
                body = await self._read(answer)
                if body is not None:
                    return Response(answer.status, answer.headers, body)
        except TimeoutError:
            return RequestTimeoutError(f"no whole answer within {timeout:g} s; {_HINT}")
        except (aiohttp.ClientResponseError, ValueError):
            return DecodeError("the answer is not HTTP", reason="not HTTP", start=request.start)
        except (aiohttp.ClientError, OSError, EOFError) as error:
            failure = _reason(error)
        else:
            limit = self._limits.response_bytes
            return ResponseTooLargeError(
                f"the answer is larger than max_response_bytes ({limit}); ask for fewer threads at once with total",
                limit=limit,
            )
        if self.closed or session.closed:
            raise ClientClosedError("the client was closed while it waited for an answer")
        return ConnectionFailedError(f"the connection failed ({failure}); {_HINT}")

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes | None:
        """Return the whole body, or None if it is larger than allowed; of an error, its beginning."""
        limit = self._limits.response_bytes if answer.status == _OK else _MOST_OF_AN_ERROR
        chunks: list[bytes] = []
        size = 0
        async for chunk in answer.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                # The rest is not wanted, so the connection cannot serve again.
                answer.close()
                if answer.status == _OK:
                    return None
                break
        return b"".join(chunks)


_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ClientSSLError, "TLS could not be set up, or the certificate is not trusted"),
    (aiohttp.ClientConnectorDNSError, "the host name is not known"),
    (aiohttp.ServerDisconnectedError, "the server closed it without an answer"),
    (aiohttp.ClientPayloadError, "cut in the middle of the answer"),
)


def _reason(error: Exception) -> str:
    """Return why a connection failed, in our words: aiohttp's hold addresses and headers."""
    for kind, text in _REASONS:
        if isinstance(error, kind):
            return text
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ECONNREFUSED:
        return "refused"
    return "no reason given" if number is None else errno.errorcode.get(number, f"error {number}")
