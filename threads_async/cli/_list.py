"""The commands `list` and `count`."""

from typing import Final

import click
from attrs import evolve

from threads_async._fleet_error import FleetError
from threads_async._fleet_values import FleetThread
from threads_async.cli._ages import older_than_option
from threads_async.cli._client import Connection, client_of, fleet_of
from threads_async.cli._connection_options import Usual, connection_options
from threads_async.cli._fleet_text import counts_text
from threads_async.cli._options import Filters, filter_options, help_option
from threads_async.cli._output import Noun, Writer
from threads_async.cli._progress import waiting
from threads_async.cli._report import Report, write_listing
from threads_async.cli._streams import stdout, write
from threads_async.cli._walk import Format, Walk, run_to_end, walk_options, writer_of
from threads_async.client import ThreadsClient
from threads_async.listing import Listing
from threads_async.models import ExecutionThread

_THREADS: Final = Noun("thread", "threads")

_LIST_HELP: Final = """List the execution threads.

Threads are written to standard output as they arrive, in one of these formats:

\b
table  For people; the default on a terminal. A header, then one line per
       thread. Tokens are shortened, times are local, and text that does not
       fit ends with an ellipsis. On a terminal, the last line is the number
       of threads.
jsonl  For programs; the default in a pipe or a file. One JSON object per
       line, with workspaceId, threadToken (or null), type and createdAt
       (ISO 8601).
csv    The same fields as CSV with a header (RFC 4180; null is empty). Text
       that a spreadsheet would treat as a formula is not escaped.

jsonl and csv contain complete thread tokens. These are secrets: anyone who has
one can use the thread. If an error occurs partway through, the threads written
so far are valid, and the error message says how to resume.

For a fleet, each line begins with the name of the machine (machine), and threads
of different machines are mixed. If machines fail, the others are listed to the
end, and then the failures are reported. Such a listing cannot be resumed.
"""


def _report(filters: Filters, writer: Writer) -> Report:
    return Report(writer, _THREADS, None if filters.before is None else filters.has)


async def _list(connection: Connection, filters: Filters, walk: Walk, writer: Writer) -> None:
    def listing_of(client: ThreadsClient) -> Listing[ExecutionThread]:
        return client.threads(**filters.parameters(), **walk.parameters())

    await write_listing(connection, listing_of, walk, _report(filters, writer))


async def _list_fleet(connection: Connection, filters: Filters, walk: Walk, writer: Writer) -> None:
    """List the threads of all machines of a fleet."""

    def wanted(found: FleetThread) -> bool:
        return filters.has(found.thread)

    async with fleet_of(connection) as fleet:
        listing = fleet.threads(**filters.parameters(), **walk.parameters())
        report = Report(writer, _THREADS, None if filters.before is None else wanted)
        await report.add_fleet(listing, walk)


async def _list_all(connection: Connection, filters: Filters, walk: Walk, writer: Writer) -> None:
    """List the threads of one workspace after another."""
    async with client_of(connection) as client:
        # An invalid option is reported before anything is sent.
        client.threads(**filters.parameters(), **walk.parameters())
        report = _report(filters, writer)
        async for workspace in client.workspaces():
            left = None if walk.max_items is None else walk.max_items - report.done
            part = evolve(walk, max_items=left)
            here = evolve(filters, workspace_id=workspace.workspace_id)
            listing = client.threads(**here.parameters(), **part.parameters())
            await report.add(listing, part, f"--workspace-id {workspace.workspace_id} ")
        report.end()


@click.command("list", help=_LIST_HELP, add_help_option=False)
@filter_options("List")
@older_than_option("List")
@click.option(
    "--all-workspaces",
    is_flag=True,
    help="List the threads of all workspaces, one workspace after another.",
)
@walk_options(_THREADS, "CreatedAt, ThreadToken, Type or WorkspaceId", "CreatedAt")
@connection_options(Usual(fleets=True))
@help_option
def list_threads(
    *,
    connection: Connection,
    filters: Filters,
    walk: Walk,
    all_workspaces: bool,
    format: Format | None,  # noqa: A002 - the name of the option
) -> None:
    """List the execution threads."""
    if all_workspaces and (filters.workspace_id != -1 or walk.start):
        raise click.UsageError("--all-workspaces cannot be combined with --workspace-id or --start")
    if filters.before is not None and walk.max_items is not None:
        raise click.UsageError("--older-than cannot be combined with --max-items")
    if connection.many and (all_workspaces or walk.start):
        raise click.UsageError("a fleet cannot be combined with --all-workspaces or --start")
    work = _list_fleet if connection.many else _list_all if all_workspaces else _list
    writer = writer_of(format, FleetThread if connection.many else ExecutionThread)
    run_to_end(work(connection, filters, walk, writer))


async def _count_fleet(connection: Connection, filters: Filters) -> None:
    async with fleet_of(connection) as fleet:
        listing = fleet.threads(**filters.parameters())
        try:
            with waiting("counting"):
                counts = await listing.count()
        except FleetError as error:
            if error.results:
                write(counts_text(error.results), encoding=stdout().encoding)
            raise
        write(counts_text(counts), encoding=stdout().encoding)


async def _count(connection: Connection, filters: Filters) -> None:
    async with client_of(connection) as client:
        with waiting("counting"):
            count = await client.threads(**filters.parameters()).count()
    write(f"{count}\n")


@click.command("count", add_help_option=False)
@filter_options("Count")
@connection_options(Usual(fleets=True))
@help_option
def count_threads(*, connection: Connection, filters: Filters) -> None:
    """Count the execution threads.

    Prints the number that the server reports. This takes one small request. For a
    fleet, prints a line for each machine that responds: the number, then the
    name. The last line is the sum.
    """
    run_to_end(_count_fleet(connection, filters) if connection.many else _count(connection, filters))
