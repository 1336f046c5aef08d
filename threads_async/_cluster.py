"""The workers of a Dask cluster: which there are, and running a task on one of them."""

import asyncio
import uuid
from collections.abc import Callable, Collection, Coroutine, Iterable
from functools import partial
from typing import Any, TypeVar

import distributed

from threads_async import _ending
from threads_async._answers import Answer
from threads_async._fleet_error import WorkerError
from threads_async._lookout import Lookout, Worker
from threads_async._secrets import excerpt
from threads_async.errors import ClientClosedError, ConfigurationError, ThreadsError

R = TypeVar("R")


class Cluster:
    """A Dask cluster, through a client of the user.

    The client may be asynchronous, and belong to the running event loop, or synchronous, with a loop in a thread of its
    own. Both do the same work in their loops; only the way there is different.

    Args:
        client: The client of the user.
    """

    def __init__(self, client: distributed.Client) -> None:
        # Most of its methods have no types.
        self._client: Any = client
        self._lookout = Lookout(self._addresses)

    @property
    def closed(self) -> bool:
        """Whether the client of the user is closed."""
        status: str = self._client.status
        return status in ("closing", "closed")

    async def workers(self, wanted: Collection[str] | None = None) -> list[Worker]:
        """Return the workers with the names or addresses `wanted`, or all workers.

        Raises:
            ConfigurationError: One of `wanted` is not there.
            WorkerError: There are no workers, or the scheduler cannot be reached.
            ClientClosedError: The client of the user is closed.
        """
        known = _workers_of(await self._inside(partial(self._ask, "identity", n_workers=-1)))
        if not known:
            raise WorkerError("the Dask cluster has no workers")
        return list(known.values()) if wanted is None else _chosen(known, wanted)

    async def worker(self, name: str) -> Worker:
        """Return the worker with this name.

        Raises:
            WorkerError: It is not there, or the scheduler cannot be reached.
            ClientClosedError: The client of the user is closed.
        """
        known = _workers_of(await self._inside(partial(self._ask, "identity", n_workers=-1)))
        if name not in known:
            raise WorkerError(f"worker {name} is not there", worker=name)
        return known[name]

    async def run(self, worker: Worker, noun: str, function: Callable[..., Any], *arguments: object) -> Answer:
        """Run `function` in a task on `worker`, and return its answer.

        Args:
            worker: The worker.
            noun: A word for the task, which dashboards show.
            function: A function of `_on_worker`.
            arguments: Its arguments.

        Raises:
            WorkerError: The worker was lost, or it cannot run the task.
            ClientClosedError: The client of the user is closed.
        """
        key = f"threads_async-{noun}-{uuid.uuid4().hex}"
        work = partial(self._run, worker, key, function, arguments)
        running: asyncio.Task[Answer] = asyncio.get_running_loop().create_task(self._inside(work))
        lost = self._lookout.expect(worker)
        first: tuple[asyncio.Future[Any], ...] = (running, lost)
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return running.result()
            raise lost.result()
        finally:
            self._lookout.forget(lost)
            await _ending.end([running])
            # The traceback of the error refers to this frame.
            del running, lost, first

    async def _addresses(self) -> Collection[str]:
        found: Collection[str] = await self._inside(partial(self._ask, "ncores"))
        return found

    async def _inside(self, work: Callable[[], Coroutine[Any, Any, R | ThreadsError]]) -> R:
        """Run `work` in the loop of the client, and return its result, or raise the error that it returns."""
        loop: asyncio.AbstractEventLoop = self._client.loop.asyncio_loop
        if loop is asyncio.get_running_loop():
            result = await work()
        elif loop.is_running():
            result = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), loop))
        else:
            raise ClientClosedError("the event loop of the Dask client has ended")
        if not isinstance(result, ThreadsError):
            return result
        try:
            raise result
        finally:
            # The traceback of the error refers to this frame.
            del result

    async def _ask(self, question: str, **parameters: object) -> Any:
        """Return the answer of the scheduler, or an error."""
        scheduler = self._client.scheduler
        if self.closed or scheduler is None:
            return ClientClosedError("the Dask client is closed, or not connected yet")
        try:
            return await getattr(scheduler, question)(**parameters)
        except Exception as error:  # noqa: BLE001 - whatever Dask raises
            return self._failure("the Dask scheduler cannot be reached", error)

    async def _run(
        self, worker: Worker, key: str, function: Callable[..., Any], arguments: tuple[object, ...]
    ) -> Answer | ThreadsError:
        """Return the answer of a task, or the reason why there is none."""
        failed = f"worker {worker.name} was lost, or cannot run the task"
        try:
            # Without the address, Dask would run the task anywhere. A retry of Dask would repeat what the client on the
            # worker has retried before, or call a function twice.
            future = self._client.submit(
                function,
                *arguments,
                key=key,
                workers=[worker.address],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
        except Exception as error:  # noqa: BLE001 - whatever Dask raises
            return self._failure(failed, error, worker.name)
        try:
            # Wait for its end, and only then for its answer: `gather` must not be cancelled. Other calls wait for the
            # same transfer, and Dask would never start another one.
            await future.exception(asynchronous=True)
            transfer: asyncio.Future[Any] = asyncio.ensure_future(self._client.gather(future, asynchronous=True))
            transfer.add_done_callback(_forget)
            answer: object = await asyncio.shield(transfer)
        except Exception as error:  # noqa: BLE001 - whatever Dask raises
            return self._failure(failed, error, worker.name)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Not this task was cancelled, but a transfer for which it waited with others.
            return self._failure("Dask cancelled the transfer of an answer", error, worker.name)
        finally:
            # If the task has not started, it never will.
            future.release()
        if isinstance(answer, Answer):
            return answer
        return WorkerError(f"worker {worker.name} has another version of threads-async", worker=worker.name)

    def _failure(self, what: str, error: BaseException, worker: str = "") -> ThreadsError:
        """Return our error for an error of Dask."""
        if self.closed:
            return ClientClosedError("the Dask client was closed")
        text = excerpt(str(error))
        return WorkerError(f"{what} ({type(error).__name__}{f': {text}' if text else ''})", worker=worker)


def _forget(transfer: "asyncio.Future[Any]") -> None:
    """Read the error of a transfer, which asyncio would otherwise report if nobody waits for it any more."""
    if not transfer.cancelled():
        transfer.exception()


def _workers_of(identity: Any) -> dict[str, Worker]:
    """Return the workers by their names. `identity` is what the scheduler says of itself."""
    known: dict[str, Worker] = {}
    for address, one in identity["workers"].items():
        # Names may be numbers. Dask allows both 1 and "1".
        name = str(one["name"])
        name = address if name in known else name
        known[name] = Worker(name, address, one["nthreads"])
    return known


def _chosen(known: dict[str, Worker], wanted: Iterable[str]) -> list[Worker]:
    by_address = {worker.address: worker for worker in known.values()}
    chosen: dict[str, Worker] = {}
    for name in wanted:
        worker = known.get(name) or by_address.get(name)
        if worker is None:
            raise ConfigurationError(f"the Dask cluster has no worker {name!r}", parameter="workers")
        chosen[worker.name] = worker
    return list(chosen.values())
