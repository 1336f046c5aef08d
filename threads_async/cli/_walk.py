"""How the commands that list things go through a list and write it."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeAlias

import click
from attrs import asdict, frozen

from threads_async.cli._client import Connection, client_of
from threads_async.cli._exits import INTERRUPTED, failure_of
from threads_async.cli._options import Command
from threads_async.cli._output import Csv, JsonLines, Noun, Writer
from threads_async.cli._progress import waiting
from threads_async.cli._streams import stdout, tell, write
from threads_async.client import ThreadsClient
from threads_async.errors import ThreadsError
from threads_async.listing import Listing
from threads_async.models import Value

Format: TypeAlias = Literal["table", "jsonl", "csv"]


@frozen
class Order:
    """The parameters of the client for lists that have an order."""

    sorting: str | None
    consistent: bool


@frozen
class Walk:
    """How to go through a list: the parameters of the client that all listings have, and those of its order."""

    start: int
    total: int
    max_items: int | None
    prefetch: int
    order: Order | None = None

    def parameters(self) -> dict[str, Any]:
        """Return them as the client takes them."""
        given = asdict(self, recurse=False)
        order = given.pop("order")
        return given if order is None else given | asdict(order)

    def resume_at(self, start: int, done: int) -> str:
        """Return the options that go on from `start` after `done` items."""
        left = "" if self.max_items is None else f" --max-items {self.max_items - done}"
        return f"--start {start}{left}"

    def to_come(self, total_count: int) -> int:
        """Return how many items there are from `start`, of `total_count` in all."""
        count = max(0, total_count - self.start)
        return count if self.max_items is None else min(count, self.max_items)


class Report:
    """Writes the items of one or several listings to standard output, with one header and one summary.

    Args:
        writer: Makes text of items.
        noun: What they are called.

    Attributes:
        done: How many items have been written.
    """

    def __init__(self, writer: Writer, noun: Noun) -> None:
        self.done = 0
        self._writer = writer
        self._noun = noun
        self._header = writer.header()
        self._drifted = False

    async def add(self, listing: Listing[Any], walk: Walk, place: str = "") -> int | None:
        """Write the items of `listing` page by page, and return how many there are by the newest answer.

        Args:
            listing: What to list.
            walk: How it goes through the list.
            place: Options that somebody needs to resume this listing, beside those of the walk.

        Raises:
            CommandError: A page could not be had, or standard output could not be written.
        """
        async with listing.pages() as pages:
            done = 0
            try:
                while True:
                    known = pages.total_count
                    with waiting("asking" if known is None else f"{done} of {walk.to_come(known)}"):
                        page = await anext(pages, None)
                    if page is None:
                        break
                    # The header waits for the first page: with an error instead of one, nothing is written.
                    self._write(self._writer.rows(page.items))
                    done += len(page.items)
                    self.done += len(page.items)
            except ThreadsError as error:
                start = pages.next_start
                advice = f"resume with {place}{walk.resume_at(start, done)}" if self.done and start is not None else ""
                raise failure_of(error, advice) from None
            self._drifted |= pages.drifted and not listing.consistent
            return pages.total_count

    def end(self, of: int | None = None, *, remedy: bool = True) -> None:
        """Write the summary, and tell if the list has moved.

        Args:
            of: How many items there are, if only a part of them was asked for.
            remedy: Whether the command has the option --consistent.
        """
        of_all = "" if of in (None, self.done) else f" of {of}"
        self._write(self._writer.footer(f"{self.done}{of_all} {self._noun.of(of if of_all and of else self.done)}"))
        if self._drifted:
            advice = (
                f"; with --consistent every {self._noun.one} that runs during the whole listing is listed exactly once"
            )
            tell(
                f"threads-async: the list changed while it was read, so {self._noun.many} may be missing or listed "
                f"twice{advice if remedy else ''}"
            )

    def _write(self, text: str) -> None:
        header, self._header = self._header, ""
        write(header + text, encoding=self._writer.encoding)


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` in a loop of its own; Ctrl-C ends it without a word."""
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


def writer_of(wanted: Format | None, model: type[Value]) -> Writer:
    """Return what writes values of `model` in the format `wanted`, by default the one that fits standard output."""
    if wanted is None:
        wanted = "table" if stdout().isatty() else "jsonl"
    if wanted == "table":
        from threads_async.cli._table import table  # noqa: PLC0415 - it needs rich

        return table(model)
    return JsonLines() if wanted == "jsonl" else Csv(model)


async def write_listing(
    connection: Connection,
    listing_of: Callable[[ThreadsClient], Listing[Any]],
    walk: Walk,
    writer: Writer,
    noun: Noun,
) -> None:
    """Write one listing with its summary."""
    async with client_of(connection) as client:
        report = Report(writer, noun)
        count = await report.add(listing_of(client), walk)
        asked_for_all = walk.start == 0 and walk.max_items is None
        report.end(None if asked_for_all else count, remedy=walk.order is not None)


def walk_options(noun: Noun, sortings: str = "", usual: str = "") -> Callable[[Command], Command]:
    """Return what adds the options of a walk; the command gets them as `walk` and `format`.

    Args:
        noun: What is listed.
        sortings: What can be sorted by, in words; empty for a list without an order.
        usual: By what a consistent listing is sorted unless told otherwise.
    """
    return functools.partial(_with_walk, noun, sortings, usual)


def _with_walk(noun: Noun, sortings: str, usual: str, command: Command) -> Command:
    @click.option(
        "--start",
        metavar="INDEX",
        type=int,
        default=0,
        help=f"Index of the first {noun.one}, from zero. Default: 0.",
    )
    @click.option("--max-items", metavar="N", type=int, help=f"Maximum number of {noun.many} to list. By default all.")
    @click.option(
        "--total",
        metavar="N",
        type=int,
        default=1000,
        help=f"The page size: the maximum number of {noun.many} per request. The API calls it total, but it does not "
        "limit the list; --max-items does. Default: 1000.",
    )
    @click.option(
        "--format",
        type=click.Choice(["table", "jsonl", "csv"]),
        help="See above. By default table on a terminal, else jsonl.",
    )
    @click.option(
        "--prefetch",
        metavar="N",
        type=int,
        default=0,
        help="Maximum number of pages to request ahead. Default: 0.",
    )
    @functools.wraps(command)
    def with_walk(  # noqa: PLR0913 - one an option
        *,
        start: int,
        total: int,
        max_items: int | None,
        prefetch: int,
        sorting: str | None = None,
        consistent: bool = False,
        **others: Any,
    ) -> None:
        order = Order(sorting, consistent) if sortings else None
        command(walk=Walk(start, total, max_items, prefetch, order), **others)

    if not sortings:
        return with_walk
    with_consistent = click.option(
        "--consistent",
        is_flag=True,
        help=f"List every {noun.one} that runs during the whole listing exactly once, even if others start or stop. "
        f"Sorted by {usual} unless --sorting says otherwise.",
    )(with_walk)
    return click.option(
        "--sorting",
        metavar="FIELD",
        help=f"{sortings}, optionally followed by ASC or DESC. By default the server's own order.",
    )(with_consistent)
