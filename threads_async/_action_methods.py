"""The methods of the client that start, continue and stop threads, and that return the limits."""

from collections.abc import Iterable
from typing import overload

from threads_async._base_client import BaseClient
from threads_async._checks import INT32_MAX, check_int64, check_seconds, check_whole_number
from threads_async._targets import checked, target_of, targets_of
from threads_async.lease import ThreadLease
from threads_async.models import ExecutionThread, Limits


class ActingClient(BaseClient):
    """The part of `ThreadsClient` that starts, continues and stops threads."""

    async def limits(self, workspace_id: int = -1) -> Limits:
        """Return the limits of the licence, and how much of them is in use. Sends one request.

        `Limits.free_threads` is the number of threads that can still be started. Computers with the same licence share
        one thread limit, so some active threads may run on another computer. `ThreadsClient.threads` does not list
        these.

        Args:
            workspace_id: The workspace, a 64-bit integer. -1 is the default workspace.

        Raises:
            RequestError: As in `ThreadsClient.fetch_page`. If the server does not offer limits, it is a `StatusError`
                with status 404.
            ClientClosedError: The client or its session is closed, or belongs to another event loop.
            ConfigurationError: ``workspace_id`` is not a 64-bit integer.
        """
        check_int64("workspace_id", workspace_id)
        return await self._actor.limits(workspace_id)

    async def start_thread(self, workspace_id: int = -1, *, wait: float | None = None) -> ExecutionThread:
        """Start a thread and return it.

        The request is sent again only if no connection was made, because each request that the server receives may
        start a thread. With ``wait``, it is also sent again if the server says that it has started no thread.

        Prefer `new_thread`, which also stops the thread, even if your task is cancelled during the start. A thread that
        nobody stops keeps running.

        Args:
            workspace_id: The workspace, a 64-bit integer. -1 is the default workspace.
            wait: Maximum time to wait for a free thread, in seconds. By default, the client does not wait. Tasks that
                wait get their threads in the order in which they began to wait.

        Raises:
            ThreadLimitError: No thread is free, or none became free in time.
            RequestError: The request failed otherwise. If `RequestError.unknown_since` is not None, the server may have
                started a thread: look for one with a later ``created_at``.
            ClientClosedError: The client or its session is closed, or belongs to another event loop.
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        check_int64("workspace_id", workspace_id)
        if wait is None:
            return await self._actor.start(workspace_id)
        check_seconds("wait", wait)
        return await self._actor.queues.of(workspace_id).start(lambda: self._actor.start(workspace_id), wait)

    async def start_threads(self, count: int, workspace_id: int = -1) -> tuple[ExecutionThread, ...]:
        """Start several threads and return them. Sends one request for up to 100 threads.

        Args:
            count: The number of threads to start, from 1 to 2³¹ - 1.
            workspace_id: The workspace, a 64-bit integer. -1 is the default workspace.

        Raises:
            ThreadLimitError: Fewer threads are free.
            RequestError: A request failed otherwise. `RequestError.done` has the tokens of the threads that earlier
                requests started. If `RequestError.unknown_since` is not None, the server may have started more.
            ClientClosedError: The client or its session is closed, or belongs to another event loop.
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        check_whole_number("count", count, 1, INT32_MAX)
        check_int64("workspace_id", workspace_id)
        return await self._actor.start_several(count, workspace_id)

    @overload
    async def continue_thread(self, thread: ExecutionThread, *, workspace_id: int | None = None) -> ExecutionThread: ...

    @overload
    async def continue_thread(self, thread: str, *, workspace_id: int | None = None) -> ExecutionThread | None: ...

    async def continue_thread(
        self, thread: ExecutionThread | str, *, workspace_id: int | None = None
    ) -> ExecutionThread | None:
        """Extend the lifetime of a thread, and return what is then known of it.

        The API does not document how long a thread lives, nor whether it gets another token. Use the thread that is
        returned from then on.

        Args:
            thread: The thread, or its token.
            workspace_id: The workspace of the thread. By default, that of ``thread``, or -1 for a token.

        Returns:
            The thread that the server returned. If it returned none: ``thread``, or None for a token.

        Raises:
            RequestError: The request failed, with all its attempts.
            ClientClosedError: The client or its session is closed, or belongs to another event loop.
            ConfigurationError: ``thread`` has no token, or a parameter is invalid. The error names the parameter.
        """
        target = target_of(thread, workspace_id)
        del thread
        return (await self._actor.continue_one(checked(target))).thread

    async def continue_threads(
        self, threads: Iterable[ExecutionThread | str], *, workspace_id: int | None = None
    ) -> tuple[ExecutionThread | None, ...]:
        """Extend the lifetimes of several threads. Sends one request for up to 100 threads.

        If a thread cannot be continued, the others are continued nevertheless, and the error is raised at the end.

        Args:
            threads: The threads, or their tokens. A thread that is named twice is continued once.
            workspace_id: The workspace of the threads. By default, that of each thread, or -1 for a token.

        Returns:
            What `continue_thread` returns, for each thread in order.

        Raises:
            RequestError: A request failed. `RequestError.done` has the tokens of the threads that were continued, as
                they are then.
            ClientClosedError: The client or its session is closed, or belongs to another event loop.
            ConfigurationError: A thread has no token, or a parameter is invalid. The error names the parameter.
        """
        targets = targets_of(threads, workspace_id)
        del threads
        return await self._actor.continue_several(checked(targets))

    async def stop_thread(self, thread: ExecutionThread | str, *, workspace_id: int | None = None) -> None:
        """Stop a thread, and the browser that runs in it. Does nothing if the thread is no longer running.

        The API does not document its response for a thread that is no longer running. If the server responds with an
        error, the client lists the threads to find out: if none has this token, the thread counts as stopped.

        Args:
            thread: The thread, or its token.
            workspace_id: The workspace of the thread. By default, that of ``thread``, or -1 for a token.

        Raises:
            RequestError: The request failed, with all its attempts.
            ClientClosedError: The client or its session is closed, or belongs to another event loop.
            ConfigurationError: ``thread`` has no token, or a parameter is invalid. The error names the parameter.
        """
        target = target_of(thread, workspace_id)
        del thread
        await self._actor.stop_one(checked(target))

    async def stop_threads(self, threads: Iterable[ExecutionThread | str], *, workspace_id: int | None = None) -> None:
        """Stop several threads, as `stop_thread` does. Sends one request for up to 100 threads.

        If a thread cannot be stopped, the others are stopped nevertheless, and the error is raised at the end.

        Args:
            threads: The threads, or their tokens.
            workspace_id: The workspace of the threads. By default, that of each thread, or -1 for a token.

        Raises:
            RequestError: A request failed. `RequestError.done` has the tokens of the threads that were stopped.
            ClientClosedError: The client or its session is closed, or belongs to another event loop.
            ConfigurationError: A thread has no token, or a parameter is invalid. The error names the parameter.
        """
        targets = targets_of(threads, workspace_id)
        del threads
        await self._actor.stop_several(checked(targets))

    def new_thread(
        self, workspace_id: int = -1, *, continue_every: float = 60.0, wait: float | None = None
    ) -> ThreadLease:
        """Return a thread of your own for an ``async with``, which starts it, keeps it alive and stops it.

        ::

            async with client.new_thread(wait=600) as thread:
                await work_with(thread.thread_token)

        The thread is stopped also after an error, a cancellation or Ctrl-C. Stopping takes at most the ``timeout`` of
        the client. The ``async with`` raises the errors of `start_thread` at its beginning. At its end, it raises the
        error if the thread cannot be stopped, or logs it if it ends with another error.

        Args:
            workspace_id: The workspace, a 64-bit integer. -1 is the default workspace.
            continue_every: Time between two requests to continue the thread, in seconds. The API does not document how
                long a thread lives. After a failure, which is logged, the next request comes after a quarter of this
                time.
            wait: As in `start_thread`.

        Raises:
            ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter.
        """
        check_int64("workspace_id", workspace_id)
        check_seconds("continue_every", continue_every)
        if wait is not None:
            check_seconds("wait", wait)
        return ThreadLease(
            self._actor, workspace_id, continue_every=continue_every, wait=wait, stop_within=self._timeout
        )
