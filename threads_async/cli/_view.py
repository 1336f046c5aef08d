"""What the live view of `watch` shows. Performs no I/O."""

from collections import deque
from datetime import datetime
from typing import Final, TypeAlias

from threads_async.cli._table import Table, local
from threads_async.models import EventKind, ExecutionThread, ThreadEvent

_RECENT: Final = 5
"""How many of the last events are shown."""
_MARKS: Final = {
    EventKind.STARTED: "+",
    EventKind.STOPPED: "-",
    EventKind.UNREACHABLE: "!",
    EventKind.REACHABLE: "!",
}

_Recent: TypeAlias = tuple[str, datetime, ExecutionThread | None, str]
"""A mark, when it was noticed, the thread, and what happened."""


class View:
    """The threads that run and the last events, kept up with the events as they come."""

    def __init__(self) -> None:
        self._alive: dict[ExecutionThread, None] = {}
        self._recent: deque[_Recent] = deque(maxlen=_RECENT)
        self._unreachable: datetime | None = None
        self._known = False

    def take(self, event: ThreadEvent) -> None:
        """Bring it up to `event`."""
        kind, thread = event.kind, event.thread
        if kind in (EventKind.PRESENT, EventKind.STARTED) and thread is not None:
            self._alive[thread] = None
            self._known = True
        elif kind is EventKind.STOPPED and thread is not None:
            self._alive.pop(thread, None)
        else:
            self._unreachable = event.at if kind is EventKind.UNREACHABLE else None
        if kind in _MARKS:
            self._recent.append((_MARKS[kind], event.at, thread, str(kind)))

    def title(self) -> str:
        """Return one line: how many threads run, and whether the server answers."""
        count = f"{len(self._alive)} thread{'' if len(self._alive) == 1 else 's'}"
        if self._unreachable is not None:
            since = f"the server has not answered since {local(self._unreachable)}"
            return f"{count} when last seen; {since}" if self._known else since
        return count

    def lines(self, table: Table, height: int) -> str:
        """Return all lines, at most `height` of them: the title, the newest threads, the last events."""
        recent = [
            f"{mark} {local(at)[11:19]} {kind}\n" if thread is None else f"{mark} {table.rows([thread])}"
            for mark, at, thread, kind in self._recent
        ]
        # The title, two empty lines, the header, and the line that says how many more.
        room = max(0, height - len(recent) - 5)
        newest = sorted(self._alive, key=lambda thread: thread.created_at, reverse=True)
        more = f"… and {len(newest) - room} more\n" if len(newest) > room else ""
        tail = "\n" + "".join(recent) if recent else ""
        return f"{self.title()}\n\n{table.header()}{table.rows(newest[:room])}{more}{tail}"
