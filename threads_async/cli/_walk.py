"""How the commands that list items walk through a list and write it."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeAlias

import click
from attrs import asdict, frozen

from threads_async.cli._exits import INTERRUPTED, TERMINATED
from threads_async.cli._options import Command
from threads_async.cli._output import Csv, JsonLines, Noun, Writer
from threads_async.cli._signals import TerminatedError, until_sigterm
from threads_async.cli._streams import stdout
from threads_async.models import Value

Format: TypeAlias = Literal["table", "jsonl", "csv"]


@frozen
class Order:
    """The client's parameters for lists that have an order."""

    sorting: str | None
    consistent: bool


@frozen
class Walk:
    """How to walk through a list: the client's parameters for every listing, and those for its order."""

    start: int
    total: int
    max_items: int | None
    prefetch: int
    order: Order | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the parameters as keyword arguments of the client."""
        given = asdict(self, recurse=False)
        order = given.pop("order")
        return given if order is None else given | asdict(order)

    def resume_at(self, start: int, done: int) -> str:
        """Return the options that resume at `start` after `done` items."""
        left = "" if self.max_items is None else f" --max-items {self.max_items - done}"
        return f"--start {start}{left}"

    def to_come(self, total_count: int) -> int:
        """Return the number of items to list if the list has `total_count` items."""
        count = max(0, total_count - self.start)
        return count if self.max_items is None else min(count, self.max_items)


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` in a new event loop; Ctrl-C and SIGTERM end it silently."""
    try:
        asyncio.run(until_sigterm(work))
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except TerminatedError:
        raise click.exceptions.Exit(TERMINATED) from None


def writer_of(wanted: Format | None, model: type[Value]) -> Writer:
    """Return the writer for values of `model` in the format `wanted`; the default format depends on standard output."""
    if wanted is None:
        wanted = "table" if stdout().isatty() else "jsonl"
    if wanted == "table":
        from threads_async.cli._table import table  # noqa: PLC0415 - it needs rich

        return table(model)
    return JsonLines() if wanted == "jsonl" else Csv(model)


def walk_options(noun: Noun, sortings: str = "", usual: str = "") -> Callable[[Command], Command]:
    """Return a decorator that adds the options of a walk; the command receives them as `walk` and `format`.

    Args:
        noun: The noun for the items.
        sortings: The fields to sort by, as text; empty for a list without an order.
        usual: The field that a consistent listing is sorted by if --sorting is not given.
    """
    return functools.partial(_with_walk, noun, sortings, usual)


def _with_walk(noun: Noun, sortings: str, usual: str, command: Command) -> Command:
    @click.option(
        "--start",
        metavar="INDEX",
        type=int,
        default=0,
        help=f"Index of the first {noun.one} to list, counted from zero. Default: 0.",
    )
    @click.option("--max-items", metavar="N", type=int, help=f"Maximum number of {noun.many} to list. Default: all.")
    @click.option(
        "--total",
        metavar="N",
        type=int,
        default=1000,
        help=f"Page size: the maximum number of {noun.many} per request. The API calls it total, but it does not limit "
        "the listing; --max-items does. Default: 1000.",
    )
    @click.option(
        "--format",
        type=click.Choice(["table", "jsonl", "csv"]),
        help="Output format. Default: table on a terminal, otherwise jsonl.",
    )
    @click.option(
        "--prefetch",
        metavar="N",
        type=int,
        default=0,
        help="Maximum number of pages to request in advance. Default: 0.",
    )
    @functools.wraps(command)
    def with_walk(  # noqa: PLR0913 - one per option
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
        f"Sorts by {usual} unless --sorting is given.",
    )(with_walk)
    return click.option(
        "--sorting",
        metavar="FIELD",
        help=f"Sort by {sortings}, optionally followed by ASC or DESC. Default: the server's own order.",
    )(with_consistent)
