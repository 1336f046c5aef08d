"""The commands `workspaces` and `browsers`, and `list --all-workspaces`."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cli_support import running, settings

from threads_async.cli import main
from threads_async.testing import FakeBrowser, FakeServer, FakeWorkspace, Fault

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer(threads=5, workspaces=3, browsers=25)
    for _ in range(4):
        server.start_thread(workspace_id=3)
    with running(server):
        yield server


@pytest.fixture(autouse=True)
def _environment(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings(server).items():
        monkeypatch.setenv(name, value)


def lines(capsysbinary: Capture) -> list[Any]:
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def browser_on_wire(browser: FakeBrowser) -> Mapping[str, Any]:
    return {
        "profileId": browser.profile_id,
        "processId": browser.process_id,
        "connectionString": browser.connection_string,
    }


def workspace_on_wire(workspace: FakeWorkspace) -> Mapping[str, Any]:
    return {"workspaceId": workspace.workspace_id, "name": workspace.name, "role": workspace.role}


def test_every_workspace_is_listed(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["workspaces", "--total", "2"])

    assert [workspace_on_wire(one) for one in server.workspaces] == lines(capsysbinary)
    assert 2 == len(server.requests)


def test_every_browser_is_listed(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["browsers", "--total", "10", "--prefetch", "2"])

    assert [browser_on_wire(one) for one in server.browsers] == lines(capsysbinary)


def test_browsers_are_listed_consistently_by_process(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["browsers", "--total", "10", "--consistent"])

    expected = sorted(server.browsers, key=lambda one: one.process_id)
    assert [browser_on_wire(one) for one in expected] == lines(capsysbinary)


def test_filters_and_options_of_the_walk_are_sent(server: FakeServer) -> None:
    profile = server.browsers[0].profile_id
    main(["browsers", "--workspace-id", "7", "--profile-id", profile, "--process-id", "4", "--sorting", "ProfileId"])
    main(["workspaces", "--id", "2", "--name", "x", "--roles", "Owner", "--start", "0", "--max-items", "5"])

    browsers, workspaces = (seen.parameters for seen in server.requests)
    assert {
        "workspaceId": "7",
        "start": "0",
        "total": "1000",
        "profileId": profile,
        "processId": "4",
        "sorting": "ProfileId",
    } == browsers
    assert {"start": "0", "total": "5", "id": "2", "name": "x", "roles": "Owner"} == workspaces


@pytest.mark.parametrize(
    ("command", "names"),
    [("workspaces", ["workspaceId", "name", "role"]), ("browsers", ["profileId", "processId", "connectionString"])],
)
def test_csv_has_the_names_of_the_api(command: str, names: list[str], capsysbinary: Capture) -> None:
    main([command, "--format", "csv"])

    rows = list(csv.reader(io.StringIO(capsysbinary.readouterr().out.decode(), newline="")))
    assert names == rows[0]
    assert {"workspaces": 4, "browsers": 26}[command] == len(rows)


def test_a_table_of_workspaces_shows_a_dash_for_null(capsysbinary: Capture) -> None:
    main(["workspaces", "--format", "table", "--max-items", "2"])

    assert [["WORKSPACE", "NAME", "ROLE"], ["1", "-", "Owner"], ["2", "Workspace", "2", "Owner"]] == [
        line.split() for line in capsysbinary.readouterr().out.decode().splitlines()
    ]


def test_a_table_of_browsers_shows_no_connection_string(server: FakeServer, capsysbinary: Capture) -> None:
    nameless = server.start_browser(connection_string=None)
    main(["browsers", "--format", "table"])

    text = capsysbinary.readouterr().out.decode()
    assert ["PROCESS", "PROFILE", "CONNECTION"] == text.splitlines()[0].split()
    assert [str(nameless.process_id), nameless.profile_id, "-"] == text.splitlines()[-1].split()
    assert "devtools" not in text


@pytest.mark.parametrize(
    ("command", "advice"), [("workspaces", ""), ("browsers", "; use --consistent to list every browser that runs")]
)
def test_changing_workspaces_and_browsers_are_reported(
    server: FakeServer, command: str, advice: str, capsysbinary: Capture
) -> None:
    server.on_request = lambda _: (server.add_workspace(), server.start_browser())

    main([command, "--total", "2"])

    error = capsysbinary.readouterr().err.decode()
    assert f"so {command} may be missing or listed twice{advice}" in error
    assert bool(advice) == ("--consistent" in error)


@pytest.mark.parametrize("command", ["workspaces", "browsers"])
def test_after_a_failure_the_error_says_where_to_resume(
    server: FakeServer, command: str, capsysbinary: Capture
) -> None:
    server.fault_for = lambda seen: Fault(404) if seen.parameters["start"] == "2" else None

    assert 8 == main([command, "--total", "2"])

    output, error = capsysbinary.readouterr()
    assert 2 == len(output.splitlines())
    assert error.decode().rstrip().endswith("resume with --start 2")


# All workspaces -------------------------------------------------------------------------------------------------------


def test_the_threads_of_all_workspaces_are_listed(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--all-workspaces", "--total", "2"])

    assert [one.thread_token for one in server.threads] == [line["threadToken"] for line in lines(capsysbinary)]


def test_all_workspaces_share_one_header_and_one_max_items(capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--all-workspaces", "--max-items", "7", "--format", "csv"])

    rows = capsysbinary.readouterr().out.decode().splitlines()
    assert ["workspaceId", *["1"] * 5, *["3"] * 2] == [row.split(",")[0] for row in rows]


def test_workspaces_without_threads_print_only_a_header(server: FakeServer, capsysbinary: Capture) -> None:
    for thread in server.threads:
        server.stop_thread(thread)

    assert 0 == main(["list", "--all-workspaces", "--format", "csv"])

    assert b"workspaceId,threadToken,type,createdAt\r\n" == capsysbinary.readouterr().out


def test_a_failure_in_a_workspace_says_where_to_resume_in_it(server: FakeServer, capsysbinary: Capture) -> None:
    server.fault_for = lambda seen: (
        Fault(404) if (seen.parameters.get("workspaceId"), seen.parameters["start"]) == ("3", "2") else None
    )

    assert 8 == main(["list", "--all-workspaces", "--total", "2"])

    output, error = capsysbinary.readouterr()
    assert 7 == len(output.splitlines())
    assert error.decode().rstrip().endswith("resume with --workspace-id 3 --start 2")


def test_an_invalid_option_is_reported_before_the_workspaces_are_requested(
    server: FakeServer, capsysbinary: Capture
) -> None:
    assert 2 == main(["list", "--all-workspaces", "--sorting", "Age"])

    assert b"--sorting" in capsysbinary.readouterr().err
    assert [] == server.requests


def test_an_error_does_not_offer_none(capsysbinary: Capture) -> None:
    assert 2 == main(["browsers", "--demo", "--profile-id", "x"])

    assert b"threads-async: --profile-id must be a UUID\n" == capsysbinary.readouterr().err


@pytest.mark.parametrize("option", [["--workspace-id", "1"], ["--start", "1"]])
def test_all_workspaces_goes_with_neither_workspace_id_nor_start(option: list[str], capsysbinary: Capture) -> None:
    assert 2 == main(["list", "--all-workspaces", *option])

    assert b"cannot be combined with" in capsysbinary.readouterr().err
