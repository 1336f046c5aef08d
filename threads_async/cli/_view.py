"""What the command `watch` shows to people. Performs no I/O."""

from collections import deque
from collections.abc import Hashable
from textwrap import wrap
from typing import Final

from threads_async._endpoints import THREADS
from threads_async.cli._columns import fit, local
from threads_async.cli._exits import cause_of
from threads_async.cli._table import Table
from threads_async.cli._text import plain
from threads_async.models import EventKind, ExecutionThread, ThreadEvent

_RECENT: Final = 5
"""Number of recent events to show."""
_MARKS: Final = {
    EventKind.STARTED: "+",
    EventKind.STOPPED: "-",
    EventKind.UNREACHABLE: "!",
    EventKind.REACHABLE: "!",
}
INDENT: Final = 2
"""Number of cells before a thread in the live view."""
TEXT_INDENT: Final = 32
"""Number of cells before a thread in a line of text: the time and the longest kind of event."""


def text_of(event: ThreadEvent, table: Table) -> str:
    """Return `event` as one line of text: its time and kind, then the thread or why the server is unreachable."""
    begin = f"{local(event.at)[:19]} {event.kind:<11}"
    if event.thread is None:
        return f"{begin} {_cause(event)}".rstrip() + "\n"
    return f"{begin} {table.rows([event.thread])}"


def _cause(event: ThreadEvent) -> str:
    return "" if event.error is None else plain(cause_of(event.error))


class View:
    """The running threads and the recent events, updated by each event."""

    def __init__(self) -> None:
        # Keyed by the identity that the watch uses: other fields of a thread may have changed by the time it stops.
        self._alive = dict[Hashable, ExecutionThread]()
        self._recent: deque[ThreadEvent] = deque(maxlen=_RECENT)
        self._unreachable: ThreadEvent | None = None
        self._known = False

    def take(self, event: ThreadEvent) -> None:
        """Update the view with `event`."""
        kind, thread = event.kind, event.thread
        if thread is None:
            self._unreachable = event if kind is EventKind.UNREACHABLE else None
            # The look that reached the server again has also listed the running threads.
            self._known |= kind is EventKind.REACHABLE
        elif kind is EventKind.STOPPED:
            self._alive.pop(THREADS.identity(thread), None)
        else:
            self._alive[THREADS.identity(thread)] = thread
            self._known = True
        if kind in _MARKS:
            self._recent.append(event)

    def title(self) -> str:
        """Return one line: the number of running threads, and whether the server is reachable."""
        count = f"{len(self._alive)} thread{'' if len(self._alive) == 1 else 's'}"
        if self._unreachable is not None:
            since = f"the server has not responded since {local(self._unreachable.at)}"
            return f"{count} when last seen; {since}" if self._known else since
        return count if self._known else "no threads seen yet"

    def lines(self, table: Table, width: int, height: int) -> list[str]:
        """Return all lines: at most `height` of them, each at most `width` cells wide.

        These are the title, why the server is unreachable, the newest threads, and the recent events.
        """
        # Some terminals report a width of one column or none.
        width = max(1, width)
        head = wrap(self.title(), width)
        if self._unreachable is not None:
            # The reason is not cut: a user in front of an empty screen looks for it.
            head += wrap(_cause(self._unreachable), width)
        recent = [self._recent_line(event, table, width) for event in self._recent]
        # Two empty lines, the header, and the line that counts the threads not shown.
        room = max(0, height - len(head) - len(recent) - 4)
        newest = sorted(self._alive.values(), key=lambda thread: thread.created_at, reverse=True)
        lines = [fit(line, width).rstrip() for line in head]
        lines += ["", *table.header().splitlines(), *table.rows(newest[:room]).splitlines()]
        if len(newest) > room:
            lines.append(f"… and {len(newest) - room} more")
        if recent:
            lines += ["", *recent]
        return lines[:height]

    def _recent_line(self, event: ThreadEvent, table: Table, width: int) -> str:
        mark = _MARKS[event.kind]
        if event.thread is None:
            return fit(f"{mark} {local(event.at)[11:19]} {event.kind} {_cause(event)}", width).rstrip()
        return f"{mark} {table.rows([event.thread])}".rstrip("\n")
