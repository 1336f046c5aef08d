"""The threads that the command `stop` stops, and the machines on which that failed."""

from collections.abc import Collection, Sequence

from attrs import frozen

from threads_async._fleet_error import FleetError, fleet_error
from threads_async._fleet_values import FleetThread
from threads_async._targets import is_usable
from threads_async.cli._progress import waiting
from threads_async.cli._selection import Selection
from threads_async.cli._streams import tell
from threads_async.cli._tally import THREADS
from threads_async.cli._text import plain
from threads_async.errors import ThreadsError
from threads_async.fleet import Fleet


@frozen
class Victims:
    """The threads to stop.

    Attributes:
        threads: The threads, in the order in which they are shown.
        failures: The error of each machine on which something failed.
        machines: The names of all machines, or None if there is a single server, which needs no name.
    """

    threads: Sequence[FleetThread]
    failures: dict[str, ThreadsError]
    machines: Collection[str] | None

    def by_machine(self) -> dict[str, list[FleetThread]]:
        """Return the threads by their machines."""
        found_on: dict[str, list[FleetThread]] = {}
        for found in self.threads:
            found_on.setdefault(found.machine, []).append(found)
        return found_on

    def raise_failures(self) -> None:
        """Raise the error of the machines that failed, if any did."""
        if not self.failures:
            return
        if self.machines is None:
            (failure,) = self.failures.values()
            raise failure
        raise fleet_error(self.failures, self.machines)


async def find(fleet: Fleet, workspace_id: int, selection: Selection, *, single: bool) -> Victims:
    """Return the threads to stop, and say which are not found or cannot be stopped.

    Args:
        fleet: Where to look.
        workspace_id: The workspace of the threads.
        selection: Which of them to stop.
        single: Whether the fleet is a single server, without a name.

    Raises:
        ThreadsError: The threads of the single server could not be listed.
    """
    threads: list[FleetThread] = []
    failures: dict[str, ThreadsError] = {}
    with waiting("listing the threads"):
        try:
            threads = await fleet.threads(workspace_id=workspace_id, consistent=True).collect()
        except FleetError as error:
            failures = dict(error.failures)
            # Those of the machines that were listed to the end.
            threads = [found for items in error.results.values() for found in items]
    found = [one for one in threads if selection.has(one.thread)]
    usable = [one for one in found if is_usable(one.thread.thread_token)]
    victims = Victims(usable, failures, None if single else fleet.clients)
    if single:
        victims.raise_failures()
    if failures:
        # Why is said at the end.
        tell(f"threads-async: skipped, because their threads could not be listed: {', '.join(map(plain, failures))}")
    if len(usable) < len(found):
        count = len(found) - len(usable)
        tell(f"threads-async: {count} {THREADS.of(count)} without a usable token cannot be stopped")
    if selection.tokens is not None and len(found) < len(selection.tokens):
        count = len(selection.tokens) - len(found)
        tokens = "token does" if count == 1 else "tokens do"
        tell(f"threads-async: {count} {tokens} not belong to a matching thread in this workspace; see --workspace-id")
    return victims
