"""The columns of the tables that people read. Performs no I/O."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from attrs import frozen
from rich.cells import cell_len, set_cell_size

from threads_async._fleet_values import FleetThread
from threads_async._secrets import shorten
from threads_async.cli._text import plain
from threads_async.models import BrowserInstance, ExecutionThread, Value, Workspace

_MACHINE_WIDTHS: Final = (1, 16)
"""Minimum and maximum width of the name of a machine, in cells."""
_TIME_CUTS: Final = (25, 19, 16, 10)
"""Lengths that a time can be cut to: after its offset, seconds, minutes or day."""


@frozen
class Columns:
    """The columns of a table.

    Attributes:
        names: The headings.
        styles: The rich style of each column.
        wide: The widths when nothing limits them.
        narrower: The widths to cut them down to, step by step, when the terminal is too narrow.
        cells: Returns the cells of a value, given the widths of the columns.
    """

    names: tuple[str, ...]
    styles: tuple[str, ...]
    wide: tuple[int, ...]
    narrower: tuple[tuple[int, ...], ...]
    cells: Callable[[Any, tuple[int, ...]], tuple[str, ...]]


def fit(text: str, width: int) -> str:
    """Return `text` padded, or cut with an ellipsis, to exactly `width` terminal cells."""
    if cell_len(text) > width:
        text = f"{set_cell_size(text, width - 1)}…"
    return set_cell_size(text, width)


def local(moment: datetime) -> str:
    """Return `moment` in local time with its offset, or unconverted if local time cannot represent it."""
    # It fails at the start of year 1 and at the end of year 9999, and on Windows before 1970.
    with contextlib.suppress(OverflowError, ValueError, OSError):
        moment = moment.astimezone()
    return moment.isoformat(sep=" ", timespec="seconds")


def _cells_of_thread(thread: ExecutionThread, columns: tuple[int, ...]) -> tuple[str, ...]:
    moment = local(thread.created_at)
    width = columns[0]
    return (
        moment if width >= _TIME_CUTS[0] else moment[: next((cut for cut in _TIME_CUTS if cut <= width), None)],
        plain(thread.type),
        shorten(thread.thread_token) or "-",
        str(thread.workspace_id),
    )


def _cells_of_workspace(workspace: Workspace, _: tuple[int, ...]) -> tuple[str, ...]:
    name, role = ("-" if text is None else plain(text) for text in (workspace.name, workspace.role))
    return (str(workspace.workspace_id), name, role)


def _cells_of_browser(browser: BrowserInstance, _: tuple[int, ...]) -> tuple[str, ...]:
    return (str(browser.process_id), str(browser.profile_id), shorten(browser.connection_string) or "-")


def _with_machine(columns: Columns) -> Columns:
    """Return `columns` of the values of one machine with a column for the name of the machine before them."""

    def cells(value: FleetThread, widths: tuple[int, ...]) -> tuple[str, ...]:
        return (plain(value.machine), *columns.cells(value.thread, widths[1:]))

    least, most = _MACHINE_WIDTHS
    steps = len(columns.narrower)
    narrower = [most - (most - least) * step // (steps - 1) for step in range(steps)]
    return Columns(
        names=("MACHINE", *columns.names),
        styles=("bold", *columns.styles),
        wide=(most, *columns.wide),
        narrower=tuple([(width, *rest) for width, rest in zip(narrower, columns.narrower, strict=True)]),
        cells=cells,
    )


_THREAD: Final = Columns(
    names=("CREATED", "TYPE", "TOKEN", "WORKSPACE"),
    styles=("", "cyan", "dim", ""),
    # A time with its offset, the longer of the known types, a shortened token, the longest 64-bit integer.
    wide=(25, 15, 8, 20),
    narrower=((25, 15, 8, 9), (19, 15, 8, 9), (16, 6, 8, 9), (10, 4, 4, 4), (1, 1, 1, 1)),
    cells=_cells_of_thread,
)

COLUMNS: Final[dict[type[Value], Columns]] = {
    ExecutionThread: _THREAD,
    FleetThread: _with_machine(_THREAD),
    Workspace: Columns(
        names=("WORKSPACE", "NAME", "ROLE"),
        styles=("", "cyan", ""),
        # The longest 64-bit integer, then texts of any length.
        wide=(20, 40, 12),
        narrower=((9, 40, 12), (9, 20, 8), (4, 4, 4), (1, 1, 1)),
        cells=_cells_of_workspace,
    ),
    BrowserInstance: Columns(
        names=("PROCESS", "PROFILE", "CONNECTION"),
        styles=("", "cyan", "dim"),
        # The longest 32-bit integer, a UUID, the heading of a shortened connection string.
        wide=(11, 36, 10),
        narrower=((10, 36, 8), (7, 8, 8), (4, 4, 4), (1, 1, 1)),
        cells=_cells_of_browser,
    ),
}
"""The columns for each class of values."""
