"""The parts of the client on their own, timed by pyperf: ``python -m benchmarks.micro`` with pyperf's own options.

These look at internals, since the cost of a part is not visible from outside.
"""

import asyncio
import time
from typing import Final

import msgspec
import pyperf

from benchmarks.handwritten import read_page
from benchmarks.pages import Book, prepare
from threads_async import ThreadListing, ThreadPage, ThreadsQuery, _wire
from threads_async._plain import PlainWalk

_SIZE: Final = 1000
_PAGES: Final = 20
_BASE: Final = "http://127.0.0.1:8160"


class _Source:
    """Has all pages at hand: what a listing asks when the network and the decoder cost nothing."""

    def __init__(self, pages: list[ThreadPage]) -> None:
        self._pages = pages

    async def fetch(self, query: ThreadsQuery) -> ThreadPage:
        return self._pages[query.start // _SIZE]


def _walk(loops: int, pages: list[ThreadPage]) -> float:
    began = time.perf_counter()
    for _ in range(loops):
        walk = PlainWalk(0, _SIZE)
        for page in pages:
            asked = walk.next_slice()
            assert asked is not None  # noqa: S101 - there are as many pages as the walk asks for
            step = walk.accept(asked, page)
            assert isinstance(step.walk, PlainWalk)  # noqa: S101 - a walk leads to one of its kind
            walk = step.walk
    return time.perf_counter() - began


async def _iterate(loops: int, pages: list[ThreadPage]) -> float:
    listing = ThreadListing(_Source(pages), ThreadsQuery(total=_SIZE))  # type: ignore[arg-type]
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
    requests = [_wire.encode(ThreadsQuery(start=start), _BASE) for start in range(0, _PAGES * _SIZE, _SIZE)]
    bodies = [b"".join(book.body(_PAGES * _SIZE, request.start, _SIZE)) for request in requests]
    response = _wire.Response(200, {}, bodies[0])
    runner.bench_func("decode_ours", _wire.decode, requests[0], response)
    runner.bench_func("decode_by_hand", read_page, bodies[0])
    runner.bench_func("decode_dicts", msgspec.json.Decoder().decode, bodies[0])
    pages = [
        _wire.decode(request, _wire.Response(200, {}, body)) for request, body in zip(requests, bodies, strict=True)
    ]
    runner.bench_time_func("walk_page", _walk, pages, inner_loops=_PAGES)
    runner.bench_time_func("iterate_item", _run_iterate, pages, inner_loops=_PAGES * _SIZE)


if __name__ == "__main__":
    main()
