"""Notice that a Dask worker was lost while something waits for it. Dask itself would wait for its return forever."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Container
from typing import Final

from attrs import frozen

from threads_async._fleet_error import WorkerError
from threads_async.errors import ClientClosedError, ThreadsError

_INTERVAL: Final = 0.5
"""Time between two looks, in seconds."""


@frozen
class Worker:
    """A worker of a Dask cluster.

    Attributes:
        name: Its name, or its address if it was not given one.
        address: Its address. After a restart, it is usually another one.
        slots: The number of tasks that it runs at the same time.
    """

    name: str
    address: str
    slots: int


class Lookout:
    """Looks at the cluster twice a second while something waits for a worker.

    Args:
        addresses: Returns the addresses of the workers that are there now.
    """

    def __init__(self, addresses: Callable[[], Awaitable[Container[str]]]) -> None:
        self._addresses = addresses
        self._waiting: dict[asyncio.Future[ThreadsError], Worker] = {}
        self._looking: asyncio.Task[None] | None = None

    def expect(self, worker: Worker) -> "asyncio.Future[ThreadsError]":
        """Return a future that gets an error when `worker` is lost, or if the cluster cannot be asked. `forget` it."""
        lost = asyncio.get_running_loop().create_future()
        self._waiting[lost] = worker
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        return lost

    def forget(self, lost: "asyncio.Future[ThreadsError]") -> None:
        """End the wait for `lost`."""
        del self._waiting[lost]
        lost.cancel()
        if not self._waiting and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        try:
            while True:
                await asyncio.sleep(_INTERVAL)
                failure = await self._compare()
                if failure is not None:
                    self._tell(failure)
        finally:
            if self._looking is asyncio.current_task():
                # It was not `forget`. For example the loop of the Dask client has ended, and nobody may wait forever.
                self._tell(ClientClosedError("the wait for the Dask cluster was cancelled"))

    async def _compare(self) -> ThreadsError | None:
        """Tell those who wait for a lost worker. Return an error if the cluster cannot be asked."""
        try:
            present = await self._addresses()
        except ThreadsError as error:
            return error.with_traceback(None)
        for lost, worker in self._waiting.items():
            if not lost.done() and worker.address not in present:
                lost.set_result(WorkerError(f"worker {worker.name} was lost", worker=worker.name))
        return None

    def _tell(self, failure: ThreadsError) -> None:
        for lost in self._waiting:
            if not lost.done():
                # Each waiting task raises an error of its own.
                lost.set_result(copy.copy(failure))
