"""The client: its methods that list and watch. `_action_methods` has those that change something."""

from uuid import UUID

from threads_async._action_methods import ActingClient
from threads_async._cadence import Cadence
from threads_async._checks import check_seconds
from threads_async._endpoints import BROWSER_INSTANCES, THREADS, WORKSPACES, endpoint_of
from threads_async._looking import Surroundings
from threads_async._paging import Slice, single_page
from threads_async.listing import Listing, ThreadListing
from threads_async.models import BrowserInstance, Page, T, ThreadType, Workspace
from threads_async.queries import BrowserInstancesQuery, Query, ThreadsQuery, WorkspacesQuery
from threads_async.watch import ThreadWatch


class ThreadsClient(ActingClient):
    """Lists, starts and stops the execution threads of a ZennoBrowser, and lists its workspaces and running browsers.

    Create one client for your whole program. Any number of tasks can use it at the same time. Use it as ``async with
    ThreadsClient() as client:``, or call `ThreadsClient.close` at the end. Creating a client sends nothing and needs no
    event loop. The client works in one event loop: in the loop of its first request or, if you pass a session, in the
    loop of the session. `ThreadsClient.close` works in any loop.

    Args:
        token: The API token from ZennoLab's user area. By default, the value of the environment variable
            ``ZB_API_TOKEN``. Surrounding whitespace is removed.
        base_url: The address of the API. By default, the value of ``ZB_API_BASE_URL``, or ``http://localhost:8160``.
            It may have a path, but no credentials, query or fragment. The token is sent to this address only.
        session: Your own `aiohttp.ClientSession`. It keeps its headers, cookies and connections, and is never closed.
            By default, the client creates a session when it first needs one, and `ThreadsClient.close` closes it.
        timeout: Maximum time for one attempt, in seconds. It includes waiting for a free connection, connecting, and
            reading the whole response.
        retry: How many times a request is attempted, and for how long in total.
        max_response_bytes: Maximum size of one response in bytes, after decompression.

    Raises:
        ConfigurationError: A setting is missing or invalid. The error names the parameter.
    """

    def threads(  # noqa: PLR0913 - the parameters of the API, all by keyword
        self,
        *,
        workspace_id: int = -1,
        start: int = 0,
        total: int = 1000,
        thread_token: str | None = None,
        type: ThreadType | str | None = None,  # noqa: A002 - the API's own word
        sorting: str | None = None,
        max_items: int | None = None,
        prefetch: int = 0,
        consistent: bool = False,
    ) -> ThreadListing:
        """Return the listing of all threads that match. Nothing is sent until you read the first thread.

        The parameters up to ``sorting`` are those of the API.

        Args:
            workspace_id: The workspace, a 64-bit integer. -1 is the default workspace.
            start: Index of the first thread, counted from zero, at most 2³¹ - 1. To resume a listing, pass its
                `ItemIterator.next_start`.
            total: **The page size**, which the API calls total: the maximum number of threads in one response, from 1
                to 2³¹ - 1. It does not limit the listing; ``max_items`` does.
            thread_token: List only the thread with this token.
            type: List only threads of this type: a `ThreadType` or its string.
            sorting: ``CreatedAt``, ``ThreadToken``, ``Type`` or ``WorkspaceId``. By default, the order of the server.
            max_items: Maximum number of threads to list, 0 or more. By default, all threads.
            prefetch: Maximum number of pages to request ahead of the one that you are reading, 0 or more. Pages are
                still returned in order, and pages that turn out not to be needed are discarded.
            consistent: Whether to list every thread that runs during the whole listing exactly once, even if others
                start and stop. Pages then overlap, by one thread while the list is quiet and by more while it changes,
                and each thread seen uses some memory. With ``total=1``, pages of 2 are requested, because they overlap.
                Unless you pass ``sorting``, the list is sorted by ``CreatedAt``.

        Raises:
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        query = ThreadsQuery(
            workspace_id=workspace_id,
            start=start,
            total=total,
            thread_token=thread_token,
            type=type,
            sorting=sorting,
        )
        return Listing(self._source, THREADS, query, max_items=max_items, prefetch=prefetch, consistent=consistent)

    def workspaces(  # noqa: PLR0913 - the parameters of the API, all by keyword
        self,
        *,
        start: int = 0,
        total: int = 1000,
        id: int | None = None,  # noqa: A002 - the API's own word
        name: str | None = None,
        roles: str | None = None,
        max_items: int | None = None,
        prefetch: int = 0,
    ) -> Listing[Workspace]:
        """Return the listing of all workspaces that match, as `ThreadsClient.threads` does for threads.

        Pass ``Workspace.workspace_id`` to `ThreadsClient.threads` to list the threads of a workspace. The API cannot
        sort workspaces, so there is no consistent listing of them: if a workspace is added or removed during the
        listing, another one may be missed or listed twice.

        Args:
            start: Index of the first workspace, counted from zero.
            total: The page size.
            id: List only the workspace with this id, a 64-bit integer.
            name: List only workspaces with this name.
            roles: List only workspaces in which the owner of the token has this role, such as ``Owner``.
            max_items: Maximum number of workspaces to list. By default, all workspaces.
            prefetch: Maximum number of pages to request ahead.

        Raises:
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        query = WorkspacesQuery(start=start, total=total, id=id, name=name, roles=roles)
        return Listing(self._source, WORKSPACES, query, max_items=max_items, prefetch=prefetch)

    def browser_instances(  # noqa: PLR0913 - the parameters of the API, all by keyword
        self,
        *,
        workspace_id: int = -1,
        start: int = 0,
        total: int = 1000,
        profile_id: UUID | str | None = None,
        process_id: int | None = None,
        sorting: str | None = None,
        max_items: int | None = None,
        prefetch: int = 0,
        consistent: bool = False,
    ) -> Listing[BrowserInstance]:
        """Return the listing of all running browsers that match, as `ThreadsClient.threads` does for threads.

        The API lists only browsers that were started through it.

        Args:
            workspace_id: The workspace. -1 is the default workspace.
            start: Index of the first browser, counted from zero.
            total: The page size.
            profile_id: List only browsers with this profile: a `uuid.UUID` or its string.
            process_id: List only the browser of this process, a 32-bit integer.
            sorting: ``ConnectionString``, ``ProcessId`` or ``ProfileId``. By default, the order of the server.
            max_items: Maximum number of browsers to list. By default, all browsers.
            prefetch: Maximum number of pages to request ahead.
            consistent: As in `ThreadsClient.threads`. Unless you pass ``sorting``, the list is sorted by
                ``ProcessId``.

        Raises:
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        query = BrowserInstancesQuery(
            workspace_id=workspace_id,
            start=start,
            total=total,
            profile_id=profile_id,
            process_id=process_id,
            sorting=sorting,
        )
        return Listing(
            self._source, BROWSER_INSTANCES, query, max_items=max_items, prefetch=prefetch, consistent=consistent
        )

    def watch(  # noqa: PLR0913 - filters as in `threads`, all by keyword
        self,
        *,
        workspace_id: int = -1,
        thread_token: str | None = None,
        type: ThreadType | str | None = None,  # noqa: A002 - the API's own word
        total: int = 1000,
        prefetch: int = 0,
        interval: float = 1.0,
        max_interval: float = 30.0,
    ) -> ThreadWatch:
        """Return a live picture of the threads that match, which also reports what happens to them.

        Nothing is sent until you wait for the first event or for a look.

        Args:
            workspace_id: The workspace. -1 is the default workspace.
            thread_token: Watch only the thread with this token.
            type: Watch only threads of this type.
            total: The page size.
            prefetch: Maximum number of pages to request ahead.
            interval: Time from the end of one look to the beginning of the next, in seconds, up to 10 % shorter or
                longer at random. A look is one listing of the threads.
            max_interval: Maximum time between two looks after looks that failed, in seconds. After *n* of them, the
                time is random, up to ``interval * 2 ** n``. This limit is never less than ``interval``. If the server
                sends ``Retry-After``, the time is at least that long, but at most an hour of it counts.

        Raises:
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        check_seconds("interval", interval)
        check_seconds("max_interval", max_interval)
        listing = self.threads(
            workspace_id=workspace_id,
            thread_token=thread_token,
            type=type,
            total=total,
            prefetch=prefetch,
            consistent=True,
        )
        return ThreadWatch(self._source, listing, Cadence(interval, max_interval), Surroundings())

    async def fetch_page(self, query: Query[T]) -> Page[T]:
        """Request and return one page.

        Args:
            query: What to request: a `ThreadsQuery`, a `WorkspacesQuery` or a `BrowserInstancesQuery`.

        Raises:
            RequestError: The request failed: no connection, no response in time, an error status, or a response that
                does not have the documented format.
            PaginationError: The page contradicts itself, for example an empty page before the end of the list.
            ClientClosedError: The client or its session is closed, or belongs to another event loop.
            ConfigurationError: The query is not one of these.
        """
        asked = Slice(query.start, query.total)
        page = single_page(asked, await self._source.fetch(endpoint_of(query), query))
        if isinstance(page, Page):
            return page
        try:
            raise page
        finally:
            # The traceback of the error refers to this frame. A reference from the frame to the error closes a cycle.
            del page
