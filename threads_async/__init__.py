"""List, start and stop the execution threads of a ZennoBrowser, and list its workspaces and running browsers.

async with ThreadsClient() as client:
    async for thread in client.threads():
        print(thread.workspace_id, thread.type, thread.created_at)
"""

from threads_async._fleet_error import FleetError
from threads_async._fleet_iterators import FleetIterator, FleetPageIterator
from threads_async._fleet_listing import FleetListing
from threads_async._fleet_values import FleetBrowserInstance, FleetEvent, FleetPage, FleetThread, FleetWorkspace
from threads_async._version import __version__
from threads_async.client import ThreadsClient
from threads_async.converters import configure_converter, make_converter
from threads_async.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    NoSnapshotError,
    PaginationError,
    RequestError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    StatusError,
    ThreadLimitError,
    ThreadsError,
    TooManyRequestsError,
    UnauthorizedError,
)
from threads_async.fleet import Fleet
from threads_async.fleet_watch import FleetWatch
from threads_async.iterators import ItemIterator, PageIterator, ThreadIterator
from threads_async.lease import ThreadLease
from threads_async.listing import Listing, ThreadListing
from threads_async.models import (
    BrowserInstance,
    EventKind,
    ExecutionThread,
    Limits,
    Page,
    ServerEvent,
    ThreadEvent,
    ThreadPage,
    ThreadType,
    WatchEvent,
    Workspace,
)
from threads_async.queries import BrowserInstancesQuery, Query, ThreadsQuery, WorkspacesQuery
from threads_async.redaction import ShortenSecrets, redact_url
from threads_async.retry import RetryPolicy
from threads_async.watch import ThreadWatch

__all__ = [
    "BrowserInstance",
    "BrowserInstancesQuery",
    "ClientClosedError",
    "ConfigurationError",
    "ConnectionFailedError",
    "DecodeError",
    "EventKind",
    "ExecutionThread",
    "Fleet",
    "FleetBrowserInstance",
    "FleetError",
    "FleetEvent",
    "FleetIterator",
    "FleetListing",
    "FleetPage",
    "FleetPageIterator",
    "FleetThread",
    "FleetWatch",
    "FleetWorkspace",
    "ItemIterator",
    "Limits",
    "Listing",
    "NoSnapshotError",
    "Page",
    "PageIterator",
    "PaginationError",
    "Query",
    "RequestError",
    "RequestTimeoutError",
    "ResponseTooLargeError",
    "RetryPolicy",
    "ServerError",
    "ServerEvent",
    "ShortenSecrets",
    "StatusError",
    "ThreadEvent",
    "ThreadIterator",
    "ThreadLease",
    "ThreadLimitError",
    "ThreadListing",
    "ThreadPage",
    "ThreadType",
    "ThreadWatch",
    "ThreadsClient",
    "ThreadsError",
    "ThreadsQuery",
    "TooManyRequestsError",
    "UnauthorizedError",
    "WatchEvent",
    "Workspace",
    "WorkspacesQuery",
    "__version__",
    "configure_converter",
    "make_converter",
    "redact_url",
]
