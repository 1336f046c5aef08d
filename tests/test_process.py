"""The process belongs to the user: using this package changes nothing in it."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

from threads_async import ThreadsClient

LARGE = 2**20
"""In bytes. glibc changes its thresholds when a block that it got from the kernel is freed. Pages are such blocks."""

IMPORT_TWICE = """
import sys, tracemalloc
import aiohttp, attrs, cattrs, msgspec, tenacity
# The second import reads compiled files, because compiling a module takes far more memory than importing it.
sys.pycache_prefix, sys.dont_write_bytecode = sys.argv[1], False
import threads_async
for name in [name for name in sys.modules if name.partition(".")[0] == "threads_async"]:
    del sys.modules[name]
tracemalloc.start()
import threads_async
kept, peak = tracemalloc.get_traced_memory()
print(peak - kept)
"""


def test_creating_a_client_never_allocates_a_large_block() -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        client = ThreadsClient("a token")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not client.closed
    assert peak - before < LARGE


def test_importing_the_package_never_allocates_a_large_block(tmp_path: Path) -> None:
    printed = subprocess.check_output([sys.executable, "-c", IMPORT_TWICE, str(tmp_path)], text=True)

    assert int(printed) < LARGE
