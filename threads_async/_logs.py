"""The log records of the client, all on one logger. Performs no I/O."""

import logging
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from threads_async._secrets import Secret, shorten
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


def tell_of_new_token(before: Secret, after: Secret) -> None:
    """Log that the server has given a thread another token."""
    _logger.info(
        "the token of thread %s is now %s: use the thread that was returned",
        shorten(before.reveal()),
        shorten(after.reveal()),
    )


def tell_of_unknown_tokens() -> None:
    """Log that the server has returned threads with other tokens, and it is not known which is which."""
    _logger.warning(
        "threads were continued, and some may have new tokens that cannot be matched to the previous ones: list them"
    )


def tell_of_failed_continue(token: Secret, error: Exception) -> None:
    """Log that a thread that should be kept alive could not be continued."""
    _logger.warning("thread %s could not be continued: %s", shorten(token.reveal()), error)


def tell_of_gone(token: Secret) -> None:
    """Log that a thread that should be kept alive is no longer running."""
    _logger.warning("thread %s is no longer running: it was stopped, or its lifetime ended", shorten(token.reveal()))


def tell_of_failed_stop(token: Secret, error: BaseException) -> None:
    """Log that a thread could not be stopped at the end of its ``async with``."""
    _logger.error("thread %s could not be stopped, and may still run: %s", shorten(token.reveal()), error)


def tell_of_lost_start() -> None:
    """Log that a thread may have been started whose token the client does not know."""
    _logger.error("the start of a thread was interrupted: it may have been started, and may still run")


def tell_of_left(count: int) -> None:
    """Log that a call was interrupted that had started threads."""
    _logger.error("the start of several threads was interrupted: %d were started before, and still run", count)


def tell_of_outage(error: RequestError) -> None:
    """Log that an outage begins: a watch cannot list the threads."""
    _logger.warning("a watch cannot list the threads: %s", error)


def tell_of_recovery(after: timedelta) -> None:
    """Log that an outage ends: a watch can list the threads again. `after` is the length of the outage."""
    _logger.info("a watch can list the threads again, after %.1f s", after.total_seconds())


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


def tell_of_one_slot(worker: str) -> None:
    """Log that a Dask worker runs only one task at a time."""
    _logger.warning(
        "worker %s has only one thread (--nthreads 1), so its pages and calls wait for each other: give it 4 or more",
        worker,
    )
