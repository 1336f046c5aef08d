"""The command `stop`."""

import asyncio
import contextlib
import sys
from collections.abc import Generator
from datetime import timedelta
from typing import Final, Literal, TextIO, TypeAlias, cast

import click

from threads_async._fleet_values import FleetThread
from threads_async.cli._ages import created_before, older_than_option
from threads_async.cli._client import Connection, fleet_of
from threads_async.cli._connection_options import Usual, connection_options
from threads_async.cli._exits import INTERRUPTED, NOT_CONFIRMED, CommandError
from threads_async.cli._options import THREAD_TYPE, help_option, workspace_option
from threads_async.cli._selection import Selection, read_tokens
from threads_async.cli._stopping import Rows, stop
from threads_async.cli._streams import stdout, tell
from threads_async.cli._tally import Tally, told
from threads_async.cli._victims import find
from threads_async.cli._walk import Format, writer_of
from threads_async.fleet import Fleet
from threads_async.models import ExecutionThread

Mode: TypeAlias = Literal["ask", "yes", "dry run"]

_HELP: Final = """Stop execution threads, and the browsers that run in them.

Select them with --thread-tokens, --type and --older-than, or with --all. A
thread is stopped only if it matches all options given. The command first lists
all threads of the workspace. If that fails, it stops nothing.

On a terminal, it then shows the threads that it would stop, and asks. With
--yes it does not ask, and writes each thread that it has stopped, in the
formats of list. With --dry-run it writes the threads that it would stop, and
stops nothing. Without a terminal, --yes or --dry-run is required. jsonl and csv
contain complete thread tokens, which are secrets.

Threads without a token cannot be stopped through the API.

For a fleet, each line begins with the name of the machine (machine). If the
threads of a machine cannot all be listed, nothing is stopped on it. If a machine
fails, the threads of the others are stopped, and then the failure is reported.
"""


@contextlib.contextmanager
def _fleet_in(runner: asyncio.Runner, connection: Connection) -> Generator[Fleet]:
    """Open the fleet in the event loop of `runner`, which runs only while something is awaited."""
    context = fleet_of(connection)
    fleet = runner.run(context.__aenter__())
    try:
        yield fleet
    finally:
        runner.run(context.__aexit__(None, None, None))


def _require_terminal() -> None:
    """Check that somebody can see the threads and can answer.

    Raises:
        CommandError: There is nobody to ask.
    """
    stream = cast("TextIO | None", sys.stdin)
    if stream is None or not stream.isatty() or not stdout().isatty():
        text = "nothing was stopped: without a terminal for standard input and output, --yes is required"
        raise CommandError(NOT_CONFIRMED, text)


def _confirm(count: int) -> None:
    """Ask whether to stop so many threads.

    Raises:
        CommandError: The answer is no.
    """
    try:
        confirmed = click.confirm(f"Stop {'this thread' if count == 1 else f'these {count} threads'}?", err=True)
    except click.Abort as error:
        # click raises it for Ctrl-C and for the end of the input.
        code = NOT_CONFIRMED if isinstance(error.__context__, EOFError) else INTERRUPTED
        raise CommandError(code, "nothing was stopped") from None
    if not confirmed:
        raise CommandError(NOT_CONFIRMED, "nothing was stopped")


def _run(connection: Connection, workspace_id: int, selection: Selection, rows: Rows, *, mode: Mode) -> None:
    if mode == "ask":
        _require_terminal()
    with asyncio.Runner() as runner, _fleet_in(runner, connection) as fleet:
        victims = runner.run(find(fleet, workspace_id, selection, single=not connection.many))
        count = len(victims.threads)
        if not count:
            tell("threads-async: no thread matches, so nothing was stopped")
            victims.raise_failures()
            return
        if mode != "yes":
            rows.begin()
            rows.add(victims.threads)
        if mode == "dry run":
            rows.end(count, "would be stopped")
            victims.raise_failures()
            return
        if mode == "ask":
            # Not in the event loop, so that Ctrl-C interrupts it.
            _confirm(count)
        tally = Tally("stopped", count)
        with told(tally):
            if mode == "yes":
                rows.begin()
            runner.run(stop(fleet, victims, rows if mode == "yes" else None, tally))
            rows.end(count, "stopped")


@click.command("stop", help=_HELP, add_help_option=False)
@workspace_option("Stop only threads")
@click.option("--type", type=THREAD_TYPE, help="Stop only threads of this type, ignoring case.")
@older_than_option("Stop")
@click.option(
    "--thread-tokens",
    "tokens",
    metavar="FILE",
    type=click.Path(allow_dash=True),
    callback=read_tokens,
    help="Stop only threads whose tokens are in FILE (- for standard input): one token per line, or the lines that "
    "list --format jsonl writes.",
)
@click.option("--all", "everything", is_flag=True, help="Stop all threads of the workspace.")
@click.option("--dry-run", is_flag=True, help="Write the threads that would be stopped, and stop nothing.")
@click.option(
    "--yes",
    is_flag=True,
    help="Do not ask. Required, except with --dry-run, if standard input or output is not a terminal.",
)
@click.option(
    "--format",
    type=click.Choice(["table", "jsonl", "csv"]),
    help="Output format. Default: table on a terminal, otherwise jsonl.",
)
@connection_options(Usual(fleets=True))
@help_option
def stop_threads(  # noqa: PLR0913 - one per option
    *,
    connection: Connection,
    workspace_id: int,
    type: str | None,  # noqa: A002 - the name of the option
    older_than: timedelta | None,
    tokens: frozenset[str] | None,
    everything: bool,
    dry_run: bool,
    yes: bool,
    format: Format | None,  # noqa: A002 - the name of the option
) -> None:
    """Stop execution threads."""
    selection = Selection(type, tokens, created_before(older_than))
    if everything is (selection != Selection(None, None, None)):
        raise click.UsageError("say which threads: --thread-tokens, --type or --older-than, or --all alone")
    mode: Mode = "dry run" if dry_run else "yes" if yes else "ask"
    try:
        writer = writer_of(format, FleetThread if connection.many else ExecutionThread)
        _run(connection, workspace_id, selection, Rows(writer, connection.many), mode=mode)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
