"""Convert JSON or plain data to the values of the API, with msgspec. Performs no I/O.

Rule 1. A name on the wire is the name of the field in camel case. It is declared nowhere else.
Rule 2. Types are strict, additions are tolerated: a wrong type or a missing key is an error that names the position, an
        unknown key is ignored, and an unknown type of thread is kept.
Rule 3. A time without an offset is in UTC: ASP.NET writes no offset for a time of unspecified kind, and the other times
        of the API are in UTC.
Rule 4. An error message contains no data from the wire, only types and positions.

A value is read in two steps, both in C: from JSON or plain data to a record, and from the record to the value. A record
is a msgspec struct with the names on the wire.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from inspect import signature
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from attrs import fields, frozen

from threads_async import errors
from threads_async._checks import INT64_MAX
from threads_async.errors import DecodeError, RequestError
from threads_async.models import Page, Value

_Record = TypeVar("_Record")
_Int64: Final = Annotated[int, msgspec.Meta(ge=-INT64_MAX - 1, le=INT64_MAX)]
_Count: Final = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]
_AwareTime: Final = Annotated[datetime, msgspec.Meta(tz=True)]


def wire_name(name: str) -> str:
    """Return the name of the field `name` on the wire (rule 1)."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def is_value(kind: Any) -> bool:
    """Return whether `kind` is a class of values that the converters handle."""
    return isinstance(kind, type) and issubclass(kind, Value)


class _PageBody(msgspec.Struct, Generic[_Record], rename=wire_name, gc=False):
    """A page as the API sends it."""

    total_count: _Count  # type: ignore[valid-type]
    items: list[_Record]


class _PageData(_PageBody[_Record], Generic[_Record], rename=wire_name, gc=False):
    """A page as plain data, which may contain its start."""

    start: _Count = 0  # type: ignore[valid-type]


@frozen
class _Shape:
    """How values are wrapped: one value, a sequence of values, or a page of values.

    Attributes:
        in_json: Returns the type of the JSON, given the type of the records.
        in_data: Returns the type of the plain data, given the type of the records.
        records: Returns the records in the data that was read.
        wrap: Returns the result, from the data that was read and the values of its records.
    """

    in_json: Callable[[Any], Any]
    in_data: Callable[[Any], Any]
    records: Callable[[Any], Sequence[Any]]
    wrap: Callable[[Any, tuple[Any, ...]], Any]


def _as_it_is(value: Any) -> Any:
    return value


_ONE: Final = _Shape(_as_it_is, _as_it_is, lambda record: (record,), lambda _, values: values[0])
_SEVERAL: Final = _Shape(
    lambda kind: list[kind],  # type: ignore[valid-type]
    lambda kind: list[kind],  # type: ignore[valid-type]
    _as_it_is,
    lambda _, values: values,
)
_PAGE: Final = _Shape(
    lambda kind: _PageBody[kind],  # type: ignore[valid-type]
    lambda kind: _PageData[kind],  # type: ignore[valid-type]
    attrgetter("items"),
    lambda page, values: Page(values, page.total_count, getattr(page, "start", 0)),
)


def _kind_of(hint: Any, *, aware: bool) -> Any:
    """Return the type that a field has in a record if its type in the value is `hint`."""
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(_kind_of(one, aware=aware) for one in get_args(hint))]  # noqa: UP007 - of a tuple
    if is_value(hint):
        return _record_of(hint, aware=aware)
    known: dict[Any, Any] = {
        int: _Int64,
        datetime: _AwareTime if aware else datetime,
        RequestError: dict[str, Any],
    }
    return known.get(hint, hint)


def _record_of(model: type[Value], *, aware: bool) -> type[msgspec.Struct]:
    """Return the type of record for `model`. If `aware`, each time in it must have an offset."""
    hints = get_type_hints(model)
    names = [attribute.name for attribute in fields(model)]
    kinds = [(name, _kind_of(hints[name], aware=aware)) for name in names]
    return msgspec.defstruct(model.__name__, kinds, rename=wire_name, gc=False)


def _add_offsets(records: Iterable[msgspec.Struct]) -> None:
    """Add the offset to all times that have none (rule 3)."""
    for record in records:
        for name in record.__struct_fields__:
            found = getattr(record, name)
            if isinstance(found, datetime) and found.tzinfo is None:
                setattr(record, name, found.replace(tzinfo=UTC))
            elif isinstance(found, msgspec.Struct):
                _add_offsets([found])


def _parser_of(body: Any, data: Any) -> Callable[[object], Any]:
    """Return a function that reads JSON as `body` and plain data as `data`."""
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(body).decode

    def parse(value: object) -> Any:
        return decode(value) if isinstance(value, bytes) else msgspec.convert(value, data)

    return parse


def reader_of(wanted: Any, model: type[Value]) -> Callable[[object, object], Any]:
    """Return a hook for cattrs that reads `wanted` from JSON as bytes, or from plain data.

    The hook raises a `DecodeError` without the request, which it does not know.

    Args:
        wanted: `model`, a tuple of any number of them, or a page of them. A page in JSON has no `start`; it becomes 0.
        model: The class of the values.
    """
    shape = _PAGE if get_origin(wanted) is Page else _ONE if wanted is model else _SEVERAL
    kinds = [_record_of(model, aware=aware) for aware in (True, False)]
    parse, parse_any = [_parser_of(shape.in_json(kind), shape.in_data(kind)) for kind in kinds]
    values = tuple[model, ...]  # type: ignore[valid-type]
    records_in, wrap = shape.records, shape.wrap

    def read(value: object, _: object) -> Any:
        try:
            try:
                whole = parse(value)
            except msgspec.ValidationError:
                # Perhaps a time has no offset. This is rare, so it is handled only after an error.
                whole = parse_any(value)
                _add_offsets(records_in(whole))
            found = msgspec.convert(records_in(whole), values, from_attributes=True, dec_hook=_read_error)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            path, reason = _explain(error)
        else:
            return wrap(whole, found)
        raise DecodeError(f"{path}: {reason}" if path else reason, path=path, reason=reason)

    return read


def _explain(error: Exception) -> tuple[str, str]:
    """Return the position of the error, with names on the wire, and what is wrong there."""
    if isinstance(error, RecursionError):
        return "", "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "", "it is not UTF-8"
    if isinstance(error, UnicodeEncodeError):
        # `json.loads` reads such strings, unlike msgspec.
        return "", "a string contains a lone surrogate"
    # The parser ends its message with the position: "Expected `int`, got `str` - at `$.items[3].workspaceId`".
    text, _, place = str(error).partition(" - at `$")
    path = place.rstrip("`").removeprefix(".")
    text = text.replace("`", "")
    return path, text if text.startswith("JSON") else text[:1].lower() + text[1:]


def data_of_error(error: RequestError) -> dict[str, Any]:
    """Return `error` as plain data: the name of its class, and its attributes."""
    names = list(signature(type(error)).parameters)
    return {"error": type(error).__name__} | {wire_name(name): getattr(error, name) for name in names}


def _read_error(_: type[Any], data: dict[str, Any]) -> RequestError:
    """Return the error that `data` describes."""
    kind = getattr(errors, str(data.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, RequestError)):
        # msgspec turns this into its own error and adds the position.
        raise ValueError("Expected the name of a request error")  # noqa: TRY004 - it is a wrong value
    hints = get_type_hints(kind.__init__)
    given = {name: data[wire_name(name)] for name in signature(kind).parameters if wire_name(name) in data}
    return kind(**{name: msgspec.convert(value, hints[name]) for name, value in given.items()})
