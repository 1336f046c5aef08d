"""The threads of the fake: made from a seed number, filtered, sorted. Performs no I/O."""

import base64
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve, field, frozen

from threads_async._secrets import shorten

DEFAULT_WORKSPACE: Final = 1
"""The id of the default workspace, which a request calls -1."""

TYPES: Final = ("Manual", "BrowserInstance")
_MOST_VIEWS: Final = 64
_HEADER: Final = {"alg": "HS256", "typ": "JWT"}
_FIRST_MOMENT: Final = datetime(2026, 3, 17, 16, 38, 40, tzinfo=UTC)
_TICK: Final = timedelta(milliseconds=1370)


@frozen
class FakeThread:
    """A thread as it stands on the wire.

    Attributes:
        workspace_id: The workspace that it belongs to.
        thread_token: Its token, which looks like that of the real program: a JWT of several hundred characters. None
            stands for null. A secret of the fake's, shortened in reprs all the same.
        type: ``Manual``, ``BrowserInstance``, or any other text.
        created_at: When it was made, as text: seven fractional digits and an offset, as the real program writes it.
    """

    workspace_id: int
    thread_token: str | None = field(repr=lambda token: repr(shorten(token)))
    type: str
    created_at: str


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# Made once: json.dumps makes an encoder for each call that asks for separators.
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def _json(value: object) -> bytes:
    return _ENCODER.encode(value).encode()


def _moment_of(thread: FakeThread) -> datetime | None:
    """Return when `thread` was made, or None if its text is no time."""
    try:
        moment = datetime.fromisoformat(thread.created_at)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


class ThreadMaker:
    """Makes threads one after another, the same ones for the same seed number, none like those that were given."""

    def __init__(self, seed: int, given: Iterable[FakeThread] = ()) -> None:
        self._random = random.Random(seed)  # noqa: S311 - it makes test data, not keys
        self._made = 0
        self._next = _FIRST_MOMENT
        # Given threads may come from another server of the same seed, whose first threads this one would make again.
        self._taken: set[str | None] = set()
        for thread in given:
            self._taken.add(thread.thread_token)
            self._reach(thread)

    def _reach(self, thread: FakeThread) -> None:
        moment = _moment_of(thread)
        if moment is not None and moment >= self._next:
            self._next = moment.astimezone(UTC) + _TICK

    def make(
        self,
        *,
        workspace_id: int = DEFAULT_WORKSPACE,
        type: str | None = None,  # noqa: A002 - the API's own word
        thread_token: str | None = "",
        created_at: str | None = None,
    ) -> FakeThread:
        """Make the next thread; what is not given is drawn, and made later than all before."""
        thread = self._draw(workspace_id, type, thread_token, created_at)
        while thread_token == "" and thread.thread_token in self._taken:
            thread = self._draw(workspace_id, type, thread_token, created_at)
        self._reach(thread)
        return thread

    def _draw(
        self, workspace_id: int, kind: str | None, thread_token: str | None, created_at: str | None
    ) -> FakeThread:
        number = self._made
        self._made += 1
        drawn = self._random.choice(TYPES)
        payload = {
            "threadId": f"{self._random.getrandbits(128):032x}",
            "instanceId": f"{self._random.getrandbits(512):0128x}",
            "number": number,
            "iss": "ZennoBrowser",
        }
        token = ".".join(_base64url(part) for part in (_json(_HEADER), _json(payload), self._random.randbytes(32)))
        # The seventh digit is one that Python's datetime does not have.
        written = f"{self._next.isoformat(timespec='microseconds')[:-6]}{self._random.randrange(10)}+00:00"
        return FakeThread(
            workspace_id=workspace_id,
            thread_token=token if thread_token == "" else thread_token,
            type=drawn if kind is None else kind,
            created_at=written if created_at is None else created_at,
        )


@frozen
class View:
    """What a request asks to see, apart from the slice. None means: not filtered, or not sorted."""

    workspace_id: int
    thread_token: str | None
    type: str | None
    sort_key: str | None
    descending: bool

    @property
    def unfiltered(self) -> "View":
        """The same view of all threads of the workspace."""
        return evolve(self, thread_token=None, type=None)

    def shows(self, thread: FakeThread) -> bool:
        """Tell whether `thread` matches."""
        return (
            thread.workspace_id == self.workspace_id
            and (self.thread_token is None or thread.thread_token == self.thread_token)
            and (self.type is None or thread.type == self.type)
        )

    def of(self, threads: Iterable[FakeThread]) -> tuple[FakeThread, ...]:
        """Return the threads that match, in order; equal ones stay in the order in which they were made."""
        seen = [thread for thread in threads if self.shows(thread)]
        if self.sort_key is not None:
            name = self.sort_key

            def key(thread: FakeThread) -> tuple[bool, str | int]:
                value = getattr(thread, name)
                return (value is not None, "" if value is None else value)

            seen.sort(key=key, reverse=self.descending)
        return tuple(seen)


class Population:
    """The threads alive, in the order in which they were made, and what requests see of them."""

    def __init__(self, threads: int | Iterable[FakeThread], seed: int) -> None:
        given = () if isinstance(threads, int) else tuple(threads)
        self.maker = ThreadMaker(seed, given)
        self._alive = [self.maker.make() for _ in range(threads)] if isinstance(threads, int) else list(given)
        self._views: dict[View, tuple[FakeThread, ...]] = {}

    @property
    def alive(self) -> tuple[FakeThread, ...]:
        """All of them."""
        return tuple(self._alive)

    def add(self, thread: FakeThread) -> None:
        """Let `thread` run."""
        self._alive.append(thread)
        self._views.clear()

    def remove(self, thread: FakeThread | str) -> FakeThread:
        """Stop `thread`, given as itself or as its token.

        Raises:
            LookupError: It does not run.
        """
        for index, one in enumerate(self._alive):
            if one is thread or one == thread or (isinstance(thread, str) and one.thread_token == thread):
                self._views.clear()
                return self._alive.pop(index)
        msg = "that thread does not run"
        raise LookupError(msg)

    def seen_by(self, view: View) -> tuple[FakeThread, ...]:
        """Return what `view` shows. It is worked out once and kept for a while, at most until a start or stop."""
        found = self._views.get(view)
        if found is None:
            # A program that filters by one token after another would fill the memory.
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
            found = self._views[view] = view.of(self._alive)
        return found
