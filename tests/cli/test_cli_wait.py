"""The command `wait`: conditions, exit codes, and what it reports meanwhile."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from cli_support import JWT, SECONDS, environment, running, settings, start

from threads_async import ExecutionThread, ThreadsClient
from threads_async._secrets import Secret
from threads_async.cli import main
from threads_async.cli._conditions import Follower
from threads_async.testing import FakeServer, Fault, SeenRequest

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
FAST = ("--interval", "0.01")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer(3)
    with running(server):
        yield server


def wait(*arguments: str, env: Mapping[str, str], stdin: str | None = None) -> tuple[int, str, str]:
    with start("wait", *FAST, *arguments, env=env, stdin=subprocess.PIPE) as process:
        out, error = process.communicate(stdin, timeout=SECONDS)
    return process.returncode, out, error


@pytest.mark.parametrize("until", ["count<4", "COUNT <= 3", "count>2", "count >= 3", "count=3", " count == 3 "])
def test_a_condition_that_holds_is_met_at_once(server: FakeServer, until: str) -> None:
    assert (0, "", "") == wait("--until", until, env=settings(server))
    assert 1 == len(server.requests)


def test_the_filters_select_the_threads_that_count(server: FakeServer) -> None:
    server.start_thread(type="Manual", workspace_id=9)

    assert (0, "", "") == wait("--until", "count=1", "--workspace-id", "9", "--type", "manual", env=settings(server))
    assert (0, "", "") == wait("--until", "none", "--workspace-id", "8", env=settings(server))


def test_it_waits_until_a_look_meets_the_condition(server: FakeServer) -> None:
    def stop_one(_: SeenRequest) -> None:
        if len(server.requests) > 2:
            server.stop_thread(server.threads[0])

    server.on_request = stop_one

    assert (0, "", "") == wait("--until", "none", env=settings(server))
    assert 5 == len(server.requests)


def test_a_condition_that_is_not_met_in_time_has_an_exit_code_of_its_own(server: FakeServer) -> None:
    code, out, error = wait("--until", "count>9", "--timeout", "0.1", env=settings(server))

    assert (16, "") == (code, out)
    assert error.startswith("threads-async: the condition count>9 was not met within 0.1 s: at the last look, 0.")
    assert error.endswith(" s ago, 3 threads matched\n")


def test_an_outage_is_reported_and_meets_no_condition(server: FakeServer) -> None:
    faults = iter([None, *[Fault(503)] * 5])
    server.fault_for = lambda _: next(faults, None)

    def stop_all(_: SeenRequest) -> None:
        if len(server.requests) == 10:
            for thread in server.threads:
                server.stop_thread(thread)

    server.on_request = stop_all
    code, out, error = wait("--until", "none", env=settings(server))

    assert (0, "") == (code, out)
    assert [
        f"threads-async: still waiting: {server.url}/v1/threads: the server failed (503)",
        "threads-async: the server responds again",
    ] == error.splitlines()


def test_if_no_look_ever_succeeded_the_exit_code_is_that_of_the_error(server: FakeServer) -> None:
    server.fault_for = lambda _: Fault(503)
    code, _, error = wait("--until", "none", "--timeout", "0.2", "--attempts", "1", env=settings(server))

    assert 6 == code
    last = error.splitlines()[-1]
    assert last == (
        f"threads-async: the condition none was not met within 0.2 s: {server.url}/v1/threads: the server failed (503)"
    )


def test_if_the_server_is_lost_the_last_line_says_so(server: FakeServer) -> None:
    server.fault_for = lambda _: Fault(503) if len(server.requests) > 1 else None
    code, _, error = wait("--until", "none", "--timeout", "0.3", "--attempts", "1", env=settings(server))

    assert 16 == code
    assert "s ago, 3 threads matched; then unreachable: http" in error.splitlines()[-1]


def test_if_no_look_has_ended_the_last_line_says_so(server: FakeServer) -> None:
    server.latency = 5
    code, _, error = wait("--until", "none", "--timeout", "0.2", env=settings(server))

    assert (4, "threads-async: the condition none was not met within 0.2 s: the list was not received\n") == (
        code,
        error,
    )


def test_an_error_that_waiting_cannot_fix_ends_it(server: FakeServer) -> None:
    code, _, error = wait("--until", "none", env={**settings(server), "ZB_API_TOKEN": "wrong"})

    assert 5 == code
    assert 1 == len(error.splitlines())


def test_it_waits_until_a_thread_is_gone_even_if_its_token_changes(server: FakeServer) -> None:
    server.new_tokens = True
    thread = server.threads[1]
    token = str(thread.thread_token)
    looks = 0

    async def happen(seen: SeenRequest) -> None:
        """Another program continues the thread twice, which changes its token, and then stops it."""
        nonlocal looks
        looks += seen.method == "GET"
        now = next((one for one in server.threads if one.created_at == thread.created_at), None)
        if seen.method == "GET" and now is not None and looks in (3, 4, 6):
            async with ThreadsClient(server.token, base_url=server.url) as client:
                change = client.continue_thread if looks < 6 else client.stop_thread
                await change(str(now.thread_token))

    server.on_request = happen
    code, out, error = wait("--until", "gone", "--thread-token-file", "-", env=settings(server), stdin=token)

    assert (0, "", "") == (code, out, error)
    assert (6, 3) == (looks, len(server.requests) - looks)


def test_a_thread_that_still_runs_is_reported(server: FakeServer) -> None:
    token = str(server.threads[1].thread_token)
    code, _, error = wait(
        "--until", "gone", "--thread-token-file", "-", "--timeout", "0.1", env=settings(server), stdin=token
    )

    assert 16 == code
    assert error.endswith(" s ago, the thread is running\n")
    assert token not in error


def test_a_thread_that_was_never_there_is_gone(server: FakeServer) -> None:
    assert (0, "", "threads-async: the thread was not running\n") == wait(
        "--until", "gone", "--thread-token-file", "-", env=settings(server), stdin=JWT
    )


@pytest.mark.parametrize("fault", [Fault(403), Fault(404)])
def test_if_other_workspaces_cannot_be_checked_a_thread_that_is_not_listed_is_gone(
    server: FakeServer, fault: Fault
) -> None:
    server.fault_for = lambda seen: fault if seen.path == "/v1/workspaces" else None

    assert (0, "", "threads-async: the thread was not running; other workspaces could not be checked\n") == wait(
        "--until", "gone", "--thread-token-file", "-", env=settings(server), stdin=JWT
    )


def test_a_thread_in_another_workspace_is_not_gone() -> None:
    server = FakeServer(3, workspaces=2)
    first, second = server.workspaces
    thread = server.start_thread(workspace_id=second.workspace_id)
    token = str(thread.thread_token)
    with running(server):
        code, _, error = wait("--until", "gone", "--thread-token-file", "-", env=settings(server), stdin=token)

    assert first.workspace_id != second.workspace_id
    text = f"the thread is running in another workspace: use --workspace-id {second.workspace_id}"
    assert (2, f"threads-async: {text}\n") == (code, error)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "gone"], "--until gone requires --thread-token-file, and cannot be combined with --type"),
        (["--until", "count!5"], "none, gone, or a condition such as 'count<5'"),
        (["--until", "count<-1"], "none, gone, or a condition such as 'count<5'"),
        (["--until", "none", "--timeout", "0"], "--timeout"),
        ([], "missing option '--until'"),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments: list[str], message: str) -> None:
    code, _, error = wait(*arguments, "--demo", env=environment())

    assert 2 == code
    assert message in error


def test_gone_cannot_be_combined_with_a_type(server: FakeServer) -> None:
    code, _, error = wait(
        "--until", "gone", "--thread-token-file", "-", "--type", "manual", env=settings(server), stdin=JWT
    )

    assert 2 == code
    assert "cannot be combined with --type" in error


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can handle")
def test_sigterm_ends_it_silently(server: FakeServer) -> None:
    with start("wait", *FAST, "--until", "none", env=settings(server)) as process:
        while not server.requests:
            pass
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=SECONDS)

    assert (143, "", "") == (process.returncode, out, error)


def test_it_runs_in_an_operating_system_thread_which_cannot_handle_signals() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["wait", "--demo", "--until", "count>0"])))
    thread.start()
    thread.join(SECONDS)

    assert [0] == codes


# The parts.


def thread(token: str | None, number: int = 0, *, kind: str = "Manual") -> ExecutionThread:
    return ExecutionThread(1, token, kind, NOON.replace(second=number))


def test_the_follower_finds_a_thread_with_another_token() -> None:
    follower = Follower(Secret("a"))

    assert () == follower.find((thread("b"),))
    assert (thread("a"),) == follower.find((thread("a"), thread("b")))
    assert (thread("c"),) == follower.find((thread("b"), thread("c")))
    assert (thread("d"),) == follower.find((thread("b"), thread("d"), thread("e", 1)))
    assert () == follower.find((thread("b"), thread("f", kind="BrowserInstance")))


def test_the_follower_does_not_take_a_thread_of_the_same_moment_for_the_one_that_is_gone() -> None:
    follower = Follower(Secret("a"))
    follower.find((thread("a"), thread("b")))

    assert () == follower.find((thread("b"),))
    assert (thread("a"),) == Follower(Secret("a")).find((thread("a"), thread("c")))


def test_the_follower_follows_a_thread_that_loses_its_token() -> None:
    follower = Follower(Secret("a"))
    follower.find((thread("a"),))

    assert [(thread(None),)] * 3 == [follower.find((thread(None),)) for _ in range(3)]


def test_the_follower_does_not_take_a_thread_that_joins_it_for_it() -> None:
    follower = Follower(Secret("a"))
    follower.find((thread("a"),))

    assert (thread("a"),) == follower.find((thread("a"), thread("b")))
    assert () == follower.find((thread("b"),))
