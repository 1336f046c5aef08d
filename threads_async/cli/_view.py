"""What the command `watch` shows to people. Performs no I/O."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from io import StringIO
from typing import Final, Self

from attrs import frozen
from rich.console import Console
from rich.text import Text

from threads_async._fleet_values import FleetEvent, FleetThread
from threads_async.cli._columns import fit, local
from threads_async.cli._exits import cause_of
from threads_async.cli._table import Table
from threads_async.cli._text import plain
from threads_async.fleet_watch import FleetWatch
from threads_async.models import EventKind, ExecutionThread, ServerEvent, WatchEvent
from threads_async.watch import ThreadWatch

_RECENT: Final = 5
"""Number of recent events to show."""
_OUTAGES: Final = 3
"""Number of unreachable machines to show with their reasons."""
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


def text_of(happened: WatchEvent | FleetEvent, table: Table) -> str:
    """Return an event as one line of text: its time and kind, then the thread or why the server is unreachable.

    For a fleet, both begin with the name of the machine.
    """
    event = _event(happened)
    begin = f"{local(event.at)[:19]} {event.kind:<11}"
    if isinstance(event, ServerEvent):
        return f"{begin} {_cause(happened)}".rstrip() + "\n"
    return f"{begin} {table.rows([_thread(happened)])}"


def _event(happened: WatchEvent | FleetEvent) -> WatchEvent:
    return happened.event if isinstance(happened, FleetEvent) else happened


def _thread(happened: WatchEvent | FleetEvent) -> ExecutionThread | FleetThread | None:
    """Return the thread of an event, with its machine if it has one. None if it is not about a thread."""
    event = _event(happened)
    if isinstance(event, ServerEvent):
        return None
    return FleetThread(happened.machine, event.thread) if isinstance(happened, FleetEvent) else event.thread


def _cause(happened: WatchEvent | FleetEvent) -> str:
    """Return the machine, if there are several, and why it is unreachable."""
    event = _event(happened)
    error = event.error if isinstance(event, ServerEvent) else None
    if not isinstance(happened, FleetEvent):
        return "" if error is None else plain(cause_of(error))
    return plain(happened.machine if error is None else f"{happened.machine}: {cause_of(error, in_fleet=True)}")


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
        place: The address of the API, or the number of machines.
        newest: The threads in the picture, newest first. For a fleet, those on machines that respond, each with its
            machine. None before the first picture.
        age: The age of the picture, in seconds. For a fleet, that of the oldest picture of a machine that responds.
    """

    place: str
    newest: Sequence[ExecutionThread | FleetThread] | None
    age: float = 0.0

    @classmethod
    def by(cls, watch: ThreadWatch | FleetWatch, url: str, now: datetime) -> Self:
        """Return what `watch` has seen on the server at `url`, or on all machines of a fleet."""
        if isinstance(watch, FleetWatch):
            return cls._by_fleet(watch, now)
        if watch.seen_at is None:
            return cls(url, None)
        newest = sorted(watch.threads, key=lambda thread: thread.created_at, reverse=True)
        return cls(url, newest, (now - watch.seen_at).total_seconds())

    @classmethod
    def _by_fleet(cls, watch: FleetWatch, now: datetime) -> Self:
        of = f"{len(watch.machines)} machine{'' if len(watch.machines) == 1 else 's'}"
        if all(one.seen_at is None for one in watch.machines.values()):
            return cls(of, None)
        reachable = {name: one for name, one in watch.machines.items() if one.reachable}
        found = [FleetThread(name, thread) for name, one in reachable.items() for thread in one.threads]
        ages = [(now - one.seen_at).total_seconds() for one in reachable.values() if one.seen_at is not None]
        newest = sorted(found, key=lambda found: found.thread.created_at, reverse=True)
        return cls(f"{len(ages)} of {of}", newest, max(ages, default=0.0))

    def title(self) -> str:
        """Return one line: the number of running threads, where they run, and the age of the picture."""
        if self.newest is None:
            return f"waiting for the first response from {self.place}"
        count = len(self.newest)
        return f"{count} thread{'' if count == 1 else 's'} on {self.place}, seen {_age(self.age)} ago"


class View:
    """The picture of a watch and its recent events."""

    def __init__(self) -> None:
        self._recent: deque[WatchEvent | FleetEvent] = deque(maxlen=_RECENT)
        # The outage of each machine. A single server has no name.
        self._outages: dict[str, WatchEvent | FleetEvent] = {}

    def take(self, happened: WatchEvent | FleetEvent) -> None:
        """Update the view with an event."""
        event = _event(happened)
        machine = happened.machine if isinstance(happened, FleetEvent) else ""
        if event.kind is EventKind.UNREACHABLE:
            self._outages[machine] = happened
        elif event.kind is EventKind.REACHABLE:
            self._outages.pop(machine, None)
        if event.kind in _MARKS:
            self._recent.append(happened)

    def lines(self, seen: Seen, table: Table, width: int, height: int) -> list[str]:
        """Return all lines: at most `height` of them, each at most `width` cells wide.

        These are the title, why servers are unreachable and since when, the newest threads, and the recent events.
        """
        # Some terminals report a width of one column or none.
        width = max(1, width)
        head = _wrapped(plain(seen.title()), width)
        for outage in list(self._outages.values())[:_OUTAGES]:
            text = f"unreachable, noticed at {local(_event(outage).at)}: {_cause(outage)}"
            # The reason is not cut, except where it would hide other machines: a user in front of an empty screen looks
            # for it.
            head += [text] if isinstance(outage, FleetEvent) and seen.newest else _wrapped(text, width)
        if len(self._outages) > _OUTAGES:
            head.append(f"… and {len(self._outages) - _OUTAGES} more unreachable")
        # Two empty lines, the header, and the line that counts the threads not shown.
        room = max(0, height - len(head) - 4)
        recent = [self._recent_line(event, table, width) for event in self._recent][-max(1, room - _FEW) :]
        room = max(0, room - len(recent))
        lines = [fit(line, width).rstrip() for line in head]
        if seen.newest is not None:
            lines += ["", *table.header().splitlines(), *table.rows(seen.newest[:room]).splitlines()]
            if len(seen.newest) > room:
                lines.append(f"… and {len(seen.newest) - room} more")
        if recent:
            lines += ["", *recent]
        return lines[:height]

    def _recent_line(self, happened: WatchEvent | FleetEvent, table: Table, width: int) -> str:
        event, thread = _event(happened), _thread(happened)
        mark = _MARKS[event.kind]
        if thread is None:
            return fit(f"{mark} {local(event.at)[11:19]} {event.kind} {_cause(happened)}", width).rstrip()
        return f"{mark} {table.rows([thread])}".rstrip("\n")
