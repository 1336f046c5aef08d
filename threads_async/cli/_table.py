"""Values as a table for people, with the same column widths from the first line to the last.

The table is written while values arrive, so the widths are set before any value is known. They fit the terminal; if
there is none, they are wide enough for most values.
"""

import io
from collections.abc import Iterable
from typing import Any, Final

from attrs import frozen
from rich.console import Console
from rich.text import Text

from threads_async.cli._columns import COLUMNS, Columns, fit
from threads_async.cli._streams import stdout
from threads_async.models import Value

_GAP: Final = "  "


def widths(columns: Columns, available: int | None) -> tuple[int, ...]:
    """Return the widths of `columns` that make a line fit into `available` cells; None means no limit."""
    found: list[int] = list(columns.wide)
    excess = 0 if available is None else sum(found) + len(_GAP) * (len(found) - 1) - available
    for step in columns.narrower:
        for column in reversed(range(len(found))):
            cut = max(0, min(excess, found[column] - step[column]))
            found[column] -= cut
            excess -= cut
    return tuple(found)


@frozen
class Table:
    """A header line, then one line per value.

    Attributes:
        kind: The definition of the columns.
        console: The console that knows which colours are available.
        columns: The widths of the columns.
        encoding: The encoding to write the text in.
        summarized: Whether the last line is the number of values.
    """

    kind: Columns
    console: Console
    columns: tuple[int, ...]
    encoding: str
    summarized: bool = False

    def header(self) -> str:
        """Return the line of headings."""
        return self._render([(self.kind.names, ("bold",) * len(self.kind.names))])

    def rows(self, values: Iterable[Any]) -> str:
        """Return the lines of `values`."""
        return self._render((self.kind.cells(value, self.columns), self.kind.styles) for value in values)

    def footer(self, summary: str) -> str:
        """Return `summary` as the last line, on a terminal only: programs that read a table count its lines."""
        return f"{summary}\n" if self.summarized else ""

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


def table(model: type[Value], indent: int = 0) -> Table:
    """Return the table for the standard output of this process.

    Args:
        model: The class of the values.
        indent: The number of cells before each line.
    """
    stream = stdout()
    terminal = Console(file=stream)
    # rich only renders the text. The command writes it, because it handles a closed pipe and a full disk.
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal.is_terminal,
        # An old Windows console shows escape sequences instead of colours. With NO_COLOR, rich would still use bold
        # and dim.
        color_system=None if terminal.legacy_windows or terminal.no_color else "auto",
        legacy_windows=False,
    )
    # Some terminals start a new line as soon as the last cell is filled.
    available = terminal.width - 1 - indent if stream.isatty() else None
    kind = COLUMNS[model]
    return Table(kind, console, widths(kind, available), stream.encoding, stream.isatty())
