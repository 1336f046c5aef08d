"""The duties of this repository, one command each: `nox --list` shows them, plain `nox` runs them all, as CI does."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
# A Python that a machine lacks is skipped; CI runs those that it has.
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.12")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy and pyright, also of a user's program."""
    session.install("-e", ".[dev]")
    session.run("mypy")
    session.run("pyright")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--fresh-env", "docs", "docs/_build/html")


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests and demand every branch of the package."""
    session.install("-e", ".[test]")
    session.run("coverage", "erase")
    # The pytest plugin of this package is imported before any plugin that measures could start.
    session.run("coverage", "run", "-m", "pytest", "--quiet", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def benchmark(session: nox.Session) -> None:
    """See that every contestant of the benchmark works. The whole benchmark is ``python -m benchmarks``."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "benchmarks", "--quick")


@nox.session(python=PYTHONS)
def wheel(session: nox.Session) -> None:
    """Build the wheel and run the tests against it on every Python, with the source folder out of reach."""
    folder = Path(session.create_tmp()).resolve()
    dist, away = folder / "dist", folder / "away"
    shutil.rmtree(folder)
    away.mkdir(parents=True)
    session.install("build")
    session.run("python", "-m", "build", "--quiet", "--outdir", str(dist))
    (built,) = dist.glob("*.whl")
    session.install(f"{built}[test]")
    for name in ("tests", "docs", "benchmarks"):
        shutil.copytree(name, away / name, ignore=shutil.ignore_patterns("_build", "__pycache__"))
    for name in ("README.md", "CHANGELOG.md", "pyproject.toml"):
        shutil.copy(name, away)
    session.chdir(away)
    session.run("python", "-m", "pytest", "--quiet", *session.posargs)
