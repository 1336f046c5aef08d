"""The client: what can be asked."""

from uuid import UUID

from threads_async._base_client import BaseClient
from threads_async._checks import check_seconds
from threads_async._endpoints import BROWSER_INSTANCES, THREADS, WORKSPACES, endpoint_of
from threads_async._paging import Slice, single_page
from threads_async.listing import Listing, ThreadListing
from threads_async.models import BrowserInstance, Page, T, ThreadType, Workspace
from threads_async.queries import BrowserInstancesQuery, Query, ThreadsQuery, WorkspacesQuery
from threads_async.watch import ThreadWatch


class ThreadsClient(BaseClient):
    """Lists the execution threads, the workspaces and the running browsers of a ZennoBrowser.

    One client serves a whole program, and any number of tasks at once. Use it as ``async with ThreadsClient() as
    client:``, or call `close` at the end. Making one sends nothing and needs no event loop.

    Args:
        token: The API token of ZennoBrowser's user area; by default that of the environment variable
            ``ZB_API_TOKEN``. White space around it is dropped.
        base_url: Where the API answers; by default that of ``ZB_API_BASE_URL``, else ``http://localhost:8160``.
            It may have a path, and neither credentials nor query nor fragment. The token goes nowhere else.
        session: Your own ``aiohttp.ClientSession``. It is used with its own headers, cookies and connections, and
            never closed. By default the client makes one when it is first needed and closes it with itself.
        timeout: Most seconds for one attempt: waiting for a free connection, connecting, and the whole answer.
        retry: How often a request is tried, and how long in all.
        max_response_bytes: Most bytes of one answer, counted after decompression.

    Raises:
        ConfigurationError: A setting is missing or wrong; it names the parameter.
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
        """Return the listing of all threads that match. Nothing is sent before the first thread is asked for.

        The parameters up to `sorting` are those of the API's page.

        Args:
            workspace_id: A workspace; -1 is the default workspace. A 64-bit integer.
            start: Index of the first thread, from zero: a `next_start` to resume at. At most 2³¹ - 1.
            total: **The page size**, though the API calls it total: the most threads of one request, from 1 to
                2³¹ - 1. It does not bound what is listed; `max_items` does.
            thread_token: Only the thread with this token.
            type: Only threads of this type, as `ThreadType` or its text.
            sorting: ``CreatedAt``, ``ThreadToken``, ``Type`` or ``WorkspaceId``; by default the server's own order.
            max_items: Most threads to list in all, 0 or more; by default all of them.
            prefetch: Most pages to ask for ahead of the one that you have, 0 or more. Pages come in order all the
                same, and what was asked for in vain is thrown away.
            consistent: Whether to give every thread that runs during the whole listing exactly once, even if others
                start and stop. Pages then overlap: by one thread while the list is quiet, by more while it moves. Some
                memory is used for each thread seen. Unless you sort otherwise, the list is sorted by ``CreatedAt``.

        Raises:
            ConfigurationError: A parameter is not of its type or out of its range; it names the parameter.
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
        """Return the listing of all workspaces that match, as `threads` does for threads.

        The threads of a workspace are listed with its `workspace_id`. The API offers no order of workspaces, so they
        cannot be listed consistently: if one is added or removed meanwhile, another one may be missing or come twice.

        Args:
            start: As in `threads`, like `total`, `max_items` and `prefetch`.
            total: The page size.
            id: Only the workspace with this id, a 64-bit integer.
            name: Only workspaces with this name.
            roles: Only workspaces in which the token's owner has such a role, such as ``Owner``.
            max_items: Most workspaces to list in all.
            prefetch: Most pages to ask for ahead.

        Raises:
            ConfigurationError: A parameter is not of its type or out of its range; it names the parameter.
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
        """Return the listing of all running browsers that match, as `threads` does for threads.

        The API lists only browsers that were started through it.

        Args:
            workspace_id: As in `threads`, like `start`, `total`, `max_items` and `prefetch`.
            start: Index of the first browser.
            total: The page size.
            profile_id: Only browsers with this profile, as a UUID or its text.
            process_id: Only the browser of this process, a 32-bit integer.
            sorting: ``ConnectionString``, ``ProcessId`` or ``ProfileId``; by default the server's own order.
            max_items: Most browsers to list in all.
            prefetch: Most pages to ask for ahead.
            consistent: As in `threads`. Unless you sort otherwise, the list is sorted by ``ProcessId``.

        Raises:
            ConfigurationError: A parameter is not of its type or out of its range; it names the parameter.
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
    ) -> ThreadWatch:
        """Return a watch on the threads that match: what runs, then each start and each stop, until you leave it.

        Nothing is sent before the first event is asked for.

        Args:
            workspace_id: As in `threads`, like the three that follow.
            thread_token: Only the thread with this token.
            type: Only threads of this type.
            total: The page size.
            prefetch: Most pages to ask for ahead.
            interval: Seconds from the end of one look at the list to the next.

        Raises:
            ConfigurationError: A parameter is not of its type or out of its range; it names the parameter.
        """
        check_seconds("interval", interval)
        listing = self.threads(
            workspace_id=workspace_id,
            thread_token=thread_token,
            type=type,
            total=total,
            prefetch=prefetch,
            consistent=True,
        )
        return ThreadWatch(listing, interval)

    async def fetch_page(self, query: Query[T]) -> Page[T]:
        """Return one page, with one GET (and its retries).

        Args:
            query: What to ask for: a `ThreadsQuery`, a `WorkspacesQuery` or a `BrowserInstancesQuery`.

        Raises:
            RequestError: The request failed: no connection, no answer in time, an error of the server, or an answer
                that is not what the API promises.
            PaginationError: The page contradicts itself, such as an empty one before the end.
            ClientClosedError: The client or its session is closed.
            ConfigurationError: `query` is none of these.
        """
        asked = Slice(query.start, query.total)
        page = single_page(asked, await self._source.fetch(endpoint_of(query), query))
        if isinstance(page, Page):
            return page
        try:
            raise page
        finally:
            # The error holds this frame by its traceback; the frame must not hold the error.
            del page
