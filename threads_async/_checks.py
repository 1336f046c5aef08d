"""Checks of arguments that several modules use. Performs no I/O."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from threads_async.errors import ConfigurationError

if TYPE_CHECKING:
    from attrs import Attribute

INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**63 - 1

Validator: TypeAlias = Callable[[Any, "Attribute[Any]", Any], None]


def check_seconds(name: str, value: object) -> None:
    """Raise `ConfigurationError` unless `value` is a number of seconds above zero that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 < value <= sys.float_info.max):
        raise ConfigurationError(f"{name} must be a finite number of seconds above 0", parameter=name)


def check_count(name: str, value: int | None) -> None:
    """Raise `ConfigurationError` unless `value` is a whole number from 0 up, or None."""
    if value is not None and (type(value) is not int or value < 0):
        raise ConfigurationError(f"{name} must be a whole number from 0 up", parameter=name)


def whole_number(least: int, most: int, *, optional: bool = False) -> Validator:
    """Return a validator of whole numbers from `least` to `most`, or None if that is `optional`."""

    def check(_: object, attribute: "Attribute[Any]", value: object) -> None:
        if not (value is None and optional):
            _check_whole_number(attribute.name, value, least, most, ", or None" if optional else "")

    return check


def check_int64(name: str, value: object) -> None:
    """Raise `ConfigurationError` unless `value` is a 64-bit integer."""
    _check_whole_number(name, value, -INT64_MAX - 1, INT64_MAX, "")


def _check_whole_number(name: str, value: object, least: int, most: int, or_none: str) -> None:
    # bool is an int to Python, but nobody means start=True.
    if type(value) is not int or not least <= value <= most:
        # Python refuses to write a number of thousands of digits.
        far = type(value) is int and abs(value) > 2 * INT64_MAX
        shown = "one far beyond" if far else value if type(value) is int else type(value).__name__
        msg = f"{name} must be a whole number from {least} to {most}{or_none}, not {shown}"
        raise ConfigurationError(msg, parameter=name)


def check_text(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """Raise `ConfigurationError` unless `value` is a text that a URL can hold, or None. It is not shown."""
    if value is not None:
        if not isinstance(value, str):
            raise ConfigurationError(f"{attribute.name} must be a text or None", parameter=attribute.name)
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise ConfigurationError(f"{attribute.name} holds a lone surrogate", parameter=attribute.name)


def text_or_none(value: str | None) -> str | None:
    """Return `value`, or None for an empty text: the API's pages send empty values and mean their defaults by them."""
    return None if value == "" else value
