"""The benchmark of many machines: every contestant lists the same threads, and the report says what was measured.

As in test_benchmarks.py, no time is judged.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict, evolve

from benchmarks import __main__ as everything
from benchmarks.fleet import __main__ as command
from benchmarks.fleet import measure
from benchmarks.fleet.listing import ask
from benchmarks.fleet.machines import checksum, expected, name_of, path_of
from benchmarks.fleet.measure import QUICK, TITLES, Plan, Shape, fault_of, watch_fault_of
from benchmarks.fleet.report import charts, limit, page
from benchmarks.fleet.results import Cost, FleetResults, Listed, Watched, from_json, to_json
from benchmarks.pages import prepare
from benchmarks.processes import API_TOKEN, ROOT, serving
from benchmarks.results import Results
from threads_async import EventKind, StatusError, ThreadEvent, ThreadsClient, UnauthorizedError

COST = Cost(wall_s=2.0, cpu_s=1.0, grown_kib=50_000, requests=10, sockets=4, server_cpu_s=0.5)


def listed(name: str, *wall_s: float, fault: str | None = None) -> Listed:
    return Listed(
        name=name,
        title=TITLES[name],
        is_ours=name.startswith("fleet"),
        machines=10,
        threads=5,
        at_once=4,
        runs=tuple(evolve(COST, wall_s=seconds) for seconds in wall_s),
        fault=fault,
    )


def watched(machines: int, cpu_s: float, requests: int, **more: Any) -> Watched:
    cost = evolve(COST, wall_s=10.0, cpu_s=cpu_s, requests=requests)
    return Watched(machines=machines, threads=5, is_moving=False, cost=cost, **more)


RESULTS = FleetResults(
    machine="two processors",
    versions={"CPython": "3.11"},
    latency_ms=20,
    rounds=3,
    listed=(listed("json", 1.0, 2.0, 4.0), listed("fleet", 1.5, 2.4, 4.4), listed("fleet_own", fault="broken")),
    watched=(
        watched(500, 4.0, 5000),
        watched(1000, 8.0, 10_000),
        watched(2000, 9.9, 12_500),
        evolve(watched(10, 1.0, 100, events=200), is_moving=True),
    ),
    allocator={"MALLOC": "1"},
)


def rows_of(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_every_contestant_lists_the_same_threads_and_the_watches_see_what_happens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == command.main(["--quick", "--output", str(tmp_path)])
    results = from_json((tmp_path / "fleet.json").read_text(encoding="utf-8"))

    assert [] == results.faults
    assert page(results) + "\n" == capsys.readouterr().out
    assert list(TITLES) == [row.name for row in results.listed]
    assert [(20, 20)] * 6 == [(row.machines, row.runs[0].requests) for row in results.listed]
    assert [True] * 5 + [False] == [row.sockets <= row.at_once for row in results.listed]
    assert [False, True] == [one.is_moving for one in results.watched]

    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    (tmp_path / "fleet.md").unlink()
    assert 0 == command.main(["--redraw", "--output", str(tmp_path)])
    assert written == {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}


def test_a_contestant_that_fails_is_reported_and_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TITLES, "nobody", "one that does not exist")
    plan = Plan(shapes=(Shape(2, 1, 1, ("nobody",)),), rounds=2, watches=((0, False),), watched_threads=1, seconds=0.0)

    assert 1 == command.perform(plan, None)
    out, err = capsys.readouterr()
    assert "one that does not exist does not count: it ended with status 1: KeyError: 'nobody'" in out
    assert "the watch of 0 does not count: it ended with status 1" in out
    assert 1 == err.count("one that does not exist")


def test_a_server_that_does_not_start_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "serving", lambda _, *arguments: serving("benchmarks.fleet.farm", "none", *arguments))

    assert 1 == command.perform(QUICK, None)
    assert "the benchmark failed: the server did not start" in capsys.readouterr().err


def test_the_complete_benchmark_includes_this_part_unless_contestants_are_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results = Results("", {}, threads=1, total=1, rounds=1, checksum="", rows=())
    done: list[tuple[Plan, Path | None]] = []

    def perform(plan: Plan, folder: Path | None) -> int:
        done.append((plan, folder))
        return 1

    monkeypatch.setattr(everything, "carry_out", lambda *_: results)
    monkeypatch.setattr(command, "perform", perform)

    assert 1 == everything.main(["--quick"])
    assert 1 == everything.main(["--output", str(tmp_path)])
    assert 0 == everything.main(["--quick", "--only", "by_hand"])
    assert [(QUICK, None), (Plan(), tmp_path)] == done


def test_a_machine_requires_the_token_and_responds_with_its_own_threads() -> None:
    tokens = [one.token.decode() for one in prepare(6)]

    async def read(server: str) -> None:
        async with ThreadsClient(API_TOKEN, base_url=f"{server}{path_of(1)}") as client:
            assert tokens[3:] == [thread.thread_token async for thread in client.threads()]
            assert tokens[3:] == [thread.thread_token async for thread in client.threads(total=2)]
        async with ThreadsClient("another", base_url=f"{server}{path_of(1)}") as client:
            with pytest.raises(UnauthorizedError):
                await client.threads().first()
        for path in (path_of(2), "/v1"):
            async with ThreadsClient(API_TOKEN, base_url=f"{server}{path}") as client:
                with pytest.raises(StatusError, match="404"):
                    await client.threads().first()

    with serving("benchmarks.fleet.farm", "2", "3", "0", API_TOKEN) as server:
        asyncio.run(read(server))

        assert (3, 1) == tuple(ask(f"{server}/counts")[name] for name in ("requests", "sockets"))
        ask(f"{server}/begin")
        assert (0, 0) == tuple(ask(f"{server}/counts")[name] for name in ("requests", "sockets"))


def test_on_a_machine_whose_list_changes_each_look_finds_one_stop_and_one_start() -> None:
    async def kinds(server: str) -> list[EventKind]:
        async with (
            ThreadsClient(API_TOKEN, base_url=f"{server}/moving{path_of(0)}") as client,
            client.watch(interval=0.01) as watch,
        ):
            events = [await anext(watch) for _ in range(7)]
            assert all(isinstance(event, ThreadEvent) for event in events)
            return [event.kind for event in events]

    with serving("benchmarks.fleet.farm", "1", "3", "0", API_TOKEN) as server:
        found = asyncio.run(kinds(server))

    assert [EventKind.PRESENT] * 3 + [EventKind.STOPPED, EventKind.STARTED] * 2 == found


def test_the_checksum_depends_on_machines_and_tokens_but_not_on_their_order() -> None:
    tokens = [one.token.decode() for one in prepare(4)]
    found = [(name_of(number // 2), token) for number, token in enumerate(tokens)]

    assert expected(2, 2) == checksum(found) == checksum(reversed(found))
    assert expected(2, 2) != checksum(found[1:])
    assert expected(2, 2) != checksum([("m0002", tokens[0]), *found[1:]])


def test_a_listing_with_other_threads_or_too_many_sockets_does_not_count() -> None:
    shared, own = listed("fleet", 1.0), listed("fleet_own", 1.0)

    assert fault_of(shared, {"checksum": "ab", "sockets": 4}, "ab") is None
    assert "5 sockets instead of 4" == fault_of(shared, {"checksum": "ab", "sockets": 5}, "ab")
    assert fault_of(own, {"checksum": "ab", "sockets": 10}, "ab") is None
    assert "the checksum of the threads is ab instead of cd" == fault_of(own, {"checksum": "ab", "sockets": 1}, "cd")


def test_a_watch_with_the_wrong_events_does_not_count() -> None:
    quiet = watched(5, 1.0, 10)
    moving = evolve(quiet, is_moving=True)

    assert watch_fault_of(quiet, {"events": 0, "requests": 10}) is None
    assert "1 events, although nothing changed" == watch_fault_of(quiet, {"events": 1, "requests": 10})
    assert watch_fault_of(moving, {"events": 20, "requests": 10}) is None
    assert "3 events in 10 looks" == watch_fault_of(moving, {"events": 3, "requests": 10})


def test_a_watch_on_a_busy_machine_is_measured_again_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Watched(machines=1000, threads=5, is_moving=False)
    late, timely = ({**asdict(COST), "wall_s": 10.0, "requests": requests, "events": 0} for requests in (10, 10_000))
    found: list[dict[str, Any]] = []
    said: list[str] = []
    monkeypatch.setattr(measure, "report_of", lambda *_: found.pop(0))

    for reports, tries in (([timely], 1), ([late, timely], 2), ([late, late, late], 3), ([{"requests": 0}], 1)):
        found[:], said[:] = reports, []
        done = measure._watch("", row, Plan(), said.append)

        assert [] == found
        assert ["a watch of 1,000 machines"] * tries == said
        assert done.is_starved == (reports[-1] is late)
        assert done.fault == (None if "events" in reports[-1] else "it has not looked")


def test_the_tables_have_medians_and_ratios_within_rounds() -> None:
    rows = rows_of(page(RESULTS))

    assert ["by hand, json of aiohttp", "2.00", "1.00", "1.00"] == rows[2]
    # The ratios of the rounds are 1.5, 1.2 and 1.1.
    assert ["Fleet, collect()", "2.40", "1.20", "1.00"] == rows[3]
    assert ["Fleet, collect()", "51", "4", "21 %"] == rows[7]
    assert ["500", "40 %", "800", "1.00"] == rows[10]
    assert ["10, changing", "20", "51", "4", "5 %"] == rows[-1]
    assert page(RESULTS).endswith("\nFleet, one session a client does not count: broken\n")


def test_the_end_of_one_process_is_computed_from_the_largest_watch_that_left_time_and_shown_by_the_next() -> None:
    assert (
        "With 1,000 machines of 5 threads, a look took 800 µs of CPU. At this cost, a core has time for 1,250 looks a "
        "second. That is where one process ends.\n"
        "With 2,000 machines, the core was fully used. The watch took 1,250 looks a second: it looked at each machine "
        "every 1.6 s instead of every 1 s.\n"
    ) == limit(RESULTS)
    assert "" == limit(evolve(RESULTS, watched=()))


def test_a_watch_on_a_busy_machine_does_not_count() -> None:
    late = evolve(RESULTS, listed=RESULTS.listed[:2], watched=(watched(1000, 3.0, 3000),))

    assert "The watch of 1,000 does not count: the machine was busy with other work." in page(late)
    assert "" == limit(late)
    assert [] == late.faults
    assert {"fleet-time.svg"} == set(charts(late))


def test_the_charts_show_times_with_their_range_and_the_share_of_a_core() -> None:
    drawn = charts(RESULTS)
    once = charts(evolve(RESULTS, rounds=1))

    assert {"fleet-time.svg", "fleet-watch.svg"} == set(drawn)
    assert ">2.40 s<" in drawn["fleet-time.svg"]
    assert 2 == drawn["fleet-time.svg"].count('class="range"')
    assert "spans the lowest to the highest round" in drawn["fleet-time.svg"]
    assert "one round" in once["fleet-time.svg"]
    assert ">80 %<" in drawn["fleet-watch.svg"]
    assert {} == charts(evolve(RESULTS, listed=(), watched=()))


def test_results_of_a_fleet_survive_json() -> None:
    assert RESULTS == from_json(to_json(RESULTS))


def test_the_documents_show_the_results_of_the_last_run_with_many_machines() -> None:
    folder = ROOT / "docs" / "_static"
    results = from_json((folder / "fleet.json").read_text(encoding="utf-8"))

    assert [] == results.faults
    assert not any(one.is_starved for one in results.watched)
    for name, text in {"fleet.md": page(results), **charts(results)}.items():
        assert text == (folder / name).read_text(encoding="utf-8"), f"{name} is not from this run: use --redraw"
