"""The rows of a list of the fake: filtered, sorted, and changed. Performs no I/O."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic

from attrs import evolve, frozen

from threads_async.testing._rows import Row

_MOST_VIEWS: Final = 64


@frozen
class View:
    """What a request asks to see, apart from the slice.

    Attributes:
        workspace_id: Only rows of this workspace; None for a list that has rows of all of them.
        filters: Only rows whose attribute of this name has this value.
        sort_key: The attribute to sort by; None for the order in which the rows were made.
        descending: Whether the last one comes first.
    """

    workspace_id: int | None = None
    filters: tuple[tuple[str, object], ...] = ()
    sort_key: str | None = None
    descending: bool = False

    @property
    def unfiltered(self) -> "View":
        """The same view of all rows of the workspace."""
        return evolve(self, filters=())

    def shows(self, row: Any) -> bool:
        """Tell whether `row` matches."""
        in_workspace = self.workspace_id is None or row.workspace_id == self.workspace_id
        return in_workspace and all(getattr(row, name) == value for name, value in self.filters)

    def of(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Return the rows that match, in order; equal ones stay in the order in which they were made."""
        seen = [row for row in rows if self.shows(row)]
        if self.sort_key is not None:
            name = self.sort_key

            def key(row: Row) -> tuple[bool, str | int]:
                value = getattr(row, name)
                return (value is not None, "" if value is None else value)

            seen.sort(key=key, reverse=self.descending)
        return tuple(seen)


class Population(Generic[Row]):
    """The rows that there are, in the order in which they were made, and what requests see of them.

    Args:
        rows: How many rows there are at first, or the rows themselves.
        maker: Returns what makes further rows, beside those that are given.

    Attributes:
        make: Makes a further row.
    """

    def __init__(self, rows: int | Iterable[Row], maker: Callable[[tuple[Row, ...]], Callable[..., Row]]) -> None:
        given = () if isinstance(rows, int) else tuple(rows)
        self.make = maker(given)
        self._alive = [self.make() for _ in range(rows)] if isinstance(rows, int) else list(given)
        self._views: dict[View, tuple[Row, ...]] = {}

    @property
    def alive(self) -> tuple[Row, ...]:
        """All of them."""
        return tuple(self._alive)

    def add(self, **given: Any) -> Row:
        """Make a row of what is given, put it at the end, and return it."""
        row = self.make(**given)
        self._alive.append(row)
        self._views.clear()
        return row

    def remove(self, is_it: Callable[[Row], bool], absent: str) -> Row:
        """Take out the first row that `is_it`, and return it.

        Raises:
            LookupError: There is none; `absent` is its message.
        """
        for index, row in enumerate(self._alive):
            if is_it(row):
                self._views.clear()
                return self._alive.pop(index)
        raise LookupError(absent)

    def seen_by(self, view: View) -> tuple[Row, ...]:
        """Return what `view` shows. It is worked out once and kept for a while, at most until a start or stop."""
        found = self._views.get(view)
        if found is None:
            # A program that filters by one token after another would fill the memory.
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
            found = self._views[view] = view.of(self._alive)
        return found
