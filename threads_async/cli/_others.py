"""The commands `workspaces` and `browsers`."""

from typing import Any, Final

import click

from threads_async.cli._client import Connection
from threads_async.cli._connection_options import connection_options
from threads_async.cli._options import help_option, workspace_option
from threads_async.cli._output import Noun
from threads_async.cli._report import Report, write_listing
from threads_async.cli._walk import Format, Walk, run_to_end, walk_options, writer_of
from threads_async.client import ThreadsClient
from threads_async.listing import Listing
from threads_async.models import BrowserInstance, Workspace

_WORKSPACES: Final = Noun("workspace", "workspaces")
_BROWSERS: Final = Noun("browser", "browsers")

_WORKSPACES_HELP: Final = """List the workspaces that the API token gives access to.

The formats are the same as for list. In jsonl and csv, a workspace has
workspaceId, name and role.
"""

_BROWSERS_HELP: Final = """List the running browsers that were started through the API.

The formats are the same as for list. In jsonl and csv, a browser has profileId,
processId and connectionString.

jsonl and csv contain complete connection strings. These are secrets: anyone who
has one controls the browser.
"""


@click.command("workspaces", help=_WORKSPACES_HELP, add_help_option=False)
@click.option("--id", metavar="ID", type=int, help="List only the workspace with this ID.")
@click.option("--name", metavar="NAME", help="List only workspaces with this name.")
@click.option("--roles", metavar="ROLE", help="List only workspaces in which you have this role, such as Owner.")
@walk_options(_WORKSPACES)
@connection_options()
@help_option
def list_workspaces(
    *,
    connection: Connection,
    walk: Walk,
    format: Format | None,  # noqa: A002 - the name of the option
    **filters: Any,
) -> None:
    """List the workspaces."""
    writer = writer_of(format, Workspace)

    def listing_of(client: ThreadsClient) -> Listing[Workspace]:
        return client.workspaces(**filters, **walk.parameters())

    run_to_end(write_listing(connection, listing_of, walk, Report(writer, _WORKSPACES)))


@click.command("browsers", help=_BROWSERS_HELP, add_help_option=False)
@workspace_option("List only browsers")
@click.option("--profile-id", metavar="UUID", help="List only browsers with this profile.")
@click.option("--process-id", metavar="N", type=int, help="List only the browser with this process ID.")
@walk_options(_BROWSERS, "ConnectionString, ProcessId or ProfileId", "ProcessId")
@connection_options()
@help_option
def list_browsers(
    *,
    connection: Connection,
    walk: Walk,
    format: Format | None,  # noqa: A002 - the name of the option
    **filters: Any,
) -> None:
    """List the running browsers."""
    writer = writer_of(format, BrowserInstance)

    def listing_of(client: ThreadsClient) -> Listing[BrowserInstance]:
        return client.browser_instances(**filters, **walk.parameters())

    run_to_end(write_listing(connection, listing_of, walk, Report(writer, _BROWSERS)))
