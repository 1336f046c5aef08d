"""The options of the connection: which server to use, or which fleet of servers, and how."""

import functools
import os
from collections.abc import Callable
from typing import Any, Final

import click
from attrs import frozen

from threads_async._settings import TOKEN_VARIABLE
from threads_async._token_sources import secret_of
from threads_async.cli._client import Connection
from threads_async.cli._options import Command, Number
from threads_async.cli._tokens import TokenFile, token_file_option


@frozen
class Usual:
    """What a command uses if an option of the connection is not given, and how it differs from other commands.

    Attributes:
        threads: Number of threads on the `FakeServer` of --demo.
        churn: Number of threads that start or stop per second on it.
        attempts: Maximum number of attempts per request.
        timeout: Maximum time for one attempt, in seconds.
        timeout_option: The name of the option for it.
        lenient: Whether to accept a missing or unreadable token. The command then also receives `token_file`, which
            may be an error, and the token of the connection may be None.
        fleets: Whether the command works with a fleet too.
    """

    threads: int = 2500
    churn: float = 0.0
    attempts: int = 3
    timeout: float = 30.0
    timeout_option: str = "--timeout"
    lenient: bool = False
    fleets: bool = False


USUAL: Final = Usual()

MOST_MACHINES: Final = 100
"""Maximum number of machines of a demo. Each has a server of its own."""


_FLEET: Final = click.option(
    "--fleet",
    metavar="FILE",
    type=click.Path(),
    help="Use all machines in this TOML file. Each has a base_url and either token_env or token_file. The output shows "
    "the machine.",
)

_DEMO_MACHINES: Final = click.option(
    "--demo-machines",
    metavar="N",
    type=click.IntRange(1, MOST_MACHINES),
    help="With --demo, use a fleet of N fake servers, each with --demo-threads. The last one does not respond.",
)


def _option_if(wanted: bool, option: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return the decorator `option` if it is wanted, and otherwise one that changes nothing."""
    return option if wanted else _unchanged


def _unchanged(command: Command) -> Command:
    return command


def connection_options(usual: Usual = USUAL) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of the connection; the command receives them as `connection`."""
    return functools.partial(_with_connection, usual)


def _with_connection(usual: Usual, command: Command) -> Command:
    @click.option(
        "--base-url",
        metavar="URL",
        help="Base URL of the API. Default: the value of ZB_API_BASE_URL, or http://localhost:8160. For https, "
        "SSL_CERT_FILE can name a file of trusted certificates.",
    )
    @token_file_option(
        "--token-file",
        f"Read the API token from FILE (- for standard input). Default: the value of {TOKEN_VARIABLE}. Tokens are "
        "secrets, so they are not passed as arguments.",
        lenient=usual.lenient,
    )
    @_option_if(usual.fleets, _FLEET)
    @click.option(
        usual.timeout_option,
        "timeout",
        metavar="SECONDS",
        type=Number(min=0, min_open=True, max=86_400),
        default=usual.timeout,
        help=f"Maximum time for one attempt, in seconds. Default: {usual.timeout:g}.",
    )
    @click.option(
        "--attempts",
        metavar="N",
        type=click.IntRange(1, 1000),
        default=usual.attempts,
        help=f"Maximum number of attempts per request. Default: {usual.attempts}.",
    )
    @click.option(
        "--demo",
        is_flag=True,
        help="Use a fake server that runs inside the command. No ZennoBrowser or token is needed.",
    )
    @click.option(
        "--demo-threads",
        metavar="N",
        type=click.IntRange(min=0),
        help=f"Number of threads with --demo. Default: {usual.threads}.",
    )
    @_option_if(usual.fleets, _DEMO_MACHINES)
    @functools.wraps(command)
    def with_connection(  # noqa: PLR0913 - one per option
        *,
        base_url: str | None,
        token_file: TokenFile | click.BadParameter | None,
        timeout: float,
        attempts: int,
        demo: bool,
        demo_threads: int | None,
        fleet: str | None = None,
        demo_machines: int | None = None,
        **others: Any,
    ) -> None:
        for option, given in (("--demo-threads", demo_threads), ("--demo-machines", demo_machines)):
            if given is not None and not demo:
                raise click.UsageError(f"{option} requires --demo")
        if demo and (base_url is not None or token_file is not None):
            raise click.UsageError("--demo uses its own server and cannot be combined with --base-url or --token-file")
        if fleet is not None and (demo or base_url is not None or token_file is not None):
            raise click.UsageError("--fleet cannot be combined with --base-url, --token-file or --demo")
        token = secret_of(os.environ, TOKEN_VARIABLE) if token_file is None else getattr(token_file, "token", None)
        if usual.lenient:
            others["token_file"] = token_file
        elif not demo and fleet is None and token is None:
            raise click.UsageError(f"no API token: set {TOKEN_VARIABLE} or use --token-file (or try --demo)")
        threads = usual.threads if demo_threads is None else demo_threads
        connection = Connection(
            base_url, token, timeout, attempts, threads if demo else None, usual.churn, fleet, demo_machines
        )
        command(connection=connection, **others)

    return with_connection
