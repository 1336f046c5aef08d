"""The command `watch`."""

import asyncio
import contextlib
from typing import Any, Final, Literal

import click

from threads_async.cli._client import Connection, client_of
from threads_async.cli._list import run_to_end
from threads_async.cli._options import Filters, connection_options, filter_options, help_option
from threads_async.cli._output import fields_of, json_line
from threads_async.cli._streams import stdout, write
from threads_async.models import ThreadEvent
from threads_async.watch import ThreadWatch

Format = Literal["live", "jsonl"]

_DEMO_THREADS: Final = 10
_DEMO_CHURN: Final = 2.0
_REDRAW: Final = 0.1
"""Fewest seconds between two drawings, so that a flood of events does not become a flood of drawings."""

_HELP: Final = """Watch threads start and stop, until Ctrl-C.

\b
live   for people, and the default on a terminal: the threads that run, the
       newest first, and the last events below.
jsonl  for programs, and the default elsewhere: one JSON object an event, with
       event (present, started, stopped, unreachable, reachable), at, and the
       fields of the thread as in list. Tokens are whole, and secrets.

Each start and each stop is told once, also across restarts of ZennoBrowser. A
thread that starts and stops between two looks is not seen.
"""


def line_of(event: ThreadEvent) -> str:
    """Return `event` as a line of JSON."""
    thread = {} if event.thread is None else fields_of(event.thread)
    return json_line({"event": str(event.kind), "at": event.at.isoformat(), **thread})


async def _write_lines(events: ThreadWatch) -> None:
    async for event in events:
        write(line_of(event))


async def _draw(events: ThreadWatch) -> None:
    from rich.console import Console  # noqa: PLC0415 - only people watch
    from rich.live import Live  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    from threads_async.cli._table import table  # noqa: PLC0415 - it needs rich
    from threads_async.cli._view import View  # noqa: PLC0415 - likewise

    view = View()
    rows = table()
    changed = asyncio.Event()
    console = Console(file=stdout())

    async def redraw() -> None:
        while True:
            await changed.wait()
            changed.clear()
            live.update(Text.from_ansi(view.lines(rows, console.height)), refresh=True)
            await asyncio.sleep(_REDRAW)

    with Live("asking", console=console, screen=True, auto_refresh=False) as live:
        live.refresh()
        drawing = asyncio.create_task(redraw())
        try:
            async for event in events:
                view.take(event)
                changed.set()
        finally:
            drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await drawing


async def _watch(connection: Connection, filters: Filters, wanted: Format, parameters: dict[str, Any]) -> None:
    async with client_of(connection) as client:
        events = client.watch(**filters.parameters(), **parameters)
        await (_draw(events) if wanted == "live" else _write_lines(events))


@click.command("watch", help=_HELP, add_help_option=False)
@filter_options
@click.option(
    "--interval", metavar="SECONDS", type=float, default=1.0, help="From the end of one look to the next. Default: 1."
)
@click.option("--format", type=click.Choice(["live", "jsonl"]), help="See above. By default live on a terminal.")
@click.option("--total", metavar="N", type=int, default=1000, help="The page size. Default: 1000.")
@click.option("--prefetch", metavar="N", type=int, default=0, help="Most pages to ask for ahead. Default: 0.")
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
    wanted: Format = format or ("live" if stdout().isatty() else "jsonl")
    run_to_end(_watch(connection, filters, wanted, parameters))
