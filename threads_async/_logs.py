"""The log records of the client, all on one logger. Performs no I/O."""

import logging
from typing import Final
from urllib.parse import urlsplit

from threads_async.errors import RequestError

_logger: Final = logging.getLogger("threads_async")
# Without a handler, Python prints warnings to standard error in programs that have not set up logging.
_logger.addHandler(logging.NullHandler())


def tell_of_retry(error: RequestError, url: str, *, of: int, wait: float) -> None:
    """Log that a request is retried. The details are in the message and in fields of the record.

    Args:
        error: The error of the last attempt.
        url: The address of the request.
        of: Maximum number of attempts.
        wait: Seconds until the next attempt.
    """
    _logger.warning(
        "attempt %d of %d failed, retrying in %.2f s: %s (%s)",
        error.attempts,
        of,
        wait,
        error.message,
        error.request,
        extra={
            "retry_host": urlsplit(url).netloc,
            "retry_request": error.request,
            "retry_attempt": error.attempts,
            "retry_wait": wait,
            "retry_cause": error.message,
        },
    )


def tell_of_drift(before: int, after: int, noun: str, *, remedy: bool) -> None:
    """Log that a list has changed while a plain walk was reading it.

    Args:
        before: `totalCount` of a response.
        after: `totalCount` of the next response.
        noun: The word for the items, in the plural.
        remedy: Whether the list can be read consistently.
    """
    advice = ""
    if remedy:
        advice = f"; with consistent=True, all {noun} that stay in the list while it is read are listed exactly once"
    _logger.warning(
        "totalCount changed from %d to %d while the %s were listed: some may be missing or listed twice%s",
        before,
        after,
        noun,
        advice,
    )
