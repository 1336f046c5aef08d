"""The command `watch`."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal

import click

from threads_async.cli._client import Connection, client_of
from threads_async.cli._options import Filters, connection_options, filter_options, help_option
from threads_async.cli._output import event_line
from threads_async.cli._streams import stdout, write
from threads_async.cli._walk import run_to_end
from threads_async.models import ExecutionThread
from threads_async.watch import ThreadWatch

Format = Literal["live", "text", "jsonl"]

_DEMO_THREADS: Final = 10
_DEMO_CHURN: Final = 2.0
_REDRAW: Final = 0.1
"""Minimum time between two drawings, in seconds, so that a flood of events does not become a flood of drawings."""
_REFRESH: Final = 1.0
"""Maximum time between two drawings, in seconds."""

_HELP: Final = """Watch threads start and stop, until Ctrl-C.

\b
live   for people, and the default on a terminal: the threads that run, the
       newest first, and the last events below.
text   for people: one line per event. It replaces live where nothing can be
       redrawn: on a terminal with TERM=dumb, in a pipe or a file.
jsonl  for programs, and the default in a pipe or a file: one JSON object per
       event, with event (present, started, stopped, unreachable, reachable),
       at, and the fields of the thread as in list, or the url and the reason
       if the server is unreachable. Thread tokens are whole, and secrets.

Each start and each stop is reported once, even if ZennoBrowser restarts. A
thread that starts and stops between two looks is not seen.
"""


async def _write_json(events: ThreadWatch) -> None:
    async for event in events:
        write(event_line(event))


async def _write_text(events: ThreadWatch) -> None:
    from threads_async.cli._table import table  # noqa: PLC0415 - it needs rich
    from threads_async.cli._view import TEXT_INDENT, text_of  # noqa: PLC0415 - likewise

    async for event in events:
        rows = table(ExecutionThread, TEXT_INDENT)
        write(text_of(event, rows), encoding=rows.encoding)


async def _draw(events: ThreadWatch) -> None:
    from threads_async.cli._screen import Screen  # noqa: PLC0415 - it needs rich
    from threads_async.cli._table import table  # noqa: PLC0415 - likewise
    from threads_async.cli._view import INDENT, View  # noqa: PLC0415 - likewise

    view = View()
    changed = asyncio.Event()

    async def take() -> None:
        try:
            async for event in events:
                view.take(event)
                changed.set()
        finally:
            changed.set()

    taking = asyncio.create_task(take())
    try:
        with Screen() as screen:
            while not taking.done():
                changed.clear()
                columns, lines = screen.size
                # Some terminals start a new line as soon as the last cell is filled.
                screen.show(view.lines(table(ExecutionThread, INDENT), columns - 1, lines))
                await asyncio.wait([taking], timeout=_REDRAW)
                # Drawn now and then without an event too: the terminal may have another size, or be gone.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _REFRESH)
        await taking
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)


def _usual_format() -> Format:
    return "live" if stdout().isatty() else "jsonl"


def _writer(wanted: Format) -> Callable[[ThreadWatch], Coroutine[Any, Any, None]]:
    if wanted == "jsonl":
        return _write_json
    from threads_async.cli._screen import can_be_redrawn  # noqa: PLC0415 - it needs rich

    return _draw if wanted == "live" and can_be_redrawn() else _write_text


async def _watch(connection: Connection, filters: Filters, wanted: Format, parameters: dict[str, Any]) -> None:
    async with client_of(connection) as client:
        await _writer(wanted)(client.watch(**filters.parameters(), **parameters))


@click.command("watch", help=_HELP, add_help_option=False)
@filter_options
@click.option(
    "--interval",
    metavar="SECONDS",
    type=float,
    default=1.0,
    help="Time from the end of one look to the next. Default: 1.",
)
@click.option(
    "--format", type=click.Choice(["live", "text", "jsonl"]), help="See above. By default live on a terminal."
)
@click.option("--total", metavar="N", type=int, default=1000, help="The page size, as in list. Default: 1000.")
@click.option(
    "--prefetch", metavar="N", type=int, default=0, help="Maximum number of pages to request ahead. Default: 0."
)
@connection_options(_DEMO_THREADS, _DEMO_CHURN)
@help_option
def watch(
    *,
    connection: Connection,
    filters: Filters,
    format: Format | None,  # noqa: A002 - the name of the option
    **parameters: Any,
) -> None:
    """Watch threads start and stop."""
    run_to_end(_watch(connection, filters, format or _usual_format(), parameters))
