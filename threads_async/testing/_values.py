"""Values that tests read from `FakeServer` or pass to it. Performs no I/O."""

from collections.abc import Mapping

from attrs import field, frozen

from threads_async._secrets import scrub


@frozen
class SeenRequest:
    """A request that a `FakeServer` received.

    Attributes:
        method: The HTTP method.
        path: The decoded path. Shortened in reprs if it contains a thread token.
        query: The decoded query parameters, as pairs of name and value, in order. Not shown in reprs.
        headers: The headers. Their names are case-insensitive. Not shown in reprs.
        body: The body. Not shown in reprs.
    """

    method: str
    path: str = field(repr=lambda path: repr(scrub(path)))
    query: tuple[tuple[str, str], ...] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)

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
        after: Whether the server first does what the request orders, if it starts, continues or stops threads.
    """

    status: int | None = 500
    body: bytes = b'{"message":null}'
    headers: Mapping[str, str] = field(factory=lambda: {"Content-Type": "application/json; charset=utf-8"})
    after: bool = False
