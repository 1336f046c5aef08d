"""`doctor`: every check says what it found, the first failure decides the exit code, and no secret is shown."""

import asyncio
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from cli_support import SECONDS, running
from powershell import faults

import threads_async
from threads_async import ConfigurationError, Limits, RequestTimeoutError
from threads_async._secrets import Secret
from threads_async.cli import _diagnosis, _examination, _responses, main
from threads_async.cli._advice import advice_for
from threads_async.cli._client import Connection
from threads_async.cli._examination import Examination, Subject
from threads_async.cli._finding import Finding, State, data_of, exit_code_of, text_of, without
from threads_async.cli._pasted import Shell
from threads_async.cli._reach import Network
from threads_async.testing import FakeServer, Fault, WireServer
from threads_async.testing.wire import Script, answer, hang, send

Capture = pytest.CaptureFixture[bytes]

SECRET = "canary-of-the-token-0123456789"
CHECKS = ["versions", "base URL", "API token", "host", "port", "API", "access", "threads", "limits"]
UNIX = _diagnosis.Machine(Shell.POSIX, "posix")
WINDOWS = _diagnosis.Machine(Shell.POWERSHELL, "nt")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    server = FakeServer(5, token=SECRET, limit_threads=7)
    with running(server):
        monkeypatch.setenv("ZB_API_TOKEN", SECRET)
        monkeypatch.setenv("ZB_API_BASE_URL", server.url)
        yield server


class Wire:
    """A server below HTTP that is started and stopped like `FakeServer`."""

    def __init__(self, *scripts: Script) -> None:
        self._server = WireServer(*scripts)

    @property
    def url(self) -> str:
        return self._server.url

    async def start(self) -> None:
        await self._server.__aenter__()

    async def stop(self) -> None:
        await self._server.__aexit__(None, None, None)


def run(*arguments: str) -> int:
    """Run the command in a thread of its own.

    If an error is thrown into a waiting coroutine, Python 3.11 miscounts the calls that coverage traces. The rest
    of the functions on the stack of that thread is then not measured.
    """
    with ThreadPoolExecutor() as pool:
        return pool.submit(main, ["doctor", *arguments]).result()


def doctor(capsysbinary: Capture, *arguments: str) -> tuple[int, dict[str, Finding], str]:
    """Run the command; return its exit code, what each check found, and the text that people see."""
    code = run(*arguments)
    text, error = capsysbinary.readouterr()
    assert b"" == error
    assert code == run(*arguments, "--format", "json")
    report = json.loads(capsysbinary.readouterr().out)
    assert (code == 0, code) == (report["ok"], report["exitCode"])
    assert list(report) == ["ok", "exitCode", "checks"]
    found = {
        one["check"]: Finding(one["check"], State(one["state"]), one["text"], one["advice"] or "", one["command"] or "")
        for one in report["checks"]
    }
    shown = text.decode()
    assert list(found) == [line[6:15].rstrip() for line in shown.splitlines() if re.match("(ok|note|fail|skip) ", line)]
    assert max(len(line) for line in shown.splitlines() if not line.lstrip().startswith("threads-async")) < 80
    return code, found, shown


def states(found: Mapping[str, Finding]) -> list[str]:
    """Return the checks, and the state of each that is not ok."""
    return [name if one.state is State.OK else f"{name}: {one.state}" for name, one in found.items()]


def stopping_at(check: str, *skipped: str) -> list[str]:
    """Return the expected `states` if `check` fails and `skipped`, by default the checks after it, are skipped."""
    after = skipped or CHECKS[CHECKS.index(check) + 1 :]
    return [f"{one}: fail" if one == check else f"{one}: skip" if one in after else one for one in CHECKS]


# All is well ----------------------------------------------------------------------------------------------------------


def test_all_is_well_in_the_demo(capsysbinary: Capture) -> None:
    code, found, text = doctor(capsysbinary, "--demo", "--demo-threads", "3")

    assert (0, CHECKS) == (code, states(found))
    assert "fake server" in found["base URL"].text
    assert "3 run in the default workspace" == found["threads"].text
    assert "3 of 10000 threads are in use, 9997 are free" == found["limits"].text
    assert "Everything works." == text.splitlines()[-1]


def test_the_demo_starts_one_server(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[FakeServer] = []
    start = FakeServer.start

    async def counted(self: FakeServer) -> None:
        started.append(self)
        await start(self)

    monkeypatch.setattr(FakeServer, "start", counted)

    assert 0 == run("--demo")
    assert 1 == len(started)
    # The threads and the limits.
    assert 2 == len(started[0].requests)


def test_all_is_well_with_a_server(server: FakeServer, capsysbinary: Capture) -> None:
    code, found, _ = doctor(capsysbinary)

    assert (0, CHECKS) == (code, states(found))
    assert f"{server.url}, from ZB_API_BASE_URL" == found["base URL"].text
    assert "30 characters, from ZB_API_TOKEN" == found["API token"].text
    assert "127.0.0.1 is an IP address" == found["host"].text
    assert f"127.0.0.1 accepts connections on port {server.port}" == found["port"].text
    assert "5 of 7 threads are in use, 2 are free" == found["limits"].text


def test_the_help_lists_the_checks_in_order(capsysbinary: Capture) -> None:
    assert 0 == main(["doctor", "--help"])

    text = " ".join(capsysbinary.readouterr().out.decode().split())
    assert f"Checks: {', '.join(CHECKS[1:])}." in text
    assert "Without an API token, one request is sent nevertheless" in text


def test_the_versions_are_those_of_this_process(capsysbinary: Capture) -> None:
    _, found, text = doctor(capsysbinary, "--demo")

    assert found["versions"].text.startswith(f"threads_async {threads_async.__version__}, Python 3.")
    assert re.search(r"aiohttp 3\.\d+\.\d+, attrs \d+\.\d+\.\d+, cattrs \d+\.\d+\.\d+\n", text)
    assert re.search(r"msgspec [\d.]+, tenacity [\d.]+, click [\d.]+, rich [\d.]+\n", text)


def test_a_package_without_metadata_has_an_unknown_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(_examination, "version", version)

    assert {threads_async.__version__, "unknown"} == set(_examination.versions().values())


def test_options_come_before_the_environment(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", "other")
    monkeypatch.setenv("ZB_API_BASE_URL", "http://127.0.0.1:1")
    path = tmp_path / "token"
    path.write_text(SECRET)

    code, found, _ = doctor(capsysbinary, "--base-url", f"{server.url}/", "--token-file", str(path))

    assert (0, CHECKS) == (code, states(found))
    assert f"{server.url}, from --base-url" == found["base URL"].text
    assert "30 characters, from --token-file" == found["API token"].text


def test_the_number_one_is_followed_by_a_singular() -> None:
    assert "1 character, from ZB_API_TOKEN" == _diagnosis.of_token(Secret("x"), "ZB_API_TOKEN", UNIX).text
    assert "1 runs in the default workspace" == _responses.of_response(1, "ZB_API_TOKEN", None, UNIX)[2].text
    assert "1 of 2 threads is in use, 1 is free" == _responses.of_limits(Limits(1, 2, *[0] * 8)).text


async def test_the_default_address_is_called_the_default() -> None:
    found = await findings_of(None, network(["127.0.0.1"], ConnectionRefusedError(111, "x")))

    assert "http://localhost:8160, the default" == found["base URL"].text
    assert "localhost is 127.0.0.1" == found["host"].text


def test_the_name_of_the_host_is_looked_up(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZB_API_BASE_URL", f"http://localhost:{server.port}")

    code, found, _ = doctor(capsysbinary)

    assert 0 == code
    assert re.fullmatch(r"localhost is .*127\.0\.0\.1.*", found["host"].text)


# The settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 500])
def test_without_a_token_the_server_is_checked_all_the_same(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.delenv("ZB_API_TOKEN")
    server.unauthorized_status = status

    code, found, text = doctor(capsysbinary)

    assert (2, stopping_at("API token", "access", "threads", "limits")) == (code, states(found))
    assert "there is none in ZB_API_TOKEN, and no --token-file" == found["API token"].text
    assert "--token-file" in found["API token"].advice
    assert "export ZB_API_TOKEN='...'" in text or os.name == "nt"
    assert f"status {status}" in found["API"].text
    assert 'not checked, because "API token" failed' == found["access"].text
    assert "1 check failed: API token. The exit code is 2." == text.splitlines()[-1]


def test_without_a_token_a_server_that_needs_none_says_so(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZB_API_TOKEN")
    server.fault_for = lambda _: Fault(200, b'{"totalCount":0,"items":[]}')

    code, found, _ = doctor(capsysbinary)

    assert (2, stopping_at("API token", "access", "threads", "limits")) == (code, states(found))
    assert "responds as a ZennoBrowser does" == found["API"].text


def test_without_a_token_other_failures_are_failures(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZB_API_TOKEN")
    server.fault_for = lambda _: Fault(404, b"")

    code, found, text = doctor(capsysbinary)

    assert 2 == code
    assert ["fail", "fail", "skip"] == [found[name].state for name in ("API token", "API", "access")]
    assert "2 checks failed: API token, API. The exit code is 2." == text.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "the file cannot be read: "), (b"two words", "one token"), (b"\xff", "one token")],
)
def test_a_token_file_that_cannot_be_used_is_a_finding(
    server: FakeServer, capsysbinary: Capture, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / SECRET
    if content is not None:
        path.write_bytes(content)
    else:
        path.mkdir()

    code, found, text = doctor(capsysbinary, "--token-file", str(path))

    assert (2, stopping_at("API token", "access", "threads", "limits")) == (code, states(found))
    assert reason in found["API token"].text
    assert found["API token"].text.startswith("--token-file: ")
    assert "into the file of --token-file." in found["API token"].advice
    # The name of the file may be the token, given by mistake.
    assert SECRET not in text


def test_a_closed_standard_input_is_a_finding(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    code, found, _ = doctor(capsysbinary, "--token-file", "-")

    assert 2 == code
    assert "--token-file: standard input is closed" == found["API token"].text


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (f'"{SECRET}"', "begins and ends with a quotation mark"),
        (f"'{SECRET}'", "begins and ends with a quotation mark"),
        ("canary of-a-token", "contains a space"),
        (f"Bearer {SECRET}", "begins with Bearer and contains a space"),
        (f'"bearer {SECRET}"', "begins and ends with a quotation mark and contains a space"),
    ],
)
def test_a_token_that_looks_copied_with_more_around_it_is_a_note(
    capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, token: str, reason: str
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", token)

    code, found, text = doctor(capsysbinary, "--base-url", "http://192.0.2.1:x")

    assert (2, State.NOTE) == (code, found["API token"].state)
    assert found["API token"].text.endswith(f" characters, from ZB_API_TOKEN; it {reason}")
    assert "Put only the API token into ZB_API_TOKEN" in found["API token"].advice
    assert "canary" not in text


@pytest.mark.parametrize("token", ['"', "'a", 'a"', "Bearer"])
def test_a_token_with_one_quotation_mark_may_be_right(token: str) -> None:
    assert State.OK is _diagnosis.of_token(Secret(token), "ZB_API_TOKEN", UNIX).state


@pytest.mark.parametrize(("token", "reason"), [("токен", "characters outside ASCII"), ("a\x01b", "control characters")])
def test_a_token_that_no_header_can_hold_is_a_finding(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, token: str, reason: str
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", token)

    code, found, text = doctor(capsysbinary)

    assert (2, stopping_at("API token", "access", "threads", "limits")) == (code, states(found))
    assert f"ZB_API_TOKEN: the API token has {reason}" == found["API token"].text
    assert token not in text


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"http://user:{SECRET}@127.0.0.1:8160", "must not contain credentials"),
        (f"http://127.0.0.1:8160/?token={SECRET}", "must not contain a query"),
        (f"http://127.0.0.1:8160/#{SECRET}", "must not contain a query or a fragment"),
        (f"ftp://{SECRET}", "must look like http://localhost:8160"),
        (f"http://{SECRET}:x", "is not a URL"),
        ("localhost:8160", "must look like http://localhost:8160"),
    ],
)
@pytest.mark.parametrize("source", ["ZB_API_BASE_URL", "--base-url"])
def test_a_wrong_base_url_is_a_finding_that_does_not_show_it(
    capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, url: str, reason: str, source: str
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", SECRET)
    monkeypatch.setenv("ZB_API_BASE_URL", url if source == "ZB_API_BASE_URL" else "")

    code, found, text = doctor(capsysbinary, *(["--base-url", url] if source == "--base-url" else []))

    assert 2 == code
    assert ["versions", "base URL: fail", "API token", *[f"{one}: skip" for one in CHECKS[3:]]] == states(found)
    assert f"{source} {reason}" in found["base URL"].text
    assert source in found["base URL"].command
    assert SECRET not in text


def test_proxies_of_the_environment_are_not_used_which_is_a_note(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:{SECRET}@127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    code, found, text = doctor(capsysbinary)

    # The request was answered, so the proxy was not used.
    assert (0, "note") == (code, found["proxy"].state)
    assert found["proxy"].text.startswith("HTTP_PROXY is set, but the client does not use")
    assert SECRET not in text


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("http://192.0.2.1", "ALL_PROXY and http_proxy are"),
        ("https://192.0.2.1", "ALL_PROXY and HTTPS_PROXY are"),
    ],
)
async def test_only_the_proxies_of_the_scheme_and_of_all_schemes_are_noted(url: str, names: str) -> None:
    refused = network([], OSError(113, "x"))
    found = await findings_of(url, refused, ALL_PROXY="a", http_proxy="b", HTTPS_PROXY="c", NO_PROXY="d")

    assert found["proxy"].text.startswith(f"{names} set, but")


async def test_all_proxy_alone_is_noted() -> None:
    found = await findings_of("http://192.0.2.1", network([], OSError(113, "x")), all_proxy="a")

    assert found["proxy"].text.startswith("all_proxy is set, but")


def test_several_proxies_have_a_plural_verb() -> None:
    found = _diagnosis.of_proxies(["ALL_PROXY", "HTTPS_PROXY"])

    assert found.text.startswith("ALL_PROXY and HTTPS_PROXY are set, but the client does not use")


def test_wrong_options_are_the_usual_error(capsysbinary: Capture) -> None:
    assert 2 == main(["doctor", "--demo", "--base-url", "http://127.0.0.1:1"])

    assert b"" == capsysbinary.readouterr().out


def test_nothing_that_is_shown_contains_the_token(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", SECRET)
    urls = [
        f"{server.url}/{SECRET}",
        f"http://{SECRET.upper()}.invalid",
        f"http://{SECRET.replace('-', '%2D')}.invalid",
        f"http://{SECRET}:8160/?{SECRET}",
    ]
    for url in urls:
        code, _, text = doctor(capsysbinary, "--base-url", url)
        assert code
        assert "…" in text or "must not contain" in text
        assert "canary" not in text.lower()


def test_no_part_of_a_finding_contains_the_token() -> None:
    found = Finding("port", State.FAIL, f"a {SECRET.upper()}", f"b {SECRET}", f"c '{SECRET}'", 3)

    assert Finding("port", State.FAIL, "a …", "b …", "c '…'", 3) == without(found, Secret(SECRET))
    assert Finding("port", State.OK, "a eyJ…ozKw") == without(
        Finding("port", State.OK, "a eyJhbGciOiJIUzI1.eyJzd.dozKw"), None
    )


def test_a_token_longer_than_a_text_is_not_searched_for_in_it() -> None:
    found = Finding("port", State.OK, "text")

    assert found == without(found, Secret("t" * 60_000))


# The network ----------------------------------------------------------------------------------------------------------


def network(addresses: Sequence[str] | Exception | float, *outcomes: Exception | float | None) -> Network:
    """Return a network on which every host has `addresses`, and the n-th connection has the n-th of `outcomes`.

    A number is a time in seconds, after which it succeeds. An exception is raised. None is a success at once.
    """
    waiting = list(outcomes)

    async def resolve(_: str, __: int) -> Sequence[str]:
        if isinstance(addresses, float):
            await asyncio.sleep(addresses)
        if isinstance(addresses, Exception):
            raise addresses
        return addresses if isinstance(addresses, Sequence) else ()

    async def connect(_: str, __: int) -> None:
        outcome = waiting.pop(0)
        if isinstance(outcome, float):
            await asyncio.sleep(outcome)
        elif outcome is not None:
            raise outcome

    return Network(resolve, connect)


async def findings_of(
    base_url: str | None, network: Network, seconds: float = 0.05, **environment: str
) -> dict[str, Finding]:
    """Examine `base_url` on that network."""
    found: list[Finding] = []
    connection = Connection(base_url, Secret(SECRET), seconds, 1, None, 0.0)
    # In a task of its own, for the same reason as in `run`.
    await asyncio.create_task(Examination(Subject(connection, None, environment, UNIX), found.append, network).run())
    return {one.check: one for one in found}


def test_a_port_on_which_nothing_listens_is_refused(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("ZB_API_BASE_URL", f"http://127.0.0.1:{unused_tcp_port}")

    code, found, text = doctor(capsysbinary)

    assert (3, stopping_at("port")) == (code, states(found))
    assert f"port {unused_tcp_port}: the connection was refused" == found["port"].text
    assert found["port"].advice.startswith("Check the host and port of ZB_API_BASE_URL or --base-url.")
    assert 'not checked, because "port" failed' == found["API"].text
    assert "1 check failed: port. The exit code is 3." == text.splitlines()[-1]
    assert [] == server.requests


def test_a_name_that_does_not_exist_is_not_known(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", SECRET)

    code, found, _ = doctor(capsysbinary, "--base-url", "http://zenno.invalid:8160")

    assert (3, stopping_at("host")) == (code, states(found))
    assert found["host"].text.startswith("the name zenno.invalid is not known (")
    assert "Check the host of ZB_API_BASE_URL or --base-url." == found["host"].advice


@pytest.mark.parametrize(
    ("error", "reason"),
    [(socket.gaierror(-2, "no such name"), "(no such name)"), (UnicodeError("x"), "(it is not a valid host name)")],
)
async def test_a_name_that_cannot_be_looked_up_is_not_known(error: Exception, reason: str) -> None:
    found = await findings_of("http://zenno.example", network(error))

    assert f"the name zenno.example is not known {reason}" == found["host"].text
    assert 3 == found["host"].exit_code


async def test_a_name_server_that_does_not_respond_is_a_timeout() -> None:
    found = await findings_of("http://zenno.example", network(60.0))

    assert stopping_at("host") == states(found)
    assert ("the name zenno.example was not found within 0.05 s", 4) == (found["host"].text, found["host"].exit_code)


def test_a_name_server_that_does_not_respond_does_not_keep_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", SECRET)
    released = threading.Event()
    daemons: list[bool] = []

    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        daemons.append(threading.current_thread().daemon)
        released.wait(SECONDS)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    started = time.monotonic()
    try:
        code = run("--base-url", "http://zenno.example", "--timeout", "0.2")
        took = time.monotonic() - started
    finally:
        released.set()

    assert 4 == code
    assert took < SECONDS / 2
    # The interpreter waits for other threads when the process ends, also after Ctrl-C.
    assert [True] == daemons


async def test_the_port_of_https_is_its_own() -> None:
    found = await findings_of("https://192.0.2.1/zenno", network([], OSError(113, "x")))

    assert "port 443: there is no route to the host" == found["port"].text


@pytest.mark.parametrize(
    ("url", "missing", "noted"),
    [("https://192.0.2.1", True, True), ("https://192.0.2.1", False, False), ("http://192.0.2.1", True, False)],
)
async def test_a_file_of_certificates_that_does_not_exist_is_a_note(
    tmp_path: Path, url: str, missing: bool, noted: bool
) -> None:
    path = tmp_path / "missing" if missing else tmp_path
    found = await findings_of(url, network([], OSError(113, "x")), SSL_CERT_FILE=str(path))

    assert noted == ("CA file" in found)


async def test_an_address_that_does_not_respond_is_a_timeout() -> None:
    found = await findings_of("http://192.0.2.1", network([], 60.0))

    assert stopping_at("port") == states(found)
    assert ("port 80: no connection within 0.05 s", 4) == (found["port"].text, found["port"].exit_code)
    assert found["port"].advice.startswith("Try again, or allow more time with --timeout. A firewall")


async def test_every_address_of_the_host_is_tried() -> None:
    addresses = ["2001:db8::1", "192.0.2.1", "192.0.2.2"]
    async with FakeServer(token=SECRET) as server:
        url = f"http://localhost:{server.port}"
        found = await findings_of(url, network(addresses, 60.0, OSError(113, "x"), None), 5.0)

    assert CHECKS == states(found)
    assert "localhost is 2001:db8::1, 192.0.2.1, 192.0.2.2" == found["host"].text
    assert f"192.0.2.2 accepts connections on port {server.port}" == found["port"].text


async def test_of_several_failures_a_refusal_says_most() -> None:
    errors = [OSError(101, "x"), ConnectionRefusedError(111, "x"), OSError(113, "x")]
    found = await findings_of("http://zenno.example", network(["192.0.2.1", "192.0.2.2", "192.0.2.3"], *errors))

    assert "port 80: the connection was refused" == found["port"].text


async def test_the_standard_port_of_this_machine_is_that_of_a_zennobrowser() -> None:
    found = await findings_of(None, network(["127.0.0.1", "::1"], *[ConnectionRefusedError(111, "x")] * 2))

    assert found["port"].advice.startswith("Check that ZennoBrowser is running.")
    assert "ZennoBrowser is a Windows program" in found["port"].advice


@pytest.mark.parametrize(
    ("addresses", "here"),
    [
        (["127.0.0.1", "::1"], True),
        (["127.0.0.1", "192.0.2.1"], False),
        (["192.0.2.1", "127.0.0.1"], False),
        (["fe80::1%eth0"], False),
    ],
)
def test_a_host_is_here_if_all_its_addresses_are(addresses: Sequence[str], here: bool) -> None:
    assert here is _diagnosis.is_here(addresses)


async def test_a_program_on_another_machine_has_no_command_to_find_it() -> None:
    async with WireServer(send(answer(HTML))) as wire:
        url = wire.url.replace("127.0.0.1", "localhost")
        found = await findings_of(url, network(["127.0.0.1", "192.0.2.1"], None, OSError(113, "x")), 5.0)

    assert (State.FAIL, CHECK_ADDRESS, "") == (found["API"].state, found["API"].advice, found["API"].command)


async def test_an_address_of_another_machine_may_be_behind_a_firewall() -> None:
    found = await findings_of("http://192.0.2.1:8160", network([], ConnectionRefusedError(111, "x")))

    assert "firewall" in found["port"].advice
    assert "Windows program" not in found["port"].advice


# The server -----------------------------------------------------------------------------------------------------------

NOT_HTTP = send(b"SSH-2.0-OpenSSH_9.6\r\n")
HTML = b"<!doctype html><title>Router</title>"


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [
        (NOT_HTTP, 9, "not valid HTTP"),
        (send(), 3, "closed the connection without a response"),
        (send(answer(HTML, headers="Content-Type: text/html\r\n")), 9, "not a page of threads"),
        (send(answer(b"{}")), 9, "not a page of threads"),
        (send(answer(HTML, status="404 Not Found")), 8, "404"),
        (send(answer(b"", status="302 Found", headers="Location: /login\r\n")), 8, "sent a redirect"),
        (send(answer(HTML, status="502 Bad Gateway")), 6, "502"),
        (send(answer(b"", status="429 Too Many Requests")), 7, "slow down"),
    ],
)
def test_a_server_that_is_not_a_zennobrowser_is_a_failure_with_advice(
    capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, script: Script, code: int, reason: str
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", SECRET)
    # `doctor` runs the command twice. Each run opens one connection to check the port, and one for the request.
    wire = Wire(script)
    with running(wire):
        found_code, found, text = doctor(capsysbinary, "--base-url", wire.url)

    assert (code, stopping_at("API")) == (found_code, states(found))
    assert reason in found["API"].text
    assert found["API"].advice
    assert SECRET not in text


CHECK_ADDRESS = "Check that ZB_API_BASE_URL or --base-url is the address of a ZennoBrowser API."
TRY_AGAIN = "Try again. If it fails again, restart ZennoBrowser."


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (204, b"", CHECK_ADDRESS),
        (400, b'{"message":"no"}', CHECK_ADDRESS),
        (400, HTML, f"The server may speak https. {CHECK_ADDRESS}"),
        (400, b"Client sent an HTTP request to an HTTPS server.", f"The server may speak https. {CHECK_ADDRESS}"),
        (405, HTML, CHECK_ADDRESS),
        (407, HTML, CHECK_ADDRESS),
        (408, b"", TRY_AGAIN),
        (418, b"", CHECK_ADDRESS),
        (429, b"", TRY_AGAIN),
        (451, b"x", CHECK_ADDRESS),
        (502, HTML, "Check the proxy in front of the API."),
        (503, b"", TRY_AGAIN),
        (None, b"", f"The server may speak https. {CHECK_ADDRESS}"),
    ],
)
def test_the_advice_fits_the_status(
    server: FakeServer, capsysbinary: Capture, status: int | None, body: bytes, advice: str
) -> None:
    server.fault_for = lambda _: Fault(status, body)

    _, found, _ = doctor(capsysbinary)

    assert (State.FAIL, advice) == (found["API"].state, found["API"].advice)


def test_an_https_server_has_no_advice_about_https() -> None:
    request = "GET https://192.0.2.1/v1/threads?start=0"
    errors = [
        threads_async.StatusError("x", status=400, request=request),
        threads_async.ConnectionFailedError("closed without a response", request=request),
        threads_async.ConnectionFailedError("the connection was reset", request=request),
    ]

    network = "Try again. If it fails again, check the network and ZB_API_BASE_URL or --base-url."

    assert [CHECK_ADDRESS, network, network] == [advice_for(error) for error in errors]


def test_other_errors_have_the_usual_advice() -> None:
    assert TRY_AGAIN == advice_for(threads_async.ThreadsError("x"))


def test_a_response_that_is_too_large_comes_from_another_program() -> None:
    error = threads_async.ResponseTooLargeError("x", hint="use a smaller total")
    here, *_ = _responses.of_response(error, "ZB_API_TOKEN", 8160, UNIX)
    there, *_ = _responses.of_response(error, "ZB_API_TOKEN", None, UNIX)

    assert here.advice.startswith(f"{CHECK_ADDRESS} Another program")
    assert CHECK_ADDRESS == there.advice


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_without_a_message_may_come_from_another_program(
    server: FakeServer, capsysbinary: Capture, status: int
) -> None:
    server.fault_for = lambda _: Fault(status, HTML)

    _, found, _ = doctor(capsysbinary)

    assert found["access"].advice.endswith(
        ", and put it into ZB_API_TOKEN. Also check that ZB_API_BASE_URL or --base-url is the address of a "
        "ZennoBrowser API."
    )


def test_a_command_finds_another_program_that_listens_on_this_machine(
    capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", SECRET)
    wire = Wire(send(answer(HTML)))
    with running(wire):
        _, found, _ = doctor(capsysbinary, "--base-url", wire.url)

    assert "Another program may listen on that port; this command shows it:" in found["API"].advice
    assert wire.url.rpartition(":")[2] in found["API"].command


def test_a_wrong_value_in_a_page_comes_from_a_zennobrowser(server: FakeServer, capsysbinary: Capture) -> None:
    server.fault_for = lambda _: Fault(200, b'{"totalCount":1,"items":[{"type":null}]}')

    code, found, _ = doctor(capsysbinary)

    assert (9, stopping_at("API")) == (code, states(found))
    assert "items[0]" in found["API"].text
    assert found["API"].advice.startswith("Report this output")
    assert "" == found["API"].command


def test_a_path_that_does_not_exist_belongs_to_another_program() -> None:
    error = threads_async.StatusError("x", status=404)
    api, *_ = _responses.of_response(error, "ZB_API_TOKEN", 8160, UNIX)

    assert "Another program may listen on that port" in api.advice


def test_a_server_that_says_nothing_is_a_timeout(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", SECRET)
    wire = Wire(hang())
    with running(wire):
        code, found, _ = doctor(capsysbinary, "--base-url", wire.url, "--timeout", "0.2")

    assert (4, stopping_at("API")) == (code, states(found))
    assert "no complete response within 0.2 s" == found["API"].text
    assert "Try again, or allow more time with --timeout." == found["API"].advice


def test_a_failure_is_not_hidden_by_a_retry(server: FakeServer, capsysbinary: Capture) -> None:
    server.fail_next()
    assert 6 == main(["doctor"])
    server.fail_next()
    assert 0 == main(["doctor", "--attempts", "2"])


# The token ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "code"), [(401, 5), (403, 5), (500, 6)])
def test_a_wrong_token_is_refused(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", wrong := "wrong-canary-0123456789-0123456789")
    server.unauthorized_status = status

    found_code, found, text = doctor(capsysbinary)

    assert (code, stopping_at("access")) == (found_code, states(found))
    assert f"responds over HTTP (status {status})" == found["API"].text
    assert str(status) in found["access"].text
    assert found["access"].advice.startswith("Generate a token in ZennoLab's user area")
    assert found["access"].advice.endswith(", and put it into ZB_API_TOKEN.")
    assert {False} == {secret[at : at + 8] in text for secret in (wrong, SECRET) for at in range(len(secret) - 7)}


@pytest.mark.parametrize("body", [b'{"message":null}', b'{"message":"Oops"}', b""])
def test_a_failure_without_a_cause_may_mean_a_wrong_token(
    server: FakeServer, capsysbinary: Capture, body: bytes
) -> None:
    server.fault_for = lambda _: Fault(500, body)

    code, found, _ = doctor(capsysbinary)

    assert (6, stopping_at("API")) == (code, states(found))
    assert "or the API token is wrong: generate a new one" in found["API"].advice


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_the_failure_of_a_proxy_says_nothing_about_the_token(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    server.fault_for = lambda _: Fault(status, HTML)
    code, with_token, _ = doctor(capsysbinary)
    assert 6 == code

    monkeypatch.delenv("ZB_API_TOKEN")
    _, without_token, _ = doctor(capsysbinary)

    assert "Check the proxy in front of the API." == with_token["API"].advice
    assert "Check the proxy in front of the API." == without_token["API"].advice
    assert State.FAIL is without_token["API"].state


@pytest.mark.parametrize("status", [501, 502, 503, 504])
def test_without_a_token_only_500_may_be_a_refusal(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.delenv("ZB_API_TOKEN")
    server.fault_for = lambda _: Fault(status)

    _, found, _ = doctor(capsysbinary)

    assert State.FAIL is found["API"].state
    assert "token" not in found["API"].advice


def test_without_a_token_a_failure_without_a_message_may_be_a_refusal(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZB_API_TOKEN")
    server.fault_for = lambda _: Fault(500)

    code, found, _ = doctor(capsysbinary)

    assert (2, stopping_at("API token", "access", "threads", "limits")) == (code, states(found))
    assert "responds over HTTP (status 500)" == found["API"].text


def test_a_token_that_the_server_sends_back_is_not_shown(server: FakeServer, capsysbinary: Capture) -> None:
    server.fault_for = lambda _: Fault(401, json.dumps({"message": f"no {SECRET} here"}).encode())

    code, found, text = doctor(capsysbinary)

    assert 5 == code
    assert "no … here" in found["access"].text
    assert SECRET not in text


# The limits -----------------------------------------------------------------------------------------------------------


def fault_at_limits(server: FakeServer, fault: Fault) -> None:
    server.fault_for = lambda seen: fault if seen.path == "/v1/product/limits" else None


def test_a_server_without_limits_is_a_note(server: FakeServer, capsysbinary: Capture) -> None:
    fault_at_limits(server, Fault(404, b""))

    code, found, text = doctor(capsysbinary)

    assert (0, [*CHECKS[:-1], "limits: note"]) == (code, states(found))
    assert "this server does not offer limits (404)" == found["limits"].text
    assert "Everything works; see the notes: limits." == text.splitlines()[-1]


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault(403), 5), (Fault(500), 6), (Fault(200, b"{}"), 9), (Fault(None), 3)]
)
def test_limits_that_cannot_be_read_are_a_failure(
    server: FakeServer, capsysbinary: Capture, fault: Fault, code: int
) -> None:
    fault_at_limits(server, fault)

    found_code, found, _ = doctor(capsysbinary)

    assert (code, stopping_at("limits")) == (found_code, states(found))
    assert found["limits"].advice


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (Fault(401), "The token may not be allowed to read the limits."),
        (Fault(403), "The token may not be allowed to read the limits."),
        (Fault(200, b"no JSON"), "Report this output"),
    ],
)
def test_limits_that_cannot_be_read_do_not_put_the_address_in_doubt(
    server: FakeServer, capsysbinary: Capture, fault: Fault, advice: str
) -> None:
    fault_at_limits(server, fault)

    _, found, _ = doctor(capsysbinary)

    assert State.FAIL is found["limits"].state
    assert found["limits"].advice.startswith(advice)


@pytest.mark.parametrize(("active", "words"), [(1, "1 thread is"), (2, "2 threads are")])
def test_a_negative_limit_is_not_known(active: int, words: str) -> None:
    found = _responses.of_limits(Limits(active, -1, *[0] * 8))

    assert (State.NOTE, f"{words} in use, the limit is not known (-1)") == (found.state, found.text)


def test_null_among_the_limits_is_a_failure_that_names_it(server: FakeServer, capsysbinary: Capture) -> None:
    server.limits = {"limitThreads": None}

    code, found, _ = doctor(capsysbinary)

    assert 9 == code
    assert "limitThreads: expected int, got null" in found["limits"].text
    assert found["limits"].advice.startswith("Report this output")


def test_no_free_thread_is_a_note(server: FakeServer, capsysbinary: Capture) -> None:
    server.limits = {"activeThreads": 9}

    code, found, _ = doctor(capsysbinary)

    assert (0, "note") == (code, found["limits"].state)
    assert "9 of 7 threads are in use, none is free" == found["limits"].text
    assert "other computers" in found["limits"].advice


# The text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "token", "url", "listening"),
    [
        (UNIX, "export ZB_API_TOKEN='...'", "export ZB_API_BASE_URL='http://localhost:8160'", "lsof"),
        (
            WINDOWS,
            "$env:ZB_API_TOKEN = '...'",
            "$env:ZB_API_BASE_URL = 'http://localhost:8160'",
            "Get-NetTCPConnection",
        ),
    ],
)
def test_commands_are_those_of_the_platform(machine: _diagnosis.Machine, token: str, url: str, listening: str) -> None:
    error = ConfigurationError("base_url must not contain credentials", parameter="base_url")

    assert token == _diagnosis.of_token(None, "", machine).command
    assert url == _diagnosis.of_base_url(error, "ZB_API_BASE_URL", machine).command
    assert "threads-async doctor --base-url http://localhost:8160" == (
        _diagnosis.of_base_url(error, "--base-url", machine).command
    )
    api, *_ = _responses.of_response(threads_async.DecodeError("x"), "ZB_API_TOKEN", 8160, machine)
    assert listening in api.command


def test_powershell_accepts_the_commands() -> None:
    wrong_url = ConfigurationError("base_url must not contain credentials", parameter="base_url")
    commands = [
        _diagnosis.of_token(None, "", WINDOWS).command,
        _diagnosis.of_base_url(wrong_url, "ZB_API_BASE_URL", WINDOWS).command,
        _diagnosis.of_base_url(wrong_url, "--base-url", WINDOWS).command,
        _responses.of_response(threads_async.DecodeError("x"), "ZB_API_TOKEN", 8160, WINDOWS)[0].command,
    ]

    assert {True} == {bool(one) for one in commands}
    assert [[]] * 4 == [faults(one) for one in commands]


def test_without_a_local_port_no_command_finds_the_program() -> None:
    api, *_ = _responses.of_response(threads_async.DecodeError("x"), "ZB_API_TOKEN", None, UNIX)

    assert "Check that ZB_API_BASE_URL or --base-url is the address of a ZennoBrowser API." == api.advice
    assert "" == api.command


def test_on_windows_the_advice_does_not_say_that_zennobrowser_needs_windows() -> None:
    error = threads_async.ConnectionFailedError("x")

    assert "Windows program" in _diagnosis.of_port(8160, error, here=True, machine=UNIX).advice
    assert "Windows program" not in _diagnosis.of_port(8160, error, here=True, machine=WINDOWS).advice


def test_a_long_text_is_wrapped_below_itself() -> None:
    found = Finding("port", State.FAIL, "word " * 30, "Do " + "this " * 20, "a-command " + "--not-wrapped" * 9, 3)

    first, *rest = text_of(found, 60).splitlines()

    assert first.startswith("fail  port       word word")
    assert {True} == {line.startswith(" " * 17) for line in rest}
    assert max(map(len, [first, *rest[:-1]])) <= 60
    assert f"  {found.command}" == rest[-1][17:]


def test_in_a_very_narrow_terminal_text_is_wrapped_at_the_minimum_width() -> None:
    assert 3 <= len(text_of(Finding("port", State.OK, "word " * 10), 1).splitlines())


def test_no_control_character_gets_to_the_terminal() -> None:
    assert "\x1b" not in text_of(Finding("port", State.OK, "a\x1b[31mb", "c\x07d"), 80)


@pytest.mark.parametrize(("state", "sequence"), [("ok", "32"), ("note", "33"), ("fail", "31"), ("skip", "2")])
def test_colours_are_for_the_state_alone(state: str, sequence: str) -> None:
    found = Finding("port", State(state), "text")

    coloured = text_of(found, 80, coloured=True)

    assert re.match(rf"(\x1b\[\d+m)*\x1b\[{sequence}m(\x1b\[\d+m)*{state}\x1b\[0m  ", coloured)
    assert text_of(found, 80) == re.sub(r"\x1b\[[\d;]*m", "", coloured)


def test_json_has_null_for_what_is_not_there() -> None:
    assert {"check": "port", "state": "ok", "text": "a, b", "advice": None, "command": None} == data_of(
        Finding("port", State.OK, "a\nb")
    )


def test_the_first_failure_decides_the_exit_code(capsysbinary: Capture) -> None:
    found = [
        Finding("a", State.NOTE, "x"),
        _diagnosis.failed("b", RequestTimeoutError("x")),
        _diagnosis.failed("c", ConfigurationError("x")),
    ]

    assert 4 == exit_code_of(found)
    assert 0 == exit_code_of(found[:1])


def test_ctrl_c_ends_it_silently(server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Examination, "run", interrupted)

    assert 130 == main(["doctor"])
    assert (b"", b"") == tuple(capsysbinary.readouterr())
