"""Runs all measurements and collects the results. Contestants are interleaved."""

from collections.abc import Iterable
from typing import Any, Final

from attrs import evolve, frozen

from benchmarks.contestants import contestants
from benchmarks.fleet.machines import MOVING, expected
from benchmarks.fleet.results import Cost, FleetResults, Listed, Watched
from benchmarks.measure import Say, machine, rotated, versions
from benchmarks.processes import ALLOCATOR, API_TOKEN, BrokenError, report_of, serving

TITLES: Final = {
    "json": "by hand, json of aiohttp",
    "msgspec": "by hand, msgspec",
    "fleet": "Fleet, collect()",
    "fleet_no_gc": "Fleet, collect(), gc.disable()",
    "fleet_stream": "Fleet, async for, nothing kept",
    "fleet_own": "Fleet, one session a client",
}
_OWN_SESSIONS: Final = "fleet_own"
_SOME: Final = ("json", "msgspec", "fleet", "fleet_stream")


@frozen
class Shape:
    """What to list.

    Attributes:
        machines: How many machines there are.
        threads: How many threads each of them has.
        at_once: Maximum number of machines that are read at the same time.
        names: The contestants that take part.
    """

    machines: int
    threads: int
    at_once: int
    names: tuple[str, ...] = _SOME


@frozen
class Plan:
    """What to run.

    Attributes:
        shapes: What to list.
        rounds: How many times each contestant runs.
        watches: How many machines each watch has, and whether their lists change.
        watched_threads: How many threads each of these machines has.
        seconds: For how long a watch is measured, in seconds.
        tries: How many times a watch is measured at most, if the machine is busy with other work.
        latency_ms: The pause of the server before each response, in milliseconds.
    """

    shapes: tuple[Shape, ...] = (
        Shape(1000, 100, 32, tuple(TITLES)),
        Shape(1000, 100, 100),
        Shape(100, 500, 32, ("json", "msgspec", "fleet")),
    )
    rounds: int = 5
    watches: tuple[tuple[int, bool], ...] = ((250, False), (500, False), (1000, False), (2000, False), (1000, True))
    watched_threads: int = 100
    seconds: float = 12.0
    tries: int = 3
    latency_ms: int = 20


QUICK: Final = Plan(
    shapes=(Shape(20, 10, 4, tuple(TITLES)),),
    rounds=1,
    watches=((20, False), (20, True)),
    watched_threads=10,
    seconds=1.2,
    tries=1,
)
"""One small round, which checks that everything works."""


def carry_out(plan: Plan, say: Say) -> FleetResults:
    """Run `plan` and return the results.

    Args:
        plan: What to run.
        say: Called with a line before each step, to show the progress.
    """
    listed: list[Listed] = []
    watched: list[Watched] = []
    for threads in dict.fromkeys((*(shape.threads for shape in plan.shapes), plan.watched_threads)):
        shapes = [shape for shape in plan.shapes if shape.threads == threads]
        watches = plan.watches if threads == plan.watched_threads else ()
        most = max((*(shape.machines for shape in shapes), *(machines for machines, _ in watches)))
        with serving("benchmarks.fleet.farm", str(most), str(threads), str(plan.latency_ms), API_TOKEN) as url:
            listed += _list(url, [_row(shape, name) for shape in shapes for name in shape.names], plan.rounds, say)
            watched += [
                _watch(url, Watched(machines=machines, threads=threads, is_moving=is_moving), plan, say)
                for machines, is_moving in watches
            ]
    return FleetResults(
        machine=machine(),
        versions={
            name: version
            for name, version in versions(one for one in contestants() if one.name == "by_hand").items()
            if name != "pyperf"
        },
        latency_ms=plan.latency_ms,
        rounds=plan.rounds,
        listed=tuple(listed),
        watched=tuple(watched),
        allocator=ALLOCATOR,
    )


def _row(shape: Shape, name: str) -> Listed:
    return Listed(
        name=name,
        title=TITLES[name],
        is_ours=name.startswith("fleet"),
        machines=shape.machines,
        threads=shape.threads,
        at_once=shape.at_once,
        runs=(),
    )


def _list(url: str, rows: list[Listed], rounds: int, say: Say) -> Iterable[Listed]:
    """Run the contestants, and return them with their runs."""
    wanted = {size: expected(*size) for size in {(row.machines, row.threads) for row in rows}}
    for number in range(rounds):
        # Each round begins with a different contestant.
        for place in rotated(range(len(rows)), number):
            row = rows[place]
            if row.fault is not None:
                continue
            say(f"round {number + 1} of {rounds}: {row.machines:,} machines, {row.at_once} at once, {row.title}")
            try:
                found = report_of(
                    "benchmarks.fleet.listing", row.name, url, API_TOKEN, str(row.machines), str(row.at_once)
                )
                fault = fault_of(row, found, wanted[row.machines, row.threads])
            except BrokenError as error:
                fault = str(error)
            if fault is not None:
                rows[place] = evolve(row, runs=(), fault=fault)
            else:
                rows[place] = evolve(row, runs=(*row.runs, _cost(found)))
    return rows


def fault_of(row: Listed, found: dict[str, Any], checksum: str) -> str | None:
    """Return what is wrong with a listing, or None.

    Args:
        row: The contestant.
        found: What it reported.
        checksum: The expected checksum of the threads.
    """
    if found["checksum"] != checksum:
        return f"the checksum of the threads is {found['checksum']} instead of {checksum}"
    most = row.machines if row.name == _OWN_SESSIONS else row.at_once
    return f"{found['sockets']} sockets instead of {most}" if found["sockets"] > most else None


def _cost(found: dict[str, Any]) -> Cost:
    names = ("wall_s", "cpu_s", "grown_kib", "requests", "sockets", "server_cpu_s")
    return Cost(**{name: found[name] for name in names})


def _watch(url: str, row: Watched, plan: Plan, say: Say) -> Watched:
    """Watch all machines, again if the machine was busy with other work, and return `row` with the measurements."""
    done = row
    for _ in range(plan.tries):
        say(f"a watch of {row.machines:,} machines{', whose lists change' if row.is_moving else ''}")
        done = _watch_once(url, row, plan.seconds)
        if not done.is_starved:
            break
    return done


def _watch_once(url: str, row: Watched, seconds: float) -> Watched:
    server = f"{url}{MOVING if row.is_moving else ''}"
    try:
        found = report_of(
            "benchmarks.fleet.watching", server, API_TOKEN, str(row.machines), str(row.threads), str(seconds)
        )
    except BrokenError as error:
        return evolve(row, fault=str(error))
    if found["requests"] == 0:
        return evolve(row, fault="it has not looked")
    return evolve(row, cost=_cost(found), events=found["events"], fault=watch_fault_of(row, found))


def watch_fault_of(row: Watched, found: dict[str, Any]) -> str | None:
    """Return what is wrong with the events of a watch, or None."""
    events, looks = found["events"], found["requests"]
    if not row.is_moving:
        return f"{events:,} events, although nothing changed" if events else None
    # Each look finds one stop and one start. Events at the end of the time may come too late to be counted.
    return None if 2 * events >= looks else f"{events:,} events in {looks:,} looks"
