"""Find out whether a thread is no longer running. No HTTP here."""

from threads_async._endpoints import THREADS, WORKSPACES
from threads_async._source import PageSource
from threads_async._targets import Target
from threads_async.errors import ThreadsError
from threads_async.listing import Listing
from threads_async.queries import ThreadsQuery, WorkspacesQuery


async def is_gone(target: Target, source: PageSource) -> bool:
    """Return whether the thread is surely no longer running, because a complete listing does not contain it.

    Returns False if the listing fails.
    """
    try:
        # The caller may have named a wrong workspace. A thread of which only the token is known may be in any.
        workspaces = [target.workspace_id]
        if target.thread is not None:
            workspaces.append(target.thread.workspace_id)
        else:
            listed = await Listing(source, WORKSPACES, WorkspacesQuery()).collect()
            workspaces += [workspace.workspace_id for workspace in listed]
        for workspace_id in dict.fromkeys(workspaces):
            if await _may_be_listed(target, source, workspace_id):
                return False
    except ThreadsError:
        return False
    return True


async def _may_be_listed(target: Target, source: PageSource, workspace_id: int) -> bool:
    token = None if target.renewable else target.token.reveal()
    query = ThreadsQuery(workspace_id=workspace_id, thread_token=token)
    # A server may ignore the filter.
    return any(map(target.may_be, await Listing(source, THREADS, query, consistent=True).collect()))
