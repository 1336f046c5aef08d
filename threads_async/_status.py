"""Convert the status of a response into an error. Performs no I/O."""

import math
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec

from threads_async._exchange import Response
from threads_async._secrets import Secret, excerpt
from threads_async.errors import ServerError, StatusError, ThreadLimitError, TooManyRequestsError, UnauthorizedError
from threads_async.models import Limits

_SERVER_ERRORS: Final = range(500, 600)
_REDIRECTS: Final = range(300, 400)
_MARKUP: Final = re.compile(
    r"^\W*<|<(?:!doctype|/?(?:html|head|body|title|script|style|h\d|hr|br|p|pre|div|span|center|table|a)\b)",
    re.IGNORECASE,
)


def status_error(response: Response, *secrets: Secret, now: datetime) -> StatusError:
    """Return the error for `response`, whose status is not 200.

    Args:
        response: The response.
        secrets: The secrets in the request. They must not be shown, but a server may send them back.
        now: The current time, for a `Retry-After` that is a date.
    """
    status = response.status
    said = _server_message(response, *secrets)
    html = "html" in response.headers.get("Content-Type", "").lower() or (
        said is not None and _MARKUP.search(said) is not None
    )
    if html:
        # The HTML page of a web server says nothing that is worth quoting.
        said = None
    details: dict[str, Any] = {
        "status": status,
        "server_message": said,
        "retry_after": _retry_after(response.headers.get("Retry-After"), now),
    }
    words = f'{status}, "{said}"' if said else str(status)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return UnauthorizedError(f"the server refused the API token ({words})", hint="check the API token", **details)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TooManyRequestsError(f"the server asks to slow down ({words})", hint="send fewer requests", **details)
    if status in _SERVER_ERRORS:
        # The errors of the API itself are JSON.
        hint = "the response may come from a proxy in front of the API" if html else ""
        return ServerError(f"the server failed ({words})", hint=hint, **details)
    if status in _REDIRECTS:
        return StatusError(
            f"the server sent a redirect ({status}), which is not followed, so that no other address gets the token",
            hint="set base_url to the address of the API",
            **details,
        )
    hint = "check that base_url is the address of a ZennoBrowser API" if status == HTTPStatus.NOT_FOUND else ""
    return StatusError(f"the server responded with {words}", hint=hint, **details)


def says_not_started(error: ServerError) -> bool:
    """Return whether the server says that it has not started a thread, in words that ZennoBrowser was seen to use."""
    said = (error.server_message or "").lower()
    return "failed to create" in said or "limits have been reached" in said


def limit_error(
    limits: Limits, failure: ServerError | None = None, *, seconds: float | None = None, starting: int = 0
) -> ThreadLimitError:
    """Return the error for a thread that could not be started because of `limits`.

    Args:
        limits: The limits of the licence.
        failure: The error of the request to start the thread, or None if none was sent.
        seconds: How long the client waited for a free thread, or None if it did not wait.
        starting: The number of threads that other tasks of the client are starting.
    """
    waited = "" if seconds is None else f" within {seconds:g} s"
    used = f"{limits.active_threads} of the {limits.limit_threads} threads of the licence are in use"
    others = f", and {starting} are being started" if starting else ""
    free = limits.free_threads - starting
    few = f"only {free} {'thread is' if free == 1 else 'threads are'} free" if free > 0 else "no thread is free"
    error = ThreadLimitError(
        f"{few}{waited}: {used}, on this computer or on another one with the same licence{others}",
        hint="stop a thread, or wait longer for one" if waited else "stop a thread, or pass wait=",
        active=limits.active_threads,
        limit=limits.limit_threads,
    )
    if failure is not None:
        for name in ("request", "attempts", "status", "server_message", "retry_after"):
            setattr(error, name, getattr(failure, name))
    return error


def _server_message(response: Response, *secrets: Secret) -> str | None:
    """Return the message of the server: its `message`, or all texts of its JSON, or the beginning of its plain text."""
    body = response.body
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        encoding = "utf-16" if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"
        return excerpt(body.decode(encoding, errors="replace"), *secrets, whole=response.whole)
    # The documented errors are {"message": …}. An error of ASP.NET itself has a title and lists of texts.
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        value = members.get("message", members)
    return excerpt("; ".join(_texts(value)), *secrets)


def _texts(value: object) -> Iterator[str]:
    # Not recursive, because a deeply nested body would exceed the recursion limit.
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += reversed(list(cast("dict[str, object]", one).values()))
        elif isinstance(one, list):
            waiting += reversed(cast("list[object]", one))


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Return the time to wait according to a `Retry-After` header, in seconds, at least 0; None if it is not usable."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            # Not a date, or a date that does not fit into a datetime.
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
