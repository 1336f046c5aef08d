"""Between values and what goes over the wire. Performs no I/O.

The only place that knows paths, parameter names and JSON keys.

Rule 1. `workspaceId`, `start` and `total` are always sent: a walk must not hang on a server's defaults.
Rule 2. Filters are sent only when given.
Rule 3. Decoding is strict in type and tolerant in growth: a wrong type or a missing key is an error that names its
        place; an unknown key is passed over; an unknown `type` is kept as its text.
Rule 4. Nothing from the wire gets into a message: what is wrong is said in types and places.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import quote

import cattrs
import msgspec
from attrs import field, frozen

from threads_async._secrets import Secret, shorten
from threads_async.errors import DecodeError
from threads_async.models import INT64_MAX, ExecutionThread, ThreadPage, ThreadsQuery, ThreadType

THREADS_PATH: Final = "/v1/threads"
TOKEN_HEADER: Final = "Api-Token"  # noqa: S105 - the name of the header, not a token


@frozen
class Request:
    """What the transport sends: a GET of `url` with `params`, by their names on the wire.

    `label` says the same for people, without secrets; `start` is the index of the first thread asked for; `secrets`
    are those in `params`, which a server may send back.
    """

    url: str
    params: tuple[tuple[str, str], ...] = field(repr=False)
    label: str
    start: int
    secrets: tuple[Secret, ...] = ()


@frozen
class Response:
    """What the transport brings back: an answer, its body decompressed.

    `whole` is whether the body is known to have its end. Only that of an error may lack it.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=lambda body: f"<{len(body)} bytes>")
    whole: bool = True


def encode(query: ThreadsQuery, base_url: str) -> Request:
    """Return the request that asks the API at `base_url`, which has no slash at its end, for `query`."""
    given = {
        "workspaceId": str(query.workspace_id),
        "start": str(query.start),
        "total": str(query.total),
        "thread_token": query.thread_token,
        "type": None if query.type is None else str(query.type),
        "sorting": query.sorting,
    }
    params = {name: value for name, value in given.items() if value is not None}
    shown = {name: quote(value) for name, value in params.items()}
    secrets: tuple[Secret, ...] = ()
    if query.thread_token is not None:
        secrets = (Secret(query.thread_token),)
        shown["thread_token"] = shorten(query.thread_token) or ""
    url = f"{base_url}{THREADS_PATH}"
    label = f"GET {url}?{'&'.join(f'{name}={value}' for name, value in shown.items())}"
    return Request(url, tuple(params.items()), label, query.start, secrets)


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


_parse_page: Final = msgspec.json.Decoder(_PageRecord).decode
_skim: Final = msgspec.json.Decoder(msgspec.Raw).decode
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
    raise DecodeError(
        f"the answer is not a page of threads: {f'{path}: ' if path else ''}{reason}",
        request=request.label,
        # A wrong value deep in a page comes from a ZennoBrowser, and what is no JSON from something else.
        hint="" if path else "check that base_url is the address of a ZennoBrowser API",
        path=path,
        reason=reason,
        start=request.start,
    )


def is_cut(body: bytes) -> bool:
    """Tell whether `body` is the beginning of a JSON text whose end is missing."""
    # The parser calls `-`, `1.` and `1e` a fault. With one more digit they are numbers, and what follows is missing.
    return _lacks_its_end(body) or _lacks_its_end(body + b"0")


def _lacks_its_end(body: bytes) -> bool:
    try:
        _skim(body)
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except (UnicodeDecodeError, RecursionError):
        pass
    return False


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
