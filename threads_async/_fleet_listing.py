"""A listing of a fleet: what to list on each machine, as a value that can be iterated any number of times."""

from collections.abc import Mapping
from typing import Any, Generic

from attrs import evolve, frozen

from threads_async._each_machine import call_each
from threads_async._fleet_error import FleetError
from threads_async._fleet_iterators import FleetIterator, FleetPageIterator, MachineListings
from threads_async._fleet_values import FleetPage, OnError
from threads_async.models import T
from threads_async.queries import Query


@frozen(repr=False)
class FleetListing(Generic[T]):
    """All items that match on all machines of a fleet. Pages are requested as you read the items.

    `Fleet.threads`, `Fleet.workspaces` and `Fleet.browser_instances` return a listing. Each ``async for`` over it
    starts from the beginning::

        async for found in fleet.threads():
            print(found.machine, found.thread.type)

    Items come as they arrive, so items of different machines are mixed. Two names for the same machine are two
    machines: its items are then listed once for each.
    """

    _machines: MachineListings[T]

    def __repr__(self) -> str:
        return f"<FleetListing of {len(self._machines.listings)} machines, {self.on_error!r}: {self._machines.listing}>"

    @property
    def query(self) -> Query[Any]:
        """What to list on each machine."""
        return self._machines.listing.query

    @property
    def max_items(self) -> int | None:
        """Maximum number of items to list in all, or None for all items."""
        return self._machines.listing.max_items

    @property
    def prefetch(self) -> int:
        """Maximum number of pages to request ahead, for each machine."""
        return self._machines.listing.prefetch

    @property
    def consistent(self) -> bool:
        """Whether each item that is in the list of a machine during the whole listing is listed exactly once."""
        return self._machines.listing.consistent

    @property
    def on_error(self) -> OnError:
        """What to do if a machine fails, as in `Fleet.threads`."""
        return self._machines.on_error

    def __aiter__(self) -> FleetIterator[T]:
        return FleetIterator(self.pages())

    def pages(self) -> FleetPageIterator[T]:
        """Return an iterator over the pages instead of the items. No page is empty."""
        return FleetPageIterator(self._machines)

    async def collect(self) -> list[T]:
        """Return all items in a list.

        Raises:
            FleetError: One or more machines failed. `FleetError.results` has a list for each machine that was read to
                the end, also if it is empty.
            ClientClosedError: As in `FleetIterator`.
        """
        found: list[FleetPage[T]] = []
        async with self.pages() as pages:
            try:
                async for page in pages:
                    found += [page]
            except FleetError as error:
                results: dict[str, list[T]] = {name: [] for name in self._machines.listings if name in pages.completed}
                for page in found:
                    if page.machine in results:
                        results[page.machine] += page.items
                raise FleetError(error.message, error.failures, results) from None
        return [item for page in found for item in page.items]

    async def first(self) -> T | None:
        """Return the first item that arrives, or None if there is none.

        Sends a request for one item to each machine, until one of them returns an item.

        Raises:
            FleetError: No machine returned an item, and one or more failed.
            ClientClosedError: As in `FleetIterator`.
        """
        least = 1 if self.max_items is None else min(1, self.max_items)
        # One failure is no reason to stop: another machine may have an item.
        machines = evolve(self._with(max_items=least), on_error="continue")
        async with FleetPageIterator(machines) as pages:
            async for page in pages:
                return page.items[0]
        return None

    async def count(self) -> Mapping[str, int]:
        """Return the number of items on each machine, by its name. Sends one request for one item to each machine.

        The number on all machines is ``sum(counts.values())``. `FleetListing.max_items` does not limit it.

        Raises:
            FleetError: One or more machines failed. `FleetError.results` has the numbers of the others.
            ClientClosedError: As in `FleetIterator`.
        """
        machines = self._with(max_items=None)
        calls = {name: listing.count for name, listing in machines.listings.items()}
        return await call_each(calls, machines.listings, machines.at_once, machines.on_error)

    def _with(self, *, max_items: int | None) -> MachineListings[T]:
        machines = self._machines
        listings = {name: evolve(listing, max_items=max_items) for name, listing in machines.listings.items()}
        return evolve(machines, listing=evolve(machines.listing, max_items=max_items), listings=listings)
