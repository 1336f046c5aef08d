"""What is particular to each listing of the API. Performs no I/O.

A further listing needs a model, a query, a value of `Endpoint` in `ENDPOINTS`, and a method of the client.
"""

from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, cast

from attrs import Factory, field, fields, frozen

from threads_async._secrets import SECRET
from threads_async.errors import ConfigurationError
from threads_async.models import BrowserInstance, ExecutionThread, Limits, T, Workspace
from threads_async.queries import BrowserInstancesQuery, Query, ThreadsQuery, WorkspacesQuery


@frozen
class Order:
    """By which order a consistent walk may go.

    Attributes:
        sorting: The order to ask for unless another one is given. Two items must never change places in it.
        appends: Whether new items stand behind all others in it.
    """

    sorting: str
    appends: bool

    def appends_by(self, sorting: str) -> bool:
        """Tell whether new items stand behind all others in the order `sorting`."""
        name, _, direction = sorting.lower().partition(" ")
        return self.appends and name == self.sorting.lower() and direction.strip() != "desc"


def _secrets_of(endpoint: "Endpoint[Any]") -> frozenset[str]:
    return frozenset(endpoint.parameters[one.name] for one in fields(endpoint.query) if one.metadata == SECRET)


@frozen
class Endpoint(Generic[T]):
    """A listing of the API.

    Attributes:
        path: Where it is, below the base URL.
        noun: What its items are called, in the plural.
        query: What can be asked for.
        item: What a record becomes.
        identity: What tells one item from another.
        parameters: The names of the parameters on the wire by the names of the query's attributes, in the order in
            which they are sent.
        order: By which order a consistent walk may go; None if no order is known that items keep for life.
        secrets: The names on the wire of the parameters that are secrets.
    """

    path: str
    noun: str
    query: type[Query[T]]
    item: type[T]
    identity: Callable[[T], Hashable]
    parameters: Mapping[str, str] = field(repr=False, converter=MappingProxyType[str, str])
    order: Order | None = None
    secrets: frozenset[str] = field(init=False, repr=False, default=Factory(_secrets_of, takes_self=True))


@frozen
class ValueEndpoint(Generic[T]):
    """A request of the API whose response is one value instead of a page.

    Attributes:
        path: Where it is, below the base URL.
        noun: What the value is called, with its article.
        value: The class of the value.
    """

    path: str
    noun: str
    value: type[T]


def _identity_of_thread(thread: ExecutionThread) -> Hashable:
    token = thread.thread_token
    # Where it has none, all its other fields.
    return token if token is not None else (thread.workspace_id, thread.created_at, thread.type)


def _identity_of_workspace(workspace: Workspace) -> Hashable:
    return workspace.workspace_id


def _identity_of_browser(browser: BrowserInstance) -> Hashable:
    # Not the connection string, which may come later than the browser. A process may get the number of an earlier one.
    return (browser.process_id, browser.profile_id)


THREADS: Final = Endpoint(
    path="/v1/threads",
    noun="threads",
    query=ThreadsQuery,
    item=ExecutionThread,
    identity=_identity_of_thread,
    parameters={
        "workspace_id": "workspaceId",
        "start": "start",
        "total": "total",
        "thread_token": "thread_token",
        "type": "type",
        "sorting": "sorting",
    },
    order=Order("CreatedAt", appends=True),
)

WORKSPACES: Final = Endpoint(
    path="/v1/workspaces",
    noun="workspaces",
    query=WorkspacesQuery,
    item=Workspace,
    identity=_identity_of_workspace,
    parameters={"start": "start", "total": "total", "id": "id", "name": "name", "roles": "roles"},
)

BROWSER_INSTANCES: Final = Endpoint(
    path="/v1/browser_instances",
    noun="browsers",
    query=BrowserInstancesQuery,
    item=BrowserInstance,
    identity=_identity_of_browser,
    parameters={
        "workspace_id": "workspaceId",
        "start": "start",
        "total": "total",
        "profile_id": "profileId",
        "process_id": "processId",
        "sorting": "sorting",
    },
    # Two browsers never have the same process, and the number of a new one may be any.
    order=Order("ProcessId", appends=False),
)

LIMITS: Final = ValueEndpoint(path="/v1/product/limits", noun="a set of limits", value=Limits)

ENDPOINTS: Final = (THREADS, WORKSPACES, BROWSER_INSTANCES)


def endpoint_of(query: Query[T]) -> Endpoint[T]:
    """Return the listing that `query` is for.

    Raises:
        ConfigurationError: It is for none.
    """
    for endpoint in ENDPOINTS:
        if isinstance(query, endpoint.query):
            return cast("Endpoint[T]", endpoint)
    raise ConfigurationError("query must be a query of one of the listings", parameter="query")
