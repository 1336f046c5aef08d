"""How the command ends: an exit code for each family of errors, and one line for people. Performs no I/O."""

import re
from typing import Final

import click

from threads_async._fleet_error import FleetError
from threads_async._secrets import scrub
from threads_async._settings import BASE_URL_VARIABLE
from threads_async.cli._spelling import option_meant
from threads_async.cli._text import plain
from threads_async.errors import (
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    PaginationError,
    RequestError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    StatusError,
    ThreadLimitError,
    ThreadsError,
    TooManyRequestsError,
    UnauthorizedError,
)

DONE: Final = 0
USAGE: Final = 2
NOT_WRITTEN: Final = 12
NOT_LISTENING: Final = 13
NOT_CONFIRMED: Final = 15
NOT_MET: Final = 16
FLEET: Final = 17
INTERRUPTED: Final = 130
TERMINATED: Final = 143

_FAMILIES: Final[dict[type[ThreadsError], tuple[int, str]]] = {
    ConfigurationError: (USAGE, "invalid or missing option or setting; nothing sent, except by doctor"),
    ConnectionFailedError: (3, "no connection, or the connection was lost"),
    RequestTimeoutError: (4, "no complete response in time"),
    UnauthorizedError: (5, "the server refused the API token (401, 403)"),
    ServerError: (6, "server error (500 to 599)"),
    TooManyRequestsError: (7, "too many requests (429)"),
    StatusError: (8, "any other response status that is not 200"),
    DecodeError: (9, "the response does not have the documented format"),
    PaginationError: (10, "the pages contradict each other"),
    ResponseTooLargeError: (11, "the response is too large; use a smaller --total"),
    ThreadLimitError: (14, "not enough threads are free"),
    FleetError: (FLEET, "one or more machines of a fleet failed; the others were processed"),
    ThreadsError: (1, "any other error"),
}

EXIT_CODES: Final[dict[int, str]] = dict(
    sorted(
        {
            DONE: "success, also if the reader of a pipe is gone, except start and stop",
            **dict(_FAMILIES.values()),
            NOT_WRITTEN: "could not write to standard output",
            NOT_LISTENING: "serve could not listen on its port",
            NOT_CONFIRMED: "stop was not confirmed, so nothing was stopped",
            NOT_MET: "wait: the condition was not met within --timeout",
            INTERRUPTED: "interrupted by Ctrl-C (serve exits with 0)",
            TERMINATED: "ended by SIGTERM, except start, stop and serve",
        }.items()
    )
)
"""The meaning of each exit code, in order."""

# Settings whose name on the command line is not their Python name with dashes.
_OPTIONS: Final = {
    "token": "ZB_API_TOKEN or --token-file",
    "base_url": "ZB_API_BASE_URL or --base-url",
    "thread_token": "--thread-token-file",
    "path": "--fleet",
    "clients": "--fleet",
}


class CommandError(Exception):
    """An error that ends the command.

    Attributes:
        exit_code: The exit code.
        message: What went wrong, for people.
        details: What went wrong on each machine of a fleet.
    """

    def __init__(self, exit_code: int, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.details = details


def url_of(error: RequestError) -> str:
    """Return the URL of the request that failed with `error`, without its query."""
    return error.request.partition(" ")[2].partition("?")[0]


def cause_of(error: RequestError, *, in_fleet: bool = False) -> str:
    """Return one line with the URL of the failed request, the cause, and what to do about it."""
    hint = hint_of(error, in_fleet=in_fleet)
    return f"{f'{url}: ' if (url := url_of(error)) else ''}{error.message}{f'; {hint}' if hint else ''}"


def hint_of(error: RequestError, *, in_fleet: bool = False) -> str:
    """Return the hint of `error`, with option names in place of Python parameters. A fleet's file has a base_url."""
    if "SSL_CERT_FILE" in error.hint:
        return "set SSL_CERT_FILE to a file that contains its CA certificate"
    hint = re.sub(r"\btotal\b", "--total", error.hint).replace("pass wait=", "use --wait")
    return hint if in_fleet else re.sub(r"\bbase_url\b", _OPTIONS["base_url"], hint)


def failure_of(error: ThreadsError | click.ClickException, advice: str = "") -> CommandError:
    """Return the `CommandError` for an `error` of the client or of click. Its line ends with `advice`."""
    details: tuple[str, ...] = ()
    if isinstance(error, click.ClickException):
        code, message = error.exit_code, _words_of(error)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            advice = f"see {error.ctx.command_path} --help"
    else:
        code, _ = next(_FAMILIES[family] for family in type(error).__mro__ if family in _FAMILIES)
        message = _message_of(error)
        if isinstance(error, FleetError):
            details = tuple([f"{name}: {_message_of(one, in_fleet=True)}" for name, one in error.failures.items()])
    return CommandError(code, f"{message.rstrip('.')}; {advice}" if advice else message, details)


def _message_of(error: ThreadsError, *, in_fleet: bool = False) -> str:
    if isinstance(error, FleetError):
        return error.message
    message = str(error)
    if isinstance(error, ConfigurationError) and error.parameter:
        return _as_option(error.parameter, message)
    if isinstance(error, RequestError) and error.hint:
        return f"{message.removesuffix(error.hint)}{hint_of(error, in_fleet=in_fleet)}"
    return message


def _words_of(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        known = [name for parameter in error.ctx.command.params for name in parameter.opts]
        meant = option_meant(error.option_name, known)
        return f"no such option: {error.option_name}{f' (did you mean {meant}?)' if meant else ''}"
    # The unexpected argument may be a thread token in the wrong place.
    message = scrub(error.format_message())
    # Newer versions of click append a suggestion as a question.
    message = re.sub(r"\. Did you mean (.+)\?$", r" (did you mean \1?)", message)
    return message[:1].lower() + message[1:]


def _as_option(parameter: str, message: str) -> str:
    """Return `message` with the name of the option, once, in place of the Python parameter."""
    if parameter.startswith("machines."):
        return f"--fleet: {message}"
    option = _OPTIONS.get(parameter, "--" + parameter.replace("_", "-"))
    # None cannot be given on a command line.
    message = re.sub(",? or None$", "", message)
    if message.startswith(BASE_URL_VARIABLE):
        # The value came from the environment.
        return message
    rest = message.removeprefix(f"{parameter} ")
    return f"{option}: {message}" if rest == message else f"{option} {rest}"


def lines_of(failure: CommandError) -> list[str]:
    """Return the lines that report `failure`: one for each machine that failed, if any, and then one for all."""
    return [f"threads-async: {plain(' '.join(text.split()))}" for text in (*failure.details, failure.message)]
