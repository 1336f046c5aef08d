"""Read the file of a fleet: the machines, their addresses, and where their tokens are."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from attrs import frozen

from threads_async._fleet_checks import is_name
from threads_async._secrets import Secret
from threads_async._settings import base_url_of, token_of
from threads_async._token_sources import MOST_OF_A_FILE, NOT_ONE_TOKEN, secret_of, text_of, token_in
from threads_async.errors import ConfigurationError

_MOST: Final = 2**20
"""Maximum number of bytes in the file of a fleet."""

_LIKE_A_KEY: Final = re.compile(r"[a-z_]{1,16}")

_QUOTES: Final = "; write Windows paths in single quotes"
"""Advice for a path in double quotes, in which TOML treats a backslash as the beginning of an escape."""

_KEYS: Final = ("base_url", "token_env", "token_file")


@frozen
class Machine:
    """A machine of a fleet.

    Attributes:
        base_url: The base URL of its API.
        token: Its API token.
    """

    base_url: str
    token: Secret


def machines_in(
    path: str | os.PathLike[str], environment: Mapping[str, str]
) -> dict[str, Machine] | ConfigurationError:
    """Return the machines in the file at `path` by their names, or the error of the first invalid setting.

    The message names the setting, such as ``machines.office-1.base_url``. It shows no value of the file, because any
    value may be a token in the wrong place. The error is returned, not raised, for the same reason as in
    `read_settings`.
    """
    file = Path(path)
    try:
        tables = _tables_in(_content_of(file, _MOST, "the file of the fleet", "path"))
        return {
            name: _machine_of(f"machines.{name}", table, file.parent, environment) for name, table in tables.items()
        }
    except ConfigurationError as error:
        return error.with_traceback(None)


def _content_of(file: Path, most: int, what: str, parameter: str) -> bytes:
    """Return the bytes of `file`, at most `most` of them."""
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
        why = f"is larger than {most // 2**10} kB" if len(content) > most else ""
    except OSError as error:
        # The name is not shown: it may be the token itself, in the wrong place.
        content, why = b"", f"cannot be read: {error.strerror}"
    if why:
        raise ConfigurationError(f"{what} {why}", parameter=parameter)
    return content


def _tables_in(content: bytes) -> Mapping[str, Any]:
    """Return the table of each machine."""
    data, why = _data_in(content)
    machines: Any = data.pop("machines", {})
    if data:
        why = "it has something beside machines"
    elif not isinstance(machines, dict):
        why = "machines must be tables, such as [machines.office-1]"
    elif not why and not machines:
        why = "it has no machines: add a table such as [machines.office-1]"
    else:
        wrong = [name for name in cast("dict[str, Any]", machines) if not is_name(name)]
        why = f"{wrong[0]!a} cannot be the name of a machine: it is empty or not printable" if wrong else why
    if why:
        raise ConfigurationError(f"the file of the fleet is invalid: {why}", parameter="path")
    return cast("dict[str, Any]", machines)


def _data_in(content: bytes) -> tuple[dict[str, Any], str]:
    """Return the data of a TOML file, or why it cannot be read."""
    try:
        return tomllib.loads(text_of(content)), ""
    except UnicodeDecodeError:
        return {}, "it is not UTF-8 text"
    except tomllib.TOMLDecodeError as error:
        # The rest of the message may show a value.
        place = re.search(r"at line \d+, column \d+|at end of document", str(error))
        advice = _QUOTES if str(error).startswith(("Unescaped", "Invalid hex")) else ""
        return {}, f"it is not TOML{f' ({place[0]})' if place else ''}{advice}"
    except ValueError:
        # For example, Python does not convert an integer of thousands of digits.
        return {}, "it has an invalid value"
    except RecursionError:
        return {}, "it is nested too deeply"


def _machine_of(place: str, table: object, folder: Path, environment: Mapping[str, str]) -> Machine:
    """Return the machine that `table` describes. `place` is the name of the table."""
    if not isinstance(table, dict):
        raise _wrong(place, "it must be a table")
    settings = cast("dict[str, Any]", table)
    for key, value in settings.items():
        if key == "token":
            raise _wrong(f"{place}.token", "the file must not contain the token: use token_env or token_file")
        if isinstance(value, dict):
            raise _wrong(place, 'it must not contain a table; a name with dots needs quotes: [machines."10.0.0.5"]')
        if key not in _KEYS:
            # The key itself is shown only if it is surely not a token.
            setting = f"{place}.{key}" if _LIKE_A_KEY.fullmatch(key) else place
            raise _wrong(setting, f"there is no such setting; there are {', '.join(_KEYS)}")
        if not isinstance(value, str):
            raise _wrong(f"{place}.{key}", "it must be a string")
    if "base_url" not in settings:
        raise _wrong(f"{place}.base_url", "it is missing")
    return Machine(_url_of(place, settings["base_url"]), _token_of(place, settings, folder, environment))


def _url_of(place: str, value: str) -> str:
    try:
        return base_url_of(value, {})
    except ConfigurationError as error:
        why = error.message.removeprefix("base_url ")
    raise _wrong(f"{place}.base_url", f"it {why}")


def _token_of(place: str, table: Mapping[str, str], folder: Path, environment: Mapping[str, str]) -> Secret:
    """Return the token that `table` refers to."""
    if ("token_env" in table) is ("token_file" in table):
        raise _wrong(place, "it needs either token_env or token_file")
    if "token_env" in table:
        place = f"{place}.token_env"
        token = secret_of(environment, table["token_env"])
        if token is None:
            raise _wrong(place, "this environment variable is empty or not set")
    else:
        place = f"{place}.token_file"
        if not table["token_file"].isprintable():
            raise _wrong(place, f"it has control characters{_QUOTES}")
        content = _content_of(folder / table["token_file"], MOST_OF_A_FILE, f"{place}: the file", place)
        try:
            token = token_in(text_of(content))
        except UnicodeDecodeError:
            token = None
        if token is None:
            raise _wrong(place, f"the file {NOT_ONE_TOKEN}")
    try:
        return token_of(token.reveal(), {})
    except ConfigurationError as error:
        why = error.message
    raise _wrong(place, why)


def _wrong(place: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{place}: {why}", parameter=place)
