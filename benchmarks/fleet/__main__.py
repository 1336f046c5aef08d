"""The command ``python -m benchmarks.fleet``: the part of the benchmark about many machines."""

# ruff: noqa: T201 - a command prints

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import evolve

from benchmarks.fleet.measure import QUICK, Plan, carry_out
from benchmarks.fleet.report import charts, page
from benchmarks.fleet.results import FleetResults, from_json, to_json
from benchmarks.processes import ROOT, BrokenError

_JSON: Final = "fleet.json"


def write(results: FleetResults, folder: Path) -> None:
    """Write the JSON, the tables and the charts."""
    folder.mkdir(parents=True, exist_ok=True)
    text = to_json(results)
    # Draw from the JSON text, so that `redraw` writes the same files.
    kept = from_json(text)
    files = {_JSON: text, "fleet.md": page(kept), **charts(kept)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def redraw(folder: Path) -> None:
    """Write tables and charts from the JSON, if there is one."""
    path = folder / _JSON
    if path.exists():
        write(from_json(path.read_text(encoding="utf-8")), folder)


def perform(plan: Plan, folder: Path | None) -> int:
    """Measure, print the results, write them to `folder` if there is one, and return the exit status."""
    try:
        results = carry_out(plan, lambda text: print(text, file=sys.stderr, flush=True))
    except BrokenError as error:
        print(f"the benchmark failed: {error}", file=sys.stderr)
        return 1
    print(page(results))
    if folder is not None:
        write(results, folder)
    return int(bool(results.faults))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 1 if a contestant failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fleet", description="Measure the cost of listing and watching many machines."
    )
    parser.add_argument("--quick", action="store_true", help="run one small round, to check that everything works")
    parser.add_argument("--rounds", type=int, help="number of rounds (default: 5, quick: 1)")
    parser.add_argument("--output", type=Path, help="folder for tables, JSON and charts (default: docs/_static)")
    parser.add_argument(
        "--redraw", action="store_true", help="measure nothing, but write tables and charts from the JSON"
    )
    given = parser.parse_args(arguments)
    folder = given.output or ROOT / "docs" / "_static"
    if given.redraw:
        redraw(folder)
        return 0
    plan = QUICK if given.quick else Plan()
    plan = evolve(plan, rounds=given.rounds or plan.rounds)
    return perform(plan, given.output if given.quick else folder)


if __name__ == "__main__":
    sys.exit(main())
