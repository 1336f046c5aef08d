"""Threads as a table for people, whose columns are as wide from the first line to the last.

It is written as the threads come, so the widths are set before any is known: by the terminal, or else wide enough for
any thread of a known type.
"""

import contextlib
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from attrs import frozen
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from threads_async._secrets import shorten
from threads_async.cli._streams import stdout
from threads_async.cli._text import plain
from threads_async.models import ExecutionThread

_GAP: Final = "  "
_NAMES: Final = ("CREATED", "TYPE", "TOKEN", "WORKSPACE")
_STYLES: Final = ("", "cyan", "dim", "")
_WIDE: Final[tuple[int, ...]] = (25, 15, 8, 20)
"""A time with its offset, the longer known type, a shortened token, the longest 64-bit integer."""
_NARROWER: Final = ((25, 15, 8, 9), (19, 15, 8, 9), (16, 6, 8, 9), (10, 4, 4, 4), (1, 1, 1, 1))
"""What the columns are cut down to, step by step, where the terminal is too narrow."""
_TIME_CUTS: Final = (25, 19, 16, 10)
"""Where a time may end: after its offset, its seconds, its minutes, its day."""


def widths(available: int | None) -> tuple[int, ...]:
    """Return how wide the columns are, so that a line fits into `available` cells; None means no bound."""
    found: list[int] = list(_WIDE)
    excess = 0 if available is None else sum(found) + len(_GAP) * (len(found) - 1) - available
    for step in _NARROWER:
        for column in reversed(range(len(found))):
            cut = max(0, min(excess, found[column] - step[column]))
            found[column] -= cut
            excess -= cut
    return tuple(found)


def fit(text: str, width: int) -> str:
    """Return `text` filled up, or cut short with an ellipsis, to exactly `width` cells of a terminal."""
    if cell_len(text) > width:
        text = f"{set_cell_size(text, width - 1)}…"
    return set_cell_size(text, width)


def local(moment: datetime) -> str:
    """Return `moment` in local time with its offset; one that local time cannot hold stays in its own."""
    # The years 1 and 9999 near their outer ends; on Windows all before 1970.
    with contextlib.suppress(OverflowError, ValueError, OSError):
        moment = moment.astimezone()
    return moment.isoformat(sep=" ", timespec="seconds")


@frozen
class Table:
    """A header line, then one line a thread.

    Attributes:
        console: What knows which colours there are.
        columns: How wide the columns are.
        encoding: In what the text is to be written.
        summarized: Whether it ends with how many threads there are.
    """

    console: Console
    columns: tuple[int, ...]
    encoding: str
    summarized: bool = False

    def header(self) -> str:
        """Return the names of the columns."""
        return self._render([(_NAMES, ("bold",) * len(_NAMES))])

    def rows(self, threads: Iterable[ExecutionThread]) -> str:
        """Return the lines of `threads`."""
        return self._render((self._cells(thread), _STYLES) for thread in threads)

    def footer(self, summary: str) -> str:
        """Return `summary` as the last line, on a terminal only: programs that read a table count its lines."""
        return f"{summary}\n" if self.summarized else ""

    def _cells(self, thread: ExecutionThread) -> tuple[str, ...]:
        moment = local(thread.created_at)
        width = self.columns[0]
        return (
            moment if width >= _TIME_CUTS[0] else moment[: next((cut for cut in _TIME_CUTS if cut <= width), None)],
            plain(thread.type),
            shorten(thread.thread_token) or "-",
            str(thread.workspace_id),
        )

    def _render(self, lines: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]) -> str:
        text = Text()
        last = len(self.columns) - 1
        for cells, styles in lines:
            for column, (cell, style) in enumerate(zip(cells, styles, strict=True)):
                filled = fit(cell, self.columns[column])
                text.append(filled.rstrip() if column == last else filled, style)
                text.append("\n" if column == last else _GAP)
        with self.console.capture() as captured:
            self.console.print(text, soft_wrap=True, end="")
        return captured.get()


def table(indent: int = 0) -> Table:
    """Return the table for this process's standard output.

    Args:
        indent: How many cells stand before each line of it.
    """
    stream = stdout()
    terminal = Console(file=stream)
    # Not rich but the command writes what is made of the colours: a closed pipe and a full disk have their own ends.
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal.is_terminal,
        # An old Windows console shows escape sequences instead of colours. Where NO_COLOR is set, rich would leave
        # bold and dim.
        color_system=None if terminal.legacy_windows or terminal.no_color else "auto",
        legacy_windows=False,
    )
    # Some terminals start a new line as soon as the last cell is filled.
    available = terminal.width - 1 - indent if stream.isatty() else None
    return Table(console, widths(available), stream.encoding, stream.isatty())
