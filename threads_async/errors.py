"""All errors of this package, as one tree. Performs no I/O.

::

    ThreadsError
    ├── ConfigurationError           a setting or parameter is invalid; nothing was sent (also a ValueError)
    ├── ClientClosedError            closed, or used in another event loop (also a RuntimeError)
    ├── NoSnapshotError              a watch has not seen the threads yet (also a RuntimeError)
    ├── RequestError                 a request failed; .request .attempts .hint .unknown_since .done
    │   ├── ConnectionFailedError    no connection, or it was lost during the response; .temporary
    │   ├── RequestTimeoutError      no complete response in time
    │   ├── ResponseTooLargeError    the response is larger than allowed; .limit
    │   ├── StatusError              a status other than 200; .status .server_message .retry_after
    │   │   ├── UnauthorizedError    401 or 403
    │   │   ├── TooManyRequestsError 429
    │   │   └── ServerError          500 to 599
    │   │       └── ThreadLimitError not enough threads are free; .active .limit
    │   └── DecodeError              the response does not have the documented format; .path .reason .start
    ├── PaginationError              the pages contradict each other; .start .total .received .total_count
    └── FleetError                   machines of a fleet failed (also an ExceptionGroup); .failures .results

The module ``threads_async.dask`` adds ``WorkerError`` and ``CallError``. The details are in attributes. ``str(error)``
is for people: the cause, the request, and a hint if there is one. No error contains the API token, a complete thread
token or a complete connection string. No error is chained to an error of an underlying library. All errors can be
pickled and copied.
"""

from datetime import datetime
from typing import Final

_PRIVATE: Final = ("message", "done", "__notes__")
"""Attributes that the repr does not show: notes (PEP 678) do not belong to the error, and thread tokens are secrets."""


class ThreadsError(Exception):
    """The base class of all errors of this package: for a request, a listing or a setting.

    Attributes:
        message: What happened, in one sentence, without secrets.
    """

    def __init__(self, message: str) -> None:
        # Only the message is in `args`. Unpickling an exception calls the class with `args` and then restores the rest
        # from `__dict__`, so each further parameter of a subclass needs a default.
        super().__init__(message)
        self.message = message

    def __repr__(self) -> str:
        data = "".join(f", {name}={value!r}" for name, value in vars(self).items() if name not in _PRIVATE)
        return f"{type(self).__name__}({self.message!r}{data})"


class ConfigurationError(ThreadsError, ValueError):
    """A setting or parameter is missing or invalid. Nothing was sent.

    Attributes:
        parameter: The name of the parameter in Python.
    """

    def __init__(self, message: str, *, parameter: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter


class ClientClosedError(ThreadsError, RuntimeError):
    """The client, its session or a watch is closed, or one of them or an iterator belongs to another event loop."""


class NoSnapshotError(ThreadsError, RuntimeError):
    """`ThreadWatch.threads` was read before the first successful look. It is not known whether threads are running."""


class RequestError(ThreadsError):
    """A request failed, with all its attempts.

    Attributes:
        request: The request, without secrets:
            ``GET http://localhost:8160/v1/threads?workspaceId=-1&start=1000&total=1000``.
        attempts: The number of attempts, 1 or more.
        hint: What to check or to change, or an empty string if there is no particular advice.
        unknown_since: None if the server has surely changed nothing, apart from the threads in `done`. Otherwise it may
            have carried out the request (started, continued or stopped threads), and this is when the request was first
            sent, in UTC by the clock of this machine. Always None for requests that only read.
        done: If a call for several threads failed in part: the tokens of the threads for which it surely succeeded.
            They are secrets, so the repr does not show them.
    """

    unknown_since: datetime | None = None
    done: tuple[str, ...] = ()

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
    """There is no connection, or it ended before the response was complete.

    Attributes:
        temporary: Whether a retry can help. It cannot if the server's certificate is not trusted, if the host name in
            the base URL is invalid, or if the session's proxy refused.
    """

    def __init__(
        self, message: str, *, request: str = "", attempts: int = 1, hint: str = "", temporary: bool = True
    ) -> None:
        super().__init__(message, request=request, attempts=attempts, hint=hint)
        self.temporary = temporary


class RequestTimeoutError(RequestError):
    """There was no complete response within the time allowed for an attempt, or for all attempts."""


class ResponseTooLargeError(RequestError):
    """The response is larger than ``max_response_bytes``. Reading stopped at this limit.

    Attributes:
        limit: The maximum size of a response in bytes, after decompression.
    """

    def __init__(self, message: str, *, request: str = "", attempts: int = 1, hint: str = "", limit: int = 0) -> None:
        super().__init__(message, request=request, attempts=attempts, hint=hint)
        self.limit = limit


class StatusError(RequestError):
    """The server responded with a status other than 200, or than 200 to 299 if the request changes something.

    Attributes:
        status: The HTTP status.
        server_message: The message of the server, without secrets and cut after 200 characters: its ``message``, or the
            strings in its JSON, or the beginning of its plain text. None if there is no text, or only HTML.
        retry_after: The time to wait before a retry, in seconds, from the server's ``Retry-After``, or None.
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
    """Status 401 or 403: the API token is invalid, or it does not permit the request."""


class TooManyRequestsError(StatusError):
    """Status 429: there were too many requests for the server, or for a proxy in front of it."""


class ServerError(StatusError):
    """Status 500 to 599: the server failed."""


class ThreadLimitError(ServerError):
    """Fewer threads are free than were requested.

    The API itself returns status 500 with a message that does not say so. The client raises this error if the limits,
    requested afterwards, have fewer free threads than requested. Except for those in `RequestError.done`, no thread was
    started, unless `RequestError.unknown_since` says that some may have been.

    Attributes:
        status: 0 if the client waited, and sent no request to start a thread.
        active: The number of running threads, on all computers with the licence.
        limit: The maximum number of threads that can run at once.
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
        active: int = 0,
        limit: int = 0,
    ) -> None:
        super().__init__(
            message,
            request=request,
            attempts=attempts,
            hint=hint,
            status=status,
            server_message=server_message,
            retry_after=retry_after,
        )
        self.active = active
        self.limit = limit


class DecodeError(RequestError, ValueError):
    """The response does not have the documented format.

    For example, it is not JSON, a key is missing, or a value has the wrong type.

    Attributes:
        path: The position in the response, in the names of the API: ``items[3].workspaceId``. Empty if the error
            concerns the whole response.
        reason: What is wrong, for example what was expected and what was found.
        start: The index of the first item of the requested page. 0 if the response is not a page.
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
    """The pages contradict each other, or the list changes too fast to be read.

    Continuing would miss or repeat items, or would never end.

    Attributes:
        start: The index of the first item requested.
        total: The maximum number of items requested.
        received: The number of items received.
        total_count: The number of items in the list, from the same response.
    """

    def __init__(
        self, message: str, *, start: int = 0, total: int = 0, received: int = 0, total_count: int = 0
    ) -> None:
        super().__init__(message)
        self.start = start
        self.total = total
        self.received = received
        self.total_count = total_count
