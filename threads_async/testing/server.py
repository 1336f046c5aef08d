"""A real HTTP server on the loopback interface that speaks the documented API."""

import asyncio
import inspect
import json
import math
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from aiohttp import hdrs, web
from attrs import evolve

from threads_async.testing._asked import Asked, BadParametersError, PastEnd, page_of, read
from threads_async.testing._lists import Lists
from threads_async.testing._openapi import DOCUMENTS
from threads_async.testing._pace import Repeating
from threads_async.testing._resources import Resource
from threads_async.testing._rows import FakeBrowser, FakeThread, FakeWorkspace
from threads_async.testing._serving import Server
from threads_async.testing._values import Fault, SeenRequest

DEFAULT_TOKEN: Final = "fake-api-token"  # noqa: S105 - it opens nothing but the fake


class FakeServer(Lists, Server):
    """The lists of a ZennoBrowser: execution threads, workspaces and browsers, without the ZennoBrowser.

    Use it as ``async with FakeServer(threads=2500) as server:`` and give `url` and `token` to your client. It behaves
    as the API's pages say. What those pages leave open is a switch: an attribute that may be set at any time, also
    while the server runs.

    A plain ``with`` works in any program: the server then runs in a daemon thread with an event loop of its own. All
    methods and attributes may be used from your thread meanwhile; `start` and `stop` are awaited in any event loop,
    or run by ``asyncio.run(server.stop())``.

    Args:
        threads: How many threads run, or the threads themselves.
        token: The API token that it takes.
        workspaces: How many workspaces there are, or the workspaces themselves. The first one is the default workspace.
        browsers: How many browsers run, or the browsers themselves. They have nothing to do with the threads.
        seed: What the lists are made from; the same number makes the same lists.
        port: Where it listens on 127.0.0.1; 0 for a free port.
        page_cap: Sets the attribute of its name, as all arguments after it do.

    Attributes:
        token: The API token that it takes.
        port: Where it listens, once started; it stays the same when the server is stopped and started again.
        requests: The requests for a list seen, in order; no others are kept. May be cleared.
        page_cap: Most items on a page, whatever `total` asks for, and without saying so. None for no cap.
        past_end: What a `start` at or past the end gets: an empty page, the last page again, or status 500.
        ignore_start: Whether every page is the first.
        count_offset: Added to `totalCount`: a server that lies.
        filter_after_slicing: Whether a page is cut out of the list of all items of the workspace and filtered
            afterwards, so that it holds fewer items than asked for, or none.
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
    ) -> None:
        Lists.__init__(self, threads, workspaces, browsers, seed)
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
        self.on_request: Callable[[SeenRequest], object] | None = None
        self.fault_for: Callable[[SeenRequest], Fault | None] | None = None
        self._faults: deque[Fault] = deque()

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
        resource, _ = self._lists.get(request.path, (None, None))
        if resource is None and request.path not in DOCUMENTS:
            raise web.HTTPNotFound
        if request.method != hdrs.METH_GET:
            raise web.HTTPMethodNotAllowed(request.method, [hdrs.METH_GET])
        if resource is not None:
            seen = SeenRequest(request.method, request.path, tuple(request.query.items()), request.headers)
            self.requests.append(seen)
            fault = await self._fault_of(seen)
            if fault is not None:
                return self._fail(request, fault)
        answer = self._send(200, DOCUMENTS[request.path]) if resource is None else self._answer(request, resource)
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

    def _answer(self, request: web.Request, resource: Resource[Any]) -> web.Response:
        if request.headers.get("Api-Token") != self.token:
            return self._send(self.unauthorized_status, {"message": "Unauthenticated"})
        try:
            asked = read(request.query.items(), resource)
        except BadParametersError as error:
            title = "One or more validation errors occurred."
            problem = {"title": title, "status": 400, "errors": error.problems}
            return self._send(400, problem, "application/problem+json")
        return self._page(resource, asked)

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
            if request.transport is not None:  # pragma: no branch - None once the client has gone
                request.transport.abort()
            raise asyncio.CancelledError
        return web.Response(status=fault.status, body=fault.body, headers=fault.headers)

    def _send(self, status: int, value: object, content_type: str = "application/json") -> web.Response:
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        return web.Response(status=status, body=body, headers={hdrs.CONTENT_TYPE: f"{content_type}; charset=utf-8"})
