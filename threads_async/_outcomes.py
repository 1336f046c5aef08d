"""Call a function for each thread of a Dask cluster, on the worker where the thread runs. No HTTP here."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic

from attrs import Factory, define, field, frozen

from threads_async._closing import SharedIterator
from threads_async._fleet_error import WorkerError, fleet_error
from threads_async._in_flight import InFlight
from threads_async._remote import Answered, Function, RemoteSource
from threads_async.errors import ClientClosedError, ThreadsError
from threads_async.iterators import PageIterator
from threads_async.models import ExecutionThread, Page, T

if TYPE_CHECKING:
    import asyncio


@frozen
class ThreadOutcome(Generic[T]):
    """How the call of a function for one thread ended.

    Attributes:
        machine: The name of the worker.
        thread: The thread.
        result: What the function returned. None if there is an error.
        error: None if the function returned. Otherwise the error that it raised, with its traceback on the worker as a
            note; a `CallError` if what it raised or returned cannot be delivered; or a `WorkerError` whose ``unknown``
            is true if the function was sent to the worker, and it is unknown whether it has run.
    """

    machine: str
    thread: ExecutionThread
    # A result can be long, and may be secret.
    result: T | None = field(default=None, repr=False)
    error: Exception | None = None


@define(eq=False)
class Calls:
    """The calls on one worker.

    Attributes:
        machine: The name of the worker.
        source: Fetches pages and calls the function there.
        pages: The pages of its threads. None after the last one, or after a failure.
        waiting: Threads for which the function was not called yet.
        running: The number of calls in flight.
        paging: Whether a page is in flight.
    """

    machine: str
    source: RemoteSource
    pages: PageIterator[ExecutionThread] | None
    waiting: deque[ExecutionThread] = Factory(deque[ExecutionThread])
    running: int = 0
    paging: bool = False


class OutcomeIterator(SharedIterator[ThreadOutcome[T]]):
    """Calls a function for each thread, and iterates over the outcomes as they arrive.

    A worker lists its next page when the function was called for all threads of its last one, and new calls begin only
    while you ask for outcomes, so little is kept in memory.

    Tasks of one event loop can share the iterator: each outcome goes to exactly one of them. If a worker fails, the
    others continue to the end, and then `~threads_async.FleetError` is raised. The iterator cannot be resumed, because
    the function would be called again for threads whose outcome is unknown.

    When you leave an ``async with`` or call `OutcomeIterator.aclose`, and when the iterator is deleted, calls that have
    not begun on the workers are cancelled. Calls that have begun run to the end there, without an outcome here.

    Raises:
        FleetError: One or more workers failed.
        ConfigurationError: One of the ``workers`` is not in the cluster.
        WorkerError: There are no workers, or the scheduler cannot be reached.
        ClientClosedError: The Dask client is closed, or the iterator belongs to another event loop.
    """

    def __init__(
        self, find: Callable[[], Awaitable[list[Calls]]], function: Function, at_once: int, max_items: int | None
    ) -> None:
        super().__init__()
        self._find = find
        self._function = function
        self._at_once = at_once
        self._left = max_items
        self._machines: list[Calls] | None = None
        # The machines that may have something to begin.
        self._due = deque[Calls]()
        self._flying = InFlight[Any]()
        # What is in flight, by names that only count. A page has no thread.
        self._flights: dict[str, tuple[Calls, ExecutionThread | None]] = {}
        self._flown = 0
        # The number of calls in flight, on all machines.
        self._calling = 0
        self._failures: dict[str, ThreadsError] = {}
        self._closed = False

    @property
    def failures(self) -> Mapping[str, ThreadsError]:
        """The error of each worker that has failed so far, by its name."""
        return MappingProxyType(dict(self._failures))

    async def _next(self) -> ThreadOutcome[T]:
        if self._machines is None and not (self._closed or self._left == 0):
            self._machines = await self._find()
            self._due.extend(self._machines)
        while not self._closed:
            self._begin()
            if self._left == 0 and not self._calling:
                # Pages that are still in flight are not needed.
                await self._flying.aclose()
            ended = await self._flying.next()
            if ended is None:
                break
            # There is no await from here on, so a cancelled task has either taken the outcome or changed nothing.
            flight, task = ended
            del ended
            calls, thread = self._flights.pop(flight)
            self._due.append(calls)
            try:
                if thread is None:
                    self._take_page(calls, task)
                    continue
                outcome = self._take_call(calls, thread, task)
            finally:
                # The error of the task refers to this frame.
                del task
            self._begin()
            return outcome
        await self._close_pages()
        if self._closed or not self._failures:
            raise StopAsyncIteration
        raise fleet_error(self._failures, [calls.machine for calls in self._machines or ()])

    def _begin(self) -> None:
        """Begin what can begin on the machines that are due: calls first, then the next page."""
        while self._due:
            calls = self._due.popleft()
            while calls.waiting and calls.running < self._at_once and self._left != 0:
                thread = calls.waiting.popleft()
                calls.running += 1
                self._calling += 1
                if self._left is not None:
                    self._left -= 1
                self._fly(calls, thread, calls.source.call(self._function, thread))
            if calls.pages is not None and not (calls.paging or calls.waiting or self._left == 0):
                calls.paging = True
                self._fly(calls, None, _next_page(calls.pages))

    def _fly(self, calls: Calls, thread: ExecutionThread | None, work: Any) -> None:
        self._flown += 1
        flight = str(self._flown)
        self._flights[flight] = calls, thread
        self._flying.add(flight, calls.source.own(work))

    def _take_page(self, calls: Calls, task: "asyncio.Task[Page[ExecutionThread] | None]") -> None:
        """Take in a page, or the reason why there is none."""
        calls.paging = False
        if task.cancelled():
            if calls.source.closed:
                self._fail(calls, ClientClosedError("the Dask client was closed"))
            return
        try:
            page = task.result()
        except ThreadsError as error:
            self._fail(calls, error.with_traceback(None))
            return
        if page is None:
            calls.pages = None
        elif calls.pages is not None:
            calls.waiting.extend(page.items)

    def _take_call(self, calls: Calls, thread: ExecutionThread, task: "asyncio.Task[Answered]") -> ThreadOutcome[T]:
        """Take in the end of a call, and return its outcome."""
        calls.running -= 1
        self._calling -= 1
        if task.cancelled():
            why = "the call was cancelled: it is unknown whether the function has run for this thread"
            return ThreadOutcome(calls.machine, thread, None, WorkerError(why, worker=calls.machine, unknown=True))
        answered = task.result()
        if answered.lost is not None:
            self._fail(calls, answered.lost)
        result: Any = answered.result
        return ThreadOutcome(calls.machine, thread, result, answered.error)

    def _fail(self, calls: Calls, error: ThreadsError) -> None:
        """Note the first failure of a machine. Nothing more is listed or called there.

        If a page fails, no thread is waiting: a page is requested only after the last call of the one before was sent.
        """
        self._failures.setdefault(calls.machine, error)
        calls.pages = None
        calls.waiting.clear()

    async def aclose(self) -> None:
        """End the iteration and cancel the calls. From then on, ``anext`` raises `StopAsyncIteration`."""
        self._closed = True
        await self._flying.aclose()
        self._flights.clear()
        await self._close_pages()

    async def _close_pages(self) -> None:
        """End the requests for pages that are not needed: after `aclose`, or after ``max_items`` threads."""
        for calls in self._machines or ():
            if calls.pages is not None:
                await calls.pages.aclose()


async def _next_page(pages: PageIterator[ExecutionThread]) -> Page[ExecutionThread] | None:
    return await anext(pages, None)
