"""What tests ask the fake about and put into it. Performs no I/O."""

from collections.abc import Mapping

from attrs import field, frozen


@frozen
class SeenRequest:
    """A request that the server saw.

    Attributes:
        method: The HTTP method.
        path: The path, decoded.
        query: The parameters as pairs of name and value, decoded, in order.
        headers: The headers, whose names may be asked for in any letter case. Not shown in reprs.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters by name; of a name given twice, the last value."""
        return dict(self.query)


@frozen
class Fault:
    """An answer in place of the right one.

    Attributes:
        status: The HTTP status, or None to cut the connection without an answer.
        body: The body, byte by byte.
        headers: The headers.
    """

    status: int | None = 500
    body: bytes = b'{"message":null}'
    headers: Mapping[str, str] = field(factory=lambda: {"Content-Type": "application/json; charset=utf-8"})
