"""The options that commands share, and how secrets come in: from files and the environment, never as arguments."""

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
from attrs import frozen
from click.shell_completion import CompletionItem

from threads_async._secrets import Secret
from threads_async._settings import TOKEN_VARIABLE
from threads_async.cli._client import Connection
from threads_async.cli._streams import write

if TYPE_CHECKING:
    _Choice = click.Choice[str]
else:
    # Before click 8.2 it was not generic.
    _Choice = click.Choice

Command: TypeAlias = Callable[..., None]

DEMO_THREADS: Final = 2500
_MOST_OF_A_FILE: Final = 64 * 2**10
"""Bytes read of a file that holds a token: it may be /dev/zero."""


@frozen
class Filters:
    """Which threads.

    Attributes:
        workspace_id: The workspace.
        thread_token: Only the thread with this token, or None.
        type: Only threads of this type, or None.
    """

    workspace_id: int
    thread_token: Secret | None
    type: str | None

    def parameters(self) -> dict[str, Any]:
        """Return them as the client takes them."""
        token = self.thread_token
        return {
            "workspace_id": self.workspace_id,
            "thread_token": None if token is None else token.reveal(),
            "type": self.type,
        }


@frozen
class TokenFile:
    """A file that holds a token.

    Attributes:
        path: Its absolute path; None for one that cannot be read a second time, such as standard input.
        token: What it holds.
    """

    path: str | None
    token: Secret


def _read_token(context: click.Context, parameter: click.Parameter, name: str | None) -> TokenFile | None:
    """Read the one word that the file called `name` holds."""
    if name is None:
        return None
    try:
        with click.open_file(name, "rb") as file:
            content: bytes = file.read(_MOST_OF_A_FILE)
        # Editors of Windows put a mark before UTF-8.
        words = content.decode("utf-8-sig").split()
    except OSError as error:
        # The name is not shown: it may be the token itself, given by mistake.
        raise click.BadParameter(f"the file cannot be read: {error.strerror}", context, parameter) from None
    except UnicodeDecodeError:
        words = []
    if len(words) != 1 or not words[0].isprintable():
        raise click.BadParameter("the file must hold one token as UTF-8 text, and nothing else", context, parameter)
    return TokenFile(str(Path(name).absolute()) if Path(name).is_file() else None, Secret(words[0]))


def token_file_option(name: str, text: str) -> Callable[[Command], Command]:
    """Return an option for a file that holds a token; ``-`` is standard input."""
    return click.option(name, metavar="FILE", type=click.Path(allow_dash=True), callback=_read_token, help=text)


def secret_of(environment: Mapping[str, str], variable: str) -> Secret | None:
    """Return the secret in `variable`, or None if that is not set or empty."""
    value = environment.get(variable, "").strip()
    return Secret(value) if value else None


class _AnyCase(_Choice):
    """A choice in any letter case. With click's own way to say so, its error message would show all in lower case."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the choice that `value` is."""
        written = {choice.lower(): choice for choice in self.choices}
        return super().convert(written.get(str(value).lower(), value), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - the signature of click
        """Return the choices that begin with `incomplete`."""
        return [CompletionItem(choice) for choice in self.choices if choice.lower().startswith(incomplete.lower())]


def workspace_option(nouns: str) -> Callable[[Command], Command]:
    """Return the option that says of which workspace the `nouns` are to be."""
    return click.option(
        "--workspace-id",
        metavar="ID",
        type=int,
        default=-1,
        help=f"Only {nouns} of this workspace. Default: -1, the default workspace.",
    )


def filter_options(command: Command) -> Command:
    """Add the options that say which threads; `command` gets them as `filters`."""

    @workspace_option("threads")
    @click.option(
        "--type",
        type=_AnyCase(["Manual", "BrowserInstance"]),
        help="Only threads of this type, in any letter case.",
    )
    @token_file_option(
        "--thread-token-file",
        "Only the thread whose token is in FILE (- for standard input). A token is a secret, so never an argument.",
    )
    @functools.wraps(command)
    def with_filters(
        *,
        workspace_id: int,
        type: str | None,  # noqa: A002 - the name of the option
        thread_token_file: TokenFile | None,
        **others: Any,
    ) -> None:
        command(
            filters=Filters(workspace_id, None if thread_token_file is None else thread_token_file.token, type),
            **others,
        )

    return with_filters


def connection_options(demo_threads: int = DEMO_THREADS, churn: float = 0.0) -> Callable[[Command], Command]:
    """Return what adds the options that say where to ask and as whom; the command gets them as `connection`.

    Args:
        demo_threads: How many threads the demo has, unless told otherwise.
        churn: How many threads start or stop a second in the demo.
    """
    return functools.partial(_with_connection, demo_threads, churn)


def _with_connection(usual_threads: int, churn: float, command: Command) -> Command:

    @click.option(
        "--base-url",
        metavar="URL",
        help="The address of the API. By default ZB_API_BASE_URL, else http://localhost:8160. With https, "
        "SSL_CERT_FILE names a file of certificates to trust.",
    )
    @token_file_option(
        "--token-file",
        f"The API token is in FILE (- for standard input). By default it is read from {TOKEN_VARIABLE}. "
        "A token is a secret, so never an argument.",
    )
    @click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0, min_open=True, max=86_400),
        default=30.0,
        help="Maximum time for one attempt. Default: 30.",
    )
    @click.option(
        "--attempts",
        metavar="N",
        type=click.IntRange(1, 1000),
        default=3,
        help="Maximum number of times that one request is sent. Default: 3.",
    )
    @click.option(
        "--demo",
        is_flag=True,
        help="Ask a fake server inside this command. Needs neither ZennoBrowser nor a token.",
    )
    @click.option(
        "--demo-threads",
        metavar="N",
        type=click.IntRange(min=0),
        help=f"With --demo, the number of threads. Default: {usual_threads}.",
    )
    @functools.wraps(command)
    def with_connection(  # noqa: PLR0913 - one an option
        *,
        base_url: str | None,
        token_file: TokenFile | None,
        timeout: float,
        attempts: int,
        demo: bool,
        demo_threads: int | None,
        **others: Any,
    ) -> None:
        if demo_threads is not None and not demo:
            raise click.UsageError("--demo-threads goes with --demo")
        if demo and (base_url is not None or token_file is not None):
            raise click.UsageError(
                "--demo asks a server of its own, so it goes with neither --base-url nor --token-file"
            )
        token = secret_of(os.environ, TOKEN_VARIABLE) if token_file is None else token_file.token
        if not demo and token is None:
            raise click.UsageError(f"there is no API token: set {TOKEN_VARIABLE} or give --token-file (or try --demo)")
        threads = usual_threads if demo_threads is None else demo_threads
        connection = Connection(base_url, token, timeout, attempts, threads if demo else None, churn)
        command(connection=connection, **others)

    return with_connection


def _show_help(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        write(f"{context.get_help()}\n")
        context.exit()


def help_option(command: Command) -> Command:
    """Add ``--help``, which unlike click's own survives a closed pipe and a full disk."""
    return click.option(
        "-h",
        "--help",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_help,
        help="Show this and exit.",
    )(command)
