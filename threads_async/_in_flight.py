"""Tasks of several machines, in the order in which they end. No HTTP here."""

import asyncio
import weakref
from collections import deque
from typing import Generic

from threads_async import _ending
from threads_async.models import T


class InFlight(Generic[T]):
    """Tasks by the names of their machines, at most one for each machine.

    Waiting for the next one costs the same for any number of tasks, unlike `asyncio.wait`.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[T]] = {}
        self._ended = deque[str]()
        self._changed = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether `next` returns at once."""
        return bool(self._ended)

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, name: str, task: "asyncio.Task[T]") -> None:
        """Add the task of a machine that has none."""
        self._tasks[name] = task
        reference = weakref.ref(self)

        # The task must not keep this object alive, which ends the task when it is deleted.
        def report(_: "asyncio.Task[T]") -> None:
            flying = reference()
            if flying is not None:
                flying._end(name)  # noqa: SLF001 - of the same class

        task.add_done_callback(report)

    def _end(self, name: str) -> None:
        # After `aclose`, nobody waits for it.
        if name in self._tasks:
            self._ended.append(name)
            self.wake()

    async def next(self) -> "tuple[str, asyncio.Task[T]] | None":
        """Wait for a task that has ended, remove it and return it with its name.

        Return None if there is no task, and when `wake` is called. Only one task may wait at a time. If it is
        cancelled, nothing has changed.
        """
        if self._tasks and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if not self._ended:
            return None
        name = self._ended.popleft()
        return name, self._tasks.pop(name)

    def wake(self) -> None:
        """Let `next` return."""
        self._changed.set()

    def cancel(self) -> set[str]:
        """Cancel the tasks that have not ended, and return their names. `next` still returns all of them."""
        running = {name: task for name, task in self._tasks.items() if not task.done()}
        _ending.cancel(running.values())
        return set(running)

    async def aclose(self) -> None:
        """End all tasks, and remove them. Wait until those that run in this event loop have ended."""
        tasks, self._tasks = self._tasks, {}
        self.wake()
        self._ended.clear()
        await _ending.end(tasks.values())

    def __del__(self) -> None:
        _ending.cancel(self._tasks.values())
