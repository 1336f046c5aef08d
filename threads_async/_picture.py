"""What a watch knows: the threads, whether the server responds, and the unread events. Performs no I/O."""

from typing import TYPE_CHECKING

from threads_async._logs import tell_of_outage, tell_of_recovery
from threads_async._looks import Look, Snapshot
from threads_async._unread import Unread
from threads_async._watched import by_identity, happened
from threads_async.errors import ThreadsError
from threads_async.models import EventKind, ExecutionThread, ServerEvent

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from datetime import datetime


class Picture:
    """The result of all looks so far.

    Attributes:
        any_error: Whether every error is an outage. By default, only temporary errors are.
        looks: Number of looks that have begun.
        threads: The threads that the last successful look found; None before the first one.
        seen_at: When that look began, in UTC; None before the first one.
        reachable: Whether the last look succeeded.
        error: Why the last look failed; None if it succeeded.
        failures: Number of looks that have failed since the last successful one.
        down_since: When the look ended that noticed the current outage; None if there is no outage.
        unread: The events that nobody has read yet.
    """

    def __init__(self) -> None:
        self.any_error = False
        self.looks = 0
        self.threads: Snapshot | None = None
        self.seen_at: datetime | None = None
        self.reachable = False
        self.error: ThreadsError | None = None
        self.failures = 0
        self.down_since: datetime | None = None
        self.unread = Unread()
        self._by_identity: Mapping[Hashable, ExecutionThread] | None = None

    def begin(self) -> int:
        """Return the number of a look that begins now."""
        self.looks += 1
        return self.looks

    def take(self, look: Look) -> None:
        """Take in `look`."""
        if isinstance(look.found, ThreadsError):
            self.reachable = False
            self.error = look.found
            self.failures += 1
            outage = look.failure if self.any_error else look.outage
            if outage is not None and self.down_since is None:
                self.down_since = look.ended
                tell_of_outage(outage)
                self.unread.add(ServerEvent(EventKind.UNREACHABLE, look.ended, outage))
            return
        self.reachable = True
        self.error = None
        self.failures = 0
        if self.down_since is not None:
            tell_of_recovery(look.ended - self.down_since)
            self.down_since = None
            self.unread.add(ServerEvent(EventKind.REACHABLE, look.ended))
        found = by_identity(look.found)
        for event in happened(self._by_identity, found, look.ended):
            self.unread.add(event)
        self.threads, self._by_identity, self.seen_at = look.found, found, look.began
