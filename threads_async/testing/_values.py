"""Values that tests read from `FakeServer` or pass to it. Performs no I/O."""

from collections.abc import Mapping

from attrs import field, frozen


@frozen
class SeenRequest:
    """A request for a list or for the limits that a `FakeServer` received.

    Attributes:
        method: The HTTP method.
        path: The decoded path.
        query: The decoded query parameters, as pairs of name and value, in order. Not shown in reprs.
        headers: The headers. Their names are case-insensitive. Not shown in reprs.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters by name. If a name is repeated, the last value counts."""
        return dict(self.query)


@frozen
class Fault:
    """A response that a `FakeServer` sends instead of the normal one.

    Attributes:
        status: The HTTP status; None to cut the connection without a response.
        body: The body, sent unchanged.
        headers: The headers.
    """

    status: int | None = 500
    body: bytes = b'{"message":null}'
    headers: Mapping[str, str] = field(factory=lambda: {"Content-Type": "application/json; charset=utf-8"})
