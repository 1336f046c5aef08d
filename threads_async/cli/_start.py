"""The commands `limits` and `start`."""

import asyncio
from collections.abc import Mapping
from textwrap import indent
from typing import Final, Literal

import click
from attrs import fields

from threads_async._fleet_error import FleetError
from threads_async._targets import MOST_AT_ONCE
from threads_async.cli._client import Connection, client_of, fleet_of
from threads_async.cli._connection_options import Usual, connection_options
from threads_async.cli._options import Number, help_option, workspace_option
from threads_async.cli._output import Writer, data_of, json_line
from threads_async.cli._progress import waiting
from threads_async.cli._streams import stdout, write
from threads_async.cli._tally import Tally, told
from threads_async.cli._text import plain
from threads_async.cli._walk import Format, run_to_end, writer_of
from threads_async.client import ThreadsClient
from threads_async.errors import RequestError
from threads_async.models import ExecutionThread, Limits

_MOST: Final = 10_000

_START_HELP: Final = """Start execution threads, 1 by default, and write them to standard output.

The formats are the same as for list. jsonl and csv contain complete thread
tokens, which are secrets. A thread runs until somebody stops it, for example
with threads-async stop, or until its lifetime ends. If the command ends early,
the threads started so far keep running.
"""

_LIMITS_HELP: Final = """Show the limits of the licence, and how much of them is in use.

\b
text   For people; the default on a terminal. One line per limit.
jsonl  For programs; the default in a pipe or a file. One JSON object with the
       names of the API, such as activeThreads and limitThreads.

Computers with the same licence share its thread limit, so some of the active
threads may run on another computer. For a fleet, each machine reports the
limits of its licence: text shows the name above them, and jsonl has it as the
field machine.
"""


def text_of(limits: Limits) -> str:
    """Return `limits` as lines for people."""
    lines: list[str] = []
    for one in fields(Limits):
        subject = one.name.removeprefix("active_")
        if subject != one.name:
            active, limit = getattr(limits, one.name), getattr(limits, f"limit_{subject}")
            used, most = ("-" if number is None else str(number) for number in (active, limit))
            lines.append(f"{subject.replace('_', ' '):<22} {used} of {most} in use")
    lines[0] += f", {limits.free_threads} free"
    return "\n".join(lines) + "\n"


async def _limits_of_fleet(connection: Connection, workspace_id: int, wanted: Literal["text", "jsonl"]) -> None:
    def write_each(found: Mapping[str, Limits]) -> None:
        for name, limits in found.items():
            if wanted == "text":
                write(f"{plain(name)}\n{indent(text_of(limits), '  ')}", encoding=stdout().encoding)
            else:
                write(json_line({"machine": name} | data_of(limits)))

    async with fleet_of(connection) as fleet:
        try:
            with waiting("requesting the limits"):
                found = await fleet.limits(workspace_id)
        except FleetError as error:
            write_each(error.results)
            raise
        write_each(found)


async def _limits(connection: Connection, workspace_id: int, wanted: Literal["text", "jsonl"]) -> None:
    async with client_of(connection) as client:
        with waiting("requesting the limits"):
            limits = await client.limits(workspace_id)
    write(text_of(limits) if wanted == "text" else json_line(data_of(limits)))


@click.command("limits", help=_LIMITS_HELP, add_help_option=False)
@workspace_option("Show the limits")
@click.option(
    "--format",
    type=click.Choice(["text", "jsonl"]),
    help="Output format. Default: text on a terminal, otherwise jsonl.",
)
@connection_options(Usual(fleets=True))
@help_option
def show_limits(
    *,
    connection: Connection,
    workspace_id: int,
    format: Literal["text", "jsonl"] | None,  # noqa: A002 - the name of the option
) -> None:
    """Show the limits of the licence."""
    usual: Literal["text", "jsonl"] = "text" if stdout().isatty() else "jsonl"
    work = _limits_of_fleet if connection.many else _limits
    run_to_end(work(connection, workspace_id, format or usual))


async def _next(
    client: ThreadsClient, count: int, workspace_id: int, wait: float | None
) -> tuple[ExecutionThread, ...]:
    """Start `count` threads with one request."""
    if count == 1:
        return (await client.start_thread(workspace_id, wait=wait),)
    return await client.start_threads(count, workspace_id)


async def _start(connection: Connection, workspace_id: int, wait: float | None, writer: Writer, tally: Tally) -> None:
    async with client_of(connection) as client:
        # Shows whether anything can be written, before anything is started.
        write("")
        header = writer.header()
        while tally.done < tally.of:
            # Each thread is waited for on its own.
            tally.pending = min(MOST_AT_ONCE if wait is None else 1, tally.of - tally.done)
            try:
                with waiting(f"starting threads: {tally.done} of {tally.of}"):
                    threads = await _next(client, tally.pending, workspace_id, wait)
            except RequestError as error:
                tally.done += len(error.done)
                raise
            tally.done += len(threads)
            tally.pending = 0
            # They are written at once: an error may follow, and nobody else knows their tokens.
            write(header + writer.rows(threads), encoding=writer.encoding)
            header = ""
        write(writer.footer(f"{tally.done} started"), encoding=writer.encoding)


@click.command("start", help=_START_HELP, add_help_option=False)
@click.argument("count", metavar="[N]", type=click.IntRange(1, _MOST), default=1)
@workspace_option("Start threads")
@click.option(
    "--wait",
    metavar="SECONDS",
    type=Number(min=0, min_open=True, max=86_400 * 365),
    help="Maximum time to wait for each thread until one is free, in seconds. Default: do not wait.",
)
@click.option(
    "--format",
    type=click.Choice(["table", "jsonl", "csv"]),
    help="Output format. Default: table on a terminal, otherwise jsonl.",
)
@connection_options()
@help_option
def start_threads(
    *,
    connection: Connection,
    count: int,
    workspace_id: int,
    wait: float | None,
    format: Format | None,  # noqa: A002 - the name of the option
) -> None:
    """Start execution threads."""
    tally = Tally("started", count)
    with told(tally):
        asyncio.run(_start(connection, workspace_id, wait, writer_of(format, ExecutionThread), tally))
