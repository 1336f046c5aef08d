"""How the API reads the requests that start, continue and stop threads. Performs no I/O.

Written from the documentation of the API, not from the client's encoder, so that the two do not share a mistake.
"""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote

import msgspec
from attrs import frozen

from threads_async.testing._asked import BadParametersError
from threads_async.testing._limits import workspace_of
from threads_async.testing._resources import BadValueError, number_in

MOST_STARTED: Final = 100
"""Maximum number of threads that one request can start. The API documents none; this one protects the memory."""

_THREADS: Final = "/v1/threads/"

Kind: TypeAlias = Literal["start", "continue", "stop"]


@frozen
class Operation:
    """An operation of the API.

    Attributes:
        method: The HTTP method.
        path: The path, with ``{threadToken}`` for the token of a thread.
        kind: What it does.
        bulk: Whether it takes or starts several threads.
    """

    method: str
    path: str
    kind: Kind
    bulk: bool


OPERATIONS: Final = (
    Operation("POST", f"{_THREADS}create", "start", bulk=False),
    Operation("POST", f"{_THREADS}create_bulk", "start", bulk=True),
    Operation("PUT", f"{_THREADS}use_bulk", "continue", bulk=True),
    Operation("PUT", f"{_THREADS}use/{{threadToken}}", "continue", bulk=False),
    Operation("DELETE", f"{_THREADS}delete_bulk", "stop", bulk=True),
    Operation("DELETE", f"{_THREADS}{{threadToken}}", "stop", bulk=False),
)


@frozen
class Order:
    """What a request orders.

    Attributes:
        operation: The operation.
        workspace_id: The workspace.
        count: The number of threads to start.
        tokens: The tokens of the threads to continue or to stop.
    """

    operation: Operation
    workspace_id: int
    count: int = 1
    tokens: tuple[str, ...] = ()


def operations_at(raw_path: str) -> dict[str, tuple[Operation, str]]:
    """Return the operations at `raw_path` by method, each with the thread token in the path, which is still encoded."""
    fixed = {one.method: (one, "") for one in OPERATIONS if one.path == raw_path}
    if fixed:
        return fixed
    found: dict[str, tuple[Operation, str]] = {}
    for operation in OPERATIONS:
        beginning, has_token, _ = operation.path.partition("{")
        token = raw_path.removeprefix(beginning)
        if has_token and token not in ("", raw_path) and "/" not in token:
            found[operation.method] = (operation, unquote(token))
    return found


def order_of(operation: Operation, token: str, query: Iterable[tuple[str, str]], body: bytes) -> Order:
    """Return what a request orders.

    Args:
        operation: The operation.
        token: The thread token in the path.
        query: The parameters. An empty value means the default; an unknown name is ignored.
        body: The body, which only bulk operations on threads read.

    Raises:
        BadParametersError: A value is missing, has the wrong type, or is out of range.
    """
    query = tuple(query)
    workspace_id = workspace_of(query)
    if operation.kind == "start":
        return Order(operation, workspace_id, count=_count_in(query) if operation.bulk else 1)
    return Order(operation, workspace_id, tokens=_tokens_in(body) if operation.bulk else (token,))


def _count_in(query: Iterable[tuple[str, str]]) -> int:
    text = dict(query).get("count", "")
    try:
        return number_in(range(1, MOST_STARTED + 1))(text)
    except BadValueError:
        raise BadParametersError({"count": [f"The value '{text}' is not valid."]}) from None


def _tokens_in(body: bytes) -> tuple[str, ...]:
    try:
        tokens = msgspec.json.decode(body, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        tokens = []
    if not tokens:
        raise BadParametersError({"$": ["The body must be a JSON array of thread tokens that is not empty."]})
    return tuple(tokens)
