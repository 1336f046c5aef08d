"""Start, continue and stop the threads of the fake server, as requests order it. Performs no I/O."""

import contextlib
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from attrs import evolve, frozen

from threads_async.testing import _limits
from threads_async.testing._asked import without_offset
from threads_async.testing._lists import Lists
from threads_async.testing._operations import Order
from threads_async.testing._population import View
from threads_async.testing._resources import THREADS
from threads_async.testing._rows import DEFAULT_WORKSPACE, FakeBrowser, FakeThread, FakeWorkspace

ActionBody: TypeAlias = Literal["observed", "documented", "empty", "null", "thread"]
"""The responses to requests that continue or stop threads."""

AbsentInBulk: TypeAlias = Literal["reject", "stop", "skip"]
"""What a request for several threads does if one of them is not running."""

_REFUSED: Final = "Failed to create execution thread"
_ABSENT: Final = "Execution thread not found"
_NO_WORKSPACE: Final = "Workspace not found"


@frozen
class Reply:
    """A response to an order.

    Attributes:
        status: The HTTP status.
        values: The value in the body, or no value for an empty body.
    """

    status: int
    values: tuple[Any, ...] = ()


class Actions(Lists):
    """Lists whose threads can be started, continued and stopped by requests. `FakeServer` describes the attributes."""

    def __init__(
        self,
        threads: int | Iterable[FakeThread],
        workspaces: int | Iterable[FakeWorkspace],
        browsers: int | Iterable[FakeBrowser],
        seed: int,
    ) -> None:
        super().__init__(threads, workspaces, browsers, seed)
        self.limit_threads: int = 10_000
        self.threads_elsewhere: int = 0
        self.limits: dict[str, int | None] = {}
        self.lifetime: float | None = None
        self.new_tokens: bool = False
        self.naive_times: bool = False
        self.action_body: ActionBody = "observed"
        self.absent_status: int = 404
        self.absent_in_bulk: AbsentInBulk = "reject"
        self.partial_start: bool = False
        self.clock: Callable[[], float] = time.monotonic
        # When the threads end that requests have started or continued, by their tokens.
        self._ends: dict[str, float] = {}

    @property
    def threads(self) -> tuple[FakeThread, ...]:
        """The running threads, in the order in which they were created."""
        with self._lock:
            self._end_old_threads()
            return super().threads

    def _shown(self, path: str, view: View) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        with self._lock:
            self._end_old_threads()
            return super()._shown(path, view)

    def _end_old_threads(self) -> None:
        if self.lifetime is None:
            return
        now = self.clock()
        for token in [token for token, end in self._ends.items() if end <= now]:
            del self._ends[token]
            with contextlib.suppress(LookupError):
                self.stop_thread(token)

    def _limits_in(self, workspace_id: int) -> dict[str, int | None]:
        """Return the limits of the plan, as they are sent."""
        running, _ = self._shown(THREADS.path, View(workspace_id))
        return _limits.limits_of(len(running) + self.threads_elsewhere, self.limit_threads) | self.limits

    def _carry_out(self, order: Order) -> Reply:
        """Do what `order` says, as far as possible, and return the response."""
        with self._lock:
            self._end_old_threads()
            if order.operation.kind == "start":
                return self._start(order)
            return self._change(order)

    def _start(self, order: Order) -> Reply:
        limits = self._limits_in(order.workspace_id)
        free = (limits["limitThreads"] or 0) - (limits["activeThreads"] or 0)
        workspaces = {DEFAULT_WORKSPACE, *(workspace.workspace_id for workspace in self.workspaces)}
        if order.workspace_id not in workspaces:
            return Reply(404, ({"message": _NO_WORKSPACE},))
        refused = free < order.count
        if refused and not (self.partial_start and order.operation.bulk):
            return Reply(500, ({"message": _REFUSED},))
        started = [self._start_one(order.workspace_id) for _ in range(min(order.count, max(free, 0)))]
        if refused:
            return Reply(500, ({"message": _REFUSED},))
        records = self._records(started)
        return Reply(200, (records if order.operation.bulk else records[0],))

    def _records(self, threads: Iterable[FakeThread]) -> list[dict[str, Any]]:
        records = [THREADS.record(thread) for thread in threads]
        return [without_offset(record) for record in records] if self.naive_times else records

    def _start_one(self, workspace_id: int) -> FakeThread:
        # Python has six digits, the API seven.
        now = f"{datetime.now(UTC).isoformat(timespec='microseconds')[:-6]}0+00:00"
        latest = max([thread.created_at for thread in super().threads[-1:]], default="")
        thread = self.start_thread(
            workspace_id=workspace_id, type="BrowserInstance", created_at=now if now > latest else None
        )
        self._extend(thread)
        return thread

    def _extend(self, thread: FakeThread) -> None:
        if self.lifetime is not None and thread.thread_token is not None:
            self._ends[thread.thread_token] = self.clock() + self.lifetime

    def _change(self, order: Order) -> Reply:
        shown, _ = self._shown(THREADS.path, View(order.workspace_id))
        running = {thread.thread_token: thread for thread in shown if thread.thread_token}
        absent = any(token not in running for token in order.tokens)
        if absent and self.absent_in_bulk == "reject":
            return self._absent()
        changed: list[FakeThread] = []
        change = self._continue if order.operation.kind == "continue" else self._stop
        for token in dict.fromkeys(order.tokens):
            if token in running:
                changed.append(change(running[token]))
            elif self.absent_in_bulk == "stop" or not order.operation.bulk:
                return self._absent()
        return self._reply(order, changed)

    def _absent(self) -> Reply:
        return Reply(self.absent_status, ({"message": _ABSENT},))

    def _stop(self, thread: FakeThread) -> FakeThread:
        self._ends.pop(thread.thread_token or "", None)
        return self.stop_thread(thread)

    def _continue(self, thread: FakeThread) -> FakeThread:
        if self.new_tokens:
            self._ends.pop(thread.thread_token or "", None)
            changed = evolve(thread, thread_token=self._threads.make().thread_token)
            self._threads.replace(thread, changed)
            thread = changed
        self._extend(thread)
        return thread

    def _reply(self, order: Order, changed: list[FakeThread]) -> Reply:
        body = self.action_body
        if body == "observed":
            body = "thread" if order.operation.kind == "continue" and not order.operation.bulk else "documented"
        if body == "documented":
            return Reply(204)
        if body == "empty":
            return Reply(200)
        records = self._records(changed)
        value = None if body == "null" else records if order.operation.bulk else records[0]
        return Reply(200, (value,))
