"""The requests that the transport sends and the responses that it returns. Performs no I/O.

Rule 1. Parameters with a documented default, such as `workspaceId`, `start` and `total`, are always sent, because a
        walk must not depend on the defaults of a server.
Rule 2. Filters are sent only if they are given.
Rule 3. Thread tokens are secrets, also in a path or a body: only `Request.address` and `Request.body` contain them.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from attrs import evolve, field, frozen

from threads_async._actions import COUNT, WORKSPACE, Action
from threads_async._endpoints import Endpoint, ValueEndpoint
from threads_async._paging import Slice
from threads_async._secrets import Secret, shorten
from threads_async.errors import ConnectionFailedError, RequestError
from threads_async.queries import Query

TOKEN_HEADER: Final = "Api-Token"  # noqa: S105 - the name of the header, not a token

_SUCCESSES: Final = range(200, 300)
"""Statuses that mean success for an action. The API documents "no content", which HTTP calls 204, but 200 was seen."""


@frozen
class Request:
    """A request.

    Attributes:
        url: The address to show, without the query.
        params: The names of the parameters on the wire, and their values.
        start: Index of the first item requested.
        hidden: The names of the parameters that are secret.
        action: What the request does, or None if it only reads.
        since: When the action was called, in UTC.
        tokens: The thread tokens in the path or in the body.
        address: The address to send to, if it contains a thread token.
        body: The body, as JSON.
    """

    url: str
    params: tuple[tuple[str, str], ...] = field(repr=False)
    start: int = 0
    hidden: frozenset[str] = frozenset()
    action: Action[Any] | None = None
    since: datetime | None = None
    tokens: tuple[Secret, ...] = ()
    address: Secret | None = None
    body: Secret | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "GET" if self.action is None else self.action.method

    @property
    def label(self) -> str:
        """The request as a text for people, without secrets."""
        shown = (f"{name}={shorten(value) if name in self.hidden else quote(value)}" for name, value in self.params)
        return f"{self.method} {self.url}?{'&'.join(shown)}"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in the request besides the API token. A server may send them back in an error."""
        return self.tokens + tuple([Secret(value) for name, value in self.params if name in self.hidden])

    def allows_retry_after(self, error: RequestError) -> bool:
        """Return whether the request may be sent again after `error`.

        What must not be done twice is sent again only if no connection was made.
        """
        if self.action is None or self.action.repeatable:
            return True
        return isinstance(error, ConnectionFailedError) and error.unknown_since is None

    def accepts(self, status: int) -> bool:
        """Return whether `status` means success."""
        return status == HTTPStatus.OK or (self.action is not None and status in _SUCCESSES)


@frozen
class Response:
    """A response with its body.

    Attributes:
        status: The HTTP status.
        headers: The headers.
        body: The body, decompressed.
        whole: Whether the body is known to be complete. Only the body of an error may be incomplete.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=lambda body: f"<{len(body)} bytes>")
    whole: bool = True


def encode(endpoint: Endpoint[Any], query: Query[Any], base_url: str, asked: Slice | None = None) -> Request:
    """Return the request for a page.

    Args:
        endpoint: The endpoint of the list.
        query: The query.
        base_url: The address of the API, without a trailing slash.
        asked: The slice to request, instead of the `start` and `total` of the query.
    """
    given = {wire: getattr(query, name) for name, wire in endpoint.parameters.items()}
    if asked is not None:
        given |= {"start": asked.start, "total": asked.total}
    params = tuple([(wire, str(value)) for wire, value in given.items() if value is not None])
    return Request(f"{base_url}{endpoint.path}", params, given["start"], endpoint.secrets)


def encode_value(endpoint: ValueEndpoint[Any], parameters: Mapping[str, object], base_url: str) -> Request:
    """Return the request for the value of `endpoint`.

    Args:
        endpoint: The value to request.
        parameters: The parameters by their names in Python.
        base_url: The address of the API, without a trailing slash.
    """
    params = tuple([(endpoint.parameters[name], str(value)) for name, value in parameters.items()])
    return Request(f"{base_url}{endpoint.path}", params)


def encode_action(  # noqa: PLR0913 - one for each part of a request
    action: Action[Any],
    base_url: str,
    workspace_id: int,
    *,
    since: datetime,
    tokens: tuple[Secret, ...] = (),
    count: int | None = None,
) -> Request:
    """Return the request for an action.

    Args:
        action: The action.
        base_url: The address of the API, without a trailing slash.
        workspace_id: The workspace.
        since: The current time, in UTC.
        tokens: The tokens of the threads, for an action on threads. An action on one thread takes one token.
        count: The number of threads to start, for an action that takes it.
    """
    counted = () if count is None else ((COUNT, str(count)),)
    url = f"{base_url}{action.path}"
    request = Request(
        url,
        (*counted, (WORKSPACE, str(workspace_id))),
        action=action,
        since=since,
        tokens=tokens,
    )
    if not tokens:
        return request
    if action.takes == "tokens":
        return evolve(request, body=Secret(json.dumps([token.reveal() for token in tokens])))
    # Everything but letters, digits and `-._~` is encoded, also a slash.
    (token,) = tokens
    address = Secret(f"{url}/{quote(token.reveal(), safe='')}")
    return evolve(request, url=f"{url}/{shorten(token.reveal())}", address=address)


def effect_of(request: Request) -> str:
    """Return what the server may have done if there is no valid response, or an empty string for a GET request."""
    if request.action is None or request.since is None:
        return ""
    return _effect_since(request.action, request.since)


def _effect_since(action: Action[Any], since: datetime) -> str:
    return action.effect.format(since=f"{since:%Y-%m-%d %H:%M:%S} UTC")


def mark_unknown(error: RequestError, request: Request) -> None:
    """Note in `error` that the server may have carried out `request` although it failed. Nothing for a GET request."""
    if request.action is not None and request.since is not None:
        mark_unknown_since(error, request.action, request.since)


def mark_unknown_since(error: RequestError, action: Action[Any], since: datetime) -> RequestError:
    """Note in `error` that the server may have carried out `action`, called at `since`, and return it."""
    error.unknown_since = since
    effect = _effect_since(action, since)
    if effect not in error.hint:
        error.hint = f"{error.hint}; {effect}" if error.hint else effect
    return error
