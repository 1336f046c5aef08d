"""The command `serve`: a `FakeServer` in the foreground."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sysconfig
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import TypeAlias

import aiohttp
import pytest
from cli_support import SECONDS, environment, running, start

from threads_async import ThreadLimitError, ThreadsClient
from threads_async.cli import main
from threads_async.testing import FakeServer

Capture = pytest.CaptureFixture[bytes]
Process: TypeAlias = Popen[str]
Serve: TypeAlias = Callable[..., tuple[Process, str]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that starts `serve` on a free port and returns the process and its output up to the command to try."""
    started: list[Process] = []

    def begin(*arguments: str, ignore_ctrl_c: bool = False, typed: str = "", **variables: str) -> tuple[Process, str]:
        before = signal.getsignal(signal.SIGINT)
        # A new process inherits ignored signals.
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignore_ctrl_c else before)
        process = start("serve", "--port", "0", *arguments, env=environment(**variables), stdin=subprocess.PIPE)
        signal.signal(signal.SIGINT, before)
        started.append(process)
        assert process.stdin is not None
        process.stdin.write(typed)
        process.stdin.close()
        # Otherwise, `communicate` would flush the closed pipe.
        process.stdin = None
        assert process.stderr is not None
        said = ""
        while "threads-async list" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        return process, said

    yield begin
    for process in started:
        process.terminate()
        process.communicate(timeout=SECONDS)


def ask(said: str, token: str, **headers: str) -> tuple[dict[str, object], str | None]:
    """Send the request of the curl line in `said`; return the body and its content encoding."""
    found = re.search(r"curl '([^']+)'", said)
    assert found is not None
    request = urllib.request.Request(found[1], headers={"Api-Token": token, **headers})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - loopback
        body = answer.read()
        compressed = answer.headers.get("Content-Encoding")
    return ({} if compressed else json.loads(body)), compressed


def end(process: Process, number: int) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err.strip()


def test_it_answers_the_printed_request(serve: Serve) -> None:
    _, said = serve("--threads", "12")

    page, _ = ask(said, "fake-api-token")

    assert "Fake ZennoBrowser: 12 threads on http://127.0.0.1:" in said
    assert "--header 'Api-Token: fake-api-token'" in said
    assert 12 == page["totalCount"]


posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to one process")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly(number: int, serve: Serve) -> None:
    process, _ = serve()

    assert (0, "", "") == end(process, number)


@posix
def test_sigterm_ends_it_in_the_background_of_a_shell(serve: Serve) -> None:
    process, _ = serve(ignore_ctrl_c=True)

    assert (0, "", "") == end(process, signal.SIGTERM)


def pasted(said: str) -> str:
    """Return what the last command in `said` prints when a shell runs it."""
    command = said.rsplit("\n\n", maxsplit=1)[-1].strip()
    scripts = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    return subprocess.check_output(["sh", "-c", command], env=environment(PATH=scripts), text=True, timeout=SECONDS)


@posix
def test_the_printed_command_lists_its_threads(serve: Serve) -> None:
    _, said = serve("--threads", "3")

    assert 3 == len(pasted(said).splitlines())


@posix
def test_with_a_token_in_a_file_the_command_names_the_file_and_not_the_token(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my token.txt").write_text("Sesame-0123456789\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    here = Path.cwd()

    _, said = serve("--threads", "3", "--token-file", "my token.txt")
    # The command may be pasted in a different directory from the server's.
    monkeypatch.chdir("/")

    assert "Sesame" not in said
    assert f"--token-file '{here / 'my token.txt'}'" in said
    assert 3 == len(pasted(said).splitlines())


@posix
def test_after_a_token_from_standard_input_each_command_asks_for_it(serve: Serve) -> None:
    _, said = serve("--threads", "3", "--token-file", "-", typed="Sesame-0123456789")

    assert "Sesame" not in said
    assert "each command waits for you to type the token" in said
    assert "--token-file -\n" in said


@posix
def test_a_token_from_the_environment_is_used_and_not_shown(serve: Serve) -> None:
    process, said = serve("--threads", "3", ZB_API_TOKEN="Sesame-0123456789")

    page, _ = ask(said, "Sesame-0123456789")

    assert 3 == page["totalCount"]
    assert '--header "Api-Token: $ZB_API_TOKEN"' in said
    assert "Sesame" not in said + end(process, signal.SIGTERM)[2]


def test_its_options_set_the_switches_of_the_fake(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("Sesame-0123456789", encoding="utf-8")
    switches = "--threads 5 --seed 3 --page-cap 2 --naive-times --gzip --past-end error --latency 0.001 --churn 0.01"

    _, said = serve(*switches.split(), "--token-file", str(path))

    page, _ = ask(said, "Sesame-0123456789")
    items = page["items"]
    assert isinstance(items, list)
    assert [thread.thread_token for thread in FakeServer(2, seed=3).threads] == [item["threadToken"] for item in items]
    assert not any(item["createdAt"].endswith("+00:00") for item in items)
    assert "gzip" == ask(said, "Sesame-0123456789", **{"Accept-Encoding": "gzip"})[1]


def test_its_options_set_the_limit_and_the_lifetime_of_threads(serve: Serve) -> None:
    switches = "--threads 3 --limit-threads 6 --threads-elsewhere 2 --lifetime 3600 --new-tokens"

    _, said = serve(*switches.split())

    found = re.search(r"http://127.0.0.1:\d+", said)
    assert found is not None

    async def act() -> None:
        async with ThreadsClient("fake-api-token", base_url=found[0]) as client:
            assert 1 == (await client.limits()).free_threads
            thread = await client.start_thread()
            with pytest.raises(ThreadLimitError, match="no thread is free: 6 of the 6 threads"):
                await client.start_thread()
            assert (await client.continue_thread(thread)).thread_token != thread.thread_token

    asyncio.run(act())


def test_a_lifetime_ends_a_thread(serve: Serve) -> None:
    _, said = serve("--threads", "0", "--lifetime", "0.001")

    found = re.search(r"http://127.0.0.1:\d+", said)
    assert found is not None

    async def act() -> None:
        async with ThreadsClient("fake-api-token", base_url=found[0]) as client:
            await client.start_thread()
            await asyncio.sleep(0.01)
            assert await client.threads().first() is None

    asyncio.run(act())


def test_it_keeps_no_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", "Sesame-0123456789")
    start_server = FakeServer.start
    kept: list[int] = []
    tasks: list[asyncio.Task[None]] = []

    async def ask_often(server: FakeServer) -> None:
        try:
            async with aiohttp.ClientSession(server.url) as session:
                for token in ("wrong", "Sesame-0123456789") * 10:
                    for method, path in [("GET", "/v1/threads"), ("POST", "/v1/threads"), ("GET", "/favicon.ico")]:
                        async with session.request(method, path, headers={"Api-Token": token}):
                            kept.append(len(server.requests))
        finally:
            signal.raise_signal(signal.SIGTERM)

    async def start_and_ask(server: FakeServer) -> None:
        await start_server(server)
        tasks.append(asyncio.create_task(ask_often(server)))

    monkeypatch.setattr(FakeServer, "start", start_and_ask)

    assert 0 == main(["serve", "--port", "0"])
    assert [0] * 60 == kept


def test_a_port_that_is_taken_prints_one_line(capsysbinary: Capture) -> None:
    server = FakeServer()
    with running(server):
        assert 13 == main(["serve", "--port", str(server.port)])

    line = capsysbinary.readouterr().err.decode()
    assert line.startswith(f"threads-async: port {server.port} is already in use")
    assert 1 == line.count("\n")


def test_any_other_failure_to_listen_is_reported(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(_: FakeServer) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FakeServer, "start", refused)

    assert 13 == main(["serve"])

    assert b"port 8160 is not available: Permission denied" in capsysbinary.readouterr().err


def test_a_token_that_no_header_can_contain_is_refused(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", "жетон")

    assert 2 == main(["serve"])

    assert b"threads-async: ZB_API_TOKEN or --token-file: " in capsysbinary.readouterr().err
