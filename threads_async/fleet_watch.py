"""A live picture of the threads on each machine of a fleet, and events for what changes in it. No HTTP here."""

import contextlib
from collections import OrderedDict, deque
from collections.abc import Mapping
from types import MappingProxyType

from threads_async._closing import SharedIterator
from threads_async._fleet_values import FleetEvent
from threads_async._in_flight import InFlight
from threads_async.errors import ClientClosedError, ThreadsError
from threads_async.watch import ThreadWatch


class FleetWatch(SharedIterator[FleetEvent]):
    """A live picture of the threads on each machine, and an iterator over what happens to them.

    `Fleet.watch` returns it. It consists of one `ThreadWatch` for each machine, with its own pauses, so that a machine
    that is slow or unreachable delays no other. Events of one machine come in order.

    It works as `ThreadWatch`, with one exception: **no error ends it**. When a machine fails, even because of an error
    that waiting cannot fix, such as a refused token, the watch yields ``unreachable`` once. It continues to look at
    this machine, with growing pauses, and at all others as before. A machine whose client is closed is not looked
    at any more.

    The watch looks only while you wait for its next event. Tasks of one event loop can share it: each event goes to
    exactly one of them.

    Raises:
        ClientClosedError: The fleet is closed, or the watch belongs to another event loop.
    """

    def __init__(self, watches: Mapping[str, ThreadWatch]) -> None:
        super().__init__()
        self._watches = MappingProxyType(dict(watches))
        self._looking = {name: watch._looking for name, watch in watches.items()}  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of this package
        for looking in self._looking.values():
            looking.picture.any_error = True
        # The machines for which no task waits.
        self._idle = deque(watches)
        self._flying = InFlight[None]()
        # The machines that have unread events, each once.
        self._unread = OrderedDict[str, None]()
        self._closed = False

    @property
    def machines(self) -> Mapping[str, ThreadWatch]:
        """The watch of each machine, by its name.

        Read its `ThreadWatch.threads`, `ThreadWatch.seen_at`, `ThreadWatch.reachable` and `ThreadWatch.error`, or use
        its `ThreadWatch.wait_for`. An ``async for`` over it would take events away from the watch of the fleet.
        """
        return self._watches

    async def _next(self) -> FleetEvent:
        while not self._closed:
            while self._flying.ended:
                await self._take_next()
            self._advance()
            event = self._event()
            if event is not None:
                return event
            if not self._flying:
                raise ClientClosedError("the fleet or its watches are closed, or belong to another event loop")
            await self._take_next()
        raise StopAsyncIteration

    def _advance(self) -> None:
        """Let the watch of each idle machine pause or look."""
        while self._idle:
            name = self._idle.popleft()
            looking = self._looking[name]
            if looking.picture.unread:
                # Another task has waited for a look, for example in `wait_for`.
                self._unread[name] = None
            self._flying.add(name, looking.start_advance())

    def _event(self) -> FleetEvent | None:
        """Return the next unread event, of one machine after the other."""
        while self._unread:
            name, _ = self._unread.popitem(last=False)
            unread = self._looking[name].picture.unread
            if unread:
                event = FleetEvent(name, unread.take())
                self._unread[name] = None
                return event
        return None

    async def _take_next(self) -> None:
        """Wait for the next machine whose look or pause has ended."""
        ended = await self._flying.next()
        if ended is None:
            return
        name, task = ended
        del ended
        self._unread[name] = None
        error = None if task.cancelled() else task.exception()
        try:
            if self._looking[name].ended is not None or isinstance(error, ClientClosedError):
                # There will be no more looks.
                return
            self._idle.append(name)
            # The event `unreachable` has the error of a look.
            if error is not None and not isinstance(error, ThreadsError):
                raise error
        finally:
            # The traceback of the error refers to this frame.
            del task, error

    async def aclose(self) -> None:
        """End the watches of all machines immediately, even while other tasks wait for an event.

        From then on, ``anext`` raises `StopAsyncIteration`. The pictures can still be read.
        """
        self._closed = True
        async with contextlib.AsyncExitStack() as stack:
            for watch in self._watches.values():
                stack.push_async_callback(watch.aclose)
            stack.push_async_callback(self._flying.aclose)
