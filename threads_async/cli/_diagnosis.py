"""The findings of `doctor` about the settings and the network, with advice. Performs no I/O.

Rule 1. A check that failed says what is wrong in the words of the client's errors, and what to do about it.
Rule 2. A check that an earlier failure makes meaningless is skipped. Without a token the server is checked anyway.
Rule 3. No secret is shown. A finding about a token shows only its length, its source, and signs that more was copied.
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from attrs import frozen

from threads_async._secrets import Secret
from threads_async._settings import BASE_URL_VARIABLE, DEFAULT_BASE_URL, TOKEN_VARIABLE
from threads_async.cli._advice import advice_for
from threads_async.cli._exits import USAGE, failure_of
from threads_async.cli._finding import Finding, State
from threads_async.cli._pasted import Shell, assignment
from threads_async.errors import ConfigurationError, RequestError, ThreadsError

BASE_URL: Final = "base URL"
TOKEN: Final = "API token"  # noqa: S105 - the name of a check
HOST: Final = "host"
PORT: Final = "port"
API: Final = "API"
ACCESS: Final = "access"
THREADS: Final = "threads"
LIMITS: Final = "limits"
GENERATE: Final = "Generate a token in ZennoLab's user area (ZennoBrowser, API Control)"
_ORDER: Final = (HOST, PORT, API, ACCESS, THREADS, LIMITS)


@frozen
class Machine:
    """The machine on which the command runs.

    Attributes:
        shell: The shell that the shown commands are for.
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
    return Finding(check, State.FAIL, error.message, advice or advice_for(error), command, failure_of(error).exit_code)


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
        source: Where it comes from: the name of a variable or an option, or other words.
        machine: Where the command runs.
    """
    if isinstance(url, str):
        return Finding(BASE_URL, State.OK, f"{url}, {_origin(source)}")
    command = f"threads-async doctor --base-url {DEFAULT_BASE_URL}"
    if source == BASE_URL_VARIABLE:
        command = assignment(machine.shell, source, DEFAULT_BASE_URL)
    text = re.sub(r"\bbase_url\b", source, url.message)
    return Finding(BASE_URL, State.FAIL, text, "Give it like this:", command, failure_of(url).exit_code)


def of_token(token: Secret | str | None, source: str, machine: Machine) -> Finding:
    """Return the finding about the API token. It shows no part of the token.

    Args:
        token: The token, what is wrong with it, or None if there is none.
        source: Where it comes from: the name of a variable or an option, or other words.
        machine: Where the command runs.
    """
    if token is None:
        text = f"there is none in {TOKEN_VARIABLE}, and no --token-file"
        advice = f"{GENERATE}, put it into a file for --token-file, or set the variable:"
        command = assignment(machine.shell, TOKEN_VARIABLE, "...")
        return Finding(TOKEN, State.FAIL, text, advice, command, USAGE)
    if isinstance(token, str):
        advice = f"Put the API token, and nothing else, into {holder_of(source)}. If it is lost, generate a new one."
        return Finding(TOKEN, State.FAIL, f"{source}: {token}", advice, exit_code=USAGE)
    length = len(token.reveal())
    text = f"{length} character{'s' * (length != 1)}, {_origin(source)}"
    oddities = _oddities_of(token)
    if not oddities:
        return Finding(TOKEN, State.OK, text)
    advice = f"Put only the API token into {holder_of(source)}, without quotation marks or other words."
    return Finding(TOKEN, State.NOTE, f"{text}; it {' and '.join(oddities)}", advice)


def _oddities_of(secret: Secret) -> list[str]:
    """Return the signs that more than the token was copied, in words that show no part of it."""
    token = secret.reveal()
    found = {
        "begins and ends with a quotation mark": len(token) > 1 and token[0] == token[-1] and token[0] in "\"'",
        "begins with Bearer": token.lower().startswith("bearer "),
        "contains a space": " " in token,
    }
    return [words for words, applies in found.items() if applies]


def of_proxies(names: Sequence[str]) -> Finding:
    """Return the note that the proxy variables called `names` are not used."""
    verb = "is" if len(names) == 1 else "are"
    return Finding(
        "proxy",
        State.NOTE,
        f"{' and '.join(names)} {verb} set, but the client does not use proxies of the environment",
        "If only a proxy reaches the host, use the library with a session that has one.",
    )


def of_certificates() -> Finding:
    """Return the note that the file of trusted certificates does not exist."""
    return Finding(
        "CA file",
        State.NOTE,
        "SSL_CERT_FILE is set to a file that does not exist, so no certificate is trusted",
        "Correct the variable, or remove it to trust the usual certificates.",
    )


def of_host(host: str, addresses: Sequence[str] | RequestError) -> Finding:
    """Return the finding about `host`: its addresses, or why they could not be found."""
    if isinstance(addresses, RequestError):
        return failed(HOST, addresses)
    text = "is an IP address" if list(addresses) == [host] else f"is {', '.join(addresses)}"
    return Finding(HOST, State.OK, f"{host} {text}")


def is_here(addresses: Sequence[str]) -> bool:
    """Return whether all `addresses` are loopback addresses, and so lead to this machine."""
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


def holder_of(token_source: str) -> str:
    """Return where the API token is kept, in words."""
    return f"the file of {token_source}" if token_source.startswith("--") else token_source


def _origin(source: str) -> str:
    """Return `source` as the end of a sentence: "from" and a name, or other words unchanged."""
    named = source in (BASE_URL_VARIABLE, TOKEN_VARIABLE) or source.startswith("--")
    return f"from {source}" if named else source
