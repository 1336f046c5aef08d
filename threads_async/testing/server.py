"""An HTTP server on the loopback interface that implements the lists and the limits of the documented API."""

import asyncio
import inspect
import json
import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiohttp import hdrs, web
from attrs import evolve

from threads_async.testing import _limits
from threads_async.testing._actions import Actions
from threads_async.testing._asked import Asked, BadParametersError, PastEnd, page_of, read
from threads_async.testing._openapi import DOCUMENTS
from threads_async.testing._operations import Operation, Order, operations_at, order_of
from threads_async.testing._pace import Repeating
from threads_async.testing._resources import Resource
from threads_async.testing._rows import FakeBrowser, FakeThread, FakeWorkspace
from threads_async.testing._serving import Server
from threads_async.testing._values import Fault, SeenRequest

DEFAULT_TOKEN: Final = "fake-api-token"  # noqa: S105 - only the fake server accepts it


class FakeServer(Actions, Server):
    """A fake ZennoBrowser: an HTTP server with lists of execution threads, workspaces and browsers.

    Requests can start, continue and stop its threads.

    Use it as ``async with FakeServer(threads=2500) as server:``, and pass ``server.url`` and ``server.token`` to your
    client. It behaves as the documentation of the API says. Where the documentation leaves the behaviour open, an
    attribute of the server selects it. Such a switch can be set at any time, also while the server runs.

    A plain ``with`` works in any program: the server then runs in a daemon thread with its own event loop. You can use
    all its methods and attributes from your own thread. Await `start` and `stop` in any event loop, or run them with
    ``asyncio.run(server.stop())``.

    Args:
        threads: Number of threads, or the threads themselves.
        workspaces: Number of workspaces, or the workspaces themselves. With a number, the first one is the default
            workspace.
        browsers: Number of browsers, or the browsers themselves. They are independent of the threads.
        token: The API token that the server accepts.
        seed: Seed for generating the lists. The same seed generates the same lists.
        port: Port to listen on, on 127.0.0.1; 0 means a free port.
        page_cap: This and all later arguments set the attributes with the same names, which are described below.

    Attributes:
        token: The API token that the server accepts.
        port: The port that the server listens on, once it is started. `start` after `stop` uses the same port.
        requests: The requests received, in order, as `SeenRequest` values. Requests for the OpenAPI documents and for
            unknown paths are not kept. You may clear the list.
        page_cap: Maximum number of items on a page, even if ``total`` is larger. The response does not mention it. None
            means no maximum.
        past_end: The response to a ``start`` at or past the end of the list: ``"empty"`` for an empty page,
            ``"last_page"`` for the last page again, or ``"error"`` for status 500. An empty list always has an empty
            page at 0.
        ignore_start: Whether every page is the first page.
        count_offset: Number added to ``totalCount``, to make it wrong.
        filter_after_slicing: Whether a page is cut from the unfiltered list of the workspace and filtered afterwards,
            so that it has fewer items than requested, or none.
        count_unfiltered: Whether ``totalCount`` ignores the filters.
        latency: Time to wait before each request in `requests` is carried out, in seconds.
        start_latency: Time to wait after threads were started, before the response, in seconds.
        gzip: Whether to compress responses for clients that accept gzip.
        naive_times: Whether times lack their UTC offset, as ASP.NET writes times of unspecified kind.
        unauthorized_status: The response status for a missing or wrong token, such as 401 or 500.
        limit_threads: Maximum number of threads that run at once in a workspace. At this limit, requests to start a
            thread get status 500. `start_thread` can start more.
        threads_elsewhere: Number of threads on other computers with the same licence. They count towards the limit, but
            are not listed.
        limits: Numbers that replace others in the response to ``/v1/product/limits``, by their names on the wire. None
            means null. Requests to start a thread are checked against them too.
        lifetime: Time in seconds after which a thread ends, counted from the last request that has started or continued
            it. Other threads do not end by themselves. None means that no thread does.
        new_tokens: Whether continuing a thread gives it another token. The previous one is no longer valid.
        action_body: The responses to requests that continue or stop threads: ``"observed"`` for the thread if one
            thread was continued and no content otherwise, ``"documented"`` for no content (204), ``"empty"`` for
            status 200 without a body, ``"null"``, or ``"thread"`` for the thread or threads.
        absent_status: The response status if a thread to continue or to stop is not running, such as 404 or 500.
        absent_in_bulk: What a request for several threads does if one is not running: ``"reject"`` does nothing, and
            ``"stop"`` does it for the threads before this one; both respond with ``absent_status``. ``"skip"`` ignores
            it.
        partial_start: Whether a request to start more threads than are free starts as many as possible before it fails.
        clock: Returns the time in seconds, from which the end of a lifetime is computed.
        on_request: Called with each request in `requests`, as a `SeenRequest`, before the response is made, so the
            response includes the changes that it makes to the lists. If it returns an awaitable, that is awaited first.
            Both happen in the event loop of the server. With a plain ``with`` that is not your event loop: do not await
            anything that belongs to your loop, and use ``call_soon_threadsafe`` to reach it.
        fault_for: Called after `on_request`, with the same value and in the same event loop, unless `fail_next` has set
            a fault for the request. If it returns a `Fault`, that is sent instead of the normal response.
    """

    def __init__(  # noqa: PLR0913 - what tests set most, all but the first by keyword
        self,
        threads: int | Iterable[FakeThread] = 25,
        *,
        workspaces: int | Iterable[FakeWorkspace] = 1,
        browsers: int | Iterable[FakeBrowser] = 10,
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
        limit_threads: int = 10_000,
        threads_elsewhere: int = 0,
        limits: Mapping[str, int | None] | None = None,
        lifetime: float | None = None,
        new_tokens: bool = False,
        start_latency: float = 0.0,
    ) -> None:
        Actions.__init__(self, threads, workspaces, browsers, seed)
        Server.__init__(self, port)
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
        self.limit_threads = limit_threads
        self.threads_elsewhere = threads_elsewhere
        self.limits: dict[str, int | None] = dict(limits or {})
        self.lifetime = lifetime
        self.new_tokens = new_tokens
        self.start_latency = start_latency
        self.on_request: Callable[[SeenRequest], object] | None = None
        self.fault_for: Callable[[SeenRequest], Fault | None] | None = None
        self._faults: deque[Fault] = deque()

    def churn(self, rate: float, *, seed: int = 0) -> Repeating:
        """Start and stop threads in the background.

        Use it as ``async with server.churn(50):``, or as ``with server.churn(50):`` inside ``with FakeServer()``.

        Args:
            rate: Number of threads that start or stop per second.
            seed: Seed for the random choice of threads to start and stop.

        Raises:
            ValueError: ``rate`` is not a finite number above 0.
        """
        if not 0 < rate < math.inf:
            msg = f"rate must be a finite number above 0, not {rate}"
            raise ValueError(msg)
        draw = random.Random(seed)  # noqa: S311 - it makes test data, not keys
        return Repeating(lambda: self.churn_step(draw), rate, self._thread)

    def fail_next(self, times: int = 1, fault: Fault = Fault()) -> None:  # noqa: B008 - it is frozen
        """Send a fault instead of the normal response to the next requests.

        Args:
            times: Number of requests that get the fault.
            fault: The `Fault` to send; by default status 500.
        """
        self._faults.extend([fault] * times)

    async def _route(self, request: web.Request) -> web.Response:
        path = request.path
        operations = operations_at(request.rel_url.raw_path)
        allowed = [hdrs.METH_GET] if path in self._lists or path in (_limits.PATH, *DOCUMENTS) else list(operations)
        if not allowed:
            raise web.HTTPNotFound
        if request.method not in allowed:
            raise web.HTTPMethodNotAllowed(request.method, allowed)
        if path in DOCUMENTS:
            return self._compressed(self._send(200, DOCUMENTS[path]), request)
        body = await request.read()
        seen = SeenRequest(request.method, path, tuple(request.query.items()), request.headers, body)
        self.requests.append(seen)
        fault = await self._fault_of(seen)
        if fault is not None and not fault.after:
            return self._fail(request, fault)
        answer = await self._answer(request, body, operations.get(request.method))
        if fault is not None:
            return self._fail(request, fault)
        return self._compressed(answer, request)

    def _compressed(self, answer: web.Response, request: web.Request) -> web.Response:
        if self.gzip and answer.body and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower():
            # Without a name, aiohttp would choose deflate for clients that accept both.
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

    async def _answer(self, request: web.Request, body: bytes, operation: tuple[Operation, str] | None) -> web.Response:
        if request.headers.get("Api-Token") != self.token:
            return self._send(self.unauthorized_status, {"message": "Unauthenticated"})
        try:
            if operation is not None:
                return await self._act(order_of(*operation, request.query.items(), body))
            if request.path == _limits.PATH:
                return self._send(200, self._limits_in(_limits.workspace_of(request.query.items())))
            resource, _ = self._lists[request.path]
            asked = read(request.query.items(), resource)
        except BadParametersError as error:
            title = "One or more validation errors occurred."
            problem = {"title": title, "status": 400, "errors": error.problems}
            return self._send(400, problem, "application/problem+json")
        return self._page(resource, asked)

    async def _act(self, order: Order) -> web.Response:
        reply = self._carry_out(order)
        if order.operation.kind == "start" and self.start_latency:
            await asyncio.sleep(self.start_latency)
        return self._send(reply.status, *reply.values) if reply.values else web.Response(status=reply.status)

    def _page(self, resource: Resource[Any], asked: Asked) -> web.Response:
        matching, whole = self._shown(resource.path, asked.view)
        items = page_of(
            resource,
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
            if request.transport is not None:  # pragma: no branch - None once the client is gone
                request.transport.abort()
            raise asyncio.CancelledError
        return web.Response(status=fault.status, body=fault.body, headers=fault.headers)

    def _send(self, status: int, value: object, content_type: str = "application/json") -> web.Response:
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        return web.Response(status=status, body=body, headers={hdrs.CONTENT_TYPE: f"{content_type}; charset=utf-8"})
