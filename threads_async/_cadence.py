"""How long a watch pauses between two looks, and how long a look may take to retry. Performs no I/O."""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from threads_async.errors import RequestError, RequestTimeoutError, StatusError, ThreadsError

_JITTER: Final = 0.1
"""The pause differs from the interval by up to this share of it, so that many watches do not look in step."""

_PATIENCE: Final = 2.0
"""Maximum time from the last response to a retry in a look, in seconds."""
_LONGEST: Final = 3600.0
"""Maximum pause that a server can ask for, in seconds. A wrong ``Retry-After`` must not blind a watch for years."""


@frozen
class Cadence:
    """The pauses of a watch, in seconds.

    Attributes:
        interval: The pause after a look that succeeded, without its jitter.
        max_interval: Maximum pause after looks that failed, unless the server asks for a longer one.
    """

    interval: float
    max_interval: float

    def pause(self, failures: int, error: ThreadsError | None, fraction: float) -> float:
        """Return the pause before the next look.

        After a success, it is the interval, up to 10 % shorter or longer. After the *n*-th failure in a row, it is a
        random time between 0 and ``min(max_interval, interval * 2 ** n)`` ("full jitter"). If the server sends
        ``Retry-After``, the time is at least that long, but at most an hour of it counts.

        Args:
            failures: Number of looks that have failed since the last success.
            error: The error of the last look; None if it succeeded.
            fraction: A random number from 0 to 1. The caller draws it.
        """
        if failures == 0:
            return self.interval * (1 + _JITTER * (2 * fraction - 1))
        # Without the bound of 62, a long outage would overflow a float.
        limit = min(max(self.interval, self.max_interval), self.interval * 2.0 ** min(failures, 62))
        asked = error.retry_after if isinstance(error, StatusError) else None
        return max(fraction * limit, min(asked or 0.0, _LONGEST))


class Patience:
    """Which requests of a look are retried: those that can be retried soon. Other retries would hide an outage.

    Args:
        clock: Returns the time in seconds.
        down: Whether there is an outage. Then nothing is retried before the first response, because the next look is
            its retry.
    """

    def __init__(self, clock: Callable[[], float], *, down: bool) -> None:
        self._clock = clock
        self._since = clock()
        self._down = down

    def responded(self) -> None:
        """Take note of a response that succeeded. The next request may be retried."""
        self._since = self._clock()
        self._down = False

    def allows(self, error: RequestError, pause: float) -> bool:
        """Return whether a request may be retried after `error` and a pause of so many seconds."""
        late = self._clock() - self._since + pause > _PATIENCE
        return not (self._down or late or isinstance(error, RequestTimeoutError))
