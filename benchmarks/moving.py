"""Lists of threads that change while they are read, and a reader for them. Performs no I/O."""

import random
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from benchmarks.numbered import TWINS, number_of, thread_of
from threads_async import ExecutionThread, Page
from threads_async._consistent import ConsistentWalk
from threads_async._endpoints import THREADS
from threads_async._paging import Slice, Walk
from threads_async._window import Window

Order: TypeAlias = Literal["append", "front", "anywhere"]
"""Where new threads are added."""

Moment: TypeAlias = Literal["atomic", "slice first", "count first"]
"""Whether a page and its `totalCount` are from the same moment, or which of the two is older."""

Which: TypeAlias = Literal["first", "last", "any"]
"""Which threads stop."""

consistent_walk: Final = partial(ConsistentWalk[ExecutionThread], identity=THREADS.identity)
"""Makes a consistent walk over threads."""

_ANYWHERE: Final = 2**20


@frozen
class Rate:
    """How much a list changes at once.

    Attributes:
        starts: Maximum number of threads that start.
        stops: Maximum number of threads that stop.
        which: Which threads stop.
        steady: Whether the maximum number always starts and stops.
    """

    starts: int
    stops: int
    which: Which = "any"
    steady: bool = False


def _stand_still() -> object:
    return None


class MovingList:
    """A simulated server whose list changes when its methods are called.

    Args:
        count: How many threads run at the beginning.
        order: Where new threads are added.
        moment: Whether a page and its `totalCount` are from the same moment.
        cap: Maximum number of threads on a page, or None.
        twins: Whether threads have no token and are equal to their neighbours.
        make: Makes the item with a number, with or without twins.

    Attributes:
        alive: The numbers of the running threads, in order.
        lasting: The numbers of the threads that have run from the beginning.
        made: The number that the next thread gets.
        make: Makes the item with a number.
        moved: How many threads have started or stopped.
        sliced: The threads that ran when the last page was made.
        move: Called between a page and its count if they are not from the same moment.
    """

    def __init__(  # noqa: PLR0913 - the properties of a list
        self,
        count: int,
        order: Order = "append",
        moment: Moment = "atomic",
        cap: int | None = None,
        *,
        twins: bool = False,
        make: Callable[..., Any] = thread_of,
    ) -> None:
        self.make = make
        self.alive = list(range(count))
        self.lasting = set(self.alive)
        # New threads are not twins of the threads at the beginning, which may be elsewhere.
        self.made = -(-count // TWINS) * TWINS
        self.order = order
        self.moment: Moment = moment
        self.cap = cap
        self.twins = twins
        self.moved = 0
        self.sliced: tuple[int, ...] = ()
        self.move = _stand_still

    def start(self, place: int) -> None:
        """Start a thread, where the order puts it or at `place`."""
        number = self.made
        if self.twins and self.order == "anywhere" and number % TWINS and self._twin_of(number) is None:
            # A thread that equals stopped threads would appear to come back at another place.
            number += TWINS - number % TWINS
        self.made = number + 1
        self.alive.insert(self._place_of(number, place), number)
        self.moved += 1

    def _twin_of(self, number: int) -> int | None:
        """Return the place of a running thread with a lower number that equals the one with `number`, or None."""
        before = (one for one in range(number - number % TWINS, number) if one in self.alive)
        return next((self.alive.index(one) for one in before), None)

    def _place_of(self, number: int, place: int) -> int:
        if self.order == "append":
            return len(self.alive)
        if self.order == "front":
            return 0
        if self.twins:
            # Equal threads are adjacent in every order.
            twin = self._twin_of(number)
            if twin is not None:
                return twin
        place %= len(self.alive) + 1
        while self.twins and 0 < place < len(self.alive) and self._are_twins(place):
            place += 1
        return place

    def _are_twins(self, place: int) -> bool:
        return self.alive[place - 1] // TWINS == self.alive[place] // TWINS

    def stop(self, place: int) -> None:
        """Stop the thread at `place`, if any thread runs."""
        if self.alive:
            self.lasting.discard(self.alive.pop(place % len(self.alive)))
            self.moved += 1

    def churn(self, rate: Rate, draw: random.Random) -> None:
        """Stop and start threads."""
        starts, stops = rate.starts, rate.stops
        if not rate.steady:
            starts, stops = draw.randint(0, starts), draw.randint(0, stops)
        for _ in range(stops):
            self.stop({"first": 0, "last": -1}.get(rate.which, draw.randrange(_ANYWHERE)))
        for _ in range(starts):
            self.start(draw.randrange(_ANYWHERE))

    def answer(self, asked: Slice) -> Page[Any]:
        """Return the page for a request."""
        total = asked.total if self.cap is None else min(asked.total, self.cap)
        count = len(self.alive)
        if self.moment == "count first":
            self.move()
        self.sliced = tuple(self.alive)
        if self.moment == "slice first":
            self.move()
            count = len(self.alive)
        shown = self.sliced[asked.start : asked.start + total]
        return Page(tuple(self.make(number, twins=self.twins) for number in shown), count, asked.start)


class Reader:
    """Reads a list as a `PageIterator` does.

    Responses may come in any order, but the walk gets the pages in the order in which it requests them.

    Args:
        walk: The walk, which decides what to request.
        server: The list.
        start: Where the walk begins.
        prefetch: As in `ThreadsClient.threads`.

    Attributes:
        walk: The current state of the walk.
        got: The threads that the walk returned.
        flying: The requests in flight, each with its page as soon as it is received.
        requests: How many requests have been answered.
        lasting: The numbers of the threads that the walk must list if they still run at its end.
    """

    def __init__(self, walk: Walk[Any], server: MovingList, start: int = 0, prefetch: int = 0) -> None:
        self.walk = walk
        self.got: list[Any] = []
        self.flying: dict[Slice, Page[Any] | None] = {}
        self.requests = 0
        self.lasting: set[int] = set()
        self._server = server
        self._start = start
        self._prefetch = prefetch
        self._window = Window.of(prefetch)
        self._seen = set[Hashable]()
        self._plan()

    @property
    def missed(self) -> set[int]:
        """The numbers of the threads that ran all the time and were not listed."""
        got = {number_of(thread) for thread in self.got}
        lasting = self.lasting & self._server.lasting
        return {
            number for number in lasting if number_of(self._server.make(number, twins=self._server.twins)) not in got
        }

    @property
    def repeated(self) -> bool:
        """Whether a thread was listed twice."""
        return len({number_of(thread) for thread in self.got}) < len(self.got)

    @property
    def ready(self) -> bool:
        """Whether the next page of the walk has been received."""
        asked = self.walk.next_slice()
        return asked is not None and self.flying.get(asked) is not None

    def _plan(self) -> None:
        asked = self.walk.next_slice()
        wanted = [] if asked is None else [asked]
        if wanted and self._prefetch:
            wanted += self.walk.ahead(self._window.size)
        self.flying = {one: self.flying.get(one) for one in wanted}

    def let_answer(self, which: int = 0) -> None:
        """Let the server answer one of the requests in flight."""
        waiting = [asked for asked, page in self.flying.items() if page is None]
        if waiting:
            asked = waiting[which % len(waiting)]
            self.flying[asked] = page = self._server.answer(asked)
            self.requests += 1
            if not self.got and asked.start == self._start:
                # Threads before `start` are not listed. If `start` is not below the first count, none are.
                self.lasting = set(self._server.sliced[asked.start :]) if asked.start < page.total_count else set()

    def go_on(self) -> None:
        """Pass the next page to the walk, if it has been received."""
        asked = self.walk.next_slice()
        page = None if asked is None else self.flying[asked]
        if asked is not None and page is not None:
            del self.flying[asked]
            guessed = self.walk.ahead(max(1, self._window.size)) if self._prefetch else []
            step = self.walk.accept(asked, page, self._seen)
            self.walk = step.walk
            self._seen.update(step.keys)
            self.got += step.items
            if guessed:
                held = bool(step.items) and self.walk.next_slice() in guessed
                self._window = self._window.after_guess(held=held)
            self._plan()
