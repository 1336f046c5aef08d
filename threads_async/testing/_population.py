"""The rows of a list of `FakeServer`: filter, sort and change them. Performs no I/O."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic

from attrs import evolve, frozen

from threads_async.testing._rows import Row

_MOST_VIEWS: Final = 64


@frozen
class View:
    """The rows that a request selects, before slicing.

    Attributes:
        workspace_id: The workspace of the rows; None for a list that does not depend on the workspace.
        filters: Pairs of a row attribute and the value that it must have.
        sort_key: The attribute to sort by; None for the order of creation.
        descending: Whether to sort in descending order.
    """

    workspace_id: int | None = None
    filters: tuple[tuple[str, object], ...] = ()
    sort_key: str | None = None
    descending: bool = False

    @property
    def unfiltered(self) -> "View":
        """The same view without filters."""
        return evolve(self, filters=())

    def shows(self, row: Any) -> bool:
        """Tell whether `row` matches."""
        in_workspace = self.workspace_id is None or row.workspace_id == self.workspace_id
        return in_workspace and all(getattr(row, name) == value for name, value in self.filters)

    def of(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Return the matching rows, sorted; equal rows stay in the order of creation."""
        seen = [row for row in rows if self.shows(row)]
        if self.sort_key is not None:
            name = self.sort_key

            def key(row: Row) -> tuple[bool, str | int]:
                value = getattr(row, name)
                return (value is not None, "" if value is None else value)

            seen.sort(key=key, reverse=self.descending)
        return tuple(seen)


class Population(Generic[Row]):
    """All rows of a list in the order of creation, and the views of them.

    Args:
        rows: Initial number of rows, or the rows themselves.
        maker: Takes the given rows and returns the function that creates further rows.

    Attributes:
        make: Creates a further row.
    """

    def __init__(self, rows: int | Iterable[Row], maker: Callable[[tuple[Row, ...]], Callable[..., Row]]) -> None:
        given = () if isinstance(rows, int) else tuple(rows)
        self.make = maker(given)
        self._alive = [self.make() for _ in range(rows)] if isinstance(rows, int) else list(given)
        self._views: dict[View, tuple[Row, ...]] = {}

    @property
    def alive(self) -> tuple[Row, ...]:
        """All rows."""
        return tuple(self._alive)

    def add(self, **given: Any) -> Row:
        """Create a row from the given values, append it, and return it."""
        row = self.make(**given)
        self._alive.append(row)
        self._views.clear()
        return row

    def remove(self, is_it: Callable[[Row], bool], absent: str) -> Row:
        """Remove the first row for which `is_it` returns true, and return it.

        Raises:
            LookupError: There is no such row; `absent` is the message.
        """
        for index, row in enumerate(self._alive):
            if is_it(row):
                self._views.clear()
                return self._alive.pop(index)
        raise LookupError(absent)

    def replace(self, row: Row, changed: Row) -> None:
        """Put `changed` in the place of `row`."""
        self._alive[self._alive.index(row)] = changed
        self._views.clear()

    def seen_by(self, view: View) -> tuple[Row, ...]:
        """Return the rows that `view` selects. The result is cached, at most until the list changes."""
        found = self._views.get(view)
        if found is None:
            # Without a limit, a program that filters by one token after another would fill the memory.
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
            found = self._views[view] = view.of(self._alive)
        return found
