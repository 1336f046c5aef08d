"""The pytest plugin: its cost for runs that do not use it, and its fixtures in every kind of event loop."""

from textwrap import dedent

import pytest

pytest_plugins = ["pytester"]

# Without plugins that these tests do not need and that would take most of their time.
QUICK = ("-p", "no:cacheprovider", "-p", "no:timeout", "-p", "no:hypothesispytest")
STRICT = ("-p", "no:anyio", "-o", "asyncio_mode=strict", "-o", "asyncio_default_fixture_loop_scope=function")
AUTO = ("-p", "no:anyio", "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
BOTH = ("-o", "asyncio_default_fixture_loop_scope=function", "-o")
NONE = ("-p", "no:asyncio", "-p", "no:anyio")

# Each test uses the client twice, so that a connection is kept alive, and leaves requests of an iterator in flight.
BODY = """
        assert 7 == await threads_client.threads().count()
        assert 7 == len(await threads_client.threads(total=2).collect())
        await anext(aiter(threads_client.threads(total=1, prefetch=3)))
"""
MARK = "zenno_server(threads=7)"


def functions(*marks: str) -> str:
    """Return the source of a module with `marks` and two tests."""
    head = f"import pytest\npytestmark = [{', '.join(f'pytest.mark.{mark}' for mark in (MARK, *marks))}]\n"
    names = ("test_one", "test_two")
    return head + "".join(f"async def {name}(zenno_server, threads_client):{BODY}\n" for name in names)


SETUPS = {
    "strict": (STRICT, functions("asyncio")),
    "auto": (AUTO, functions()),
    "tests in the loop of the session": ((*AUTO, "-o", "asyncio_default_test_loop_scope=session"), functions()),
    "all in the loop of the session": (
        (*AUTO, "-o", "asyncio_default_test_loop_scope=session", "-o", "asyncio_default_fixture_loop_scope=session"),
        functions(),
    ),
    "fixtures in the loop of the session": (
        (*AUTO, "-o", "asyncio_default_fixture_loop_scope=session"),
        functions(),
    ),
    "loop of the module": (STRICT, functions("asyncio(loop_scope='module')")),
    "loop of the class": (
        STRICT,
        f"""
import pytest

@pytest.mark.{MARK}
@pytest.mark.asyncio(loop_scope="class")
class TestMine:
    async def test_one(self, threads_client):{BODY}
    async def test_two(self, threads_client):{BODY}
""",
    ),
    "anyio beside strict": (
        (*BOTH, "asyncio_mode=strict"),
        functions("anyio", "parametrize('anyio_backend', ['asyncio'])"),
    ),
    "anyio beside auto": (
        (*BOTH, "asyncio_mode=auto"),
        functions("anyio", "parametrize('anyio_backend', ['asyncio'])"),
    ),
    "anyio alone": (("-p", "no:asyncio"), functions("anyio", "parametrize('anyio_backend', ['asyncio'])")),
    "no event loop": (
        NONE,
        """
import json
import pytest
from urllib.request import Request, urlopen

@pytest.mark.zenno_server(threads=7)
def test_one(zenno_server):
    request = Request(zenno_server.url + "/v1/threads", headers={"Api-Token": zenno_server.token})
    with urlopen(request, timeout=10) as answer:
        assert 7 == json.load(answer)["totalCount"]

def test_two(zenno_server, threads_client):
    assert not threads_client.closed
""",
    ),
    "event loops of the test": (
        NONE,
        """
import asyncio
import threading

def test_one(zenno_server, threads_client):
    for _ in range(2):
        assert 25 == asyncio.run(threads_client.threads().count())
    asyncio.run(zenno_server.stop())
    asyncio.run(zenno_server.start())
    assert 25 == asyncio.run(threads_client.threads().count())

def test_two(threads_client):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    count = asyncio.run_coroutine_threadsafe(threads_client.threads().count(), loop).result(10)
    assert 25 == count
    test_two.loop = loop
""",
    ),
    "a fixture of the user": (
        AUTO,
        """
import pytest

@pytest.fixture
async def listing(threads_client):
    yield threads_client.threads()
    assert 25 == await threads_client.threads().count()

async def test_one(listing, threads_client):
    assert 25 == await listing.count()

async def test_two(zenno_server, threads_client):
    assert 25 == await threads_client.threads().count()
    await threads_client.close()
    await threads_client.close()
    while zenno_server.connections:
        pass
""",
    ),
}


@pytest.mark.parametrize("setup", SETUPS)
def test_the_fixtures_work_in_every_event_loop(pytester: pytest.Pytester, setup: str) -> None:
    options, source = SETUPS[setup]
    pytester.makepyfile(source)

    done = pytester.runpytest_subprocess("-W", "error", *QUICK, "--strict-markers", *options, timeout=50)

    done.assert_outcomes(passed=2)


def test_the_nearest_marker_wins(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.zenno_server(threads=3, page_cap=1)

        @pytest.mark.zenno_server(threads=7)
        def test_markers(zenno_server):
            assert (7, 1) == (len(zenno_server.threads), zenno_server.page_cap)

        def test_marker_of_module(zenno_server):
            assert 3 == len(zenno_server.threads)
        """
    )

    pytester.runpytest_subprocess("--strict-markers", *QUICK, *NONE).assert_outcomes(passed=2)


def test_a_run_that_does_not_use_the_fixtures_imports_only_the_plugin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        dedent("""
        import sys

        def test_mine():
            ours = {name for name in sys.modules if name.startswith("threads_async")}
            assert {"threads_async_pytest"} == ours
            assert sys.modules.keys().isdisjoint({"aiohttp", "asyncio", "msgspec", "cattrs", "pytest_asyncio"})
        """)
    )

    done = pytester.runpytest_subprocess(*QUICK, *NONE)

    done.assert_outcomes(passed=1)
