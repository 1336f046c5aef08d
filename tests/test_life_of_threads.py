"""A random life of threads: a server with a limit and lifetimes, a client that acts, and everything that can happen."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from attrs import define, evolve
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from virtual_time import VirtualTimeLoop

from threads_async import ExecutionThread, RequestError, RetryPolicy, ThreadLease, ThreadLimitError, ThreadsClient
from threads_async.testing import FakeServer, FakeThread, Fault, SeenRequest

T = TypeVar("T")

LIFETIME = 100.0
LIMIT = 5
SHORTEST = 0.1


@define(eq=False)
class Holder:
    """A task that holds a thread in an ``async with`` until it is released or cancelled."""

    task: "asyncio.Task[None]"
    release: asyncio.Event
    lease: ThreadLease


class LifeOfThreads(RuleBasedStateMachine):
    """The model: the threads of other programs, the threads that we started, and the threads that we hold.

    A thread that we started ends when its lifetime is over. A thread that we hold must not end.
    """

    holders: Bundle[Holder] = Bundle("holders")
    ours: Bundle[ExecutionThread] = Bundle("ours")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.loop = self.runner.get_loop()
        self.others: list[FakeThread] = []
        self.started: dict[str, float] = {}
        self.held: set[Holder] = set()
        self.unknown = 0
        self.ends: list[Callable[[], Coroutine[Any, Any, None]]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(
        new_tokens=st.booleans(),
        body=st.sampled_from(["observed", "documented", "null", "thread"]),
        absent=st.sampled_from([200, 404, 500]),
        in_bulk=st.sampled_from(["reject", "stop", "skip"]),
        partial=st.booleans(),
        elsewhere=st.sampled_from([0, 2]),
        slow=st.sampled_from([0.0, 2.5]),
    )
    def begin(
        self, new_tokens: bool, body: Any, absent: int, in_bulk: Any, partial: bool, elsewhere: int, slow: float
    ) -> None:
        self.server = FakeServer(
            threads=0,
            limit_threads=LIMIT + elsewhere,
            threads_elsewhere=elsewhere,
            lifetime=LIFETIME,
            new_tokens=new_tokens,
            start_latency=slow,
        )
        # A server that issues new tokens must tell them, or nobody can follow.
        self.server.action_body = "thread" if new_tokens else body
        self.server.absent_status, self.server.absent_in_bulk, self.server.partial_start = absent, in_bulk, partial
        self.server.clock = self.loop.time
        self.run(self.server.start())
        self.open()
        self.ends.append(self.end)

    def open(self) -> None:
        self.client = ThreadsClient(
            self.server.token, base_url=self.server.url, retry=RetryPolicy(attempts=3, budget=None, max_backoff=1)
        )

    # Other programs ---------------------------------------------------------------------------------------------------

    @rule()
    def another_program_starts_a_thread(self) -> None:
        if len(self.server.threads) < LIMIT:
            self.others.append(self.server.start_thread())

    @rule(number=st.integers(0, 9))
    def another_program_stops_its_thread(self, number: int) -> None:
        if self.others:
            self.server.stop_thread(self.others.pop(number % len(self.others)))

    # Threads that nobody holds ----------------------------------------------------------------------------------------

    @rule(target=ours, wait=st.sampled_from([None, 1.0, 30.0]))
    def start(self, wait: float | None) -> Any:
        before = {thread.created_at for thread in self.server.threads}
        starting = len(self.held) - len(self.owning())
        try:
            thread = self.run(self.client.start_thread(wait=wait))
        except RequestError as error:
            if isinstance(error, ThreadLimitError) and error.unknown_since is None:
                assert wait is not None or len(before) >= LIMIT
            return multiple()
        finally:
            after = {thread.created_at for thread in self.server.threads}
            assert len(after - before) <= starting + 1
        self.started[str(thread.thread_token)] = self.loop.time() + LIFETIME
        return thread

    @rule(target=ours, count=st.integers(1, LIMIT + 1))
    def start_several(self, count: int) -> Any:
        try:
            threads = self.run(self.client.start_threads(count))
        except RequestError as error:
            self.unknown += 0 if error.unknown_since is None else count
            return multiple()
        assert count == len(threads)
        self.started |= {str(thread.thread_token): self.loop.time() + LIFETIME for thread in threads}
        return multiple(*threads)

    @rule(target=ours, thread=consumes(ours))
    def keep(self, thread: ExecutionThread) -> Any:
        end = self.started.pop(str(thread.thread_token), 0.0)
        alive = any(one.thread_token == thread.thread_token for one in self.server.threads)

        async def keep() -> Any:
            (outcome,) = await asyncio.gather(self.client.continue_thread(thread), return_exceptions=True)
            return outcome

        found = self.run(keep())
        assert isinstance(found, ExecutionThread if alive else ExecutionThread | RequestError)
        # A success that is none comes only from a server that reports one.
        failed = isinstance(found, RequestError)
        assert alive or failed or 200 == self.server.absent_status or end > self.loop.time()
        kept = [found] if alive else []
        self.started |= {str(one.thread_token): self.loop.time() + LIFETIME for one in kept}
        return multiple(*kept)

    @rule()
    def keep_all(self) -> None:
        listed = self.run(self.client.threads().collect())
        threads = [thread for thread in listed if thread.thread_token in self.started]
        found = self.run(self.client.continue_threads(threads))
        for before, after in zip(threads, found, strict=True):
            assert after is not None
            del self.started[str(before.thread_token)]
            self.started[str(after.thread_token)] = self.loop.time() + LIFETIME

    @rule(thread=ours)
    def stop(self, thread: ExecutionThread) -> None:
        """It may be gone already."""
        self.run(self.client.stop_thread(thread))
        self.started.pop(str(thread.thread_token), None)

    @rule()
    def stop_all_of_ours(self) -> None:
        self.run(self.client.stop_threads(list(self.started)))
        self.started.clear()

    # Threads that a task holds ----------------------------------------------------------------------------------------

    @rule(target=holders, wait=st.sampled_from([None, 1.0, 1000.0]), first=st.floats(SHORTEST, 10))
    def hold(self, wait: float | None, first: float) -> Holder:
        release = asyncio.Event()
        lease = self.client.new_thread(continue_every=30, wait=wait)

        async def hold() -> None:
            async with lease:
                await release.wait()

        async def begin() -> Holder:
            holder = Holder(asyncio.create_task(hold()), release, lease)
            await asyncio.sleep(first)
            return holder

        holder = self.run(begin())
        self.held.add(holder)
        return holder

    @rule(holder=consumes(holders))
    def let_go(self, holder: Holder) -> None:
        async def let_go() -> None:
            end = holder.release.set if holder.lease in self.owning() else holder.task.cancel
            end()
            await asyncio.wait([holder.task])

        self.run(let_go())

    @rule(holder=consumes(holders), times=st.integers(1, 3), pause=st.floats(0, 3))
    def cancel(self, holder: Holder, times: int, pause: float) -> None:
        async def cancel() -> None:
            for _ in range(times):
                holder.task.cancel()
                await asyncio.sleep(pause)
            await asyncio.wait([holder.task])

        self.run(cancel())

    @rule(wait=st.sampled_from([None, 100.0]), moment=st.floats(0, 6))
    def hold_and_cancel_at_once(self, wait: float | None, moment: float) -> None:
        async def hold() -> None:
            async with self.client.new_thread(wait=wait):
                await asyncio.sleep(1)

        async def cancel() -> None:
            task = asyncio.create_task(hold())
            await asyncio.sleep(moment)
            task.cancel()
            await asyncio.wait([task])

        self.run(cancel())

    # What happens to everybody ----------------------------------------------------------------------------------------

    @rule(seconds=st.floats(SHORTEST, 130))
    def time_passes(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @rule(seconds=st.floats(SHORTEST, 20))
    def the_server_restarts(self, seconds: float) -> None:
        async def restart() -> None:
            await self.server.stop()
            await asyncio.sleep(seconds)
            await self.server.start()
            # Until the next requests to continue.
            await asyncio.sleep(10)

        self.run(restart())

    @rule(fault=st.sampled_from([Fault(503), Fault(429), Fault(None), Fault(None, after=True)]))
    def a_request_to_continue_or_stop_fails(self, fault: Fault) -> None:
        if self.server.new_tokens and fault.after:
            # The new token is lost with the response. Nobody can know it.
            return
        left = 1

        def fault_for(seen: SeenRequest) -> Fault | None:
            nonlocal left
            if seen.method in ("PUT", "DELETE") and left:
                left -= 1
                return fault
            return None

        self.server.fault_for = fault_for

    @rule(fault=st.sampled_from([Fault(500), Fault(503), Fault(403), Fault(None)]), after=st.booleans())
    def a_request_to_start_fails(self, fault: Fault, after: bool) -> None:
        """If the server has started a thread nevertheless, nobody knows its token. It is one, and not two."""
        fault = evolve(fault, after=after and fault.status != 403)
        left = 1

        def fault_for(seen: SeenRequest) -> Fault | None:
            nonlocal left
            if seen.method != "POST" or left == 0:
                return None
            left = 0
            self.unknown += fault.after
            return fault

        self.server.fault_for = fault_for

    @rule()
    def the_client_crashes(self) -> None:
        """Its threads are left behind, and its next life does not know them."""

        async def crash() -> None:
            await self.client.close()
            await self.cancel_all()

        self.run(crash())
        self.held.clear()
        known = {*self.started, *(thread.thread_token for thread in self.others)}
        lost = [str(thread.thread_token) for thread in self.server.threads if thread.thread_token not in known]
        self.started |= dict.fromkeys(lost, self.loop.time() + LIFETIME)
        self.open()

    # What must always be so -------------------------------------------------------------------------------------------

    def owning(self) -> list[ThreadLease]:
        for holder in self.held:
            error = None if not holder.task.done() or holder.task.cancelled() else holder.task.exception()
            # If the server was killed during the start, the error says that it may have started a thread.
            self.unknown += isinstance(error, RequestError) and error.unknown_since is not None
        self.held = {holder for holder in self.held if not holder.task.done()}
        return [holder.lease for holder in self.held if holder.lease._keeper is not None]

    @invariant()
    def the_server_has_what_the_model_has(self) -> None:
        running = {thread.thread_token: thread for thread in self.server.threads}
        self.started = {token: end for token, end in self.started.items() if token in running}
        held = {lease.thread_token for lease in self.owning()}

        assert len(running) <= LIMIT
        # A thread that we were not told to stop is never stopped, and one that we hold does not end.
        assert {thread.thread_token for thread in self.others} <= set(running)
        assert held <= set(running)
        # A thread that nobody holds any longer has been stopped.
        starting = sum(not holder.task.done() for holder in self.held) - len(held)
        left = set(running) - held - set(self.started) - {thread.thread_token for thread in self.others}
        assert len(left) <= starting + self.unknown
        if starting == 0:
            self.unknown = 0
            self.started |= dict.fromkeys(map(str, left), self.loop.time() + LIFETIME)

    @invariant()
    def the_limits_and_the_listing_agree_with_the_server(self) -> None:
        async def ask() -> None:
            before = self.server.threads
            threads = await self.client.threads(consistent=True).collect()
            limits = await self.client.limits()
            # Meanwhile, a task that waited may have started its thread.
            unchanged = before == self.server.threads
            found = [thread.thread_token for thread in threads]
            assert not unchanged or found == [thread.thread_token for thread in before]
            elsewhere = self.server.threads_elsewhere
            numbers = (limits.active_threads - elsewhere, limits.limit_threads - elsewhere)
            assert not unchanged or (len(threads), LIMIT) == numbers

        self.run(ask())

    async def end(self) -> None:
        await self.cancel_all()
        self.owning()
        known = set(self.started) | {thread.thread_token for thread in self.others}
        assert len({thread.thread_token for thread in self.server.threads} - known) <= self.unknown
        await self.client.close()
        await self.server.stop()

    async def cancel_all(self) -> None:
        for holder in self.held:
            holder.task.cancel()
        await asyncio.gather(*(holder.task for holder in self.held), return_exceptions=True)

    def teardown(self) -> None:
        for end in self.ends:
            self.run(end())
        self.runner.close()


LifeOfThreads.TestCase.settings = settings(stateful_step_count=30)
# Slow machines need more than the usual minute.
TestLifeOfThreads = pytest.mark.timeout(300)(LifeOfThreads.TestCase)
