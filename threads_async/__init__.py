"""List the execution threads of a ZennoBrowser: every thread, once, typed, in an ``async for``.

async with ThreadsClient() as client:
    async for thread in client.threads():
        print(thread.workspace_id, thread.type, thread.created_at)
"""

from threads_async._version import __version__
from threads_async.client import ThreadsClient
from threads_async.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    PaginationError,
    RequestError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    StatusError,
    ThreadsError,
    TooManyRequestsError,
    UnauthorizedError,
)
from threads_async.iterators import PageIterator, ThreadIterator
from threads_async.listing import ThreadListing
from threads_async.models import EventKind, ExecutionThread, ThreadEvent, ThreadPage, ThreadsQuery, ThreadType
from threads_async.retry import RetryPolicy
from threads_async.telemetry import redact_url
from threads_async.watch import ThreadWatch

__all__ = [
    "ClientClosedError",
    "ConfigurationError",
    "ConnectionFailedError",
    "DecodeError",
    "EventKind",
    "ExecutionThread",
    "PageIterator",
    "PaginationError",
    "RequestError",
    "RequestTimeoutError",
    "ResponseTooLargeError",
    "RetryPolicy",
    "ServerError",
    "StatusError",
    "ThreadEvent",
    "ThreadIterator",
    "ThreadListing",
    "ThreadPage",
    "ThreadType",
    "ThreadWatch",
    "ThreadsClient",
    "ThreadsError",
    "ThreadsQuery",
    "TooManyRequestsError",
    "UnauthorizedError",
    "__version__",
    "redact_url",
]
