"""The checks of `doctor`, in order: the settings, the host, the port, and what the server responds."""

import platform
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from attrs import evolve, frozen

from threads_async._secrets import Secret
from threads_async._settings import BASE_URL_VARIABLE, TOKEN_VARIABLE, base_url_of, token_of
from threads_async._version import __version__
from threads_async.cli import _diagnosis, _responses
from threads_async.cli._client import Connection, client_of
from threads_async.cli._diagnosis import Machine
from threads_async.cli._finding import Finding, without
from threads_async.cli._progress import waiting
from threads_async.cli._reach import Network, Target, accepting, addresses_of, target_of
from threads_async.cli._tokens import TokenFile
from threads_async.errors import ConfigurationError, RequestError, ThreadsError
from threads_async.models import T

_PACKAGES: Final = ("aiohttp", "attrs", "cattrs", "msgspec", "tenacity", "click", "rich")
_NO_TOKEN: Final = "none"  # noqa: S105 - what is sent without a token, to see whether a server responds at all


@frozen
class Subject:
    """What to examine.

    Attributes:
        connection: The connection that the options describe. Its token is None if there is none.
        token_file: The value of ``--token-file``, or the error of reading the file.
        environment: The environment of this process.
        machine: Where the command runs.
    """

    connection: Connection
    token_file: TokenFile | click.BadParameter | None
    environment: Mapping[str, str]
    machine: Machine


@frozen
class FoundSettings:
    """The settings of the client, valid or not, and where they come from.

    Attributes:
        url: The base URL, or what is wrong with it.
        url_source: Where it comes from: the name of a variable or an option, or other words.
        token: The API token, what is wrong with it, or None if there is none.
        token_source: Where it comes from, like `url_source`.
    """

    url: str | ConfigurationError
    url_source: str
    token: Secret | str | None
    token_source: str


def versions() -> dict[str, str]:
    """Return the versions of this package and of those that it needs."""
    found = {"threads_async": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            # Some tools that bundle a program leave the metadata out.
            found[name] = "unknown"
    return found


def _url_of(subject: Subject) -> tuple[str | ConfigurationError, str]:
    """Return the base URL, or what is wrong with it, and where it comes from."""
    given, environment = subject.connection.base_url, subject.environment
    source = BASE_URL_VARIABLE if environment.get(BASE_URL_VARIABLE, "").strip() else "the default"
    if given is not None:
        source = "--base-url"
    try:
        return base_url_of(given, environment), source
    except ConfigurationError as error:
        return error, source


def _token_of(subject: Subject) -> tuple[Secret | str | None, str]:
    """Return the API token, what is wrong with it, or None if there is none, and where it comes from."""
    file, token = subject.token_file, subject.connection.token
    source = TOKEN_VARIABLE if file is None else "--token-file"
    if isinstance(file, click.BadParameter):
        return file.message, source
    try:
        return None if token is None else token_of(token.reveal(), {}), source
    except ConfigurationError as error:
        return error.message, source


async def _outcome_of(request: Awaitable[T]) -> T | ThreadsError:
    try:
        return await request
    except ThreadsError as error:
        return error


class Examination:
    """The checks of one run.

    Args:
        subject: What to examine.
        tell: Called with each finding as soon as it is known.
        network: How names are looked up and connections are made.
    """

    def __init__(self, subject: Subject, tell: Callable[[Finding], None], network: Network) -> None:
        self._subject = subject
        self._receive = tell
        self._network = network

    def _tell(self, finding: Finding) -> None:
        # A token may also be in a wrong place, such as the base URL.
        self._receive(without(finding, self._subject.connection.token))

    async def run(self) -> None:
        """Make all checks in order."""
        system = f"{platform.system()} {platform.release()} ({platform.machine()})"
        self._tell(_diagnosis.of_versions(versions(), platform.python_version(), system))
        demo = self._subject.connection.demo
        if demo is None:
            await self._run(FoundSettings(*_url_of(self._subject), *_token_of(self._subject)))
            return
        from threads_async.testing import FakeServer  # noqa: PLC0415 - a demo is rare, and its server heavy

        async with FakeServer(threads=demo) as server:
            await self._run(
                FoundSettings(server.url, "the fake server", Secret(server.token), "built into the fake server")
            )

    async def _run(self, settings: FoundSettings) -> None:
        machine = self._subject.machine
        self._tell(_diagnosis.of_base_url(settings.url, settings.url_source, machine))
        self._tell(_diagnosis.of_token(settings.token, settings.token_source, machine))
        if isinstance(settings.url, ConfigurationError):
            self._skip_after(_diagnosis.BASE_URL)
            return
        self._check_environment(urlsplit(settings.url).scheme)
        target = target_of(settings.url)
        here = await self._reach(target)
        if here is not None:
            await self._request(settings, target, here=here)

    def _check_environment(self, scheme: str) -> None:
        environment = self._subject.environment
        unused = {"all_proxy", f"{scheme}_proxy"}
        proxies = sorted(name for name, value in environment.items() if value and name.lower() in unused)
        if proxies:
            self._tell(_diagnosis.of_proxies(proxies))
        certificates = environment.get("SSL_CERT_FILE")
        if certificates and scheme == "https" and not Path(certificates).exists():
            self._tell(_diagnosis.of_certificates())

    async def _reach(self, target: Target) -> bool | None:
        """Check the host and the port. Return whether they are on this machine, or None if one of them failed."""
        timeout = self._subject.connection.timeout
        with waiting("looking up the host"):
            addresses = await addresses_of(target, timeout, self._network)
        self._tell(_diagnosis.of_host(target.host, addresses))
        if isinstance(addresses, RequestError):
            self._skip_after(_diagnosis.HOST)
            return None
        with waiting("connecting"):
            outcome = await accepting(addresses, target, timeout, self._network)
        here = _diagnosis.is_here(addresses)
        self._tell(_diagnosis.of_port(target.port, outcome, here=here, machine=self._subject.machine))
        if isinstance(outcome, RequestError):
            self._skip_after(_diagnosis.PORT)
            return None
        return here

    async def _request(self, settings: FoundSettings, target: Target, *, here: bool) -> None:
        """Check the API, the token, the threads and the limits, with the client itself."""
        token = settings.token if isinstance(settings.token, Secret) else None
        source = None if token is None else settings.token_source
        sent = token or Secret(_NO_TOKEN)
        connection = evolve(self._subject.connection, base_url=target.url, token=sent, demo=None)
        async with client_of(connection) as client:
            with waiting("requesting the threads"):
                count = await _outcome_of(client.threads().count())
            port_here = target.port if here else None
            for finding in _responses.of_response(count, source, port_here, self._subject.machine):
                self._tell(finding)
            if token is not None and isinstance(count, int):
                with waiting("requesting the limits"):
                    limits = await _outcome_of(client.limits())
                self._tell(_responses.of_limits(limits))

    def _skip_after(self, check: str) -> None:
        for finding in _diagnosis.skipped_after(check):
            self._tell(finding)
