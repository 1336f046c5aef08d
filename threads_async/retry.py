"""Whether to retry, how long to wait before a retry, and how many retries there are in total. Performs no I/O."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

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

Allows: TypeAlias = Callable[[RequestError, float], bool]
"""Returns whether a request may be retried after an error and a pause in seconds."""

_REQUEST_TIMEOUT: Final = 408


def may_pass(error: RequestError) -> bool:
    """Return whether a retry can help: no connection, a timeout, a body that was cut off, status 408, 429 or 5xx."""
    if isinstance(error, StatusError):
        return isinstance(error, TooManyRequestsError | ServerError) or error.status == _REQUEST_TIMEOUT
    if isinstance(error, ConnectionFailedError):
        return error.temporary
    return isinstance(error, RequestTimeoutError)


def _check_attempts(_: object, attribute: "Attribute[Any]", value: Any) -> None:
    if type(value) is not int or value < 1:
        raise ConfigurationError("attempts must be an integer, 1 or more", parameter=attribute.name)


def _check_budget(_: object, attribute: "Attribute[Any]", value: Any) -> None:
    if value is not None and (type(value) is not int or value < 0):
        raise ConfigurationError("budget must be an integer, 0 or more, or None", parameter=attribute.name)


def _check_seconds(_: object, attribute: "Attribute[Any]", value: Any) -> None:
    check_seconds(attribute.name, value)


def _check_seconds_or_none(_: object, attribute: "Attribute[Any]", value: Any) -> None:
    if value is not None:
        check_seconds(attribute.name, value)


@frozen(kw_only=True)
class RetryPolicy:
    """How many times and for how long a request is attempted. All times are in seconds.

    Only temporary failures are retried: no connection (unless the certificate is not trusted, the host name is
    invalid, or the session's proxy refused), a timeout, a response that was cut off, and status 408, 429 or 500 to 599.
    The pause before attempt *n + 1* is a random time between 0 and ``min(max_backoff, initial_backoff * 2 ** (n - 1))``
    ("full jitter"), and is never shorter than the server's ``Retry-After``.

    Attributes:
        attempts: Maximum number of attempts for one request, 1 or more. 1 means no retry.
        deadline: Maximum time for one request with all its attempts and pauses, or None for no limit.
        initial_backoff: Maximum pause before the second attempt.
        max_backoff: Maximum pause before any attempt, unless the server asks for a longer one.
        budget: The number of retries that all requests of a client share, or None for no limit. Each retry takes 1 from
            it. A request that succeeds after a retry adds 1, and a request that succeeds at once adds 0.1, up to the
            initial number. While less than 1 is left, each request is sent only once, so that a server that stays down
            causes no further retries.

    Raises:
        ConfigurationError: A value is out of range.
    """

    attempts: int = field(default=3, validator=_check_attempts)
    deadline: float | None = field(default=60.0, validator=_check_seconds_or_none)
    initial_backoff: float = field(default=0.2, validator=_check_seconds)
    max_backoff: float = field(default=5.0, validator=_check_seconds)
    budget: int | None = field(default=10, validator=_check_budget)

    def wait(self, error: RequestError, *, elapsed: float, fraction: float) -> float | None:
        """Return the pause before the next attempt in seconds, or None for no further attempt.

        Args:
            error: The error of the last attempt.
            elapsed: Time since the first attempt began, in seconds.
            fraction: A random number from 0 to 1. The caller draws it.
        """
        if error.attempts >= self.attempts or not may_pass(error):
            return None
        # Without the bound of 62, thousands of attempts would overflow a float.
        seconds = fraction * min(self.max_backoff, self.initial_backoff * 2.0 ** min(error.attempts - 1, 62))
        if isinstance(error, StatusError) and error.retry_after is not None:
            seconds = max(seconds, error.retry_after)
        if self.deadline is not None and elapsed + seconds >= self.deadline:
            return None
        return seconds


def check_policy(value: object) -> None:
    """Raise `ConfigurationError` if the parameter ``retry`` is not a policy."""
    if not isinstance(value, RetryPolicy):
        raise ConfigurationError(
            "retry must be a RetryPolicy; RetryPolicy(attempts=1) turns retries off", parameter="retry"
        )


class RetryBudget:
    """A token bucket: the number of retries left for all requests of a client.

    It counts in tenths of a retry, as integers, to be exact.

    Args:
        size: The number of retries in a full budget, or None for no limit.
    """

    def __init__(self, size: int | None) -> None:
        self._size = None if size is None else 10 * size
        self._left = 0 if self._size is None else self._size

    @property
    def left(self) -> float | None:
        """The number of retries left, or None for no limit."""
        return None if self._size is None else self._left / 10

    def spend(self) -> bool:
        """Take one retry and return whether there was one."""
        if self._size is None:
            return True
        if self._left < 10:  # noqa: PLR2004 - ten tenths
            return False
        self._left -= 10
        return True

    def succeeded(self, *, attempts: int) -> None:
        """Add to the budget for a request that succeeded after this number of attempts."""
        if self._size is not None:
            self._left = min(self._size, self._left + (1 if attempts == 1 else 10))
