"""How tokens come in: from files and the environment, never from arguments."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import click
from attrs import frozen

from threads_async._secrets import Secret

_Command: TypeAlias = Callable[..., Any]

_MOST_OF_A_FILE: Final = 64 * 2**10
"""Maximum number of bytes in a token file. The file may be /dev/zero."""


@frozen
class TokenFile:
    """A file that contains a token.

    Attributes:
        path: The absolute path; None if the file cannot be read twice, such as standard input.
        token: The token in the file.
    """

    path: str | None
    token: Secret


def _text_of(content: bytes) -> str:
    """Return the text in `content`.

    Raises:
        UnicodeDecodeError: It is not UTF-8, nor UTF-16 with a byte order mark.
    """
    # Editors on Windows put a byte order mark before UTF-8. In Windows PowerShell 5.1, `>` writes UTF-16.
    utf_16 = content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    return content.decode("utf-16" if utf_16 else "utf-8-sig")


def text_in(context: click.Context, parameter: click.Parameter, name: str, most: int) -> str | None:
    """Return the text in the file called `name`, or None if it is not text.

    Raises:
        BadParameter: The file cannot be read, or has more than `most` bytes.
    """
    try:
        with click.open_file(name, "rb") as file:
            content: bytes = file.read(most + 1)
        if len(content) > most:
            raise click.BadParameter(f"the file is larger than {most // 2**10} kB", context, parameter)
        return _text_of(content)
    except RuntimeError:
        # click raises it if the process was started without standard input.
        raise click.BadParameter("standard input is closed", context, parameter) from None
    except OSError as error:
        # The name is not shown: it may be the token itself, passed by mistake.
        raise click.BadParameter(f"the file cannot be read: {error.strerror}", context, parameter) from None
    except UnicodeDecodeError:
        return None


def _read_token(context: click.Context, parameter: click.Parameter, name: str | None) -> TokenFile | None:
    """Read the single word in the file called `name`."""
    if name is None:
        return None
    words = (text_in(context, parameter, name, _MOST_OF_A_FILE) or "").split()
    if len(words) != 1 or not words[0].isprintable():
        text = "the file must contain one token as UTF-8 text, or as UTF-16 with a byte order mark, and nothing else"
        raise click.BadParameter(text, context, parameter)
    return TokenFile(str(Path(name).absolute()) if Path(name).is_file() else None, Secret(words[0]))


def _try_token(context: click.Context, parameter: click.Parameter, name: str | None) -> object:
    try:
        return _read_token(context, parameter, name)
    except click.BadParameter as error:
        return error


def token_file_option(name: str, text: str, *, lenient: bool = False) -> Callable[[_Command], _Command]:
    """Return an option for a file that contains a token; ``-`` is standard input.

    Args:
        name: The name of the option.
        text: Its help text.
        lenient: Whether the error for an unusable file becomes the value of the option, instead of being raised.
    """
    read = _try_token if lenient else _read_token
    return click.option(name, metavar="FILE", type=click.Path(allow_dash=True), callback=read, help=text)


def secret_of(environment: Mapping[str, str], variable: str) -> Secret | None:
    """Return the secret in `variable`, or None if the variable is empty or not set."""
    value = environment.get(variable, "").strip()
    return Secret(value) if value else None
