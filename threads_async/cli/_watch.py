"""The command `watch`."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

import click

from threads_async._fleet_values import FleetThread
from threads_async.cli._client import Connection, client_of, fleet_of
from threads_async.cli._connection_options import Usual, connection_options
from threads_async.cli._look_options import ATTEMPT_TIMEOUT, DEMO_CHURN, DEMO_THREADS, look_options
from threads_async.cli._options import Filters, filter_options, help_option
from threads_async.cli._output import event_line
from threads_async.cli._streams import stdout, write
from threads_async.cli._walk import run_to_end
from threads_async.fleet_watch import FleetWatch
from threads_async.models import ExecutionThread, Value
from threads_async.watch import ThreadWatch

Format = Literal["live", "text", "jsonl"]

_REDRAW: Final = 0.1
"""Minimum time between two redraws, in seconds, so that many events do not cause many redraws."""
_REFRESH: Final = 1.0
"""Maximum time between two redraws, in seconds."""

_HELP: Final = """Watch threads start and stop until Ctrl-C.

\b
live   For people; the default on a terminal. A screen that is redrawn: the
       running threads, newest first, and the latest events below them. The
       first line shows the address, and how old the picture is.
text   For people. One line per event. live falls back to it where nothing can
       be redrawn: on a terminal with TERM=dumb, in a pipe or a file.
jsonl  For programs; the default in a pipe or a file. One JSON object per
       event. It has the fields event (present, started, stopped, changed,
       unreachable, reachable) and at (the time). Then follow the fields of
       the thread as in list, also those before a change (previous), or url,
       error and reason if the server is unreachable. It contains complete
       thread tokens, which are secrets.

Each start and each stop is reported once, even if ZennoBrowser restarts. A
thread that starts and stops between two looks at the list is not seen.

For a fleet, each machine is watched independently, and each event has the name
of its machine (machine). If a machine fails, it is reported as unreachable, and
the command continues.
"""


Watch: TypeAlias = ThreadWatch | FleetWatch


def _model_of(watching: Watch) -> type[Value]:
    return FleetThread if isinstance(watching, FleetWatch) else ExecutionThread


async def _write_json(watching: Watch) -> None:
    async for event in watching:
        write(event_line(event))


async def _write_text(watching: Watch) -> None:
    from threads_async.cli._table import table  # noqa: PLC0415 - it needs rich
    from threads_async.cli._view import TEXT_INDENT, text_of  # noqa: PLC0415 - it needs rich

    async for event in watching:
        rows = table(_model_of(watching), TEXT_INDENT)
        write(text_of(event, rows), encoding=rows.encoding)


async def _draw(url: str, watching: Watch) -> None:
    from threads_async.cli._screen import Screen  # noqa: PLC0415 - it needs rich
    from threads_async.cli._table import table  # noqa: PLC0415 - it needs rich
    from threads_async.cli._view import INDENT, Seen, View  # noqa: PLC0415 - it needs rich

    view = View()
    changed = asyncio.Event()

    async def take() -> None:
        try:
            async for event in watching:
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
                seen = Seen.by(watching, url, datetime.now(UTC))
                # Some terminals start a new line as soon as the last cell is filled.
                screen.show(view.lines(seen, table(_model_of(watching), INDENT), columns - 1, lines))
                await asyncio.wait([taking], timeout=_REDRAW)
                # Redraw from time to time even without an event: the terminal may have been resized, or be gone.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _REFRESH)
        await taking
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)


def _usual_format() -> Format:
    return "live" if stdout().isatty() else "jsonl"


def _writer(wanted: Format, url: str) -> Callable[[Watch], Coroutine[Any, Any, None]]:
    if wanted == "jsonl":
        return _write_json
    from threads_async.cli._screen import can_be_redrawn  # noqa: PLC0415 - it needs rich

    return functools.partial(_draw, url) if wanted == "live" and can_be_redrawn() else _write_text


async def _watch(connection: Connection, filters: Filters, wanted: Format, parameters: dict[str, Any]) -> None:
    if connection.many:
        async with fleet_of(connection) as fleet:
            await _writer(wanted, "")(fleet.watch(**filters.parameters(), **parameters))
    else:
        async with client_of(connection) as client:
            await _writer(wanted, client.base_url)(client.watch(**filters.parameters(), **parameters))


@click.command("watch", help=_HELP, add_help_option=False)
@filter_options("Watch")
@click.option(
    "--format",
    type=click.Choice(["live", "text", "jsonl"]),
    help="Output format. Default: live on a terminal, otherwise jsonl.",
)
@look_options
@connection_options(Usual(DEMO_THREADS, DEMO_CHURN, timeout=ATTEMPT_TIMEOUT, fleets=True))
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
