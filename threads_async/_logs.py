"""What the client has to say while it works: records on one logger, and nothing anywhere else. Performs no I/O."""

import logging
from typing import Final
from urllib.parse import urlsplit

from threads_async.errors import RequestError

_logger: Final = logging.getLogger("threads_async")
# Where logging is not set up, Python would print warnings to standard error by itself.
_logger.addHandler(logging.NullHandler())


def tell_of_retry(error: RequestError, url: str, *, of: int, wait: float) -> None:
    """Record that a request is sent again, with what happened as text and as fields of the record.

    Args:
        error: What the last attempt ended in.
        url: Where it was sent.
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
    """Record that a list has moved while a plain walk was reading it.

    Args:
        before: `totalCount` of an answer.
        after: That of the next one.
        noun: What the items are called.
        remedy: Whether they can be listed consistently.
    """
    advice = "; consistent=True gives each that is there during the whole listing exactly once" if remedy else ""
    _logger.warning(
        "totalCount changed from %d to %d while the %s were listed: some may be missing or come twice%s",
        before,
        after,
        noun,
        advice,
    )
