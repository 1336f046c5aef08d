"""Rows: values as flat dictionaries for data frames and tables. Performs no I/O.

Rule 1. The fields of a value in a value are beside the other fields, in its place.
Rule 2. If the value in a value is optional, their names begin with the name of its field.
Rule 3. All rows of a class have the same columns: without the optional value, they are None.
"""

from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

from attrs import fields, frozen

from threads_async._records import is_value
from threads_async.models import Value


@frozen
class _Nested:
    """A field that contains a value.

    Attributes:
        prefix: What the names of its columns begin with.
        columns: The names of its columns.
    """

    prefix: str
    columns: tuple[str, ...]


def _nested_in(model: type[Value]) -> Iterator[tuple[str, _Nested]]:
    """Yield the fields of `model` that contain a value, with their columns."""
    for name, hint in get_type_hints(model).items():
        for kind in filter(is_value, (hint, *get_args(hint))):
            prefix = "" if kind is hint else f"{name}_"
            yield name, _Nested(prefix, tuple(f"{prefix}{attribute.name}" for attribute in fields(kind)))


def flattened(model: type[Value], unstructure: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """Return a function that returns the row of a `model`.

    Args:
        model: The class of the value.
        unstructure: Returns the fields of the value, where a value in it is a row.
    """
    nested = dict(_nested_in(model))
    if not nested:
        return unstructure

    def row_of(value: Any) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for name, data in unstructure(value).items():
            if name not in nested:
                row[name] = data
            elif data is None:
                row |= dict.fromkeys(nested[name].columns)
            else:
                row |= {f"{nested[name].prefix}{column}": cell for column, cell in data.items()}
        return row

    return row_of
