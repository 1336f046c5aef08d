"""Send a request and return the complete response. All requests of the package go through this module.

Each exchange is limited in time and size, including its body, and is retried if that can help. Redirects are not
followed, because they would send the token to another address. The errors of aiohttp never leave this module, neither
as cause nor as context, because they show headers and addresses.
"""

import asyncio
import contextlib
import random
import time
import warnings
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.abc import AbstractResolver
from attrs import frozen

from threads_async._ending import TimeLimits, cancellations
from threads_async._exchange import TOKEN_HEADER, Request, Response, mark_unknown
from threads_async._failures import closed_early, failure_of, timed_out
from threads_async._logs import tell_of_retry
from threads_async._reading import read_answer
from threads_async._secrets import Secret
from threads_async._session import close_session, middlewares_for, own_session
from threads_async._status import status_error
from threads_async._version import __version__
from threads_async.errors import ClientClosedError, RequestError, ServerError
from threads_async.retry import Allows, RetryBudget, RetryPolicy

if TYPE_CHECKING:
    from tenacity import RetryCallState

USER_AGENT: Final = f"threads-async/{__version__}"
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
"""The transport has one timeout for the complete exchange. The timeouts of aiohttp could interrupt it earlier."""


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


@frozen
class Bounds:
    """The bounds of a request.

    Attributes:
        timeout: Maximum time for one attempt in seconds: waiting for a free connection, connecting, and the complete
            response.
        response_bytes: Maximum size of a body in bytes, after decompression.
        retry: How many times a request is attempted, and for how long in total.
    """

    timeout: float
    response_bytes: int
    retry: RetryPolicy


def _headers_of(request: Request, token: Secret) -> dict[str, str]:
    headers = {TOKEN_HEADER: token.reveal(), "Accept": "application/json", "User-Agent": USER_AGENT}
    return headers if request.action is None else headers | {"Content-Type": "application/json"}


class Transport:
    """Sends requests with one token through one session.

    Args:
        token: The API token.
        session: The caller's session, which is not changed and never closed. If None, the transport creates its own
            session when it first needs one.
        bounds: The bounds of a request.
        clock: Returns the time in seconds, which never goes backwards.
        sleep: Waits for a number of seconds. By default, `asyncio.sleep`.
        draw: Returns a random number from 0 to 1.
        resolver: Finds the addresses of a host for the transport's own session. By default, the resolver of aiohttp.
    """

    def __init__(  # noqa: PLR0913 - the last four are for tests
        self,
        token: Secret,
        session: aiohttp.ClientSession | None,
        bounds: Bounds,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        draw: Callable[[], float] = random.random,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._token = token
        self._given = session
        self._own: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bounds = bounds
        self._budget = RetryBudget(bounds.retry.budget)
        self._clock = clock
        self._sleep = sleep or _pause
        self._draw = draw
        self._resolver = resolver
        self._time_limits = TimeLimits()
        self.closed: bool = False

    async def close(self) -> None:
        """End all requests and pauses, and close the transport's own session. It can be called more than once."""
        self.closed = True
        self._time_limits.expire()
        own, self._own = self._own, None
        if own is not None and self._loop is not None:
            await close_session(own, self._loop)

    def __del__(self) -> None:
        if getattr(self, "_own", None) is not None:
            warnings.warn(
                "unclosed ThreadsClient: use `async with`, or call its close()",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )

    async def send(self, request: Request, allows: Allows | None = None) -> Response:
        """Send `request` and return the response, whose status means success.

        If `allows` is given, only the retries that it allows are made, and they are not logged.

        Raises:
            RequestError: The request failed, with all its attempts.
            ClientClosedError: The transport or its session is closed, or belongs to another event loop.
        """
        began = self._clock()
        outcome = await self._attempt(request, 1, began)
        if not isinstance(outcome, RequestError):
            self._budget.succeeded(attempts=1)
        else:
            # The first attempt does not use tenacity, which would be a large part of the cost of a small request.
            outcome = await self._retry(request, outcome, began, allows)
        if isinstance(outcome, RequestError):
            raise outcome
        return outcome

    async def _attempt(self, request: Request, number: int, began: float) -> Response | RequestError:
        """Make attempt `number` of a call that began at `began`, by the clock."""
        deadline = self._bounds.retry.deadline
        outcome = await self._exchange(request, None if deadline is None else deadline - (self._clock() - began))
        if isinstance(outcome, Response):
            if request.accepts(outcome.status):
                return outcome
            outcome = status_error(outcome, self._token, *request.secrets, now=datetime.now(UTC))
            if isinstance(outcome, ServerError):
                mark_unknown(outcome, request)
            elif request.tokens and outcome.status == HTTPStatus.NOT_FOUND:
                outcome.hint = "check that the thread is still running, and its workspace"
        outcome.request = request.label
        outcome.attempts = number
        return outcome

    async def _retry(
        self, request: Request, failed: RequestError, began: float, allows: Allows | None
    ) -> Response | RequestError:
        """Make the attempts after the first one, whose error is `failed`, as far as policy and budget allow."""
        # Most programs never need tenacity, and it would add a seventh to the import time of the package's own modules.
        from tenacity import AsyncRetrying  # noqa: PLC0415

        policy = self._bounds.retry
        attempts = 0
        pause = 0.0
        unknown = False

        async def attempt() -> Response | RequestError:
            nonlocal attempts, unknown
            attempts += 1
            outcome = failed if attempts == 1 else await self._attempt(request, attempts, began)
            if isinstance(outcome, RequestError):
                unknown = unknown or outcome.unknown_since is not None
                if unknown:
                    mark_unknown(outcome, request)
            return outcome

        def wants_another(state: "RetryCallState") -> bool:
            nonlocal pause
            outcome = None if state.outcome is None or state.outcome.failed else state.outcome.result()
            if not isinstance(outcome, RequestError) or not request.allows_retry_after(outcome):
                return False
            seconds = policy.wait(outcome, elapsed=self._clock() - began, fraction=self._draw())
            if seconds is None or (allows and not allows(outcome, seconds)) or not self._budget.spend():
                return False
            pause = seconds
            if not allows:
                tell_of_retry(outcome, request.url, of=policy.attempts, wait=seconds)
            return True

        # Errors pass through tenacity's loop as values. If they were raised there, an error and the frames of the loop
        # would reference each other.
        retrying = AsyncRetrying(sleep=self._wait, retry=wants_another, wait=lambda _: pause)
        outcome: Response | RequestError = await retrying(attempt)
        if isinstance(outcome, Response):
            self._budget.succeeded(attempts=attempts)
        return outcome

    async def _wait(self, seconds: float) -> None:
        # If the transport is closed, the pause ends early, and the next attempt raises ClientClosedError.
        with contextlib.suppress(TimeoutError):
            async with self._time_limits.limit(None):
                await self._sleep(seconds)

    def _session(self) -> aiohttp.ClientSession:
        if self.closed:
            raise ClientClosedError("the client is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._given is not None:
            if self._given.closed:
                raise ClientClosedError("the session given to the client is closed")
            # aiohttp has no public attribute for the event loop of a session, and does not check it itself.
            its_loop = getattr(self._given, "_loop", loop)
            if its_loop is not loop and isinstance(its_loop, asyncio.AbstractEventLoop):
                raise ClientClosedError("the session given to the client belongs to another event loop")
            return self._given
        if self._own is None:
            self._own = own_session(self._resolver)
            self._loop = loop
        elif self._loop is not loop:
            raise ClientClosedError("the client was used in another event loop; make one client for each loop")
        return self._own

    async def _exchange(self, request: Request, left: float | None) -> Response | RequestError:
        """Make one attempt. An error is returned, because aiohttp's error would be the context of a raised one."""
        session = self._session()
        timeout = self._bounds.timeout if left is None else min(self._bounds.timeout, left)
        before = cancellations()
        try:
            async with (
                self._time_limits.limit(timeout),
                session.request(
                    request.method,
                    request.url if request.address is None else request.address.reveal(),
                    params=request.params,
                    headers=_headers_of(request, self._token),
                    data=None if request.body is None else request.body.reveal().encode(),
                    allow_redirects=False,
                    raise_for_status=False,
                    timeout=_NO_TIMEOUT,
                    middlewares=middlewares_for(request, session),
                ) as answer,
            ):
                return await read_answer(answer, request, self._bounds.response_bytes)
        except TimeoutError:
            if not self.closed:
                return timed_out(timeout, request)
        except asyncio.CancelledError:
            # When the session is closed, aiohttp cancels tasks that wait for a connection or a host name. If nobody
            # cancelled this task, it must not end with a cancellation.
            if cancellations() > before or not (self.closed or session.closed):
                raise
        except (aiohttp.ClientError, UnicodeError, OSError, EOFError) as error:
            if not (self.closed or session.closed):
                return failure_of(error, request)
        raise closed_early(request)
