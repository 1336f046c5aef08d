"""The commands for a fleet in processes and terminals of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_fleets import Machines, tokens, two_and_a_dead_one
from cli_processes import end, read_events, terminal
from cli_support import SECONDS, environment, start


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    with two_and_a_dead_one(tmp_path, monkeypatch) as machines:
        yield machines


def test_a_terminal_shows_the_fleet_and_asks_before_it_stops_anything(machines: Machines) -> None:
    arguments = ("stop", *machines.options, "--all")
    with terminal(*arguments, rows=60, env=environment(TOKEN_ONE="one")) as screen:
        screen.read_until("[y/N]: ")
        assert "skipped, because their threads could not be listed: dead" in screen.text
        assert 32 == len(tokens(machines))
        screen.type("y\n")
        screen.read_until("1 of 3 machines failed")
        code = screen.process.wait(SECONDS)
        screen.hang_up()

    assert 17 == code
    assert [] == tokens(machines)


def test_a_watch_of_a_fleet_writes_events_with_their_machines(machines: Machines) -> None:
    arguments = ("watch", *machines.options, "--interval", "0.01")
    with start(*arguments, env=environment(TOKEN_ONE="one")) as process:
        events = read_events(process, 33)
        stopped = machines.servers["office 2"].threads[0]
        machines.servers["office 2"].stop_thread(stopped)
        (last,) = read_events(process, 1)
        code, error = end(process)

    assert (130, "") == (code, error)
    assert {"office 1": 25, "office 2": 7, "dead": 1} == {
        name: sum(event["machine"] == name for event in events) for name in ("office 1", "office 2", "dead")
    }
    (unreachable,) = [event for event in events if event["machine"] == "dead"]
    assert ["machine", "event", "at", "url", "error", "reason"] == list(unreachable)
    assert ("office 2", "stopped", stopped.thread_token) == (last["machine"], last["event"], last["threadToken"])


def test_a_terminal_shows_the_live_picture_of_a_fleet(machines: Machines) -> None:
    arguments = ("watch", *machines.options, "--interval", "0.01")
    with terminal(*arguments, env=environment(TOKEN_ONE="one")) as screen:
        screen.read_until("32 threads on 2 of 3 machines")
        screen.read_until("office 1")
        machines.servers["office 2"].stop_thread(machines.servers["office 2"].threads[0])
        screen.read_until("31 threads on 2 of 3 machines")
        code = screen.interrupt()

    assert 130 == code
    assert "dead: http://127.0.0.1:9/v1/threads: the" in screen.text
