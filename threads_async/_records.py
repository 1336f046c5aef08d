"""Records: the values of the API by their names on the wire, read and checked by C. Performs no I/O.

Rule 1. A name on the wire is the name of the field in camel case. Nothing else declares it.
Rule 2. Reading is strict in type and tolerant in growth: a wrong type or a missing key is an error that names its
        place; an unknown key is passed over; an unknown type of thread is kept.
Rule 3. A time without an offset is in UTC: ASP.NET writes none for a time of unspecified kind, and the API's other
        times are in UTC.
Rule 4. Nothing from the wire gets into a message: what is wrong is said in types and places.

A value is read in two steps of C: from JSON or plain data to a record, and from the record to the value.
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
    """Return what the field `name` is called on the wire (rule 1)."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def is_value(kind: Any) -> bool:
    """Tell whether `kind` is the class of values that are read and written here."""
    return isinstance(kind, type) and issubclass(kind, Value)


class _PageBody(msgspec.Struct, Generic[_Record], rename=wire_name, gc=False):
    """A page as the API sends it."""

    total_count: _Count  # type: ignore[valid-type]
    items: list[_Record]


class _PageData(_PageBody[_Record], Generic[_Record], rename=wire_name, gc=False):
    """A page as plain data, which may say where it begins."""

    start: _Count = 0  # type: ignore[valid-type]


@frozen
class _Shape:
    """How values are wrapped.

    Attributes:
        in_json: Makes the type that JSON is read as, of the type of the records.
        in_data: Makes the type that plain data is read as, of the type of the records.
        records: Returns the records in what was read.
        wrap: Returns what is wanted, of what was read and the values that its records have become.
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
    """Return what a field of type `hint` is in a record."""
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
    """Return the record of `model`. If `aware`, no time in it may lack its offset."""
    hints = get_type_hints(model)
    names = [attribute.name for attribute in fields(model)]
    kinds = [(name, _kind_of(hints[name], aware=aware)) for name in names]
    return msgspec.defstruct(model.__name__, kinds, rename=wire_name, gc=False)


def _add_offsets(records: Iterable[msgspec.Struct]) -> None:
    """Put the offset into all times that lack it (rule 3)."""
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
    """Return a hook of cattrs that reads `wanted` from JSON as bytes, or from plain data.

    It raises a `DecodeError` that knows of no request.

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
                # A time may lack its offset, which is rare, so it is looked for only then.
                whole = parse_any(value)
                _add_offsets(records_in(whole))
            found = msgspec.convert(records_in(whole), values, from_attributes=True, dec_hook=_read_error)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            path, reason = _explain(error)
        else:
            return wrap(whole, found)
        raise DecodeError(f"{path}: {reason}" if path else reason, path=path, reason=reason)

    return read


def _explain(error: Exception) -> tuple[str, str]:
    """Return the place of the fault by its names on the wire, and what is wrong there."""
    if isinstance(error, RecursionError):
        return "", "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "", "it is not UTF-8"
    # The parser ends its sentence with the place: "Expected `int`, got `str` - at `$.items[3].workspaceId`".
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
        # msgspec makes an error of its own of this, with the place.
        raise ValueError("Expected the name of an error of a request")  # noqa: TRY004 - it is a wrong value
    hints = get_type_hints(kind.__init__)
    given = {name: data[wire_name(name)] for name in signature(kind).parameters if wire_name(name) in data}
    return kind(**{name: msgspec.convert(value, hints[name]) for name, value in given.items()})
