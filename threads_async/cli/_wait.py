"""The command `wait`."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import click
from attrs import evolve

from threads_async._secrets import Secret
from threads_async.cli._client import Connection, client_of
from threads_async.cli._conditions import GONE, Condition, ConditionType, Follower
from threads_async.cli._connection_options import Usual, connection_options
from threads_async.cli._exits import NOT_MET, USAGE, CommandError, cause_of, failure_of
from threads_async.cli._look_options import ATTEMPT_TIMEOUT, DEMO_CHURN, DEMO_THREADS, look_options
from threads_async.cli._options import Filters, Number, filter_options, help_option
from threads_async.cli._progress import waiting
from threads_async.cli._streams import tell
from threads_async.cli._tally import THREADS
from threads_async.cli._text import plain
from threads_async.cli._walk import run_to_end
from threads_async.client import ThreadsClient
from threads_async.errors import RequestError, RequestTimeoutError, ThreadsError
from threads_async.models import ExecutionThread, ServerEvent
from threads_async.retry import may_pass
from threads_async.watch import ThreadWatch

_CHECK: Final = 5.0
"""Maximum time to look for a thread in other workspaces, in seconds."""

_HELP: Final = """Wait until the threads meet a condition, for scripts.

--until is one of these. Put count<N in quotes, because shells use < and > for
files:

\b
none        no thread matches the filters
'count<N'   fewer than N threads match; also <=, >, >= and =
gone        the thread of --thread-token-file is not running. If its token
            changes meanwhile, it is still the same thread.

The command looks at the list at once, and then again and again. It exits with 0
as soon as a look meets the condition, and with 16 if none did within --timeout.
If all looks failed, the exit code is that of the last error.

While the server is unreachable, no condition is met. The command reports the
beginning and the end of each outage on standard error, and keeps looking.
"""


def _seen(threads: tuple[ExecutionThread, ...], condition: Condition) -> str:
    if condition.text == GONE:
        return "the thread is running" if threads else "the thread is not running"
    return f"{len(threads)} {THREADS.of(len(threads))} matched"


async def _report(watch: ThreadWatch, condition: Condition, show: Callable[[str], bool]) -> None:
    """Report the beginning and the end of each outage."""
    text = f"waiting until {condition.text}"
    async for event in watch:
        match event:
            case ServerEvent(error=RequestError() as error):
                cause = plain(cause_of(error))
                if not show(f"{text}; unreachable: {cause}"):
                    tell(f"threads-async: still waiting: {cause}")
            case ServerEvent():
                if not show(text):
                    tell("threads-async: the server responds again")
            case _:
                # The condition is tested with the picture, not with events.
                pass


def _failure(watch: ThreadWatch, condition: Condition, seen: str, seconds: float) -> CommandError:
    """Return the error for a condition that was not met within `seconds`."""
    text = f"the condition {condition.text} was not met within {seconds:g} s"
    error = watch.error if isinstance(watch.error, RequestError) else None
    if watch.seen_at is None or (error is not None and not may_pass(error)):
        late = RequestTimeoutError("the list was not received")
        cause = late.message if error is None else cause_of(error)
        return CommandError(failure_of(error or late).exit_code, f"{text}: {cause}")
    age = (datetime.now(UTC) - watch.seen_at).total_seconds()
    text += f": at the last look, {max(0.0, age):.1f} s ago, {seen}"
    return CommandError(NOT_MET, text if error is None else f"{text}; then unreachable: {cause_of(error)}")


async def _find_elsewhere(client: ThreadsClient, token: Secret) -> int | None:
    """Return the id of the workspace in which the thread with this token runs, or None."""
    async for workspace in client.workspaces():
        threads = client.threads(workspace_id=workspace.workspace_id, thread_token=token.reveal())
        if any([thread.thread_token == token.reveal() async for thread in threads]):
            return workspace.workspace_id
    return None


async def _check_elsewhere(client: ThreadsClient, token: Secret) -> None:
    """Check that a thread that has never been seen is not in another workspace.

    Raises:
        CommandError: It is.
    """
    try:
        async with asyncio.timeout(_CHECK):
            found = await _find_elsewhere(client, token)
    except (ThreadsError, TimeoutError):
        tell("threads-async: the thread was not running; other workspaces could not be checked")
        return
    if found is not None:
        raise CommandError(USAGE, f"the thread is running in another workspace: use --workspace-id {found}")
    tell("threads-async: the thread was not running")


async def _wait(
    connection: Connection, filters: Filters, condition: Condition, within: float | None, parameters: dict[str, Any]
) -> None:
    token = filters.thread_token if condition.text == GONE else None
    follower = None if token is None else Follower(token)
    seen = ""

    def met(threads: tuple[ExecutionThread, ...]) -> bool:
        nonlocal seen
        found = threads if follower is None else follower.find(threads)
        seen = _seen(found, condition)
        return condition.met_by(len(found))

    watched = filters if follower is None else evolve(filters, thread_token=None)
    async with client_of(connection) as client:
        watch = client.watch(**watched.parameters(), **parameters)
        with waiting(f"waiting until {condition.text}") as show:
            reporting = asyncio.create_task(_report(watch, condition, show))
            try:
                await watch.wait_for(met, within)
            except TimeoutError:
                raise _failure(watch, condition, seen, within or 0.0) from None
            finally:
                await watch.aclose()
                # An error that waiting cannot fix is raised in both tasks.
                await asyncio.gather(reporting, return_exceptions=True)
        if token is not None and follower is not None and follower.known is None:
            await _check_elsewhere(client, token)


@click.command("wait", help=_HELP, add_help_option=False)
@click.option("--until", metavar="CONDITION", type=ConditionType(), required=True, help="The condition.")
@click.option(
    "--timeout",
    "within",
    metavar="SECONDS",
    type=Number(min=0, min_open=True, max=86_400 * 365),
    help="Maximum time to wait, in seconds. Default: no limit.",
)
@filter_options("Count")
@look_options
@connection_options(Usual(DEMO_THREADS, DEMO_CHURN, timeout=ATTEMPT_TIMEOUT, timeout_option="--attempt-timeout"))
@help_option
def wait(
    *, connection: Connection, filters: Filters, until: Condition, within: float | None, **parameters: Any
) -> None:
    """Wait until the threads meet a condition."""
    if until.text == GONE and (filters.thread_token is None or filters.type is not None):
        raise click.UsageError("--until gone requires --thread-token-file, and cannot be combined with --type")
    run_to_end(_wait(connection, filters, until, within, parameters))
