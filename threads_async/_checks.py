"""Argument checks that several modules share. Performs no I/O."""

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
    """Raise `ConfigurationError` unless `value` is a number of seconds above zero that fits into a float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 < value <= sys.float_info.max):
        raise ConfigurationError(f"{name} must be a finite number of seconds above 0", parameter=name)


def check_count(name: str, value: int | None) -> None:
    """Raise `ConfigurationError` unless `value` is an integer, 0 or more, or None."""
    if value is not None and (type(value) is not int or value < 0):
        raise ConfigurationError(f"{name} must be an integer, 0 or more", parameter=name)


def whole_number(least: int, most: int, *, optional: bool = False) -> Validator:
    """Return a validator for integers from `least` to `most`. If `optional`, None is valid too."""

    def check(_: object, attribute: "Attribute[Any]", value: object) -> None:
        if not (value is None and optional):
            check_whole_number(attribute.name, value, least, most, ", or None" if optional else "")

    return check


def check_int64(name: str, value: object) -> None:
    """Raise `ConfigurationError` unless `value` is a 64-bit integer."""
    check_whole_number(name, value, -INT64_MAX - 1, INT64_MAX)


def check_whole_number(name: str, value: object, least: int, most: int, or_none: str = "") -> None:
    """Raise `ConfigurationError` unless `value` is an integer from `least` to `most`."""
    # A bool is an int in Python, but start=True is a mistake.
    if type(value) is not int or not least <= value <= most:
        # Python raises an error when it converts an int of thousands of digits to text.
        far = type(value) is int and abs(value) > 2 * INT64_MAX
        shown = "a number far out of range" if far else value if type(value) is int else type(value).__name__
        msg = f"{name} must be an integer from {least} to {most}{or_none}, not {shown}"
        raise ConfigurationError(msg, parameter=name)


def check_text(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """Raise `ConfigurationError` unless `value` is None or a string that can be in a URL. The error never shows it."""
    if value is not None:
        if not isinstance(value, str):
            raise ConfigurationError(f"{attribute.name} must be a string or None", parameter=attribute.name)
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise ConfigurationError(f"{attribute.name} contains a lone surrogate", parameter=attribute.name)


def text_or_none(value: str | None) -> str | None:
    """Return `value`, or None if it is empty: the examples in the API's documentation send empty values as defaults."""
    return None if value == "" else value
