"""Between values and what goes over the wire. Performs no I/O.

The only place that knows paths, parameter names and JSON keys.

Rule 1. `workspaceId`, `start` and `total` are always sent: a walk must not hang on a server's defaults.
Rule 2. Filters are sent only when given.
Rule 3. Decoding is strict in type and tolerant in growth: a wrong type or a missing key is an error that names its
        place; an unknown key is passed over; an unknown `type` is kept as its text.
Rule 4. Nothing in a message comes from the wire unscrubbed.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final

import cattrs
import msgspec
from attrs import field, frozen

from threads_async._secrets import Secret, scrub, shorten
from threads_async.errors import (
    DecodeError,
    ServerError,
    StatusError,
    TooManyRequestsError,
    UnauthorizedError,
)
from threads_async.models import INT64_MAX, ExecutionThread, ThreadPage, ThreadsQuery, ThreadType

THREADS_PATH: Final = "/v1/threads"
TOKEN_HEADER: Final = "Api-Token"  # noqa: S105 - the name of the header, not a token
_EXCERPT_LENGTH: Final = 200


@frozen
class Request:
    """What the transport sends: a GET of `url` with `params`, by their names on the wire.

    `label` says the same for people, without secrets; `start` is the index of the first thread asked for.
    """

    url: str
    params: tuple[tuple[str, str], ...] = field(repr=False)
    label: str
    start: int


@frozen
class Response:
    """What the transport brings back: the whole answer, its body decompressed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=lambda body: f"<{len(body)} bytes>")


def encode(query: ThreadsQuery, base_url: str) -> Request:
    """Return the request that asks the API at `base_url`, which has no slash at its end, for `query`."""
    params = [("workspaceId", str(query.workspace_id)), ("start", str(query.start)), ("total", str(query.total))]
    shown = [f"start={query.start}", f"total={query.total}"]
    if query.workspace_id != -1:
        shown.insert(0, f"workspaceId={query.workspace_id}")
    for name, value in (("thread_token", query.thread_token), ("type", query.type), ("sorting", query.sorting)):
        if value is not None:
            params.append((name, str(value)))
            shown.append(f"{name}={shorten(value) if name == 'thread_token' else value}")
    url = f"{base_url}{THREADS_PATH}"
    return Request(url=url, params=tuple(params), label=f"GET {url} ({', '.join(shown)})", start=query.start)


_Int64 = Annotated[int, msgspec.Meta(ge=-INT64_MAX - 1, le=INT64_MAX)]


class _ThreadRecord(msgspec.Struct, gc=False):
    """A thread by its names on the wire, checked by the parser as it reads."""

    workspaceId: _Int64  # noqa: N815 - the name on the wire
    threadToken: str | None  # noqa: N815 - the name on the wire
    type: str
    createdAt: datetime  # noqa: N815 - the name on the wire


class _PageRecord(msgspec.Struct, gc=False):
    """A page by its names on the wire."""

    totalCount: Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]  # noqa: N815 - the name on the wire
    items: list[_ThreadRecord]


class _ErrorRecord(msgspec.Struct):
    """An error by its names on the wire; the API's page shows null for `message`."""

    message: str | None


_parse_page: Final = msgspec.json.Decoder(_PageRecord).decode
_parse_error: Final = msgspec.json.Decoder(_ErrorRecord).decode
_KNOWN_TYPES: Final[dict[str, ThreadType]] = {member.value: member for member in ThreadType}


_Items = tuple[ExecutionThread, ...]


def _structure_items(records: list[_ThreadRecord], _: type[_Items]) -> _Items:
    # All in one expression: this runs once a thread, and a call for each would cost a tenth of the whole.
    known = _KNOWN_TYPES.get
    return tuple(
        [
            ExecutionThread(
                record.workspaceId,
                record.threadToken,
                known(kind := record.type, kind),
                # ASP.NET writes no offset for a time of unspecified kind; the API's other times are UTC.
                moment if (moment := record.createdAt).tzinfo is not None else moment.replace(tzinfo=UTC),
            )
            for record in records
        ]
    )


_converter: Final = cattrs.Converter(detailed_validation=False)
_converter.register_structure_hook_func(lambda wanted: wanted == _Items, _structure_items)


def decode(request: Request, response: Response) -> ThreadPage:
    """Return the page in the body of `response`, whose status is 200.

    Raises:
        DecodeError: The body is not what the API promises.
    """
    try:
        record = _parse_page(response.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        path, reason = _explain(error)
    else:
        return ThreadPage(_converter.structure(record.items, _Items), record.totalCount, request.start)
    where = f"{path}: " if path else ""
    raise DecodeError(
        f"the answer is not a page of threads: {where}{reason}; is base_url where a ZennoBrowser answers?",
        request=request.label,
        path=path,
        reason=reason,
        start=request.start,
    )


def _explain(error: Exception) -> tuple[str, str]:
    """Return the place of the fault by its names on the wire, and what is wrong there."""
    if isinstance(error, RecursionError):
        return "", "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "", "it is not UTF-8"
    # The parser ends its sentence with the place: "Expected `int`, got `str` - at `$.items[3].workspaceId`".
    text, _, place = str(error).partition(" - at `$")
    path = place.rstrip("`").removeprefix(".")
    text = text.replace("`", "")
    return path, text if text.startswith("JSON") else text[:1].lower() + text[1:]


def status_error(response: Response, *, token: Secret | None, now: datetime) -> StatusError | None:
    """Return the error that the status of `response` stands for, or None for 200.

    Args:
        response: The answer.
        token: The API token, which a server may send back in its message.
        now: The time, for a `Retry-After` that is a date.
    """
    status = response.status
    if status == 200:  # noqa: PLR2004 - OK
        return None
    said = _server_message(response.body, token)
    words = f': "{said}"' if said else ""
    details: dict[str, Any] = {
        "status": status,
        "server_message": said,
        "retry_after": _retry_after(response.headers.get("Retry-After"), now),
    }
    if status in (401, 403):
        return UnauthorizedError(
            f"the server refused the API token ({status}){words}; is ZB_API_TOKEN the token of this program?", **details
        )
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        return TooManyRequestsError(f"the server asks to slow down (429){words}; ask less often", **details)
    if 500 <= status <= 599:  # noqa: PLR2004 - the server errors
        return ServerError(f"the server failed ({status}){words}; try again, or look at ZennoBrowser itself", **details)
    if 300 <= status <= 399:  # noqa: PLR2004 - the redirects
        return StatusError(
            f"the server redirects ({status}), which is not followed so that the token stays with base_url; "
            "set base_url to where the API answers",
            **details,
        )
    return StatusError(
        f"the server answered {status} instead of 200{words}; is base_url where a ZennoBrowser answers?", **details
    )


def _server_message(body: bytes, token: Secret | None) -> str | None:
    """Return the server's `message`, else the beginning of its text; None where it says nothing."""
    try:
        text = _parse_error(body).message or ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        text = body[: 4 * _EXCERPT_LENGTH].decode(errors="replace")
    text = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    text = scrub(text, token)
    return (text if len(text) <= _EXCERPT_LENGTH else f"{text[:_EXCERPT_LENGTH]}…") or None


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait, never below 0; None if it says nothing of use."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
