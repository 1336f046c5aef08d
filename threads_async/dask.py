"""The threads of machines whose API can be reached only on the machine itself, through Dask workers there.

Install the package with ``pip install "threads-async[dask]"`` on the scheduler, on the workers and where your program
runs, and start a worker on each machine, with ``ZB_API_TOKEN`` in its environment. The token never leaves the machine.
"""

from collections.abc import Awaitable, Callable, Collection, Coroutine
from functools import partial
from typing import Any, Final, Unpack, cast, overload

try:
    import distributed
except ImportError as _missing:
    _MESSAGE = 'threads_async.dask needs Dask: pip install "threads-async[dask]"'
    raise ImportError(_MESSAGE) from _missing

from attrs import evolve

from threads_async._answers import CallError
from threads_async._checks import INT32_MAX, check_whole_number
from threads_async._cluster import Cluster
from threads_async._endpoints import THREADS
from threads_async._fleet_error import WorkerError
from threads_async._fleet_iterators import FleetIterator, FleetPageIterator, MachineListings
from threads_async._fleet_values import FleetPage, FleetThread, OnError
from threads_async._logs import tell_of_one_slot
from threads_async._lookout import Worker
from threads_async._outcomes import Calls, OutcomeIterator, ThreadOutcome
from threads_async._parameters import ThreadsParameters
from threads_async._remote import RemoteSource, function_of
from threads_async.errors import ConfigurationError
from threads_async.listing import Listing, ThreadListing
from threads_async.models import ExecutionThread, T
from threads_async.queries import ThreadsQuery

__all__ = [
    "CallError",
    "OutcomeIterator",
    "ThreadOutcome",
    "WorkerError",
    "map_threads",
    "threads_of_workers",
]

_AT_ONCE: Final = 32
"""Maximum number of workers that `threads_of_workers` reads at the same time, as in a fleet."""

_NOWHERE: Final = Worker("", "", 0)


def threads_of_workers(
    dask_client: distributed.Client,
    *,
    workers: Collection[str] | None = None,
    on_error: OnError = "continue",
    **parameters: Unpack[ThreadsParameters],
) -> FleetIterator[FleetThread]:
    """Return an iterator over the threads on the machines of Dask workers. Nothing is sent until you read the first.

    ::

        async for found in threads_of_workers(dask_client):
            print(found.machine, found.thread.type)

    Each worker lists the threads of its own machine, with the settings in its environment, and returns them page by
    page. `~threads_async.FleetThread.machine` is the name of the worker, or its address if it was not given a name. If
    a worker is lost, its failure is a `WorkerError`; `~threads_async.FleetIterator.resume` then continues on the worker
    that has its name. Everything else works as in `~threads_async.Fleet.threads`.

    Args:
        dask_client: The client of the Dask cluster. It may be asynchronous or not. It is never closed.
        workers: The names or addresses of the workers to ask. By default, all workers that are in the cluster when you
            read the first thread.
        on_error: As in `~threads_async.Fleet.threads`.
        parameters: The parameters of `~threads_async.Fleet.threads`, except ``thread_token``, which is refused: it
            would be in the tasks of Dask.

    Raises:
        ConfigurationError: A parameter has the wrong type or is out of range. The error names the parameter. When you
            read the first thread, also: one of the ``workers`` is not in the cluster.
    """
    cluster, listing = _checked(dask_client, workers, parameters)
    if on_error not in ("continue", "stop"):
        raise ConfigurationError("on_error must be 'continue' or 'stop'", parameter="on_error")
    return FleetIterator(_WorkerPages(partial(_sources, cluster, workers), listing, on_error))


@overload
def map_threads(
    dask_client: distributed.Client,
    function: Callable[[ExecutionThread], Coroutine[Any, Any, T]],
    *,
    workers: Collection[str] | None = None,
    at_once: int = 4,
    **parameters: Unpack[ThreadsParameters],
) -> OutcomeIterator[T]: ...


@overload
def map_threads(
    dask_client: distributed.Client,
    function: Callable[[ExecutionThread], T],
    *,
    workers: Collection[str] | None = None,
    at_once: int = 4,
    **parameters: Unpack[ThreadsParameters],
) -> OutcomeIterator[T]: ...


def map_threads(
    dask_client: distributed.Client,
    function: Callable[[ExecutionThread], Any],
    *,
    workers: Collection[str] | None = None,
    at_once: int = 4,
    **parameters: Unpack[ThreadsParameters],
) -> OutcomeIterator[Any]:
    """Call a function for each thread, on the machine where the thread runs, and return an iterator over the outcomes.

    ::

        async for outcome in map_threads(dask_client, screenshot):
            print(outcome.machine, outcome.thread.type, outcome.error or outcome.result)

    Each thread is passed to the function at most once. If the function raises an error, the outcome has it. If a worker
    is lost, the `~threads_async.FleetError` at the end has a `WorkerError`. Each thread whose call was sent and not
    answered then has an outcome with a `WorkerError` whose ``unknown`` is true. Threads whose call was not sent have
    none.

    The function is pickled, and runs in the worker: a plain function in one of its threads, an ``async def`` function
    in its event loop, which it must not block. Its results cross the network. Threads in them have their tokens.

    Args:
        dask_client: As in `threads_of_workers`.
        function: The function. It gets an `~threads_async.ExecutionThread`.
        workers: As in `threads_of_workers`.
        at_once: Maximum number of calls that were sent to a worker and not answered. A worker runs as many of them at
            the same time as it has threads (``--nthreads``).
        parameters: As in `threads_of_workers`. ``max_items`` is the maximum number of calls on all machines together.

    Raises:
        ConfigurationError: The function cannot be called or pickled, or as in `threads_of_workers`.
    """
    cluster, listing = _checked(dask_client, workers, parameters)
    check_whole_number("at_once", at_once, 1, INT32_MAX)
    ready = function_of(function)
    # The error of a pickler has the variables of the function in its frames, which a traceback must not show.
    del function
    if isinstance(ready, ConfigurationError):
        raise ready
    return OutcomeIterator(partial(_calls, cluster, workers, listing), ready, at_once, listing.max_items)


class _WorkerPages(FleetPageIterator[FleetThread]):
    """The pages of a fleet whose machines are not known before the first page is read."""

    def __init__(
        self, find: Callable[[], Awaitable[list[RemoteSource]]], listing: ThreadListing, on_error: OnError
    ) -> None:
        super().__init__(MachineListings(listing, {}, FleetThread, _AT_ONCE, on_error))
        self._find = find

    async def _next(self) -> FleetPage[FleetThread]:
        if not (self._machines.listings or self._closed or self._left == 0):
            listings = {source.name: evolve(self._machines.listing, source=source) for source in await self._find()}
            self._machines = evolve(self._machines, listings=listings)
            self._due.extend(listings)
        return await super()._next()


def _checked(dask_client: object, workers: object, parameters: ThreadsParameters) -> tuple[Cluster, ThreadListing]:
    """Return the cluster, and the listing of any worker."""
    if not isinstance(dask_client, distributed.Client):
        raise ConfigurationError("dask_client must be a distributed.Client", parameter="dask_client")
    if workers is not None and not _are_names(workers):
        raise ConfigurationError("workers must be a collection of strings, or None for all", parameter="workers")
    if parameters.pop("thread_token", None) is not None:
        raise ConfigurationError("thread_token is refused: it would be in the tasks of Dask", parameter="thread_token")
    cluster = Cluster(dask_client)
    given: dict[str, Any] = {**parameters}
    way = {name: given.pop(name) for name in ("max_items", "prefetch", "consistent") if name in given}
    return cluster, Listing(RemoteSource(cluster, _NOWHERE), THREADS, ThreadsQuery(**given), **way)


def _are_names(workers: object) -> bool:
    if isinstance(workers, str) or not isinstance(workers, Collection) or not workers:
        return False
    return all(isinstance(name, str) for name in cast("Collection[object]", workers))


async def _sources(cluster: Cluster, wanted: Collection[str] | None) -> list[RemoteSource]:
    """Return a source for each worker. Log which of them have a single slot."""
    workers = await cluster.workers(wanted)
    for worker in workers:
        if worker.slots == 1:
            tell_of_one_slot(worker.name)
    return [RemoteSource(cluster, worker) for worker in workers]


async def _calls(cluster: Cluster, wanted: Collection[str] | None, listing: ThreadListing) -> list[Calls]:
    sources = await _sources(cluster, wanted)
    return [Calls(source.name, source, evolve(listing, source=source).pages()) for source in sources]
