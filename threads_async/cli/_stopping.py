"""Stop threads, on several machines at the same time, and write those that were stopped."""

import functools
from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from threads_async._each_machine import call_each
from threads_async._fleet_error import FleetError
from threads_async._fleet_values import FleetThread
from threads_async._several import may_mean_gone
from threads_async.cli._output import Writer
from threads_async.cli._progress import waiting
from threads_async.cli._streams import write
from threads_async.cli._tally import THREADS, Tally
from threads_async.cli._victims import Victims
from threads_async.client import ThreadsClient
from threads_async.errors import RequestError
from threads_async.fleet import Fleet

_AT_ONCE: Final = 20
"""Number of threads to stop with one request. An interruption leaves open what happened to those of one request."""

_MACHINES_AT_ONCE: Final = 32
"""Maximum number of machines on which threads are stopped at the same time."""


@frozen
class Rows:
    """Writes the threads that were stopped, or that would be.

    Attributes:
        writer: Converts threads to text.
        many: Whether to write the machine of each thread.
    """

    writer: Writer
    many: bool

    def begin(self) -> None:
        """Write the header."""
        self._write(self.writer.header())

    def add(self, threads: Sequence[FleetThread]) -> None:
        """Write `threads`."""
        self._write(self.writer.rows(threads if self.many else [found.thread for found in threads]))

    def end(self, count: int, what: str) -> None:
        """Write the summary, on a terminal only."""
        self._write(self.writer.footer(f"{count} {THREADS.of(count)} {what}"))

    def _write(self, text: str) -> None:
        write(text, encoding=self.writer.encoding)


async def stop(fleet: Fleet, victims: Victims, rows: Rows | None, tally: Tally) -> None:
    """Stop `victims`, and write those that were stopped to `rows`.

    Raises:
        ThreadsError: Threads could not be stopped, or could not be listed before.
    """
    with waiting(f"stopping threads: 0 of {tally.of}") as show:

        def stopped(threads: Sequence[FleetThread]) -> None:
            tally.done += len(threads)
            show(f"stopping threads: {tally.done} of {tally.of}")
            if rows is not None:
                rows.add(threads)

        calls = {
            name: functools.partial(_stop_on, fleet.clients[name], threads, stopped, tally)
            for name, threads in victims.by_machine().items()
        }
        try:
            await call_each(calls, fleet.clients, _MACHINES_AT_ONCE)
        except FleetError as error:
            victims.failures.update(error.failures)
    victims.raise_failures()


async def _stop_on(
    client: ThreadsClient,
    victims: Sequence[FleetThread],
    stopped: Callable[[Sequence[FleetThread]], None],
    tally: Tally,
) -> None:
    """Stop `victims`, which are on the machine of `client`. Call `stopped` with those that were stopped.

    Raises:
        ThreadsError: Threads could not be stopped.
    """
    failure: RequestError | None = None
    for start in range(0, len(victims), _AT_ONCE):
        chunk = victims[start : start + _AT_ONCE]
        tally.pending += len(chunk)
        try:
            await client.stop_threads([found.thread for found in chunk])
        except RequestError as error:
            tally.pending -= len(chunk)
            stopped([found for found in chunk if found.thread.thread_token in error.done])
            # Another failure would concern the others on this machine too.
            if not may_mean_gone(error):
                raise
            failure = error
        else:
            tally.pending -= len(chunk)
            stopped(chunk)
    if failure is not None:
        raise failure
