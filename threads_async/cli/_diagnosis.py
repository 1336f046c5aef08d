"""From the outcomes of the checks of `doctor` to findings, with advice. Performs no I/O.

Rule 1. A check that failed says what is wrong in the words of the client's errors, and what to do about it.
Rule 2. A check that an earlier failure makes meaningless is skipped. Without a token the server is checked anyway.
Rule 3. No secret is shown. A finding about a token contains only its length and where it comes from.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

from attrs import frozen

from threads_async._secrets import Secret
from threads_async._settings import BASE_URL_VARIABLE, DEFAULT_BASE_URL, TOKEN_VARIABLE
from threads_async.cli._exits import USAGE, failure_of, hint_of
from threads_async.cli._finding import Finding, State
from threads_async.cli._pasted import Shell, assignment, listener_line
from threads_async.errors import (
    ConfigurationError,
    DecodeError,
    RequestError,
    RequestTimeoutError,
    ServerError,
    StatusError,
    ThreadsError,
    UnauthorizedError,
)
from threads_async.models import Limits

BASE_URL: Final = "base URL"
TOKEN: Final = "API token"  # noqa: S105 - the name of a check
HOST: Final = "host"
PORT: Final = "port"
API: Final = "API"
ACCESS: Final = "access"
THREADS: Final = "threads"
LIMITS: Final = "limits"
_GENERATE: Final = "Generate a token in ZennoLab's user area (ZennoBrowser, API Control)"
_ORDER: Final = (HOST, PORT, API, ACCESS, THREADS, LIMITS)


@frozen
class Machine:
    """The machine on which the command runs.

    Attributes:
        shell: The shell for commands to type.
        system: `os.name`.
    """

    shell: Shell
    system: str

    @property
    def windows(self) -> bool:
        """Whether ZennoBrowser, which is a Windows program, can run on it."""
        return self.system == "nt"


def failed(check: str, error: ThreadsError, advice: str = "", command: str = "") -> Finding:
    """Return the finding of a check that ended in `error`, by default with the advice that fits the error."""
    return Finding(check, State.FAIL, error.message, advice or _advice_for(error), command, failure_of(error).exit_code)


def _advice_for(error: ThreadsError) -> str:
    """Return the hint of `error` as a sentence, or advice for its family."""
    hint = hint_of(error) if isinstance(error, RequestError) else ""
    if hint:
        return f"{hint[0].upper()}{hint[1:]}."
    if isinstance(error, RequestTimeoutError):
        return "Try again, or allow more time with --timeout."
    if isinstance(error, DecodeError):
        return "Report this output: the response is not what the documents of the API promise."
    return "Try again. If it fails again, restart ZennoBrowser."


def skipped_after(check: str, because_of: str = "") -> list[Finding]:
    """Return the findings of the checks that follow `check` on the way to the server.

    Args:
        check: The last check that was made.
        because_of: The check that failed; by default `check`.
    """
    following = _ORDER[_ORDER.index(check) + 1 :] if check in _ORDER else _ORDER
    return [Finding(one, State.SKIP, f'not checked, because "{because_of or check}" failed') for one in following]


def of_versions(versions: Mapping[str, str], python: str, system: str) -> Finding:
    """Return the finding that lists the versions.

    Args:
        versions: The versions of the packages by their names, this one first.
        python: The version of Python.
        system: The platform.
    """
    first, *others = [f"{name} {version}" for name, version in versions.items()]
    lines = [f"{first}, Python {python}", system, ", ".join(others[:3]), ", ".join(others[3:])]
    return Finding("versions", State.OK, "\n".join(lines))


def of_base_url(url: str | ConfigurationError, source: str, machine: Machine) -> Finding:
    """Return the finding about the base URL.

    Args:
        url: The base URL, or what is wrong with it.
        source: Where it comes from, in words.
        machine: Where the command runs.
    """
    if isinstance(url, str):
        return Finding(BASE_URL, State.OK, f"{url}, {source}")
    name = source.removeprefix("from ")
    command = f"threads-async doctor --base-url {DEFAULT_BASE_URL}"
    if name == BASE_URL_VARIABLE:
        command = assignment(machine.shell, name, DEFAULT_BASE_URL)
    text = re.sub(r"\bbase_url\b", name, url.message)
    return Finding(BASE_URL, State.FAIL, text, "Give it like this:", command, failure_of(url).exit_code)


def of_token(token: Secret | str | None, source: str, machine: Machine) -> Finding:
    """Return the finding about the API token. It shows only the length of the token.

    Args:
        token: The token, what is wrong with it, or None if there is none.
        source: Where it comes from, in words.
        machine: Where the command runs.
    """
    if token is None:
        text = f"there is none in {TOKEN_VARIABLE}, and no --token-file"
        advice = f"{_GENERATE}, put it into a file for --token-file, or set the variable:"
        command = assignment(machine.shell, TOKEN_VARIABLE, "...")
        return Finding(TOKEN, State.FAIL, text, advice, command, USAGE)
    if isinstance(token, str):
        advice = f"Put the API token, and nothing else, into {_holder(source)}. If it is lost, generate a new one."
        return Finding(TOKEN, State.FAIL, f"{source.removeprefix('from ')}: {token}", advice, exit_code=USAGE)
    length = len(token.reveal())
    return Finding(TOKEN, State.OK, f"{length} character{'s' * (length != 1)}, {source}")


def of_proxies(names: Sequence[str]) -> Finding:
    """Return the note that the proxy variables called `names` are not used."""
    verb = "is" if len(names) == 1 else "are"
    return Finding(
        "proxy",
        State.NOTE,
        f"{' and '.join(names)} {verb} set, but the client does not use proxies of the environment",
        "If only a proxy reaches the host, use the library with a session that has one.",
    )


def of_host(host: str, addresses: Sequence[str] | RequestError) -> Finding:
    """Return the finding about the addresses of `host`, or the error of looking them up."""
    if isinstance(addresses, RequestError):
        return failed(HOST, addresses)
    text = "is an IP address" if list(addresses) == [host] else f"is {', '.join(addresses)}"
    return Finding(HOST, State.OK, f"{host} {text}")


def is_here(addresses: Sequence[str]) -> bool:
    """Return whether all `addresses` belong to this machine."""
    return all(ip_address(one).is_loopback for one in addresses)


def of_port(port: int, outcome: str | RequestError, *, here: bool, machine: Machine) -> Finding:
    """Return the finding about the port.

    Args:
        port: The port.
        outcome: The address that accepted a connection, or the error if none did.
        here: Whether the addresses belong to this machine.
        machine: Where the command runs.
    """
    if isinstance(outcome, str):
        return Finding(PORT, State.OK, f"{outcome} accepts connections on port {port}")
    found = failed(PORT, outcome)
    more = ""
    if not here:
        more = "A firewall may block the port, or ZennoBrowser may accept connections from its own computer only."
    elif not machine.windows:
        more = "ZennoBrowser is a Windows program: if it runs on another computer, give the address with --base-url."
    return Finding(
        PORT, State.FAIL, f"port {port}: {found.text}", f"{found.advice} {more}".strip(), exit_code=found.exit_code
    )


def of_response(
    outcome: int | ThreadsError, token_source: str | None, port_here: int | None, machine: Machine
) -> list[Finding]:
    """Return the findings about the API, the access and the threads.

    Args:
        outcome: The number of threads, or the error of the request for it.
        token_source: Where the API token comes from, in words; None if there is no token.
        port_here: The port if the server is on this machine, else None.
        machine: Where the command runs.
    """
    works = Finding(API, State.OK, "responds as a ZennoBrowser does")
    if isinstance(outcome, StatusError) and (
        _refuses_token(outcome) or (token_source is None and isinstance(outcome, ServerError))
    ):
        works = Finding(API, State.OK, f"responds over HTTP (status {outcome.status})")
    elif isinstance(outcome, ThreadsError):
        return [_no_api(outcome, port_here, machine), *skipped_after(API)]
    if token_source is None:
        return [works, *skipped_after(API, TOKEN)]
    if isinstance(outcome, ThreadsError):
        advice = f"{_GENERATE}, and put it into {_holder(token_source)}."
        return [works, failed(ACCESS, outcome, advice), *skipped_after(ACCESS)]
    return [
        works,
        Finding(ACCESS, State.OK, "the API token is accepted"),
        Finding(THREADS, State.OK, f"{outcome} {'runs' if outcome == 1 else 'run'} in the default workspace"),
    ]


def _refuses_token(error: StatusError) -> bool:
    # Whether the real program answers a wrong token with 401 or with 500 is not known.
    return isinstance(error, UnauthorizedError) or "unauth" in (error.server_message or "").lower()


def _no_api(error: ThreadsError, port_here: int | None, machine: Machine) -> Finding:
    foreign = isinstance(error, DecodeError) or getattr(error, "status", None) == HTTPStatus.NOT_FOUND
    if not foreign:
        return failed(API, error)
    advice = f"Check that {BASE_URL_VARIABLE} or --base-url is the address of a ZennoBrowser API."
    if port_here is None:
        return failed(API, error, advice)
    advice += " Another program may listen on that port; this command shows it:"
    return failed(API, error, advice, listener_line(machine.system, port_here))


def of_limits(outcome: Limits | ThreadsError) -> Finding:
    """Return the finding about the limits, or the error of the request for them."""
    if isinstance(outcome, StatusError) and outcome.status == HTTPStatus.NOT_FOUND:
        return Finding(
            LIMITS, State.NOTE, "this server does not offer limits (404)", "Everything else works without them."
        )
    if isinstance(outcome, ThreadsError):
        return failed(LIMITS, outcome)
    active, limit, free = outcome.active_threads, outcome.limit_threads, outcome.free_threads
    in_use = f"{active} of {limit} threads {'is' if active == 1 else 'are'} in use"
    if free:
        return Finding(LIMITS, State.OK, f"{in_use}, {free} {'is' if free == 1 else 'are'} free")
    advice = "No thread can start until another one stops. Threads on other computers with the same licence count too."
    return Finding(LIMITS, State.NOTE, f"{in_use}, none is free", advice)


def _holder(token_source: str) -> str:
    """Return what holds the API token, in words."""
    name = token_source.removeprefix("from ")
    return f"the file of {name}" if name.startswith("--") else name
