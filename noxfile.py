"""The checks of this repository, one session for each: `nox --list` lists them, `nox` runs them all, as CI does."""

import shutil
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
# Skip Python versions that are not installed; CI runs those that it has.
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
INSTALLED = [version for version in reversed(PYTHONS) if shutil.which(f"python{version}")]
NEWEST = INSTALLED[0] if INSTALLED else None
"""The newest Python that is installed. None means the Python that runs nox."""

SMOKE = ["tests/test_client.py", "tests/test_process.py", "tests/test_rooms.py", "tests/cli/test_cli_main.py"]
"""Tests that show that an installed wheel is complete."""

FEW_EXAMPLES = {"HYPOTHESIS_PROFILE": "fast"}
"""The environment of sessions that repeat the tests in other surroundings. `coverage` draws the usual number."""

XDIST = "pytest-xdist>=3.6"
TESTS = ["pytest", "--quiet", "--numprocesses", "auto", "--maxprocesses", "4"]
"""Runs the tests in several processes. Users run them in one, with the command of the README."""

COMMANDS = {
    "test": ["python", "-m", *TESTS],
    "docs": ["sphinx-build", "--fail-on-warning", "--keep-going", "--fresh-env", "docs", "docs/_build/html"],
    "bench": ["python", "-m", "benchmarks", "--quick"],
}
"""The command that shows that an extra works. `dev` has none: its tools are used in their newest versions, and no user
installs them."""


def build_wheel(session: nox.Session, folder: Path) -> Path:
    """Empty `folder`, build the wheel in it, and return the path of the wheel."""
    shutil.rmtree(folder, ignore_errors=True)
    session.install("build")
    session.run("python", "-m", "build", "--quiet", "--outdir", str(folder))
    (built,) = folder.glob("*.whl")
    return built


def lowest(lines: list[str]) -> list[str]:
    """Return a pin of the lowest version for each requirement in `lines`. Each must have exactly one ``>=``."""
    pins = []
    for requirement in map(Requirement, lines):
        (version,) = (one.version for one in requirement.specifier if one.operator == ">=")
        pins.append(f"{requirement.name}=={version}")
    return pins


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install("ruff>=0.12")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy and pyright, including those of a user's program."""
    session.install("-e", ".[dev]")
    session.run("mypy")
    session.run("pyright")


@nox.session
def completeness(session: nox.Session) -> None:
    """Check that type checkers know the type of every public name in the installed wheel."""
    folder = Path(session.create_tmp()).resolve()
    built = build_wheel(session, folder / "dist")
    session.install(f"{built}[test]", "pyright")
    # Away from the source folder, which pyright would prefer.
    session.chdir(folder)
    session.run("pyright", "--verifytypes", "threads_async", "--ignoreexternal")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation in both languages, with warnings as errors, and check translations and links."""
    session.install("-e", ".[docs]")
    session.run(*COMMANDS["docs"])
    session.run(*COMMANDS["docs"][:-2], "--define", "language=ru", "docs", f"{COMMANDS['docs'][-1]}/ru")
    session.run("python", "docs/translations.py", "check")
    session.run("python", "docs/check_site.py", COMMANDS["docs"][-1])


@nox.session(python=NEWEST)
def coverage(session: nox.Session) -> None:
    """Run the tests and require full branch coverage.

    Python 3.11 does not report some lines that run after a cancellation.
    """
    session.install("-e", ".[test]", XDIST)
    session.run("coverage", "erase")
    # Started by coverage, because pytest imports the plugin of this package before a coverage plugin could start.
    session.run("coverage", "run", "-m", *TESTS, *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(python=PYTHONS[0])
@nox.parametrize("extra", list(COMMANDS))
def floors(session: nox.Session, extra: str) -> None:
    """Run the command of an extra with the lowest versions that pyproject.toml allows, on the lowest Python."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["cli"], *extras["dask"], *extras[extra]]
    pins = Path(session.create_tmp()) / "floors.txt"
    pins.write_text("\n".join(lowest([line for line in lines if not line.startswith(project["name"])])))
    session.install("-e", f".[{extra}]", XDIST, "--constraint", str(pins))
    session.run(*COMMANDS[extra], env=FEW_EXAMPLES)


@nox.session
def schema(session: nox.Session) -> None:
    """Test the fake server against the OpenAPI documents that it serves, with every check of schemathesis."""
    # Not an extra: it brings about 25 packages, and no other session needs it. Pinned, because another version
    # generates other requests: a new version should be reviewed when it is chosen, not when something else changes.
    session.install("-e", ".", "schemathesis==4.32.5")
    session.run("python", "tests/schema/run.py", *session.posargs)


@nox.session
def hosts(session: nox.Session) -> None:
    """Follow the pages about other programs, where these programs are installed."""
    session.install("-e", ".[test,hosts]")
    session.run("python", "tests/hosts/follow.py", *session.posargs)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Check that every contestant of the benchmark works. ``python -m benchmarks`` runs the complete benchmark."""
    session.install("-e", ".[bench]")
    session.run(*COMMANDS["bench"])


@nox.session(python=PYTHONS)
def wheel(session: nox.Session) -> None:
    """Build the wheel and test on every Python that it is complete, away from the source folder."""
    folder = Path(session.create_tmp()).resolve()
    away = folder / "away"
    shutil.rmtree(away, ignore_errors=True)
    away.mkdir()
    session.install(f"{build_wheel(session, folder / 'dist')}[test]", XDIST)
    shutil.copytree("tests", away / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy("pyproject.toml", away)
    session.chdir(away)
    session.run(*COMMANDS["test"], *SMOKE, *session.posargs, env=FEW_EXAMPLES)
