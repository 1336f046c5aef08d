"""Schemas with which pydantic validates, serializes and describes values. Performs no I/O.

Pydantic calls this module if a model, a `pydantic.TypeAdapter` or a FastAPI endpoint contains one of our classes.
Nothing else imports it, so pydantic is needed only where it is already used.

Rule 1. Values are read and written by a converter from `make_converter`: the data has the names of the API.
Rule 2. An error has the position of the wrong value, but never the value itself, which could be a secret.
Rule 3. In JSON mode, values become plain data. In Python mode, they stay as they are, unless their secrets are to be
        shortened.
Rule 4. `include` and `exclude` reach into plain data, by the names of the API: who excludes a token must not send it.
"""

import builtins
import functools
import re
from collections.abc import Callable
from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Final, Optional, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from attrs import NOTHING, fields
from pydantic import GetCoreSchemaHandler, ValidationError, WithJsonSchema
from pydantic_core import (
    CoreSchema,
    InitErrorDetails,
    PydanticCustomError,
    SchemaSerializer,
    core_schema,
    to_jsonable_python,
)

from threads_async._records import is_value, wire_name
from threads_async.converters import make_converter
from threads_async.errors import DecodeError, RequestError
from threads_async.models import EventKind, Page, ThreadType

_HIDDEN: Final = "…"
"""What an error shows in place of the wrong value."""

_CONVERTERS: Final = {short: make_converter(shorten_secrets=short) for short in (False, True)}

_COLLECTIONS: Final = (Page, list, tuple, Union, UnionType)

_JSON_TYPES: Final[dict[Any, dict[str, Any]]] = {
    str: {"type": "string"},
    int: {"type": "integer", "format": "int64"},
    datetime: {"type": "string", "format": "date-time"},
    UUID: {"type": "string", "format": "uuid"},
    EventKind: {"type": "string", "enum": list(map(str, EventKind))},
    # Not an enumeration: a type that this version does not know is kept.
    ThreadType: {"type": "string", "examples": list(map(str, ThreadType))},
    RequestError: {"type": "object"},
}


def schema_of(wanted: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return the schema of a value or of a page of values.

    Args:
        wanted: The class, or a `Page` of a class.
        handler: Generates the schemas of other types.

    Raises:
        TypeError: `wanted` is a page of anything else.
    """
    inner = [one for one in get_args(wanted) if is_value(one)]
    if not is_value(wanted) and not inner:
        raise TypeError("pydantic needs the class of the items: write Page[ExecutionThread], for example")
    owner = get_origin(wanted) or wanted
    names = [one.__name__ for one in (owner, *inner)]
    return core_schema.no_info_wrap_validator_function(
        _reader_of(wanted, owner),
        _description_of(wanted, owner, handler),
        ref=f"{owner.__module__}.{'_'.join(names)}:{id(owner)}",
        serialization=_serialization(shorten_secrets=False),
    )


@functools.cache
def serializer() -> SchemaSerializer:
    """Return what serializes a value or a page where pydantic does not know its class."""
    return SchemaSerializer(core_schema.any_schema(serialization=_serialization(shorten_secrets=False)))


def shortened(wanted: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return the schema of `wanted` with a serialization that shortens its secrets.

    Raises:
        TypeError: `wanted` may contain something else, in which secrets would stay complete.
    """
    if not _is_known(wanted):
        raise TypeError(f"ShortenSecrets() annotates values of threads_async and collections of them, not {wanted}")
    # A schema of its own around the shared one, in which the secrets are complete.
    return core_schema.no_info_after_validator_function(
        lambda value: value, handler(wanted), serialization=_serialization(shorten_secrets=True)
    )


def _is_known(wanted: Any) -> bool:
    """Return whether `wanted` contains nothing but values, so that no secret in it stays complete."""
    match get_origin(wanted), get_args(wanted):
        case builtins.dict, (key, kind):
            return key in (str, int) and _is_known(kind)
        case origin, inner if origin in _COLLECTIONS:
            return all(map(_is_known, inner))
        case _:
            return is_value(wanted) or wanted in (type(None), ...)


def _reader_of(wanted: Any, owner: type[Any]) -> Callable[[Any, Any], Any]:
    """Return the validator of `wanted` (rules 1 and 2)."""
    structure = _CONVERTERS[False].structure
    inner = get_args(wanted)

    def read(value: Any, _: Any) -> Any:
        if isinstance(value, owner) and (not inner or all(isinstance(item, inner) for item in value.items)):
            return value
        try:
            return structure(value, wanted)
        except DecodeError as error:
            kind = PydanticCustomError("threads_async", "{reason}", {"reason": error.reason})
            details = InitErrorDetails(type=kind, loc=_location_of(error.path), input=_HIDDEN)
        raise ValidationError.from_exception_data(owner.__name__, [details])

    read.__name__ = owner.__name__  # errors show this name
    return read


def _location_of(path: str) -> tuple[str | int, ...]:
    """Return the parts of a position such as ``items[0].workspaceId``."""
    return tuple(int(index) if index else name for index, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", path))


def _serialization(*, shorten_secrets: bool) -> core_schema.PlainSerializerFunctionSerSchema:
    """Return how values are serialized (rule 3)."""
    converter = _CONVERTERS[shorten_secrets]

    def write(value: Any, info: core_schema.SerializationInfo) -> Any:
        if info.mode != "json" and not shorten_secrets:
            return value
        if shorten_secrets and not _has_only_values(value):
            raise TypeError("ShortenSecrets() cannot shorten secrets in data that was not validated")
        filters: Any = {"include": info.include, "exclude": info.exclude}
        return to_jsonable_python(converter.unstructure(value), **filters)

    return core_schema.plain_serializer_function_ser_schema(write, info_arg=True)


def _has_only_values(value: Any) -> bool:
    """Return whether `value` contains nothing but values: in other data, the converter leaves secrets complete."""
    kind = value.__class__
    if issubclass(kind, (list, tuple)):
        return all(map(_has_only_values, value))
    if issubclass(kind, dict):
        return all(map(_has_only_values, value.values()))
    if kind is Page:
        return _has_only_values(value.items)
    return value is None or is_value(kind)


def _description_of(wanted: Any, owner: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return a schema from which pydantic derives the JSON schema. It validates nothing."""
    hints = get_type_hints(owner)
    if owner is Page:
        hints["items"] = list[get_args(wanted)[0]]  # type: ignore[misc]  # a class at run time
    # A page as the API sends it has no start.
    return core_schema.typed_dict_schema(
        {
            wire_name(one.name): core_schema.typed_dict_field(
                handler.generate_schema(_described(hints[one.name])),
                required=one.default is NOTHING and one.name != "start",
            )
            for one in fields(owner)
        }
    )


def _described(hint: Any) -> Any:
    """Return `hint` with the JSON schema that the API has for it."""
    if hint in _JSON_TYPES:
        return Annotated[Any, WithJsonSchema(_JSON_TYPES[hint])]
    if type(None) in get_args(hint):
        (kind,) = (one for one in get_args(hint) if one is not type(None))
        return Optional[_described(kind)]  # noqa: UP045 - of a value
    return hint
