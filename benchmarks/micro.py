"""Times single parts of the client with pyperf. ``python -m benchmarks.micro`` takes pyperf's own options.

This uses internals, because the cost of a part is not visible from outside.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import Final

import msgspec
import pyperf

from benchmarks.handwritten import read_page
from benchmarks.moving import consistent_walk
from benchmarks.pages import Book, prepare
from threads_async import ExecutionThread, Listing, ThreadPage, ThreadsQuery
from threads_async._codec import decode
from threads_async._endpoints import THREADS, Endpoint
from threads_async._exchange import Request, Response, encode
from threads_async._paging import Slice, Walk
from threads_async._plain import PlainWalk

_SIZE: Final = 1000
_PAGES: Final = 20
_BASE: Final = "http://127.0.0.1:8160"


class _Source:
    """A source that has all pages, so that the network and the decoder cost a listing nothing."""

    def __init__(self, pages: list[ThreadPage]) -> None:
        self._pages = pages

    async def fetch(self, _: Endpoint[ExecutionThread], __: ThreadsQuery, asked: Slice) -> ThreadPage:
        return self._pages[asked.start // _SIZE]


def _bodies(book: Book, step: int) -> list[tuple[Request, bytes]]:
    """Return the requests for the pages of a list, one every `step` threads, with the bodies of the responses."""
    count = _PAGES * step
    requests = [encode(THREADS, ThreadsQuery(start=start), _BASE) for start in range(0, count, step)]
    return [(one, b"".join(book.body(count, one.start, _SIZE))) for one in requests]


def _decoded(bodies: list[tuple[Request, bytes]]) -> list[ThreadPage]:
    return [decode(THREADS, request, Response(200, {}, body)) for request, body in bodies]


def _walk(
    loops: int, new: Callable[[int, int], Walk[ExecutionThread]], pages_of: Callable[[], list[ThreadPage]]
) -> float:
    taken = 0.0
    for _ in range(loops):
        pages = pages_of()
        seen = set[Hashable]()
        walk = new(0, _SIZE)
        began = time.perf_counter()
        for page in pages:
            asked = walk.next_slice()
            assert asked == Slice(page.start, _SIZE)  # noqa: S101 - the pages are those that the walk requests
            step = walk.accept(asked, page, seen)
            walk = step.walk
            seen.update(step.keys)
        taken += time.perf_counter() - began
    return taken


async def _iterate(loops: int, pages: list[ThreadPage]) -> float:
    listing = Listing(_Source(pages), THREADS, ThreadsQuery(total=_SIZE))  # type: ignore[arg-type]
    began = time.perf_counter()
    for _ in range(loops):
        async for _thread in listing:
            pass
    return time.perf_counter() - began


def _run_iterate(loops: int, pages: list[ThreadPage]) -> float:
    return asyncio.run(_iterate(loops, pages))


def main() -> None:
    """Time all parts."""
    runner = pyperf.Runner(program_args=("-m", "benchmarks.micro"))
    book = Book(prepare(_PAGES * _SIZE), _SIZE)
    bodies = _bodies(book, _SIZE)
    request, body = bodies[0]
    runner.bench_func("decode_ours", decode, THREADS, request, Response(200, {}, body))
    runner.bench_func("decode_by_hand", read_page, body)
    runner.bench_func("decode_dicts", msgspec.json.Decoder().decode, body)
    pages = _decoded(bodies)
    runner.bench_time_func("walk_page", _walk, PlainWalk[ExecutionThread], lambda: pages, inner_loops=_PAGES)
    # Decoded again each time, because a string keeps its hash. Each page overlaps by one thread.
    overlapping = partial(_decoded, _bodies(book, _SIZE - 1))
    runner.bench_time_func("walk_consistent_page", _walk, consistent_walk, overlapping, inner_loops=_PAGES)
    runner.bench_time_func("iterate_item", _run_iterate, pages, inner_loops=_PAGES * _SIZE)


if __name__ == "__main__":
    main()
