"""The only door to the network: a request goes in, the whole answer comes out.

Every exchange is bounded in time and size, its body included, and is retried where that can help. Redirects are not
followed: they would carry the token to another place. What aiohttp raises never gets out, neither as cause nor as
context, since its errors show headers and addresses.
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

from threads_async._ending import TimeLimits
from threads_async._exchange import TOKEN_HEADER, Request, Response
from threads_async._failures import failure_of
from threads_async._logs import tell_of_retry
from threads_async._reading import read_answer
from threads_async._secrets import Secret
from threads_async._session import close_session, own_session
from threads_async._status import status_error
from threads_async._version import __version__
from threads_async.errors import ClientClosedError, RequestError, RequestTimeoutError
from threads_async.retry import RetryBudget, RetryPolicy

if TYPE_CHECKING:
    from tenacity import RetryCallState

USER_AGENT: Final = f"threads-async/{__version__}"
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
"""The whole exchange has one timeout of ours; aiohttp's would cut in earlier."""


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


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
        sleep: Waits for so many seconds; by default `asyncio.sleep`.
        draw: A random number from 0 to 1.
        resolver: Finds the addresses of a host for an own session; by default aiohttp's.
    """

    def __init__(  # noqa: PLR0913 - the last four are for tests
        self,
        token: Secret,
        session: aiohttp.ClientSession | None,
        limits: Limits,
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
        self._limits = limits
        self._budget = RetryBudget(limits.retry.budget)
        self._clock = clock
        self._sleep = sleep or _pause
        self._draw = draw
        self._resolver = resolver
        self._time_limits = TimeLimits()
        self.closed: bool = False

    async def close(self) -> None:
        """End all exchanges and waits, and close the session if it is our own. May be called again."""
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

    async def get(self, request: Request) -> Response:
        """Send `request` and return the answer, whose status is 200.

        Raises:
            RequestError: It failed, with all its attempts.
            ClientClosedError: This, or the session given, is closed.
        """
        began = self._clock()
        outcome = await self._attempt(request, 1, began)
        if isinstance(outcome, RequestError):
            # Apart, since tenacity is a large part of what a small request costs.
            outcome = await self._retry(request, outcome, began)
        else:
            self._budget.succeeded(attempts=1)
        if isinstance(outcome, RequestError):
            raise outcome
        return outcome

    async def _attempt(self, request: Request, number: int, began: float) -> Response | RequestError:
        """Make the attempt of this number of a call that began at this time."""
        deadline = self._limits.retry.deadline
        outcome = await self._exchange(request, None if deadline is None else deadline - (self._clock() - began))
        if isinstance(outcome, Response):
            if outcome.status == HTTPStatus.OK:
                return outcome
            outcome = status_error(outcome, self._token, *request.secrets, now=datetime.now(UTC))
        outcome.request = request.label
        outcome.attempts = number
        return outcome

    async def _retry(self, request: Request, failed: RequestError, began: float) -> Response | RequestError:
        """Make the attempts after the first, which `failed`, as far as they are wanted."""
        # Most programs never need it, and it would be a seventh of what the import of this package takes.
        from tenacity import AsyncRetrying  # noqa: PLC0415

        policy = self._limits.retry
        attempts = 0
        pause = 0.0

        async def attempt() -> Response | RequestError:
            nonlocal attempts
            attempts += 1
            return failed if attempts == 1 else await self._attempt(request, attempts, began)

        def wants_another(state: "RetryCallState") -> bool:
            nonlocal pause
            outcome = None if state.outcome is None or state.outcome.failed else state.outcome.result()
            if not isinstance(outcome, RequestError):
                return False
            seconds = policy.wait(outcome, elapsed=self._clock() - began, fraction=self._draw())
            if seconds is None or not self._budget.spend():
                return False
            pause = seconds
            tell_of_retry(outcome, request.url, of=policy.attempts, wait=seconds)
            return True

        # Errors go through the loop as values: raised in it, they would be held by its frames and it by theirs.
        retrying = AsyncRetrying(sleep=self._wait, retry=wants_another, wait=lambda _: pause)
        outcome: Response | RequestError = await retrying(attempt)
        if isinstance(outcome, Response):
            self._budget.succeeded(attempts=attempts)
        return outcome

    async def _wait(self, seconds: float) -> None:
        # Ends early when this is closed; the next attempt says so.
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
            # aiohttp has no public way to ask for it, and does not notice by itself.
            its_loop = getattr(self._given, "_loop", loop)
            if its_loop is not loop and isinstance(its_loop, asyncio.AbstractEventLoop):
                raise ClientClosedError("the session given to the client belongs to another event loop")
            return self._given
        if self._own is None:
            self._own = own_session(self._resolver)
            self._loop = loop
        elif self._loop is not loop:
            raise ClientClosedError("the client was opened in another event loop; make one client for each loop")
        return self._own

    async def _exchange(self, request: Request, left: float | None) -> Response | RequestError:
        """Make one attempt. What failed is returned, not raised: raised here, it would carry aiohttp's error along."""
        session = self._session()
        timeout = self._limits.timeout if left is None else min(self._limits.timeout, left)
        task = asyncio.current_task()
        cancelling = task.cancelling() if task is not None else 0
        try:
            async with (
                self._time_limits.limit(timeout),
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
                return await read_answer(answer, self._limits.response_bytes)
        except TimeoutError:
            if not self.closed:
                return RequestTimeoutError(f"no whole answer within {timeout:g} s")
        except asyncio.CancelledError:
            # aiohttp cancels what waits for a connection or for a name when the session is closed. Nobody has asked
            # for this task to end, so it must not end as if somebody had.
            if task is None or task.cancelling() > cancelling or not (self.closed or session.closed):
                raise
        except (aiohttp.ClientError, UnicodeError, OSError, EOFError) as error:
            if not (self.closed or session.closed):
                return failure_of(error, request)
        raise ClientClosedError("the client was closed while it waited for an answer")
