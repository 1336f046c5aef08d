"""The lists of the API, and how ZennoBrowser parses their parameters. Performs no I/O.

Written from the documentation of the API, not from the client's encoder, so that the two do not share a mistake.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any, Final, Generic

from attrs import field, frozen

from threads_async.testing._rows import TYPES, FakeBrowser, FakeThread, FakeWorkspace, Row

INT32: Final = range(-(2**31), 2**31)
INT64: Final = range(-(2**63), 2**63)


class BadValueError(ValueError):
    """A value has the wrong type or is out of range."""


def number_in(bounds: range) -> Callable[[str], int]:
    """Return a parser of integers within `bounds`, written as in JSON: without a plus sign or leading zeros."""

    def read(text: str) -> int:
        if re.fullmatch(r"-?(?:0|[1-9][0-9]{0,18})", text) is None or int(text) not in bounds:
            raise BadValueError
        return int(text)

    return read


def _text(text: str) -> str:
    return text


def _kind(text: str) -> str:
    if text not in TYPES:
        raise BadValueError
    return text


def _uuid(text: str) -> str:
    # .NET accepts more forms of a UUID. This is the form that OpenAPI and other programs call a uuid.
    if re.fullmatch(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", text, re.IGNORECASE | re.ASCII) is None:
        raise BadValueError
    return str(uuid.UUID(text))


@frozen
class Filter:
    """A parameter that selects the rows with a given value.

    Attributes:
        name: The name of the parameter.
        attribute: The row attribute to compare with the value.
        read: Parses the text of the value, or raises `BadValueError`.
        kind: The schema of the parameter in the OpenAPI document.
        text: The description of the parameter in the OpenAPI document.
    """

    name: str
    attribute: str
    read: Callable[[str], object]
    kind: dict[str, Any] = field(eq=False)
    text: str


@frozen
class Resource(Generic[Row]):
    """A list of the API.

    Attributes:
        path: The path.
        in_workspaces: Whether a request selects one workspace.
        filters: The filters.
        sortings: Pairs of a name in the ``sorting`` parameter and the row attribute to sort by.
        record: Returns a row as a record to send.
    """

    path: str
    in_workspaces: bool
    filters: tuple[Filter, ...]
    sortings: tuple[tuple[str, str], ...]
    record: Callable[[Row], dict[str, Any]]


_TEXT: Final = {"type": "string", "nullable": True}

THREADS: Final = Resource[FakeThread](
    path="/v1/threads",
    in_workspaces=True,
    filters=(
        Filter("thread_token", "thread_token", _text, _TEXT, "Return only the thread with this token."),
        Filter(
            "type",
            "type",
            _kind,
            {"$ref": "#/components/schemas/NullableOfThreadType"},
            "Return only threads of this type.",
        ),
    ),
    sortings=(
        ("CreatedAt", "created_at"),
        ("ThreadToken", "thread_token"),
        ("Type", "type"),
        ("WorkspaceId", "workspace_id"),
    ),
    record=lambda thread: {
        "workspaceId": thread.workspace_id,
        "threadToken": thread.thread_token,
        "type": thread.type,
        "createdAt": thread.created_at,
    },
)

WORKSPACES: Final = Resource[FakeWorkspace](
    path="/v1/workspaces",
    in_workspaces=False,
    filters=(
        Filter(
            "id",
            "workspace_id",
            number_in(INT64),
            {"type": "integer", "format": "int64", "nullable": True},
            "Return only the workspace with this ID.",
        ),
        Filter("name", "name", _text, _TEXT, "Return only workspaces with this name."),
        Filter("roles", "role", _text, _TEXT, "Return only workspaces in which the user has this role."),
    ),
    sortings=(),
    record=lambda workspace: {
        "workspaceId": workspace.workspace_id,
        "name": workspace.name,
        "role": workspace.role,
    },
)

BROWSER_INSTANCES: Final = Resource[FakeBrowser](
    path="/v1/browser_instances",
    in_workspaces=True,
    filters=(
        Filter(
            "profileId",
            "profile_id",
            _uuid,
            {"type": "string", "format": "uuid", "nullable": True},
            "Return only browsers with this profile.",
        ),
        Filter(
            "processId",
            "process_id",
            number_in(INT32),
            {"type": "integer", "format": "int32", "nullable": True},
            "Return only the browser with this process ID.",
        ),
    ),
    sortings=(
        ("ConnectionString", "connection_string"),
        ("ProcessId", "process_id"),
        ("ProfileId", "profile_id"),
    ),
    record=lambda browser: {
        "profileId": browser.profile_id,
        "processId": browser.process_id,
        "connectionString": browser.connection_string,
    },
)
