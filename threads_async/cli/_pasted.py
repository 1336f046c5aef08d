"""Commands to paste into the user's shell, quoted for it. Performs no I/O."""

import re
import shlex
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, TypeAlias

from attrs import frozen

from threads_async._settings import TOKEN_VARIABLE

_QUERY: Final = "/v1/threads?workspaceId=&start=0&total=1000&thread_token=&type=&sorting="
"""The request in the documentation of the API, with its empty values."""

# PowerShell treats typographic quotes as single quotes too.
_QUOTES_OF_POWERSHELL: Final = re.compile("['\u2018\u2019\u201a\u201b]")


class Shell(Enum):
    """A family of shells that parse a command in the same way."""

    POSIX = auto()
    POWERSHELL = auto()


def shell_of(system: str, environment: Mapping[str, str]) -> Shell:
    """Return the shell that this process was most likely started from.

    Args:
        system: `os.name`.
        environment: The environment of this process.
    """
    if system == "nt":
        # Git Bash and similar shells set SHELL; PowerShell and cmd do not.
        return Shell.POSIX if environment.get("SHELL") else Shell.POWERSHELL
    return Shell.POWERSHELL if "PSModulePath" in environment else Shell.POSIX


@frozen
class Shown:
    """A token that may be shown: the built-in one of `FakeServer`."""

    token: str


@frozen
class InFile:
    """A secret token in a file.

    Attributes:
        path: The absolute path of the file.
    """

    path: str


@frozen
class InEnvironment:
    """A secret token in the environment variable of the client."""


@frozen
class Typed:
    """A secret token that is not stored: the user types it when a command asks for it."""


Token: TypeAlias = Shown | InFile | InEnvironment | Typed


def _quoted(text: str) -> str:
    return "'" + _QUOTES_OF_POWERSHELL.sub(lambda quote: quote[0] * 2, text) + "'"


def request_line(shell: Shell, url: str, token: Token) -> str:
    """Return a command that requests the threads of the API at `url` without this package."""
    match shell, token:
        case Shell.POSIX, Shown(text):
            header = shlex.quote(f"Api-Token: {text}")
        case Shell.POSIX, InFile(path):
            header = f'"Api-Token: $(cat {shlex.quote(path)})"'
        case Shell.POSIX, InEnvironment():
            header = f'"Api-Token: ${TOKEN_VARIABLE}"'
        case Shell.POSIX, _:
            header = '"Api-Token: $(cat)"'
        case _, Shown(text):
            header = _quoted(text)
        case _, InFile(path):
            header = f"(Get-Content -Raw -LiteralPath {_quoted(path)}).Trim()"
        case _, InEnvironment():
            header = f"$env:{TOKEN_VARIABLE}"
        case _:
            header = "(Read-Host)"
    if shell is Shell.POSIX:
        return f"curl {shlex.quote(url + _QUERY)} \\\n    --header {header}"
    # Not curl: in Windows PowerShell, curl is an alias of Invoke-WebRequest.
    return f"Invoke-RestMethod {_quoted(url + _QUERY)} `\n    -Headers @{{ 'Api-Token' = {header} }}"


def list_line(shell: Shell, url: str, token: Token) -> str:
    """Return a command that lists the threads of the API at `url`."""
    quote = shlex.quote if shell is Shell.POSIX else _quoted
    line = f"threads-async list --base-url {url}"
    match token:
        case Shown(text):
            return f"echo {quote(text)} | {line} --token-file -"
        case InFile(path):
            return f"{line} --token-file {quote(path)}"
        case InEnvironment():
            return line
        case _:
            return f"{line} --token-file -"


def condition_of(token: Token) -> str:
    """Return the condition under which the commands work, as the end of a sentence, or an empty text."""
    match token:
        case InEnvironment():
            return f" where {TOKEN_VARIABLE} has the same value"
        case Typed():
            return "; each command waits for you to type the token and end the input"
        case _:
            return ""


def assignment(shell: Shell, variable: str, value: str) -> str:
    """Return a command that sets `variable` in the environment to `value`, which has no quotes."""
    return f"export {variable}='{value}'" if shell is Shell.POSIX else f"$env:{variable} = '{value}'"


def listener_line(system: str, port: int) -> str:
    """Return a command that shows which program listens on `port` of this machine, where `system` is `os.name`."""
    if system == "nt":
        return f"Get-Process -Id (Get-NetTCPConnection -State Listen -LocalPort {port}).OwningProcess"
    return f"lsof -nP -iTCP:{port} -sTCP:LISTEN"
