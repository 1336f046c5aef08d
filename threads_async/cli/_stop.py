"""The command `stop`."""

import asyncio
import contextlib
import sys
from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import Final, Literal, TextIO, TypeAlias, cast

import click
from attrs import frozen

from threads_async._several import may_mean_gone
from threads_async._targets import is_usable
from threads_async.cli._ages import created_before, older_than_option
from threads_async.cli._client import Connection, client_of
from threads_async.cli._exits import INTERRUPTED, NOT_CONFIRMED, CommandError
from threads_async.cli._options import THREAD_TYPE, connection_options, help_option, workspace_option
from threads_async.cli._output import Writer
from threads_async.cli._progress import waiting
from threads_async.cli._selection import Selection, read_tokens
from threads_async.cli._streams import stdout, tell, write
from threads_async.cli._tally import THREADS, Tally, told
from threads_async.cli._walk import Format, writer_of
from threads_async.client import ThreadsClient
from threads_async.errors import RequestError
from threads_async.models import ExecutionThread

Mode: TypeAlias = Literal["ask", "yes", "dry run"]

_AT_ONCE: Final = 20
"""Number of threads to stop with one request. An interruption leaves open what happened to those of one request."""

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
"""


@contextlib.contextmanager
def _client_in(runner: asyncio.Runner, connection: Connection) -> Generator[ThreadsClient]:
    """Open the client in the event loop of `runner`, which runs only while something is awaited."""
    context = client_of(connection)
    client = runner.run(context.__aenter__())
    try:
        yield client
    finally:
        runner.run(context.__aexit__(None, None, None))


async def _find(client: ThreadsClient, workspace_id: int, selection: Selection) -> list[ExecutionThread]:
    """Return the threads to stop, in the order of the list."""
    with waiting("listing the threads"):
        threads = await client.threads(workspace_id=workspace_id, consistent=True).collect()
    found = [thread for thread in threads if selection.has(thread)]
    victims = [thread for thread in found if is_usable(thread.thread_token)]
    if len(victims) < len(found):
        count = len(found) - len(victims)
        tell(f"threads-async: {count} {THREADS.of(count)} without a usable token cannot be stopped")
    if selection.tokens is not None and len(found) < len(selection.tokens):
        count = len(selection.tokens) - len(found)
        tokens = "token does" if count == 1 else "tokens do"
        tell(f"threads-async: {count} {tokens} not belong to a matching thread in this workspace; see --workspace-id")
    return victims


@frozen
class Rows:
    """Writes the threads that were stopped, or that would be.

    Attributes:
        writer: Converts threads to text.
    """

    writer: Writer

    def begin(self) -> None:
        """Write the header."""
        self._write(self.writer.header())

    def add(self, threads: Sequence[ExecutionThread]) -> None:
        """Write `threads`."""
        self._write(self.writer.rows(threads))

    def end(self, count: int, what: str) -> None:
        """Write the summary, on a terminal only."""
        self._write(self.writer.footer(f"{count} {THREADS.of(count)} {what}"))

    def _write(self, text: str) -> None:
        write(text, encoding=self.writer.encoding)


async def _stop(client: ThreadsClient, victims: Sequence[ExecutionThread], rows: Rows | None, tally: Tally) -> None:
    """Stop `victims`, and write those that were stopped to `rows`."""

    def stopped(threads: Sequence[ExecutionThread]) -> None:
        tally.done += len(threads)
        tally.pending = 0
        if rows is not None:
            rows.add(threads)

    failure: RequestError | None = None
    for start in range(0, len(victims), _AT_ONCE):
        chunk = victims[start : start + _AT_ONCE]
        tally.pending = len(chunk)
        try:
            with waiting(f"stopping threads: {start} of {len(victims)}"):
                await client.stop_threads(chunk)
        except RequestError as error:
            stopped([thread for thread in chunk if thread.thread_token in error.done])
            # Another failure would concern the others too.
            if not may_mean_gone(error):
                raise
            failure = error
        else:
            stopped(chunk)
    if failure is not None:
        raise failure


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
    with asyncio.Runner() as runner, _client_in(runner, connection) as client:
        victims = runner.run(_find(client, workspace_id, selection))
        if not victims:
            tell("threads-async: no thread matches, so nothing was stopped")
            return
        if mode != "yes":
            rows.begin()
            rows.add(victims)
        if mode == "dry run":
            rows.end(len(victims), "would be stopped")
            return
        if mode == "ask":
            # Not in the event loop, so that Ctrl-C interrupts it.
            _confirm(len(victims))
        tally = Tally("stopped", len(victims))
        with told(tally):
            if mode == "yes":
                rows.begin()
            runner.run(_stop(client, victims, rows if mode == "yes" else None, tally))
            rows.end(len(victims), "stopped")


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
@connection_options()
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
        _run(connection, workspace_id, selection, Rows(writer_of(format, ExecutionThread)), mode=mode)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
