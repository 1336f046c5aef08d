"""The cattrs hooks for the values of this package. Performs no I/O."""

import functools
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import cattrs
from attrs import fields
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from threads_async._endpoints import ENDPOINTS
from threads_async._records import data_of_error, is_value, reader_of, wire_name
from threads_async.errors import RequestError
from threads_async.models import Page, Value


@functools.singledispatch
def _write(value: Any) -> Any:
    """Return ``value`` as plain data for JSON."""
    return value


@_write.register
def _(value: datetime) -> str:
    return value.isoformat()


@_write.register(UUID)
@_write.register(Enum)
def _(value: Any) -> str:
    return str(value)


@_write.register
def _(value: RequestError) -> dict[str, Any]:
    return data_of_error(value)


def make_converter() -> cattrs.Converter:
    """Return a new cattrs converter for the values of this package, as `configure_converter` sets it up."""
    converter = cattrs.Converter()
    configure_converter(converter)
    return converter


def configure_converter(converter: cattrs.Converter) -> None:
    """Register hooks for the values of this package. They also apply to values inside your own classes.

    The converter then structures `ExecutionThread`, `Workspace`, `BrowserInstance`, `Limits`, `ThreadEvent`,
    `ServerEvent`, `FleetThread`, `FleetWorkspace`, `FleetBrowserInstance`, and tuples and pages of them. The input is
    plain data, as `json.loads` returns it, or the bytes of a JSON body. The client decodes responses in the same way. A
    missing key or a value of the wrong type raises `DecodeError`, and unknown keys are ignored. Queries are structured
    from plain data only: a missing key means the default, and an invalid value raises `ConfigurationError`.

    The converter unstructures values to plain data for JSON, with the names of the API, and with times in ISO 8601 with
    their offsets. The result contains complete thread tokens and connection strings, so protect it like a password.

    Hooks for other types are not changed.

    Args:
        converter: The converter to configure.
    """

    def unstructure_value(model: type[Value]) -> Callable[[Any], dict[str, Any]]:
        hints = get_type_hints(model)
        names = [attribute.name for attribute in fields(model)]
        overrides: dict[str, Any] = {
            name: override(rename=wire_name(name), unstruct_hook=_writer_of(hints[name])) for name in names
        }
        return make_dict_unstructure_fn(model, converter, **overrides)

    def unstructure_page(_: Any) -> Callable[[Page[Any]], dict[str, Any]]:
        def unstructure(page: Page[Any]) -> dict[str, Any]:
            items = [converter.unstructure(item) for item in page.items]
            return {"totalCount": page.total_count, "items": items, "start": page.start}

        return unstructure

    converter.register_structure_hook_factory(lambda wanted: _model_of(wanted) is not None, _structure_hook)
    converter.register_unstructure_hook_factory(is_value, unstructure_value)
    converter.register_unstructure_hook_factory(lambda wanted: Page in (wanted, get_origin(wanted)), unstructure_page)
    for endpoint in ENDPOINTS:
        names = endpoint.parameters.items()
        read: dict[str, Any] = {name: override(rename=wire, struct_hook=lambda value, _: value) for name, wire in names}
        write: dict[str, Any] = {name: override(rename=wire, unstruct_hook=_write) for name, wire in names}
        # cattrs must not wrap the error of a query, which already names the invalid parameter.
        structure = make_dict_structure_fn(endpoint.query, converter, _cattrs_detailed_validation=False, **read)
        converter.register_structure_hook(endpoint.query, structure)
        converter.register_unstructure_hook(
            endpoint.query, make_dict_unstructure_fn(endpoint.query, converter, **write)
        )


def _model_of(wanted: Any) -> type[Value] | None:
    """Return the class of a value, or of the values in a tuple or page. Return None for any other type."""
    if is_value(wanted):
        return cast("type[Value]", wanted)
    match get_origin(wanted), get_args(wanted):
        case (origin, (model, *others)) if (origin is tuple and others == [...]) or origin is Page:
            return cast("type[Value]", model) if is_value(model) else None
        case _:
            return None


def _structure_hook(wanted: Any) -> Callable[[Any, Any], Any]:
    model = _model_of(wanted)
    assert model is not None  # noqa: S101 - the predicate of the factory has checked it
    return reader_of(wanted, model)


def _writer_of(hint: Any) -> Callable[[Any], Any] | None:
    """Return the function that unstructures a field of type ``hint``, or None to leave it to the converter."""
    kinds = [one for one in (hint, *get_args(hint)) if isinstance(one, type)]
    found = [write for write in map(_write.dispatch, kinds) if write is not _write.dispatch(object)]
    if not found:
        return None
    return _write if get_args(hint) else found[0]
