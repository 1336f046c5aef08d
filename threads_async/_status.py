"""What the status of an answer means. Performs no I/O."""

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
from threads_async.errors import ServerError, StatusError, TooManyRequestsError, UnauthorizedError

_SERVER_ERRORS: Final = range(500, 600)
_REDIRECTS: Final = range(300, 400)
_MARKUP: Final = re.compile(
    r"^\W*<|<(?:!doctype|/?(?:html|head|body|title|script|style|h\d|hr|br|p|pre|div|span|center|table|a)\b)",
    re.IGNORECASE,
)


def status_error(response: Response, *secrets: Secret, now: datetime) -> StatusError:
    """Return the error that the status of `response` stands for, which is not 200.

    Args:
        response: The answer.
        secrets: What the request held that must not be shown: a server may send it back.
        now: The time, for a `Retry-After` that is a date.
    """
    status = response.status
    said = _server_message(response, *secrets)
    html = "html" in response.headers.get("Content-Type", "").lower() or (
        said is not None and _MARKUP.search(said) is not None
    )
    if html:
        # Of a page of a web server nothing is worth quoting.
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
        return TooManyRequestsError(f"the server asks to slow down ({words})", hint="ask less often", **details)
    if status in _SERVER_ERRORS:
        # The API's own errors are JSON.
        hint = "a proxy in front of the API may have answered" if html else ""
        return ServerError(f"the server failed ({words})", hint=hint, **details)
    if status in _REDIRECTS:
        return StatusError(
            f"the server redirects ({status}), which is not followed so that the token stays with base_url",
            hint="set base_url to where the API answers",
            **details,
        )
    hint = "check that base_url is the address of a ZennoBrowser API" if status == HTTPStatus.NOT_FOUND else ""
    return StatusError(f"the server answered {words} instead of 200", hint=hint, **details)


def _server_message(response: Response, *secrets: Secret) -> str | None:
    """Return the server's own words: its `message`, else all texts of its JSON, else the beginning of its text."""
    body = response.body
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        encoding = "utf-16" if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"
        return excerpt(body.decode(encoding, errors="replace"), *secrets, whole=response.whole)
    # {"message": …} by the API's page; an error of ASP.NET itself has a title and lists of texts.
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        value = members.get("message", members)
    return excerpt("; ".join(_texts(value)), *secrets)


def _texts(value: object) -> Iterator[str]:
    # With a list of its own instead of calls, which a body nested deeply enough would exhaust.
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
    """Return the seconds that a `Retry-After` header asks to wait, never below 0; None if it says nothing of use."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            # Not a date, or one that no datetime can hold.
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
