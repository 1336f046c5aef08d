"""How tokens come in: from files and the environment, never from arguments."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import click
from attrs import frozen

from threads_async._secrets import Secret
from threads_async._token_sources import MOST_OF_A_FILE, NOT_ONE_TOKEN, text_of, token_in

_Command: TypeAlias = Callable[..., Any]


@frozen
class TokenFile:
    """A file that contains a token.

    Attributes:
        path: The absolute path; None if the file cannot be read twice, such as standard input.
        token: The token in the file.
    """

    path: str | None
    token: Secret


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
        return text_of(content)
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
    token = token_in(text_in(context, parameter, name, MOST_OF_A_FILE))
    if token is None:
        raise click.BadParameter(f"the file {NOT_ONE_TOKEN}", context, parameter)
    return TokenFile(str(Path(name).absolute()) if Path(name).is_file() else None, token)


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
