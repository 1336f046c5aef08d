"""The command ``python -m benchmarks``."""

# ruff: noqa: T201 - a command prints

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from benchmarks.contestants import contestants
from benchmarks.fleet import __main__ as fleet
from benchmarks.fleet.measure import QUICK
from benchmarks.fleet.measure import Plan as FleetPlan
from benchmarks.measure import Plan, carry_out
from benchmarks.processes import ROOT, BrokenError
from benchmarks.report import charts, contest_table, page, series_table, setting, target_table
from benchmarks.results import Results, from_json, to_json


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the cost of listing threads, with this library and without it.",
    )
    names = [one.name for one in contestants()]
    parser.add_argument("--quick", action="store_true", help="run one small round, to check that all contestants work")
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="NAME", help=f"contestants to run: {', '.join(names)}"
    )
    parser.add_argument("--threads", type=int, help="number of threads to list (default: 200000, quick: 5000)")
    parser.add_argument("--total", type=int, default=1000, help="page size (default: 1000)")
    parser.add_argument("--rounds", type=int, help="number of rounds (default: 7, quick: 1)")
    parser.add_argument("--output", type=Path, help="folder for table, JSON and charts (default: docs/_static)")
    parser.add_argument(
        "--redraw", action="store_true", help="measure nothing, but write table and charts from the JSON"
    )
    return parser


def write(results: Results, folder: Path) -> None:
    """Write the JSON, the table and the charts."""
    folder.mkdir(parents=True, exist_ok=True)
    text = to_json(results)
    # Draw from the JSON text, so that --redraw writes the same files.
    kept = from_json(text)
    files = {"benchmark.json": text, "benchmark.md": page(kept), **charts(kept)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 1 if a contestant failed."""
    given = _parser().parse_args(arguments)
    folder = given.output or ROOT / "docs" / "_static"
    if given.redraw:
        write(from_json((folder / "benchmark.json").read_text(encoding="utf-8")), folder)
        fleet.redraw(folder)
        return 0
    plan = Plan(
        contestants=tuple(one for one in contestants() if given.only is None or one.name in given.only),
        threads=given.threads or (5000 if given.quick else 200_000),
        total=given.total,
        rounds=given.rounds or (1 if given.quick else 7),
        everything=not given.quick and given.only is None,
    )
    try:
        results = carry_out(plan, lambda text: print(text, file=sys.stderr, flush=True))
    except BrokenError as error:
        print(f"the benchmark failed: {error}", file=sys.stderr)
        return 1
    print(setting(results))
    print(contest_table(results))
    if results.series:
        print(target_table(results))
        print(series_table(results))
    if plan.everything or given.output is not None:
        write(results, folder)
    failed = any(row.fault is not None for row in results.rows)
    if given.only is None:
        fleets = QUICK if given.quick else FleetPlan()
        fleets = evolve(fleets, rounds=given.rounds or fleets.rounds)
        failed |= bool(fleet.perform(fleets, given.output if given.quick else folder))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
