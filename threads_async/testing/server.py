"""A real HTTP server on the loopback interface that speaks the documented API."""

import asyncio
import inspect
import json
import math
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from aiohttp import hdrs, web
from attrs import evolve

from threads_async.testing._openapi import DOCUMENTS
from threads_async.testing._pace import Repeating
from threads_async.testing._pages import Asked, BadParametersError, PastEnd, page_of, read
from threads_async.testing._population import FakeThread, Population
from threads_async.testing._serving import Server
from threads_async.testing._values import Fault, SeenRequest

DEFAULT_TOKEN: Final = "fake-api-token"  # noqa: S105 - it opens nothing but the fake
PATH: Final = "/v1/threads"


class FakeServer(Server):
    """A ZennoBrowser's list of execution threads, without the ZennoBrowser.

    Use it as ``async with FakeServer(threads=2500) as server:`` and give `url` and `token` to your client. It behaves
    as the API's page says. What that page leaves open is a switch: an attribute that may be set at any time, also
    while the server runs.

    A plain ``with`` works in any program: the server then runs in a daemon thread with an event loop of its own. All
    methods and attributes may be used from your thread meanwhile; `start` and `stop` are awaited in any event loop,
    or run by ``asyncio.run(server.stop())``.

    Args:
        threads: How many threads run, or the threads themselves.
        token: The API token that it takes.
        seed: What the threads are made from; the same number makes the same threads.
        port: Where it listens on 127.0.0.1; 0 for a free port.
        page_cap: Sets the attribute of its name, as all arguments after it do.

    Attributes:
        token: The API token that it takes.
        port: Where it listens, once started; it stays the same when the server is stopped and started again.
        requests: The requests for the list seen, in order; no others are kept. May be cleared.
        page_cap: Most threads on a page, whatever `total` asks for, and without saying so. None for no cap.
        past_end: What a `start` at or past the end gets: an empty page, the last page again, or status 500.
        ignore_start: Whether every page is the first.
        count_offset: Added to `totalCount`: a server that lies.
        filter_after_slicing: Whether a page is cut out of the list of all threads of the workspace and filtered
            afterwards, so that it holds fewer threads than asked for, or none.
        count_unfiltered: Whether `totalCount` ignores the filters.
        latency: Seconds before each answer.
        gzip: Whether answers are compressed for clients that take it.
        naive_times: Whether times lack their offset, as ASP.NET writes times of unspecified kind.
        unauthorized_status: What a missing or wrong token gets: 401, or 500.
        on_request: Called with each request before it is answered: what it starts is in the answer. If it returns an
            awaitable, that is awaited first. Both happen in the server's event loop. After a plain ``with`` that is
            not yours, so it must not wait for anything of your loop, and reaches it by ``call_soon_threadsafe``.
        fault_for: Called with each request, in the server's event loop like `on_request`; a `Fault` that it returns is
            sent instead of the right answer.
    """

    def __init__(  # noqa: PLR0913 - what tests set most, all but the first by keyword
        self,
        threads: int | Iterable[FakeThread] = 25,
        *,
        token: str = DEFAULT_TOKEN,
        seed: int = 0,
        port: int = 0,
        page_cap: int | None = None,
        past_end: PastEnd = "empty",
        latency: float = 0.0,
        ignore_start: bool = False,
        count_offset: int = 0,
        filter_after_slicing: bool = False,
        count_unfiltered: bool = False,
        gzip: bool = False,
        naive_times: bool = False,
        unauthorized_status: int = 401,
    ) -> None:
        super().__init__(port)
        self.token = token
        self.requests: list[SeenRequest] = []
        self.page_cap = page_cap
        self.past_end: PastEnd = past_end
        self.ignore_start = ignore_start
        self.count_offset = count_offset
        self.filter_after_slicing = filter_after_slicing
        self.count_unfiltered = count_unfiltered
        self.latency = latency
        self.gzip = gzip
        self.naive_times = naive_times
        self.unauthorized_status = unauthorized_status
        self.on_request: Callable[[SeenRequest], object] | None = None
        self.fault_for: Callable[[SeenRequest], Fault | None] | None = None
        self._population = Population(threads, seed)
        self._faults: deque[Fault] = deque()
        # Threads of the list are started, stopped and shown by the test's thread and by that of the server.
        self._lock = threading.RLock()

    @property
    def threads(self) -> tuple[FakeThread, ...]:
        """The threads that run, in the order in which they were made."""
        return self._population.alive

    def start_thread(
        self,
        *,
        workspace_id: int = 1,
        type: str | None = None,  # noqa: A002 - the API's own word
        thread_token: str | None = "",
        created_at: str | None = None,
    ) -> FakeThread:
        """Let one more thread run, at the end of the list.

        Args:
            workspace_id: Its workspace; 1 is the default workspace, which a request calls -1.
            type: ``Manual`` or ``BrowserInstance``, or any other text; by default drawn from the seed.
            thread_token: Its token; None for null; by default one that looks real.
            created_at: When it was made, as it is to stand on the wire; by default later than all before.
        """
        with self._lock:
            thread = self._population.maker.make(
                workspace_id=workspace_id, type=type, thread_token=thread_token, created_at=created_at
            )
            self._population.add(thread)
        return thread

    def stop_thread(self, thread: FakeThread | str) -> FakeThread:
        """Stop a thread, given as itself or as its token, and return it.

        Raises:
            LookupError: It does not run.
        """
        with self._lock:
            return self._population.remove(thread)

    def churn_step(self, draw: random.Random) -> FakeThread:
        """Start a thread or stop one, as `draw` falls, and return it. The number of threads stays about the same."""
        with self._lock:
            alive = self._population.alive
            return self.stop_thread(draw.choice(alive)) if alive and draw.random() < 0.5 else self.start_thread()  # noqa: PLR2004 - a half

    def churn(self, rate: float, *, seed: int = 0) -> Repeating:
        """Start and stop threads in the background, `rate` of them a second, drawn from `seed`.

        Use it as ``async with server.churn(50):``, or as ``with server.churn(50):`` inside ``with FakeServer()``.

        Raises:
            ValueError: The rate is not a finite number above 0.
        """
        if not 0 < rate < math.inf:
            msg = f"rate must be a finite number above 0, not {rate}"
            raise ValueError(msg)
        draw = random.Random(seed)  # noqa: S311 - it makes test data, not keys
        return Repeating(lambda: self.churn_step(draw), rate, self._thread)

    def fail_next(self, times: int = 1, fault: Fault = Fault()) -> None:  # noqa: B008 - it is frozen
        """Send `fault` to the next requests, so many times, instead of the right answer."""
        self._faults.extend([fault] * times)

    async def _route(self, request: web.Request) -> web.Response:
        if request.path != PATH and request.path not in DOCUMENTS:
            raise web.HTTPNotFound
        if request.method != hdrs.METH_GET:
            raise web.HTTPMethodNotAllowed(request.method, [hdrs.METH_GET])
        if request.path == PATH:
            seen = SeenRequest(request.method, request.path, tuple(request.query.items()), request.headers)
            self.requests.append(seen)
            fault = await self._fault_of(seen)
            if fault is not None:
                return self._fail(request, fault)
        answer = self._answer(request) if request.path == PATH else self._send(200, DOCUMENTS[request.path])
        if self.gzip and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower():
            # Named, since aiohttp would choose deflate where both are taken.
            answer.enable_compression(web.ContentCoding.gzip)
        return answer

    async def _fault_of(self, seen: SeenRequest) -> Fault | None:
        if self.on_request is not None:
            waiting = self.on_request(seen)
            if inspect.isawaitable(waiting):
                await waiting
        if self.latency:
            await asyncio.sleep(self.latency)
        if self._faults:
            return self._faults.popleft()
        return self.fault_for(seen) if self.fault_for is not None else None

    def _answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Api-Token") != self.token:
            return self._send(self.unauthorized_status, {"message": "Unauthenticated"})
        try:
            asked = read(request.query.items())
        except BadParametersError as error:
            title = "One or more validation errors occurred."
            problem = {"title": title, "status": 400, "errors": error.problems}
            return self._send(400, problem, "application/problem+json")
        return self._page(asked)

    def _page(self, asked: Asked) -> web.Response:
        with self._lock:
            matching = self._population.seen_by(asked.view)
            whole = self._population.seen_by(asked.view.unfiltered)
        items = page_of(
            whole if self.filter_after_slicing else matching,
            asked if self.page_cap is None else evolve(asked, total=min(asked.total, self.page_cap)),
            past_end=self.past_end,
            ignore_start=self.ignore_start,
            naive_times=self.naive_times,
        )
        if items is None:
            return self._send(500, {"message": None})
        count = len(whole if self.count_unfiltered else matching) + self.count_offset
        return self._send(200, {"totalCount": count, "items": items})

    def _fail(self, request: web.Request, fault: Fault) -> web.Response:
        if fault.status is None:
            if request.transport is not None:  # pragma: no branch - None once the client has gone
                request.transport.abort()
            raise asyncio.CancelledError
        return web.Response(status=fault.status, body=fault.body, headers=fault.headers)

    def _send(self, status: int, value: object, content_type: str = "application/json") -> web.Response:
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        return web.Response(status=status, body=body, headers={hdrs.CONTENT_TYPE: f"{content_type}; charset=utf-8"})
