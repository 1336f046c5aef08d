"""The paths, parameters and types of the lists and values of the API. Performs no I/O.

To add a list, write a model, a query and a method of the client, and add an `Endpoint` to `ENDPOINTS`.
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
    """The order in which a consistent walk can read a list.

    Attributes:
        sorting: The order to request unless the query has one. Two items must never change places in it.
        appends: Whether new items are added at the end in this order.
    """

    sorting: str
    appends: bool

    def appends_by(self, sorting: str) -> bool:
        """Return whether new items are added at the end in the order `sorting`."""
        name, _, direction = sorting.lower().partition(" ")
        return self.appends and name == self.sorting.lower() and direction.strip() != "desc"


def _secrets_of(endpoint: "Endpoint[Any]") -> frozenset[str]:
    return frozenset(endpoint.parameters[one.name] for one in fields(endpoint.query) if one.metadata == SECRET)


@frozen
class Endpoint(Generic[T]):
    """An endpoint of the API that returns pages of a list.

    Attributes:
        path: The path below the base URL.
        noun: The word for its items in messages, in the plural.
        query: The class of its queries.
        item: The class of its items.
        identity: Returns the value that distinguishes an item from all others.
        parameters: The attributes of the query and their names on the wire, in the order in which they are sent.
        order: The order in which a consistent walk can read the list, or None if its items have no fixed order.
        secrets: The names on the wire of the parameters that are secret.
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
    """An endpoint of the API that returns one value instead of a page.

    Attributes:
        path: The path below the base URL.
        noun: The words for the value in messages, with an article.
        value: The class of the value.
        parameters: The names of the parameters in Python, with their names on the wire.
    """

    path: str
    noun: str
    value: type[T]
    parameters: Mapping[str, str] = field(repr=False, converter=MappingProxyType[str, str])


def _identity_of_thread(thread: ExecutionThread) -> Hashable:
    token = thread.thread_token
    # A thread without a token is identified by all its other fields.
    return token if token is not None else (thread.workspace_id, thread.created_at, thread.type)


def _identity_of_workspace(workspace: Workspace) -> Hashable:
    return workspace.workspace_id


def _identity_of_browser(browser: BrowserInstance) -> Hashable:
    # Not the connection string, which may be set only after the browser is listed. The process alone is not enough,
    # because process ids are reused.
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
    # Two running browsers never have the same process id. A new browser can have any id.
    order=Order("ProcessId", appends=False),
)

LIMITS: Final = ValueEndpoint(
    path="/v1/product/limits", noun="a set of limits", value=Limits, parameters={"workspace_id": "workspaceId"}
)

ENDPOINTS: Final = (THREADS, WORKSPACES, BROWSER_INSTANCES)


def endpoint_of(query: Query[T]) -> Endpoint[T]:
    """Return the endpoint that `query` is for.

    Raises:
        ConfigurationError: There is no such endpoint.
    """
    for endpoint in ENDPOINTS:
        if isinstance(query, endpoint.query):
            return cast("Endpoint[T]", endpoint)
    raise ConfigurationError(
        "query must be a ThreadsQuery, WorkspacesQuery or BrowserInstancesQuery", parameter="query"
    )
