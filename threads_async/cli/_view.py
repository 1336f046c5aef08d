"""What the command `watch` shows to people. Performs no I/O."""

from collections import deque
from datetime import datetime
from io import StringIO
from typing import Final, Self

from attrs import frozen
from rich.console import Console
from rich.text import Text

from threads_async.cli._columns import fit, local
from threads_async.cli._exits import cause_of
from threads_async.cli._table import Table
from threads_async.cli._text import plain
from threads_async.models import EventKind, ExecutionThread, ServerEvent, WatchEvent
from threads_async.watch import ThreadWatch

_RECENT: Final = 5
"""Number of recent events to show."""
_FEW: Final = 3
"""Number of threads that recent events leave room for."""
_MARKS: Final = {
    EventKind.STARTED: "+",
    EventKind.STOPPED: "-",
    EventKind.CHANGED: "~",
    EventKind.UNREACHABLE: "!",
    EventKind.REACHABLE: "!",
}
_UNITS: Final = ((86_400, "days"), (3600, "h"), (60, "min"))
INDENT: Final = 2
"""Number of cells before a thread in the live view."""
TEXT_INDENT: Final = 32
"""Number of cells before a thread in a line of text: the time and the longest kind of event."""


def text_of(event: WatchEvent, table: Table) -> str:
    """Return `event` as one line of text: its time and kind, then the thread or why the server is unreachable."""
    begin = f"{local(event.at)[:19]} {event.kind:<11}"
    if isinstance(event, ServerEvent):
        return f"{begin} {_cause(event)}".rstrip() + "\n"
    return f"{begin} {table.rows([event.thread])}"


def _cause(event: ServerEvent) -> str:
    return "" if event.error is None else plain(cause_of(event.error))


def _wrapped(text: str, width: int) -> list[str]:
    """Return `text` as lines of at most `width` cells. A character can be two cells wide."""
    return [line.plain.rstrip() for line in Text(text).wrap(Console(width=width, file=StringIO()), width)]


def _age(seconds: float) -> str:
    """Return a length of time as text, in its largest unit of which there are at least two."""
    number, unit = next(
        ((seconds / size, unit) for size, unit in _UNITS if seconds >= 2 * size), (max(0.0, seconds), "s")
    )
    return f"{int(number)} {unit}"


@frozen
class Seen:
    """What the watch has seen.

    Attributes:
        url: The address of the API.
        threads: The threads in the picture, or None before the first one.
        age: The age of the picture, in seconds.
    """

    url: str
    threads: tuple[ExecutionThread, ...] | None
    age: float = 0.0

    @classmethod
    def by(cls, watch: ThreadWatch, url: str, now: datetime) -> Self:
        """Return what `watch` has seen on the server at `url`."""
        if watch.seen_at is None:
            return cls(url, None)
        return cls(url, watch.threads, (now - watch.seen_at).total_seconds())

    def title(self) -> str:
        """Return one line: the number of running threads, the address, and the age of the picture."""
        if self.threads is None:
            return f"waiting for the first response from {self.url}"
        count = len(self.threads)
        return f"{count} thread{'' if count == 1 else 's'} on {self.url}, seen {_age(self.age)} ago"


class View:
    """The picture of a watch and its recent events."""

    def __init__(self) -> None:
        self._recent: deque[WatchEvent] = deque(maxlen=_RECENT)
        self._outage: ServerEvent | None = None

    def take(self, event: WatchEvent) -> None:
        """Update the view with `event`."""
        if isinstance(event, ServerEvent):
            self._outage = event if event.kind is EventKind.UNREACHABLE else None
        if event.kind in _MARKS:
            self._recent.append(event)

    def lines(self, seen: Seen, table: Table, width: int, height: int) -> list[str]:
        """Return all lines: at most `height` of them, each at most `width` cells wide.

        These are the title, why the server is unreachable and since when, the newest threads, and the recent events.
        """
        # Some terminals report a width of one column or none.
        width = max(1, width)
        head = _wrapped(plain(seen.title()), width)
        if self._outage is not None:
            # The reason is not cut: a user in front of an empty screen looks for it.
            head += _wrapped(f"unreachable, noticed at {local(self._outage.at)}: {_cause(self._outage)}", width)
        # Two empty lines, the header, and the line that counts the threads not shown.
        room = max(0, height - len(head) - 4)
        recent = [self._recent_line(event, table, width) for event in self._recent][-max(1, room - _FEW) :]
        room = max(0, room - len(recent))
        lines = [fit(line, width).rstrip() for line in head]
        if seen.threads is not None:
            newest = sorted(seen.threads, key=lambda thread: thread.created_at, reverse=True)
            lines += ["", *table.header().splitlines(), *table.rows(newest[:room]).splitlines()]
            if len(newest) > room:
                lines.append(f"… and {len(newest) - room} more")
        if recent:
            lines += ["", *recent]
        return lines[:height]

    def _recent_line(self, event: WatchEvent, table: Table, width: int) -> str:
        mark = _MARKS[event.kind]
        if isinstance(event, ServerEvent):
            return fit(f"{mark} {local(event.at)[11:19]} {event.kind} {_cause(event)}", width).rstrip()
        return f"{mark} {table.rows([event.thread])}".rstrip("\n")
