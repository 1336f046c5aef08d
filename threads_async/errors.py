"""Everything that can go wrong, as one tree.

::

    ThreadsError
    ├── ConfigurationError           a setting or a parameter is wrong; nothing was sent (also a ValueError)
    ├── ClientClosedError            the client or its session is closed (also a RuntimeError)
    ├── RequestError                 one request failed; .request .attempts .hint
    │   ├── ConnectionFailedError    no connection, or one that broke before the answer was whole; .temporary
    │   ├── RequestTimeoutError      no whole answer in time
    │   ├── ResponseTooLargeError    the answer is larger than allowed; .limit
    │   ├── StatusError              the server refused; .status .server_message .retry_after
    │   │   ├── UnauthorizedError    401 or 403
    │   │   ├── TooManyRequestsError 429
    │   │   └── ServerError          500 to 599
    │   └── DecodeError              the answer is not what the API promises; .path .reason .start
    └── PaginationError              pages that contradict each other; .start .total .received .total_count

What happened is in attributes. The text is for people: the cause, the request, and a hint where there is one. No error
holds the API token, a whole thread token or a whole connection string, none chains an error of a library beneath, and
each of them survives pickling and copying.
"""


class ThreadsError(Exception):
    """The root: whatever this package raises on purpose is one of these.

    Attributes:
        message: What happened, in one sentence, without secrets.
    """

    def __init__(self, message: str) -> None:
        # Only the message goes into `args`: Exception's own pickling calls the class with `args` and then restores the
        # rest from `__dict__`, so every further parameter of a subclass needs a default.
        super().__init__(message)
        self.message = message

    def __repr__(self) -> str:
        # Notes that others add are kept in an attribute of their own, which is not part of what happened.
        data = "".join(
            f", {name}={value!r}" for name, value in vars(self).items() if name not in ("message", "__notes__")
        )
        return f"{type(self).__name__}({self.message!r}{data})"


class ConfigurationError(ThreadsError, ValueError):
    """A setting or a parameter is missing or wrong. Nothing was sent.

    Attributes:
        parameter: The name of the parameter, as it is spelled in Python.
    """

    def __init__(self, message: str, *, parameter: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter


class ClientClosedError(ThreadsError, RuntimeError):
    """The client, or the session that it was given, is closed or belongs to another event loop."""


class RequestError(ThreadsError):
    """One request failed, with all its attempts.

    Attributes:
        request: What was asked, without secrets:
            ``GET http://localhost:8160/v1/threads?workspaceId=-1&start=1000&total=1000``.
        attempts: How often it was sent, 1 or more.
        hint: What to check or to change, or an empty text where nothing particular can be said.
    """

    def __init__(self, message: str, *, request: str = "", attempts: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.request = request
        self.attempts = attempts
        self.hint = hint

    def __str__(self) -> str:
        facts = "; ".join(filter(None, [self.request, f"{self.attempts} attempts" if self.attempts > 1 else ""]))
        cause = f"{self.message} ({facts})" if facts else self.message
        return f"{cause}; {self.hint}" if self.hint else cause


class ConnectionFailedError(RequestError):
    """No connection, or one that ended before the whole answer was there.

    Attributes:
        temporary: Whether a retry can help. It cannot if the server's certificate is not trusted, or if the host of
            the base URL is not one that can be connected to.
    """

    def __init__(
        self, message: str, *, request: str = "", attempts: int = 1, hint: str = "", temporary: bool = True
    ) -> None:
        super().__init__(message, request=request, attempts=attempts, hint=hint)
        self.temporary = temporary


class RequestTimeoutError(RequestError):
    """No whole answer within the time allowed for an attempt, or for the whole call."""


class ResponseTooLargeError(RequestError):
    """The answer is larger than `max_response_bytes`; reading stopped there.

    Attributes:
        limit: The most bytes allowed, counted after decompression.
    """

    def __init__(self, message: str, *, request: str = "", attempts: int = 1, hint: str = "", limit: int = 0) -> None:
        super().__init__(message, request=request, attempts=attempts, hint=hint)
        self.limit = limit


class StatusError(RequestError):
    """The server answered with a status other than 200.

    Attributes:
        status: The HTTP status.
        server_message: The server's own words, without secrets and at most 200 characters: its ``message``, else the
            texts in its JSON, else the beginning of its plain text. None where it says nothing, or only HTML.
        retry_after: Seconds to wait before asking again, as the server said, or None.
    """

    def __init__(  # noqa: PLR0913 - one parameter an attribute, all but one by keyword
        self,
        message: str,
        *,
        request: str = "",
        attempts: int = 1,
        hint: str = "",
        status: int = 0,
        server_message: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, request=request, attempts=attempts, hint=hint)
        self.status = status
        self.server_message = server_message
        self.retry_after = retry_after


class UnauthorizedError(StatusError):
    """401 or 403: the API token is missing, wrong or not allowed to do this."""


class TooManyRequestsError(StatusError):
    """429: something in front of the API asks to slow down."""


class ServerError(StatusError):
    """500 to 599: the server failed to answer."""


class DecodeError(RequestError, ValueError):
    """The answer is not what the API promises: not JSON, a key missing, a value of the wrong type.

    Attributes:
        path: Where in the answer, by the names on the wire: ``items[3].workspaceId``; empty for the whole.
        reason: What was expected and what was there.
        start: Index of the first item of the page that was asked for.
    """

    def __init__(  # noqa: PLR0913 - one parameter an attribute, all but one by keyword
        self,
        message: str,
        *,
        request: str = "",
        attempts: int = 1,
        hint: str = "",
        path: str = "",
        reason: str = "",
        start: int = 0,
    ) -> None:
        super().__init__(message, request=request, attempts=attempts, hint=hint)
        self.path = path
        self.reason = reason
        self.start = start


class PaginationError(ThreadsError):
    """The pages contradict each other or the list moves too fast: to go on would lose items, repeat them or not end.

    Attributes:
        start: Index of the first item asked for.
        total: Most items asked for.
        received: Items received.
        total_count: Items that there are, by the same answer.
    """

    def __init__(
        self, message: str, *, start: int = 0, total: int = 0, received: int = 0, total_count: int = 0
    ) -> None:
        super().__init__(message)
        self.start = start
        self.total = total
        self.received = received
        self.total_count = total_count
