"""The commands `list` and `count`."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Literal

import click
from attrs import asdict, frozen

from threads_async.cli._client import Connection, client_of
from threads_async.cli._exits import INTERRUPTED, failure_of
from threads_async.cli._options import Filters, connection_options, filter_options, help_option
from threads_async.cli._output import Csv, JsonLines, Writer
from threads_async.cli._progress import waiting
from threads_async.cli._streams import stdout, tell, write
from threads_async.errors import ThreadsError

Format = Literal["table", "jsonl", "csv"]

_LIST_HELP: Final = """List the execution threads.

They are written to standard output as they arrive. The formats:

\b
table  for people, and the default on a terminal: a header, then one line per
       thread. Tokens are shortened, times are local, and text that does not
       fit ends in an ellipsis. On a terminal the last line is the number of
       threads.
jsonl  for programs, and the default in a pipe or a file: one JSON object per
       line, with workspaceId, threadToken (or null), type and createdAt (ISO
       8601).
csv    the same fields with a header (RFC 4180; null is empty). Text that a
       spreadsheet would read as a formula is not escaped.

jsonl and csv contain whole thread tokens. These are secrets: whoever has one
can use the thread. If an error comes in the middle, the threads written so far
are valid, and the error says where to resume.
"""

_DRIFTED: Final = (
    "the list changed while it was read, so threads may be missing or listed twice; with --consistent every thread "
    "that runs during the whole listing is listed exactly once"
)


@frozen
class Walk:
    """How to go through the list: the parameters of the client."""

    start: int
    total: int
    sorting: str | None
    max_items: int | None
    prefetch: int
    consistent: bool

    def resume_at(self, start: int, done: int) -> str:
        """Return the options that go on from `start` after `done` threads."""
        left = "" if self.max_items is None else f" --max-items {self.max_items - done}"
        return f"--start {start}{left}"

    def summary(self, done: int, total_count: int | None) -> str:
        """Return how many threads were listed, and of how many if only a part was asked for."""
        asked_for_all = self.start == 0 and self.max_items is None
        of_all = "" if asked_for_all or total_count in (None, done) else f" of {total_count}"
        return f"{done}{of_all} thread{'' if (total_count if of_all else done) == 1 else 's'}"

    def to_come(self, total_count: int) -> int:
        """Return how many threads there are from `start`, of `total_count` in all."""
        count = max(0, total_count - self.start)
        return count if self.max_items is None else min(count, self.max_items)


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` in a loop of its own; Ctrl-C ends it without a word."""
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


def _writer(wanted: Format | None) -> Writer:
    if wanted is None:
        wanted = "table" if stdout().isatty() else "jsonl"
    if wanted == "table":
        from threads_async.cli._table import table  # noqa: PLC0415 - it needs rich

        return table()
    return JsonLines() if wanted == "jsonl" else Csv()


async def _list(connection: Connection, filters: Filters, walk: Walk, writer: Writer) -> None:
    async with client_of(connection) as client:
        listing = client.threads(**filters.parameters(), **asdict(walk))
        async with listing.pages() as pages:
            done = 0
            try:
                while True:
                    known = pages.total_count
                    with waiting("asking" if known is None else f"{done} of {walk.to_come(known)}"):
                        page = await anext(pages, None)
                    # The header waits for the first page: with an error instead of one, nothing is written.
                    header = "" if done else writer.header()
                    if page is None:
                        footer = writer.footer(walk.summary(done, pages.total_count))
                        write(header + footer, encoding=writer.encoding)
                        break
                    write(header + writer.rows(page.items), encoding=writer.encoding)
                    done += len(page.items)
            except ThreadsError as error:
                start = pages.next_start
                advice = f"resume with {walk.resume_at(start, done)}" if done and start is not None else ""
                raise failure_of(error, advice) from None
            if pages.drifted and not walk.consistent:
                tell(f"threads-async: {_DRIFTED}")


@click.command("list", help=_LIST_HELP, add_help_option=False)
@filter_options
@click.option(
    "--sorting",
    metavar="FIELD",
    help="CreatedAt, ThreadToken, Type or WorkspaceId, optionally followed by ASC or DESC. By default the server's own "
    "order.",
)
@click.option(
    "--start",
    metavar="INDEX",
    type=int,
    default=0,
    help="Index of the first thread, from zero. Default: 0.",
)
@click.option("--max-items", metavar="N", type=int, help="Maximum number of threads to list. By default all.")
@click.option(
    "--total",
    metavar="N",
    type=int,
    default=1000,
    help="The page size: the maximum number of threads per request. The API calls it total, but it does not limit "
    "the list; --max-items does. Default: 1000.",
)
@click.option(
    "--format",
    type=click.Choice(["table", "jsonl", "csv"]),
    help="See above. By default table on a terminal, else jsonl.",
)
@click.option(
    "--consistent",
    is_flag=True,
    help="List every thread that runs during the whole listing exactly once, even if others start or stop. Sorted by "
    "CreatedAt unless --sorting says otherwise.",
)
@click.option(
    "--prefetch",
    metavar="N",
    type=int,
    default=0,
    help="Maximum number of pages to request ahead. Default: 0.",
)
@connection_options()
@help_option
def list_threads(
    *,
    connection: Connection,
    filters: Filters,
    format: Format | None,  # noqa: A002 - the name of the option
    **walk: Any,
) -> None:
    """List the execution threads."""
    run_to_end(_list(connection, filters, Walk(**walk), _writer(format)))


async def _count(connection: Connection, filters: Filters) -> None:
    async with client_of(connection) as client:
        with waiting("counting"):
            count = await client.threads(**filters.parameters()).count()
    write(f"{count}\n")


@click.command("count", add_help_option=False)
@filter_options
@connection_options()
@help_option
def count_threads(*, connection: Connection, filters: Filters) -> None:
    """Count the execution threads.

    It prints the number that the server gives, and needs one small request.
    """
    run_to_end(_count(connection, filters))
