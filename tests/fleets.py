"""Several fake servers, and a fleet of their clients, for the tests of fleets."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from attrs import frozen

from threads_async import Fleet, FleetThread, FleetWatch, RetryPolicy, ThreadsClient, ThreadWatch
from threads_async._cadence import Cadence
from threads_async._looking import Surroundings
from threads_async.testing import FakeServer, FakeThread

ONCE = RetryPolicy(attempts=1)


@frozen
class Farm:
    """Machines and their fleet.

    Attributes:
        servers: The server of each machine, by its name: ``a``, ``b`` and so on.
        fleet: The fleet of their clients, which attempt each request once.
    """

    servers: dict[str, FakeServer]
    fleet: Fleet

    def tokens(self, names: Iterable[str] | None = None) -> list[tuple[str, str | None]]:
        """Return the names and tokens of all threads on these machines, or on all machines."""
        names = self.servers if names is None else names
        return sorted(pair for name in names for pair in pairs(name, self.servers[name].threads))


def pairs(name: str, threads: Iterable[FakeThread]) -> list[tuple[str, str | None]]:
    return [(name, thread.thread_token) for thread in threads]


def found(items: Iterable[FleetThread]) -> list[tuple[str, str | None]]:
    """Return the machines and tokens of `items`, sorted."""
    return sorted((item.machine, item.thread.thread_token) for item in items)


@contextlib.asynccontextmanager
async def farm(*counts: int, at_once: int = 32, **settings: Any) -> AsyncGenerator[Farm]:
    """Start a server with so many threads for each of `counts`, with other `settings`, and open their fleet."""
    servers = {
        chr(ord("a") + number): FakeServer(threads=count, seed=number, **settings)
        for number, count in enumerate(counts)
    }
    async with contextlib.AsyncExitStack() as stack:
        for server in servers.values():
            await stack.enter_async_context(server)
        clients = {
            name: ThreadsClient(server.token, base_url=server.url, retry=ONCE) for name, server in servers.items()
        }
        yield Farm(servers, await stack.enter_async_context(Fleet(clients, at_once=at_once)))


def watch_in_virtual_time(fleet: Fleet, longest: float = 30.0) -> FleetWatch:
    """Return what `Fleet.watch` returns, but with the clock of the running event loop, and pauses up to `longest`."""
    around = Surroundings(clock=asyncio.get_running_loop().time)
    return FleetWatch(
        {
            name: ThreadWatch(client._source, client.threads(consistent=True), Cadence(1.0, longest), around)
            for name, client in fleet.clients.items()
        }
    )
