"""Say how many threads were started or stopped when a command ends early."""

import contextlib
from collections.abc import Generator

import click
from attrs import define

from threads_async._fleet_error import FleetError
from threads_async.cli._exits import INTERRUPTED, NOT_WRITTEN, CommandError, failure_of
from threads_async.cli._output import Noun
from threads_async.cli._streams import ReaderGoneError, tell
from threads_async.errors import RequestError, ThreadsError

THREADS = Noun("thread", "threads")


@define
class Tally:
    """How many threads a command has started or stopped so far.

    Attributes:
        verb: What it does with them, as a participle.
        of: The number of threads to start or stop.
        done: The number of threads that were started or stopped.
        pending: The number of threads in the request that has been sent last and has no response yet.
    """

    verb: str
    of: int
    done: int = 0
    pending: int = 0

    def __str__(self) -> str:
        return f"{self.done} of {self.of} {THREADS.of(self.of)} {self.verb}"


@contextlib.contextmanager
def told(tally: Tally) -> Generator[None]:
    """End the command with the state of `tally` if the block ends with an error or is interrupted.

    Raises:
        CommandError: A request failed, or standard output could not be written.
        Exit: It was interrupted.
    """
    try:
        yield
    except ThreadsError as error:
        errors = error.failures.values() if isinstance(error, FleetError) else [error]
        if any(isinstance(one, RequestError) and one.unknown_since is not None for one in errors):
            tally.verb = f"known to be {tally.verb}"
        raise failure_of(error, str(tally) if tally.of > 1 else "") from None
    except ReaderGoneError:
        # Unlike a listing, a command that changes something is not finished if nobody reads its output.
        raise CommandError(NOT_WRITTEN, f"the reader of standard output is gone; {tally}") from None
    except CommandError as error:
        raise CommandError(error.exit_code, f"{error.message}; {tally}", error.details) from None
    except KeyboardInterrupt:
        more = f"; {tally.pending} more may have been {tally.verb}" if tally.pending else ""
        tell(f"threads-async: interrupted: {tally}{more}")
        raise click.exceptions.Exit(INTERRUPTED) from None
