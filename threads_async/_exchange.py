"""The request that the transport sends and the response that it returns. Performs no I/O.

Rule 1. Parameters with a documented default, such as `workspaceId`, `start` and `total`, are always sent, because a
        walk must not depend on the defaults of a server.
Rule 2. Filters are sent only if they are given.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from attrs import field, frozen

from threads_async._endpoints import Endpoint, ValueEndpoint
from threads_async._paging import Slice
from threads_async._secrets import Secret, shorten
from threads_async.queries import Query

TOKEN_HEADER: Final = "Api-Token"  # noqa: S105 - the name of the header, not a token


@frozen
class Request:
    """A GET request.

    Attributes:
        url: The address, without the query.
        params: The names of the parameters on the wire, and their values.
        start: Index of the first item requested.
        hidden: The names of the parameters that are secret.
    """

    url: str
    params: tuple[tuple[str, str], ...] = field(repr=False)
    start: int = 0
    hidden: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The request as a text for people, without secrets."""
        shown = (f"{name}={shorten(value) if name in self.hidden else quote(value)}" for name, value in self.params)
        return f"GET {self.url}?{'&'.join(shown)}"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in the parameters. A server may send them back in an error."""
        return tuple(Secret(value) for name, value in self.params if name in self.hidden)


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
