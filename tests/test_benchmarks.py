"""The benchmark: its pages look like those of the API, its arithmetic is right, and it reports broken contestants.

Nothing here measures anything, because times on a busy machine prove nothing.
"""

import asyncio
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from benchmarks import __main__ as command
from benchmarks import measure
from benchmarks.contestants import Contestant, contestants
from benchmarks.measure import Plan, carry_out, fault_of, rotated
from benchmarks.pages import Book, Expected, expect, prepare
from benchmarks.processes import ALLOCATOR, API_TOKEN, ROOT, BrokenError, environment, report_of, run, server
from benchmarks.report import charts, contest_table, page, series_table, target_table
from benchmarks.results import Results, Row, Run, Series, from_json, to_json
from benchmarks.targets import judge
from threads_async import ThreadsClient, UnauthorizedError

OURS = tuple(one for one in contestants() if one.is_ours)


def row(name: str, *cpu_s: float, is_ours: bool = False, fault: str | None = None) -> Row:
    runs = tuple(Run(seconds, 2 * seconds, 40_000, 10.0) for seconds in cpu_s)
    return Row(name, f"the one named {name}", is_ours, runs, fault)


def series(name: str, *values: float) -> Series:
    return Series(name, f"a list, {name}", "ms", values)


RESULTS = Results(
    machine="two processors",
    versions={"CPython": "3.11", "aiohttp": "3.14"},
    threads=1_000_000,
    total=1000,
    rounds=3,
    checksum="00000000",
    rows=(
        row("ours_by_page", 2.2, 2.0, 9.0, is_ours=True),
        row("ours_by_item", 2.5, is_ours=True),
        row("by_hand", 2.0),
        row("stainless", fault="count is 1 instead of 2"),
    ),
    series=(series("growth_cpu_1000", 2.0, 2.2, 2.1), series("growth_cpu_10000", 2.2, 3.0)),
)


def body_of(book: Book, count: int, start: int, total: int) -> dict[str, object]:
    value: dict[str, object] = json.loads(b"".join(book.body(count, start, total)))
    return value


def test_prepared_threads_look_like_those_of_the_api() -> None:
    for one in prepare(200):
        item = json.loads(one.item)

        assert ["workspaceId", "threadToken", "type", "createdAt"] == list(item)
        assert 300 <= len(item["threadToken"]) <= 500
        assert item["threadToken"].encode() == one.token
        assert re.fullmatch(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", item["threadToken"])
        assert item["type"] in ("Manual", "BrowserInstance")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", item["createdAt"])
        assert datetime.fromisoformat(item["createdAt"]).tzinfo is not None


def test_the_same_threads_are_made_each_time() -> None:
    assert prepare(30) == prepare(30)
    assert prepare(30)[:10] == prepare(10)
    assert 30 == len({one.token for one in prepare(30)})


@pytest.mark.parametrize("count", [0, 1, 10, 25, 60])
@pytest.mark.parametrize("total", [10, 7, 100])
def test_pages_are_slices_of_a_list_that_repeats_the_prepared_threads(count: int, total: int) -> None:
    prepared = prepare(25)
    wanted = [json.loads(prepared[number % 25].item) for number in range(count)]
    book = Book(prepared, 10)

    for start in range(count + 11):
        body = body_of(book, count, start, total)

        assert {"totalCount": count, "items": wanted[start : start + total]} == body


def test_the_expected_result_has_count_and_checksum_of_the_tokens_in_order() -> None:
    prepared = prepare(3)
    tokens = [one.token for one in (*prepared, prepared[0])]

    assert Expected(4, sum(map(len, tokens)), f"{zlib.crc32(b''.join(tokens)):08x}") == expect(prepared, 4)


@pytest.mark.parametrize("name", ["count", "characters", "checksum"])
def test_a_contestant_with_a_different_result_does_not_count(name: str) -> None:
    expected = Expected(2, 800, "0a0b0c0d")
    measured = {"count": 2, "characters": 800, "checksum": "0a0b0c0d"}

    assert fault_of(measured, expected) is None
    assert f"{name} is other instead of" in str(fault_of(measured | {name: "other"}, expected))


def test_each_round_begins_with_another_contestant_and_leaves_none_out() -> None:
    orders = [rotated(OURS, number) for number in range(len(OURS))]

    assert len(OURS) == len({order[0] for order in orders})
    assert all(set(order) == set(OURS) for order in orders)
    assert () == rotated((), 1)


def test_a_contestant_is_left_out_if_the_client_lacks_its_parameter() -> None:
    names = [one.name for one in contestants(frozenset({"total", "prefetch"}))]

    assert "ours_prefetch" in names
    assert "ours_consistent" not in names
    assert "ours_by_item" in names


def test_the_table_has_medians_and_ratios_to_the_loop_by_hand_and_names_failures() -> None:
    lines = contest_table(RESULTS).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    assert ["the one named by_hand", "2.00", "1.00", "1.00"] == cells[2]
    assert ["the one named ours_by_page", "2.20", "1.10", "1.00"] == cells[3]
    assert ["the one named ours_by_item", "2.50", "1.25", "1.25"] == cells[4]
    second = cells.index([""]) + 1
    assert ["the one named by_hand", "4.00", "1.00", "41", "10"] == cells[second + 2]
    assert ["the one named ours_by_page", "4.40", "1.10", "41", "10"] == cells[second + 3]
    assert ["the one named ours_by_item", "5.00", "1.25", "41", "10"] == cells[second + 4]
    assert "the one named stainless does not count: count is 1 instead of 2" == lines[-1]


def test_if_every_contestant_fails_there_is_still_a_table() -> None:
    text = contest_table(evolve(RESULTS, rows=(row("stainless", fault="broken"),)))

    assert "does not count: broken" in text
    assert {} != charts(evolve(RESULTS, rows=()))


def test_targets_are_judged_by_ratios_of_best_rounds() -> None:
    found = {target.claim: (target.found, target.met) for target in judge(RESULTS)}

    assert {
        "CPU by page: at most 0.85 times the loop by hand": ("1.00 times", False),
        "CPU by item: at most 0.95 times the loop by hand": ("1.25 times", False),
        "cost per thread from 1,000 to 1,000,000 threads: flat within 20 %": ("10 %", True),
    } == found


def test_a_missed_target_is_reported() -> None:
    slow = evolve(
        RESULTS,
        rows=(row("by_hand", 1.0), row("ours_by_item", 2.0), row("dlt_rest", 3.0), row("httpx_pydantic", 1.5)),
        series=(
            series("prefetch_0", 4.0),
            series("prefetch_8", 1.0),
            series("help", 500),
            series("python_aiohttp", 100),
        ),
    )

    assert [False] * 5 == [target.met for target in judge(slow)]
    assert 5 == target_table(slow).count("**no**")


def test_a_target_without_measurements_is_not_judged() -> None:
    assert [] == judge(evolve(RESULTS, rows=(), series=()))


def test_results_survive_json() -> None:
    assert RESULTS == from_json(to_json(RESULTS))
    assert "1.23457" in to_json(evolve(RESULTS, series=(series("x", 1.23456789),)))


def test_redrawing_from_json_writes_the_same_files(tmp_path: Path) -> None:
    command.write(RESULTS, tmp_path)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    (tmp_path / "benchmark.md").unlink()

    assert 0 == command.main(["--redraw", "--output", str(tmp_path)])
    assert written == {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert {
        "benchmark.json",
        "benchmark.md",
        "benchmark-cpu.svg",
        "benchmark-memory.svg",
        "benchmark-growth.svg",
    } == set(written)
    assert series_table(RESULTS) in page(RESULTS)
    assert written["benchmark.md"] == page(RESULTS)


def test_the_documents_show_the_results_of_the_last_run() -> None:
    folder = ROOT / "docs" / "_static"
    results = from_json((folder / "benchmark.json").read_text(encoding="utf-8"))

    for name, text in {"benchmark.md": page(results), **charts(results)}.items():
        assert text == (folder / name).read_text(encoding="utf-8"), f"{name} is not from this run: use --redraw"


def test_the_server_requires_the_token_and_counts_requests() -> None:
    async def first(url: str, token: str) -> str | None:
        async with ThreadsClient(token, base_url=url) as client:
            thread = await client.threads().first()
            return None if thread is None else thread.thread_token

    with server(10, 10) as running:
        assert prepare(1)[0].token.decode() == asyncio.run(first(f"{running.url}/of/10", "benchmark"))
        assert prepare(1)[0].token.decode() == asyncio.run(first(f"{running.url}/warm/of/10/late/1", "benchmark"))
        with pytest.raises(UnauthorizedError):
            asyncio.run(first(f"{running.url}/of/10", "another"))
        assert 1 == running.requests()


def test_our_contestants_list_every_thread(capsys: pytest.CaptureFixture[str]) -> None:
    names = [one.name for one in OURS]

    assert 0 == command.main(["--quick", "--only", *names, "--threads", "250", "--total", "100"])
    out = capsys.readouterr().out
    assert [2] * len(OURS) == [len(re.findall(rf"^\| {re.escape(one.title)} +\|", out, re.MULTILINE)) for one in OURS]
    assert "does not count" not in out


@pytest.mark.parametrize("who", ["bare", "page", "first"])
def test_a_small_request_is_measured_in_a_separate_process(who: str) -> None:
    with server(2000, 1000) as running:
        measured = report_of("benchmarks.small", running.url, API_TOKEN, who)

    assert measured["cpu_us"] > 0


def test_a_broken_contestant_has_a_row_that_says_so() -> None:
    broken = Contestant("no_such_module", "one that cannot be imported", ("no-such-distribution",))

    said: list[str] = []

    results = carry_out(Plan((broken,), threads=10, total=10, rounds=2, everything=False), said.append)

    (only,) = results.rows
    assert "No module named benchmarks.contestants.no_such_module" in str(only.fault)
    assert () == only.runs
    assert ["round 1 of 2: one that cannot be imported"] == said


def test_a_process_that_hangs_or_fails_is_an_error() -> None:
    with pytest.raises(BrokenError, match=r"took longer than 0\.2 s"):
        run("-c", "import time; time.sleep(60)", seconds=0.2)
    with pytest.raises(BrokenError, match="ended with status 3: no reason given"):
        run("-c", "raise SystemExit(3)")


def test_processes_use_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")

    assert ["NO_PROXY"] == [name for name in environment() if name.lower().endswith("_proxy")]


def allocator_of(environment: Mapping[str, str]) -> dict[str, str]:
    words = ("MALLOC", "GLIBC_TUNABLES")
    return {name: value for name, value in environment.items() if any(word in name for word in words)}


def test_every_process_gets_the_same_allocator_settings_in_any_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: dict[str, dict[str, str]] = {}

    class Spy(subprocess.Popen[str]):
        def __init__(self, command: list[str], *, env: dict[str, str], **options: Any) -> None:
            seen[command[2]] = allocator_of(env)
            super().__init__(command, env=env, **options)

    monkeypatch.setattr(subprocess, "Popen", Spy)
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=1")
    monkeypatch.setenv("MALLOC_TOP_PAD_", "1")
    monkeypatch.setenv("PYTHONMALLOC", "malloc")
    size = ["--threads", "20", "--total", "10"]

    assert 0 == command.main(["--quick", "--only", "by_hand", "ours_by_page", *size, "--output", str(tmp_path)])
    assert {
        "benchmarks.server": ALLOCATOR,
        "benchmarks.contestants.by_hand": ALLOCATOR,
        "benchmarks.contestants.ours_by_page": ALLOCATOR,
    } == seen
    for printed in (capsys.readouterr().out, (tmp_path / "benchmark.md").read_text(encoding="utf-8")):
        assert all(f"{name}={value}" in printed for name, value in ALLOCATOR.items())
    assert "have the same allocator settings" in (tmp_path / "benchmark-cpu.svg").read_text(encoding="utf-8")


def test_the_workers_of_pyperf_get_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[tuple[str, ...]] = []
    suite = SimpleNamespace(load=lambda _: SimpleNamespace(get_benchmarks=list))
    monkeypatch.setitem(sys.modules, "pyperf", SimpleNamespace(BenchmarkSuite=suite))
    monkeypatch.setattr(measure, "run", lambda *arguments: commands.append(arguments))

    assert [] == list(measure._micro(1, print))
    assert [("-m", "benchmarks.micro")] == [given[:2] for given in commands]
    assert "--copy-env" in commands[0]


def test_a_run_without_allocator_settings_does_not_mention_them() -> None:
    assert {} == RESULTS.allocator
    assert "allocator" not in page(RESULTS) + "".join(charts(RESULTS).values())
