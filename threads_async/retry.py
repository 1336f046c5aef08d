"""When to ask again, how long to wait before it, and how much of it in all. Performs no I/O."""

from typing import Any, Final

from attrs import Attribute, field, frozen

from threads_async._checks import check_seconds
from threads_async.errors import (
    ConfigurationError,
    ConnectionFailedError,
    RequestError,
    RequestTimeoutError,
    ServerError,
    StatusError,
    TooManyRequestsError,
)

_REQUEST_TIMEOUT: Final = 408


def may_pass(error: RequestError) -> bool:
    """Tell whether a retry can help: no connection, timeout, cut body, 408, 429, 5xx."""
    if isinstance(error, StatusError):
        return isinstance(error, TooManyRequestsError | ServerError) or error.status == _REQUEST_TIMEOUT
    if isinstance(error, ConnectionFailedError):
        return error.temporary
    return isinstance(error, RequestTimeoutError)


def _check_attempts(_: object, attribute: "Attribute[Any]", value: Any) -> None:
    if type(value) is not int or value < 1:
        raise ConfigurationError("attempts must be a whole number from 1 up", parameter=attribute.name)


def _check_budget(_: object, attribute: "Attribute[Any]", value: Any) -> None:
    if value is not None and (type(value) is not int or value < 0):
        raise ConfigurationError("budget must be a whole number from 0 up, or None", parameter=attribute.name)


def _check_seconds(_: object, attribute: "Attribute[Any]", value: Any) -> None:
    check_seconds(attribute.name, value)


def _check_seconds_or_none(_: object, attribute: "Attribute[Any]", value: Any) -> None:
    if value is not None:
        check_seconds(attribute.name, value)


@frozen(kw_only=True)
class RetryPolicy:
    """How often and how long a call is tried. All times are in seconds.

    Only temporary failures are retried: no connection (unless the certificate is not trusted or the host is not
    valid), a timeout, an answer cut short, and the statuses 408, 429 and 500 to 599. The wait before attempt *n + 1* is
    drawn evenly from 0 to ``min(max_backoff, initial_backoff * 2 ** (n - 1))`` ("full jitter"), and is never shorter
    than the server's ``Retry-After``.

    Attributes:
        attempts: Most times that one request is sent, 1 or more; 1 means no retry.
        deadline: Most seconds for one call with all its attempts and waits, or None for no such bound.
        initial_backoff: Most seconds to wait before the second attempt.
        max_backoff: Most seconds to wait before any attempt, unless the server asks for more.
        budget: Most retries in a row that do not help, over all calls of a client, so that a dead machine stops
            costing retries; then each call is tried once. A retry that helps is given back, and every call that needs
            none gives back a tenth. None for no such bound.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    attempts: int = field(default=3, validator=_check_attempts)
    deadline: float | None = field(default=60.0, validator=_check_seconds_or_none)
    initial_backoff: float = field(default=0.2, validator=_check_seconds)
    max_backoff: float = field(default=5.0, validator=_check_seconds)
    budget: int | None = field(default=10, validator=_check_budget)

    def wait(self, error: RequestError, *, elapsed: float, fraction: float) -> float | None:
        """Return the seconds to wait before the next attempt, or None for no further attempt.

        Args:
            error: What the last attempt ended in.
            elapsed: Seconds since the call began.
            fraction: A random number from 0 to 1, drawn by the caller.
        """
        if error.attempts >= self.attempts or not may_pass(error):
            return None
        # The exponent is bounded for the sake of those who ask for thousands of attempts.
        seconds = fraction * min(self.max_backoff, self.initial_backoff * 2.0 ** min(error.attempts - 1, 62))
        if isinstance(error, StatusError) and error.retry_after is not None:
            seconds = max(seconds, error.retry_after)
        if self.deadline is not None and elapsed + seconds >= self.deadline:
            return None
        return seconds


class RetryBudget:
    """The retries that the calls to one origin have left between them: a token bucket.

    It counts in tenths of a retry, so that it is exact.

    Args:
        size: How many retries it holds when full, or None for any number.
    """

    def __init__(self, size: int | None) -> None:
        self._size = None if size is None else 10 * size
        self._left = 0 if self._size is None else self._size

    @property
    def left(self) -> float | None:
        """How many retries are left, or None for any number."""
        return None if self._size is None else self._left / 10

    def spend(self) -> bool:
        """Take one retry, if there is one."""
        if self._size is None:
            return True
        if self._left < 10:  # noqa: PLR2004 - ten tenths
            return False
        self._left -= 10
        return True

    def succeeded(self, *, attempts: int) -> None:
        """Give back what a call that succeeded after so many attempts is worth."""
        if self._size is not None:
            self._left = min(self._size, self._left + (1 if attempts == 1 else 10))
