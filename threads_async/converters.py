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
from threads_async._rows import flattened
from threads_async._secrets import SECRET, shorten
from threads_async.errors import RequestError
from threads_async.models import Page, Value


@functools.singledispatch
def _write(value: Any) -> Any:
    """Return ``value`` as plain data for JSON."""
    return value


@_write.register
def _(value: datetime) -> str:
    return value.isoformat()


@_write.register
def _(value: RequestError) -> dict[str, Any]:
    return data_of_error(value)


@functools.singledispatch
def _write_cell(value: Any) -> Any:
    """Return ``value`` as a cell of a row."""
    return value


@_write_cell.register
def _(value: RequestError) -> str:
    return str(value)


for _writer in (_write, _write_cell):
    _writer.register(UUID, str)
    _writer.register(Enum, str)


def make_converter(*, rows: bool = False, shorten_secrets: bool = False) -> cattrs.Converter:
    """Return a new cattrs converter for the values of this package, as `configure_converter` sets it up."""
    converter = cattrs.Converter()
    configure_converter(converter, rows=rows, shorten_secrets=shorten_secrets)
    return converter


def configure_converter(converter: cattrs.Converter, *, rows: bool = False, shorten_secrets: bool = False) -> None:
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
        rows: Unstructure values to rows for data frames and tables instead: flat dictionaries with the Python names of
            the fields. Times are `datetime.datetime` objects with an offset, errors are their messages, and types and
            UUIDs are strings. The fields of a value in a value are beside the others: a `FleetThread` has the columns
            ``machine``, ``workspace_id`` and so on. For the optional `ThreadEvent.previous`, they are
            ``previous_workspace_id`` and so on, and None without it.
        shorten_secrets: Unstructure thread tokens and connection strings to the short form in which reprs show them,
            such as ``eyJ…x3fQ``. It distinguishes them, but grants no access. Such data can be structured again, but
            the values then have the short form.
    """

    def unstructure_value(model: type[Value]) -> Callable[[Any], dict[str, Any]]:
        hints = get_type_hints(model)
        overrides: dict[str, Any] = {
            one.name: override(
                rename=one.name if rows else wire_name(one.name),
                unstruct_hook=shorten
                if shorten_secrets and one.metadata == SECRET
                else _writer_of(hints[one.name], _write_cell if rows else _write),
            )
            for one in fields(model)
        }
        unstructure = make_dict_unstructure_fn(model, converter, **overrides)
        return flattened(model, unstructure) if rows else unstructure

    def unstructure_page(_: Any) -> Callable[[Page[Any]], dict[str, Any]]:
        count = "total_count" if rows else wire_name("total_count")

        def unstructure(page: Page[Any]) -> dict[str, Any]:
            items = [converter.unstructure(item) for item in page.items]
            return {count: page.total_count, "items": items, "start": page.start}

        return unstructure

    converter.register_structure_hook_factory(lambda wanted: _model_of(wanted) is not None, _structure_hook)
    converter.register_unstructure_hook_factory(is_value, unstructure_value)
    converter.register_unstructure_hook_factory(lambda wanted: Page in (wanted, get_origin(wanted)), unstructure_page)
    for endpoint in ENDPOINTS:
        names = endpoint.parameters.items()
        read: dict[str, Any] = {name: override(rename=wire, struct_hook=lambda value, _: value) for name, wire in names}
        write: dict[str, Any] = {
            name: override(
                rename=wire, unstruct_hook=shorten if shorten_secrets and wire in endpoint.secrets else _write
            )
            for name, wire in names
        }
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


def _writer_of(hint: Any, write: Any) -> Callable[[Any], Any] | None:
    """Return the function that unstructures a field of type ``hint``, or None to leave it to the converter.

    Args:
        hint: The type.
        write: The function with one implementation for each type.
    """
    kinds = [one for one in (hint, *get_args(hint)) if isinstance(one, type)]
    found = [one for one in map(write.dispatch, kinds) if one is not write.dispatch(object)]
    if not found:
        return None
    return cast("Callable[[Any], Any]", write if get_args(hint) else found[0])
