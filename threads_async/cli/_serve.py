"""The command `serve`."""

import asyncio
import contextlib
import errno
import os
import signal
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click

from threads_async._settings import TOKEN_VARIABLE, token_of
from threads_async._token_sources import secret_of
from threads_async.cli._exits import NOT_LISTENING, CommandError
from threads_async.cli._options import Number, help_option
from threads_async.cli._pasted import (
    InEnvironment,
    InFile,
    Shown,
    Token,
    Typed,
    condition_of,
    list_line,
    request_line,
    shell_of,
)
from threads_async.cli._streams import tell
from threads_async.cli._tokens import TokenFile, token_file_option

if TYPE_CHECKING:
    from threads_async.testing import FakeServer

_PORT: Final = 8160
_LARGEST_PORT: Final = 65535


def announcement(server: "FakeServer", token: Token) -> str:
    """Return the text that announces the started `server`, with commands to paste that use `token`."""
    shell = shell_of(os.name, os.environ)
    return f"""\
Fake ZennoBrowser: {len(server.threads)} threads on {server.url} (press Ctrl-C to stop)

To try it, paste one of these into another terminal{condition_of(token)}:

  {request_line(shell, server.url, token)}

  {list_line(shell, server.url, token)}
"""


async def _serve(churn: float, token_file: TokenFile | None, parameters: dict[str, Any]) -> None:
    from threads_async.testing import FakeServer  # noqa: PLC0415 - only this command needs it

    secret = secret_of(os.environ, TOKEN_VARIABLE) if token_file is None else token_file.token
    if secret is None:
        server = FakeServer(**parameters)
        token: Token = Shown(server.token)
    else:
        server = FakeServer(token=token_of(secret.reveal(), {}).reveal(), **parameters)
        path = None if token_file is None else token_file.path
        token = InEnvironment() if token_file is None else Typed() if path is None else InFile(path)
    # The server keeps its requests for tests. Nothing reads them here, and the server may run for weeks.
    server.on_request = lambda _: server.requests.clear()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(_: int, __: FrameType | None) -> None:
        # SIGTERM stops the server too, because a shell starts background processes with SIGINT ignored.
        loop.call_soon_threadsafe(stop.set)

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(server)
            except OSError as error:
                raise _not_listening(server.port, error) from None
            if churn:
                await stack.enter_async_context(server.churn(churn))
            tell(announcement(server, token))
            await stop.wait()
    finally:
        signal.signal(signal.SIGTERM, before)


def _not_listening(port: int, error: OSError) -> CommandError:
    in_use = "is already in use, perhaps by a ZennoBrowser"
    reason = in_use if error.errno == errno.EADDRINUSE else f"is not available: {error.strerror}"
    return CommandError(
        NOT_LISTENING, f"port {port} {reason}; choose another one with --port, or use --port 0 for any free port"
    )


@click.command("serve", add_help_option=False)
@click.option(
    "--threads", metavar="N", type=click.IntRange(min=0), default=2500, help="Number of threads. Default: 2500."
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, _LARGEST_PORT),
    default=_PORT,
    help=f"Port to listen on, on the loopback interface only; 0 means any free port. Default: {_PORT}, the port of "
    "ZennoBrowser.",
)
@click.option(
    "--seed",
    metavar="N",
    type=int,
    default=0,
    help="Seed for generating threads. The same seed generates the same threads. Default: 0.",
)
@token_file_option(
    "--token-file",
    f"Accept only the API token in FILE (- for standard input). Default: the value of {TOKEN_VARIABLE}, or a built-in "
    "token that is shown at startup.",
)
@click.option(
    "--page-cap",
    metavar="N",
    type=click.IntRange(min=1),
    help="Maximum number of threads per page, whatever page size is requested.",
)
@click.option(
    "--past-end",
    type=click.Choice(["empty", "last_page", "error"]),
    default="empty",
    help="Response to a start at or past the end of the list: an empty page (the default), the last page again, or "
    "status 500.",
)
@click.option(
    "--latency",
    metavar="SECONDS",
    type=Number(min=0, max=86_400),
    default=0.0,
    help="Time to wait before each response, in seconds. Default: 0.",
)
@click.option(
    "--churn",
    metavar="RATE",
    type=Number(min=0, max=1000),
    default=0.0,
    help="Number of threads that start or stop per second. Default: 0.",
)
@click.option(
    "--limit-threads",
    metavar="N",
    type=click.IntRange(min=0),
    default=10_000,
    help="Requests can start threads only while fewer than N run in the workspace. Default: 10000.",
)
@click.option(
    "--threads-elsewhere",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Number of threads on other computers with the same licence. They count towards the limit. Default: 0.",
)
@click.option(
    "--lifetime",
    metavar="SECONDS",
    type=Number(min=0, min_open=True, max=86_400 * 365),
    help="Time after which a thread that a request has started ends, unless it is continued, in seconds. Default: "
    "unlimited.",
)
@click.option("--new-tokens", is_flag=True, help="Give a thread another token each time that it is continued.")
@click.option("--gzip", is_flag=True, help="Compress responses for clients that accept gzip.")
@click.option("--naive-times", is_flag=True, help="Send times without their UTC offset.")
@help_option
def serve(*, token_file: TokenFile | None, churn: float, **parameters: Any) -> None:
    """Serve a fake ZennoBrowser for other programs.

    The server runs on this machine, has its own threads, which other programs can
    start and stop, and responds as the API documentation says. Stop it with Ctrl-C
    or SIGTERM; the exit code is then 0.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(churn, token_file, parameters))
