"""Generate the threads, workspaces and browsers of `FakeServer` from a seed. Performs no I/O."""

import base64
import json
import random
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from threads_async.testing._rows import DEFAULT_WORKSPACE, TYPES, FakeBrowser, FakeThread, FakeWorkspace

_HEADER: Final = {"alg": "HS256", "typ": "JWT"}
_FIRST_MOMENT: Final = datetime(2026, 3, 17, 16, 38, 40, tzinfo=UTC)
_TICK: Final = timedelta(milliseconds=1370)
_PORTS: Final = range(49152, 65536)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# Created once: json.dumps creates an encoder for each call with separators.
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def _json(value: object) -> bytes:
    return _ENCODER.encode(value).encode()


def _moment_of(thread: FakeThread) -> datetime | None:
    """Return the creation time of `thread`, or None if its text is not a time."""
    try:
        moment = datetime.fromisoformat(thread.created_at)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


class ThreadMaker:
    """Generates threads: the same ones for the same seed, and none with the token of a given thread."""

    def __init__(self, seed: int, given: Iterable[FakeThread] = ()) -> None:
        self._random = random.Random(seed)  # noqa: S311 - it makes test data, not keys
        self._made = 0
        self._next = _FIRST_MOMENT
        # Given threads may come from another server with the same seed. This one would generate the same tokens again.
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
        """Return the next thread. What is not given is generated, with a later time than all previous threads."""
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
        # The seventh digit is added by hand: Python's datetime has only six.
        written = f"{self._next.isoformat(timespec='microseconds')[:-6]}{self._random.randrange(10)}+00:00"
        return FakeThread(
            workspace_id=workspace_id,
            thread_token=token if thread_token == "" else thread_token,
            type=drawn if kind is None else kind,
            created_at=written if created_at is None else created_at,
        )


class BrowserMaker:
    """Generates browsers: the same ones for the same seed, and none with the process ID of a given browser."""

    def __init__(self, seed: int, given: Iterable[FakeBrowser] = ()) -> None:
        self._random = random.Random(seed)  # noqa: S311 - it makes test data, not keys
        self._taken = {browser.process_id for browser in given}

    def make(
        self,
        *,
        workspace_id: int = DEFAULT_WORKSPACE,
        profile_id: str | None = None,
        process_id: int | None = None,
        connection_string: str | None = "",
    ) -> FakeBrowser:
        """Return the next browser. What is not given is generated."""
        profile, browser = (str(uuid.UUID(int=self._random.getrandbits(128), version=4)) for _ in range(2))
        address = f"ws://127.0.0.1:{self._random.choice(_PORTS)}/devtools/browser/{browser}"
        # Process IDs on Windows are multiples of four. The range grows, so there is always a free one.
        drawn = 4 * self._random.randrange(250, 25_000 + 2 * len(self._taken))
        while drawn in self._taken:
            drawn += 4
        process_id = drawn if process_id is None else process_id
        self._taken.add(process_id)
        return FakeBrowser(
            workspace_id=workspace_id,
            profile_id=profile if profile_id is None else profile_id,
            process_id=process_id,
            connection_string=address if connection_string == "" else connection_string,
        )


class WorkspaceMaker:
    """Generates workspaces. The first one is the default workspace, which has no name."""

    def __init__(self, given: Iterable[FakeWorkspace] = ()) -> None:
        self._next = max([DEFAULT_WORKSPACE - 1, *(workspace.workspace_id for workspace in given)]) + 1

    def make(self, *, name: str | None = "", role: str | None = "Owner") -> FakeWorkspace:
        """Return the next workspace. A name that is not given is made from the ID."""
        number, self._next = self._next, self._next + 1
        usual = None if number == DEFAULT_WORKSPACE else f"Workspace {number}"
        return FakeWorkspace(number, usual if name == "" else name, role)
