"""What the transport sends and brings back. Performs no I/O.

Rule 1. Parameters that have a default on the API's page, such as `workspaceId`, `start` and `total`, are always sent: a
        walk must not hang on a server's defaults.
Rule 2. Filters are sent only when given.
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
    """What the transport sends: a GET.

    Attributes:
        url: The address, without the query.
        params: The parameters by their names on the wire.
        start: Index of the first item asked for.
        hidden: The names of the parameters that are secrets.
    """

    url: str
    params: tuple[tuple[str, str], ...] = field(repr=False)
    start: int = 0
    hidden: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The request for people to read, without secrets."""
        shown = (f"{name}={shorten(value) if name in self.hidden else quote(value)}" for name, value in self.params)
        return f"GET {self.url}?{'&'.join(shown)}"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets among the parameters, which a server may send back."""
        return tuple(Secret(value) for name, value in self.params if name in self.hidden)


@frozen
class Response:
    """What the transport brings back: an answer, its body decompressed.

    `whole` is whether the body is known to have its end. Only that of an error may lack it.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=lambda body: f"<{len(body)} bytes>")
    whole: bool = True


def encode(endpoint: Endpoint[Any], query: Query[Any], base_url: str, asked: Slice | None = None) -> Request:
    """Return the request that asks for what `query` wants.

    Args:
        endpoint: The listing.
        query: What is wanted.
        base_url: Where the API answers, without a slash at its end.
        asked: The slice to ask for, instead of the one of the query.
    """
    given = {wire: getattr(query, name) for name, wire in endpoint.parameters.items()}
    if asked is not None:
        given |= {"start": asked.start, "total": asked.total}
    params = tuple([(wire, str(value)) for wire, value in given.items() if value is not None])
    return Request(f"{base_url}{endpoint.path}", params, given["start"], endpoint.secrets)


def encode_value(endpoint: ValueEndpoint[Any], parameters: Mapping[str, object], base_url: str) -> Request:
    """Return the request for the value of `endpoint`.

    Args:
        endpoint: What is requested.
        parameters: The parameters by their names on the wire.
        base_url: Where the API is, without a slash at its end.
    """
    return Request(f"{base_url}{endpoint.path}", tuple([(name, str(value)) for name, value in parameters.items()]))
