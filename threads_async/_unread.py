"""The events of a watch that nobody has read yet. Performs no I/O.

Rule 1. There is at most one unread event about a thread. A new one is combined with it: together they say how the
        thread differs from what the reader knows. If it does not differ, no event is left.
Rule 2. An unread outage of the server ends without an event: the reader never learnt of it.
Rule 3. A combined event keeps its place, except if its thread has got an identity that another unread event is about.
        Then it comes last, because the thread that had the identity before must stop first.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import cast

from attrs import evolve

from threads_async._endpoints import THREADS
from threads_async.models import EventKind, ServerEvent, ThreadEvent, WatchEvent


def combined(unread: ThreadEvent, event: ThreadEvent) -> ThreadEvent | None:
    """Return one event that says what `unread` and the following `event` say, or None if together they say nothing."""
    if unread.kind in (EventKind.PRESENT, EventKind.STARTED):
        return None if event.kind is EventKind.STOPPED else evolve(unread, thread=event.thread)
    known = unread.thread if unread.previous is None else unread.previous
    if event.kind is EventKind.STOPPED:
        return evolve(event, thread=known)
    return None if event.thread == known else ThreadEvent(EventKind.CHANGED, event.thread, event.at, known)


def _follows(event: ThreadEvent, unread: ThreadEvent) -> bool:
    """Return whether `event` is about the thread of `unread`, and not about another one that got its identity."""
    if unread.kind is EventKind.STOPPED:
        return event.kind is EventKind.STARTED
    return event.kind is not EventKind.STARTED and unread.thread in (event.previous, event.thread)


class Unread:
    """A queue of events."""

    def __init__(self) -> None:
        # By consecutive numbers, so that an event in the middle can be replaced or removed.
        self._events = OrderedDict[int, WatchEvent]()
        self._number = 0
        # The unread event about each thread, by the identity that the thread has now.
        self._about = dict[Hashable, int]()
        self._outage: int | None = None

    def __len__(self) -> int:
        return len(self._events)

    def take(self) -> WatchEvent:
        """Remove the first event, and return it."""
        number, event = self._events.popitem(last=False)
        self._forget(number, event)
        return event

    def add(self, event: WatchEvent) -> None:
        """Append `event`, or combine it with an unread one."""
        if isinstance(event, ServerEvent):
            self._add_server(event)
            return
        before = THREADS.identity(event.thread if event.previous is None else event.previous)
        after = THREADS.identity(event.thread)
        number = self._about.get(before)
        # Only events about threads have a number there.
        if number is None or not _follows(event, unread := cast("ThreadEvent", self._events[number])):
            self._append(event)
            return
        self._forget(number, unread)
        both = combined(unread, event)
        if both is None:
            del self._events[number]
            return
        self._events[number] = both
        if both.kind is EventKind.STOPPED:
            # Another thread may have got the identity since then.
            self._about.setdefault(THREADS.identity(both.thread), number)
            return
        if after in self._about:
            self._events.move_to_end(number)
        self._about[after] = number

    def _add_server(self, event: ServerEvent) -> None:
        if event.kind is EventKind.REACHABLE and self._outage is not None:
            del self._events[self._outage]
            self._outage = None
        else:
            self._append(event)

    def _append(self, event: WatchEvent) -> None:
        self._number += 1
        self._events[self._number] = event
        if isinstance(event, ThreadEvent):
            self._about[THREADS.identity(event.thread)] = self._number
        elif event.kind is EventKind.UNREACHABLE:
            self._outage = self._number

    def _forget(self, number: int, event: WatchEvent) -> None:
        """Let later events be separate from the event with this number."""
        if self._outage == number:
            self._outage = None
        elif isinstance(event, ThreadEvent):
            identity = THREADS.identity(event.thread)
            if self._about.get(identity) == number:
                del self._about[identity]
