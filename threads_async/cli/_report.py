"""Write listings to standard output, page by page."""

from collections.abc import Callable
from typing import Any

from threads_async._closing import ClosingIterator, HasItems
from threads_async._fleet_error import FleetError
from threads_async._fleet_iterators import FleetPageIterator
from threads_async._fleet_listing import FleetListing
from threads_async.cli._client import Connection, client_of
from threads_async.cli._exits import failure_of
from threads_async.cli._output import Noun, Writer
from threads_async.cli._progress import waiting
from threads_async.cli._streams import tell, write
from threads_async.cli._walk import Walk
from threads_async.client import ThreadsClient
from threads_async.errors import ThreadsError
from threads_async.listing import Listing


class Report:
    """Writes the items of one or several listings to standard output, with one header and one summary.

    Args:
        writer: Converts items to text.
        noun: The noun for the items.
        wanted: Returns whether to write an item. By default, all are written.

    Attributes:
        done: Number of items written so far.
        wanted: Returns whether to write an item, or None if all are written.
    """

    def __init__(self, writer: Writer, noun: Noun, wanted: Callable[[Any], bool] | None = None) -> None:
        self.done = 0
        self._writer = writer
        self._noun = noun
        self.wanted = wanted
        self._header = writer.header()
        self._drifted = False
        # Number of items that were read from the current listing.
        self._read = 0

    async def add(self, listing: Listing[Any], walk: Walk, place: str = "") -> int | None:
        """Write the items of `listing` page by page, and return the newest total count that the server reported.

        Args:
            listing: The listing to write.
            walk: The walk of the listing.
            place: Options that are needed to resume this listing, in addition to those of the walk.

        Raises:
            CommandError: A page could not be fetched, or standard output could not be written.
        """
        async with listing.pages() as pages:

            def left() -> int | None:
                return None if pages.total_count is None else walk.to_come(pages.total_count)

            try:
                await self._copy(pages, left)
            except ThreadsError as error:
                start, advice = pages.next_start, ""
                if self.done and start is not None:
                    advice = f"resume with {place}{walk.resume_at(start, self._read)}"
                raise failure_of(error, advice) from None
            self._drifted |= pages.drifted and not listing.consistent
            return pages.total_count

    async def add_fleet(self, listing: FleetListing[Any], walk: Walk) -> None:
        """Write the items of a fleet page by page, and then the summary.

        Args:
            listing: The listing to write.
            walk: The walk of the listing on each machine.

        Raises:
            FleetError: One or more machines failed. The items of the others, and the summary, have been written.
            CommandError: Standard output could not be written.
        """
        async with listing.pages() as pages:

            def left() -> int | None:
                counts = pages.total_counts.values()
                return walk.to_come(sum(counts)) if counts else None

            try:
                await self._copy(pages, left)
            except FleetError:
                if pages.total_counts:
                    self._end_fleet(pages, listing)
                raise
            self._end_fleet(pages, listing)

    def _end_fleet(self, pages: FleetPageIterator[Any], listing: FleetListing[Any]) -> None:
        self._drifted = pages.drifted and not listing.consistent
        self.end()

    async def _copy(self, pages: ClosingIterator[HasItems[Any]], left: Callable[[], int | None]) -> None:
        """Write the items of `pages`. `left` returns the number of items to read in all, if it is known."""
        self._read = 0
        while True:
            of = left()
            with waiting("loading" if of is None else f"{self._read} of {of}"):
                page = await anext(pages, None)
            if page is None:
                return
            # The header is written with the first page: if that page fails, nothing is written.
            items = page.items if self.wanted is None else tuple(filter(self.wanted, page.items))
            self._write(self._writer.rows(items))
            self._read += len(page.items)
            self.done += len(items)

    def end(self, of: int | None = None, *, remedy: bool = True) -> None:
        """Write the summary, and warn if the list has changed.

        Args:
            of: Number of items in the list, if only a part of them was requested.
            remedy: Whether the command has the option --consistent.
        """
        of_all = "" if of in (None, self.done) else f" of {of}"
        self._write(self._writer.footer(f"{self.done}{of_all} {self._noun.of(of if of_all and of else self.done)}"))
        if self._drifted:
            advice = (
                f"; use --consistent to list every {self._noun.one} that runs during the whole listing exactly once"
            )
            tell(
                f"threads-async: the list changed while it was being read, so {self._noun.many} may be missing or "
                f"listed twice{advice if remedy else ''}"
            )

    def _write(self, text: str) -> None:
        header, self._header = self._header, ""
        write(header + text, encoding=self._writer.encoding)


async def write_listing(
    connection: Connection,
    listing_of: Callable[[ThreadsClient], Listing[Any]],
    walk: Walk,
    report: Report,
) -> None:
    """Write one listing with its summary."""
    async with client_of(connection) as client:
        count = await report.add(listing_of(client), walk)
        asked_for_all = walk.start == 0 and walk.max_items is None and report.wanted is None
        report.end(None if asked_for_all else count, remedy=walk.order is not None)
