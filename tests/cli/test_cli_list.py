"""`list` and `count` against a server, in this process."""

import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from cli_support import JWT, SECONDS, running, settings, start

from threads_async import FleetError, ThreadsError
from threads_async.cli import _list, _report, main
from threads_async.cli._exits import EXIT_CODES, failure_of
from threads_async.testing import FakeServer, FakeThread, Fault, SeenRequest

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A server with 25 threads. The environment points to it."""
    server = FakeServer(25, token="Sesame-0123456789")
    with running(server):
        monkeypatch.setenv("ZB_API_BASE_URL", server.url)
        monkeypatch.setenv("ZB_API_TOKEN", server.token)
        yield server


def objects(capture: Capture) -> list[dict[str, Any]]:
    output = capture.readouterr()
    assert b"" == output.err
    return [json.loads(line) for line in output.out.splitlines()]


def error_line(capture: Capture) -> str:
    """Return the message from standard error, which must be one line."""
    text = capture.readouterr().err.decode()
    assert re.fullmatch("threads-async: [^\n]+\n", text)
    return text.removeprefix("threads-async: ").rstrip("\n")


def on_wire(thread: FakeThread) -> tuple[Any, ...]:
    return (thread.workspace_id, thread.thread_token, thread.type)


def test_every_thread_is_listed_once_over_all_pages(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--total", "10"])

    listed = objects(capsysbinary)
    assert [on_wire(thread) for thread in server.threads] == [
        (one["workspaceId"], one["threadToken"], one["type"]) for one in listed
    ]
    assert [{"workspaceId", "threadToken", "type", "createdAt"}] * 25 == [set(one) for one in listed]
    assert ["0", "10", "20"] == [request.parameters["start"] for request in server.requests]


def test_every_option_is_sent(server: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{JWT}\n", encoding="utf-8")
    options = "--workspace-id 7 --start 3 --total 5 --type Manual --sorting CreatedAt"

    assert 0 == main(["list", *options.split(), "--thread-token-file", str(path)])

    assert {
        "workspaceId": "7",
        "start": "3",
        "total": "5",
        "type": "Manual",
        "sorting": "CreatedAt",
        "thread_token": JWT,
    } == server.requests[0].parameters


def test_max_items_bounds_the_list(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--max-items", "12", "--total", "10"])

    assert [thread.thread_token for thread in server.threads[:12]] == [
        one["threadToken"] for one in objects(capsysbinary)
    ]


def test_pages_can_be_prefetched(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--total", "10", "--prefetch", "2"])

    assert [thread.thread_token for thread in server.threads] == [one["threadToken"] for one in objects(capsysbinary)]


def stop_first_thread_before_second_page(server: FakeServer) -> None:
    def on_request(_: SeenRequest) -> None:
        if len(server.requests) == 2:
            server.stop_thread(server.threads[0])

    server.on_request = on_request


def test_a_list_that_changes_is_reported(server: FakeServer, capsysbinary: Capture) -> None:
    stop_first_thread_before_second_page(server)

    assert 0 == main(["list", "--total", "10"])

    assert "; use --consistent to list " in error_line(capsysbinary)


def test_consistent_lists_every_thread_that_keeps_running(server: FakeServer, capsysbinary: Capture) -> None:
    everyone = [thread.thread_token for thread in server.threads]
    stop_first_thread_before_second_page(server)

    assert 0 == main(["list", "--total", "10", "--consistent"])

    assert everyone == [one["threadToken"] for one in objects(capsysbinary)]


def test_csv_has_a_header_and_one_row_per_thread(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--format", "csv", "--total", "10"])

    header, *rows = csv.reader(io.StringIO(capsysbinary.readouterr().out.decode(), newline=""))
    assert ["workspaceId", "threadToken", "type", "createdAt"] == header
    assert [thread.thread_token for thread in server.threads] == [row[1] for row in rows]


def test_a_table_in_a_pipe_has_a_header_and_one_line_per_thread(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--format", "table", "--total", "10"])

    output = capsysbinary.readouterr().out
    assert 1 + 25 == output.count(b"\n")
    assert not any(str(thread.thread_token).encode() in output for thread in server.threads)


@pytest.mark.parametrize(
    ("wanted", "output"),
    [
        ("jsonl", b""),
        ("csv", b"workspaceId,threadToken,type,createdAt\r\n"),
        ("table", b"CREATED                    TYPE             TOKEN     WORKSPACE\n"),
    ],
)
@pytest.mark.usefixtures("server")
def test_an_empty_list_prints_at_most_a_header(wanted: str, output: bytes, capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--workspace-id", "99", "--format", wanted])

    assert output == capsysbinary.readouterr().out


def test_count_prints_the_number_after_one_small_request(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["count"])

    assert b"25\n" == capsysbinary.readouterr().out
    assert ["1"] == [request.parameters["total"] for request in server.requests]


def test_count_takes_the_same_filters(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["count", "--type", "Manual"])

    assert sum(thread.type == "Manual" for thread in server.threads) == int(capsysbinary.readouterr().out)


@pytest.mark.usefixtures("server")
def test_environment_variables_do_not_filter(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise, a forgotten variable would hide threads silently."""
    for name in ("THREAD_TOKEN", "THREAD_TOKEN_FILE", "TYPE", "WORKSPACE_ID", "START", "MAX_ITEMS"):
        monkeypatch.setenv(f"THREADS_ASYNC_{name}", "7")
        monkeypatch.setenv(f"THREADS_ASYNC_LIST_{name}", "7")

    assert 0 == main(["list"])

    assert 25 == len(objects(capsysbinary))


def test_a_thread_token_is_read_from_a_file(server: FakeServer, tmp_path: Path, capsysbinary: Capture) -> None:
    wanted = str(server.threads[20].thread_token)
    path = tmp_path / "token"
    path.write_text(wanted, encoding="utf-8")

    assert 0 == main(["list", "--thread-token-file", str(path)])

    assert [wanted] == [one["threadToken"] for one in objects(capsysbinary)]


def test_a_token_file_takes_precedence_over_the_environment(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    # As a Windows editor saves it.
    path.write_bytes(b"\xef\xbb\xbf" + server.token.encode() + b"\r\n")
    monkeypatch.setenv("ZB_API_TOKEN", "another")

    assert 0 == main(["list", "--token-file", str(path), "--base-url", server.url])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_token_file_may_be_utf_16_as_windows_powershell_writes_it(
    server: FakeServer, tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "token"
    path.write_bytes(f"\ufeff{server.token}\r\n".encode(encoding))

    assert 0 == main(["list", "--token-file", str(path), "--base-url", server.url])


@pytest.mark.parametrize("command", ["list", "serve"])
def test_a_closed_standard_input_is_a_usage_error(
    command: str, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert 2 == main([command, "--token-file", "-"])

    assert "standard input is closed" in error_line(capsysbinary)


def test_a_token_may_come_from_standard_input(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZB_API_TOKEN")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(server.token.encode())))

    assert 0 == main(["list", "--token-file", "-"])


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"two words", b"\xff\xfeS", b"S\x00", b"\xff\xfea\x00 \x00b\x00", b"\x00" * 10_000]
)
def test_a_file_without_exactly_one_token_is_a_usage_error(
    content: bytes, tmp_path: Path, capsysbinary: Capture
) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)

    assert 2 == main(["list", "--token-file", str(path)])

    assert "must contain one token" in error_line(capsysbinary)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev/zero")
def test_a_token_file_that_does_not_end_is_a_usage_error(capsysbinary: Capture) -> None:
    assert 2 == main(["list", "--token-file", "/dev/zero"])

    assert "the file is larger than 64 kB" in error_line(capsysbinary)


def test_a_token_given_instead_of_a_file_name_is_not_shown(capsysbinary: Capture) -> None:
    assert 2 == main(["list", "--token-file", JWT])

    line = error_line(capsysbinary)
    assert "--token-file" in line
    assert JWT not in line


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("list", "set ZB_API_TOKEN or use --token-file"),
        ("bogus", "threads-async: no such command 'bogus'; see threads-async --help"),
        ("list bogus", "threads-async: got unexpected extra argument (bogus); see threads-async list --help"),
        ("list --tota 5", "no such option: --tota (did you mean --total?); see threads-async list --help"),
        ("list --limit 5", "no such option: --limit (did you mean --max-items?); see threads-async list --help"),
        ("list --limit=5", "--limit (did you mean --max-items?)"),
        ("list --MAX_items 5", "--MAX_items (did you mean --max-items?)"),
        ("list --page-size 5", "(did you mean --total?)"),
        ("list --offset 5", "(did you mean --start?)"),
        ("list --workspace 5", "(did you mean --workspace-id?)"),
        ("list --token x", "(did you mean --token-file?)"),
        ("list --url x", "(did you mean --base-url?)"),
        ("list -n 5", "no such option: -n (did you mean --max-items?)"),
        ("list --limt 5", "no such option: --limt (did you mean --max-items?)"),
        ("count --limt 5", "no such option: --limt; see threads-async count --help"),
        ("count --limit 5", "no such option: --limit; see threads-async count --help"),
        ("list --timeot 5", "(did you mean --timeout?)"),
        ("watch --every 5", "(did you mean --interval?)"),
        ("list --zzz", "no such option: --zzz; see threads-async list --help"),
        ("list --total many", "'many' is not a valid integer; see threads-async list --help"),
        ("list --demo --type Robot", "'Robot' is not one of 'Manual', 'BrowserInstance'"),
        ("list --demo --total 0", "--total must be an integer from 1 to 2147483647, not 0"),
        ("list --demo --start -1", "threads-async: --start must be"),
        ("list --demo --max-items -1", "threads-async: --max-items must be"),
        ("list --demo --workspace-id 9223372036854775808", "threads-async: --workspace-id must be"),
        ("list --demo --sorting Age", "threads-async: --sorting must be"),
        ("serve --churn nan", "'nan' is not a valid number; see threads-async serve --help"),
        ("serve --latency nan", "'nan' is not a valid number"),
        ("list --demo --timeout nan", "'nan' is not a valid number"),
        ("doctor --demo --timeout nan", "'nan' is not a valid number; see threads-async doctor --help"),
        ("doctor --demo --timeout inf", "--timeout"),
        ("list --demo --attempts 0", "--attempts"),
        ("list --demo-threads 5", "--demo-threads requires --demo"),
        (
            "list --demo --base-url http://localhost",
            "--demo uses its own server and cannot be combined with --base-url or --token-file",
        ),
    ],
)
def test_a_wrong_option_prints_one_line_and_exits_with_2(arguments: str, expected: str, capsysbinary: Capture) -> None:
    assert 2 == main(arguments.split())

    assert expected in f"threads-async: {error_line(capsysbinary)}"


def test_the_value_of_an_unknown_option_is_not_shown(capsysbinary: Capture) -> None:
    assert 2 == main(["list", "--thread-token=Sesame-0123456789"])

    line = error_line(capsysbinary)
    assert "--thread-token (did you mean --thread-token-file?)" in line
    assert "Sesame" not in line


def test_a_thread_token_given_as_an_argument_is_shown_shortened(capsysbinary: Capture) -> None:
    assert 2 == main(["list", JWT])

    assert JWT not in error_line(capsysbinary)


@pytest.mark.parametrize("written", ["manual", "MANUAL", "Manual"])
def test_a_type_is_accepted_in_any_letter_case(written: str, server: FakeServer) -> None:
    assert 0 == main(["count", "--type", written])

    assert "Manual" == server.requests[0].parameters["type"]


@pytest.mark.usefixtures("server")
def test_a_wrong_setting_is_named_as_on_the_command_line(capsysbinary: Capture) -> None:
    assert 2 == main(["list", "--base-url", "ftp://localhost"])

    assert error_line(capsysbinary).startswith("ZB_API_BASE_URL or --base-url must look like http://")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--sorting Age", "'WorkspaceId', optionally followed by ' ASC' or ' DESC'"),
        ("--base-url http://a..b", "--base-url has a host that is neither a host name nor an IP address"),
        ("--base-url http://a:b", "--base-url is not a URL, or its port is not a number up to 65535"),
        ("--base-url http://user@a", "--base-url must not contain credentials"),
    ],
)
def test_an_error_names_options_and_not_python_parameters(arguments: str, expected: str, capsysbinary: Capture) -> None:
    assert 2 == main(["list", *arguments.split()])

    assert error_line(capsysbinary).endswith(expected)


def test_a_hint_names_the_option_and_not_the_python_parameter(server: FakeServer) -> None:
    # In a separate process: on Python 3.11, coverage loses the rest of a function after a refused connection.
    with start("list", "--base-url", "http://127.0.0.1:1", "--attempts", "1", env=settings(server)) as process:
        _, error = process.communicate(timeout=SECONDS)

    assert 3 == process.returncode
    assert error.endswith("; check the host and port of ZB_API_BASE_URL or --base-url\n")


def test_a_demo_needs_neither_zennobrowser_nor_token(capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--demo"])

    assert 2500 == len(objects(capsysbinary))


def test_a_demo_has_the_given_number_of_threads(capsysbinary: Capture) -> None:
    assert 0 == main(["count", "--demo", "--demo-threads", "7"])

    assert b"7\n" == capsysbinary.readouterr().out


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(status=None), 3),
        (Fault(status=401), 5),
        (Fault(status=403), 5),
        (Fault(status=500), 6),
        (Fault(status=429), 7),
        (Fault(status=404), 8),
        (Fault(status=302, headers={"Location": "http://elsewhere.example"}), 8),
        (Fault(status=200, body=b"<html>"), 9),
        (Fault(status=200, body=b'{"totalCount":5,"items":[]}'), 10),
        (Fault(status=200, body=b" " * (64 * 2**20 + 1)), 11),
    ],
)
def test_each_kind_of_failure_prints_one_line_and_has_its_exit_code(
    fault: Fault, code: int, server: FakeServer, capsysbinary: Capture
) -> None:
    server.fault_for = lambda _: fault

    assert code == main(["list"])

    line = error_line(capsysbinary)
    assert "resume" not in line
    assert server.token not in line


def test_a_slow_response_has_its_own_exit_code(server: FakeServer) -> None:
    server.latency = 60

    # In a separate process: on Python 3.11, coverage loses the rest of a function after a cancelled coroutine.
    with start("count", "--timeout", "0.05", "--attempts", "1", env=settings(server)) as process:
        _, error = process.communicate(timeout=SECONDS)

    assert 4 == process.returncode
    assert re.fullmatch(r"threads-async: no complete response within 0.05 s \(GET [^\n]+\)\n", error)


def test_control_characters_from_the_server_do_not_reach_the_terminal(
    server: FakeServer, capsysbinary: Capture
) -> None:
    server.fault_for = lambda _: Fault(status=500, body=b'{"message":"\\u001b[31m\\u202ered\\r\\nline\\u009b"}')

    assert 6 == main(["list", "--attempts", "1"])

    assert error_line(capsysbinary).isprintable()


def fail_from(start: int) -> Any:
    def fault_for(request: SeenRequest) -> Fault | None:
        return Fault(status=503) if int(request.parameters["start"]) >= start else None

    return fault_for


def test_after_a_failure_the_options_that_the_error_names_list_the_rest(
    server: FakeServer, capsysbinary: Capture
) -> None:
    server.fault_for = fail_from(20)

    assert 6 == main(["list", "--total", "10", "--max-items", "23"])

    output = capsysbinary.readouterr()
    advice = re.search("; resume with (--start [0-9]+ --max-items [0-9]+)\n$", output.err.decode())
    assert advice is not None
    assert "--start 20 --max-items 3" == advice[1]
    server.fault_for = None
    assert 0 == main(["list", "--total", "10", *advice[1].split()])
    rest = capsysbinary.readouterr().out
    assert [thread.thread_token for thread in server.threads[:23]] == [
        json.loads(line)["threadToken"] for line in (output.out + rest).splitlines()
    ]


def test_without_max_items_the_advice_is_only_a_start(server: FakeServer, capsysbinary: Capture) -> None:
    server.fault_for = fail_from(10)

    assert 6 == main(["list", "--total", "10"])

    assert error_line(capsysbinary).endswith("; resume with --start 10")


def test_a_successful_retry_is_not_mentioned(server: FakeServer, capsysbinary: Capture) -> None:
    server.fail_next(2)

    assert 0 == main(["list"])

    assert 25 == len(objects(capsysbinary))


def families(root: type[ThreadsError]) -> Iterator[type[ThreadsError]]:
    yield root
    for child in root.__subclasses__():
        yield from families(child)


@pytest.mark.parametrize("kind", list(families(ThreadsError)))
def test_every_error_of_the_client_has_an_exit_code_that_the_help_lists(
    kind: type[ThreadsError], capsysbinary: Capture
) -> None:
    error = FleetError("message", {"a": ThreadsError("x")}) if kind is FleetError else kind("message")
    code = failure_of(error).exit_code
    main(["--help"])

    assert f"\n  {code:<4} {EXIT_CODES[code]}" in capsysbinary.readouterr().out.decode()


def test_a_suggestion_by_click_becomes_part_of_the_sentence() -> None:
    error = click.UsageError("No such command 'lst'. Did you mean 'list'?")

    assert "no such command 'lst' (did you mean 'list'?)" == failure_of(error).message


def test_a_click_error_about_no_command_does_not_point_to_help() -> None:
    assert "message" == failure_of(click.ClickException("message")).message


def test_an_unexpected_error_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def client_of(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(_report, "client_of", client_of)

    with pytest.raises(ZeroDivisionError):
        main(["list", "--demo"])


def test_ctrl_c_before_the_first_request_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def writer(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_list, "writer_of", writer)

    assert 130 == main(["list", "--demo"])


@pytest.mark.parametrize("wanted", [[], ["--format", "table"], ["--format", "csv"]])
def test_a_missing_standard_output_is_a_write_error(
    wanted: list[str], monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture
) -> None:
    monkeypatch.setattr(sys, "stdout", None)

    assert 12 == main(["list", "--demo", *wanted])

    assert "Bad file descriptor" in error_line(capsysbinary)


def test_a_missing_standard_error_does_no_harm(monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        assert 0 == main(["count", "--demo"])
        assert 2 == main(["bogus"])

    assert b"2500\n" == capsysbinary.readouterr().out
