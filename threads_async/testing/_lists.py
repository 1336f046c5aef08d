"""The lists of `FakeServer`, which can change at any time. Performs no I/O."""

import random
import threading
from collections.abc import Iterable
from typing import Any

from threads_async.testing._makers import BrowserMaker, ThreadMaker, WorkspaceMaker
from threads_async.testing._population import Population, View
from threads_async.testing._resources import BROWSER_INSTANCES, THREADS, WORKSPACES, Resource
from threads_async.testing._rows import DEFAULT_WORKSPACE, FakeBrowser, FakeThread, FakeWorkspace


class Lists:
    """Lists of threads, workspaces and browsers. They can be read and changed from any Python thread.

    Args:
        threads: Number of threads, or the threads themselves.
        workspaces: Number of workspaces, or the workspaces themselves.
        browsers: Number of browsers, or the browsers themselves.
        seed: Seed for generating them. The same seed generates the same items.
    """

    def __init__(
        self,
        threads: int | Iterable[FakeThread],
        workspaces: int | Iterable[FakeWorkspace],
        browsers: int | Iterable[FakeBrowser],
        seed: int,
    ) -> None:
        # The test and the server may use the lists from different threads.
        self._lock = threading.RLock()
        self._threads = Population(threads, lambda given: ThreadMaker(seed, given).make)
        self._workspaces = Population(workspaces, lambda given: WorkspaceMaker(given).make)
        self._browsers = Population(browsers, lambda given: BrowserMaker(seed, given).make)
        self._lists: dict[str, tuple[Resource[Any], Population[Any]]] = {
            THREADS.path: (THREADS, self._threads),
            WORKSPACES.path: (WORKSPACES, self._workspaces),
            BROWSER_INSTANCES.path: (BROWSER_INSTANCES, self._browsers),
        }

    @property
    def threads(self) -> tuple[FakeThread, ...]:
        """The running threads, in the order in which they were created."""
        return self._threads.alive

    @property
    def workspaces(self) -> tuple[FakeWorkspace, ...]:
        """The workspaces, in the order in which they were created."""
        return self._workspaces.alive

    @property
    def browsers(self) -> tuple[FakeBrowser, ...]:
        """The running browsers, in the order in which they were started."""
        return self._browsers.alive

    def start_thread(
        self,
        *,
        workspace_id: int = DEFAULT_WORKSPACE,
        type: str | None = None,  # noqa: A002 - the API's own word
        thread_token: str | None = "",
        created_at: str | None = None,
    ) -> FakeThread:
        """Start a thread, add it to the end of the list, and return it.

        Args:
            workspace_id: The workspace of the thread. 1 is the default workspace, which requests call -1.
            type: ``Manual``, ``BrowserInstance`` or any other text. By default generated from the seed.
            thread_token: The thread token; None is sent as null. By default a token that looks real.
            created_at: The creation time, as the text to send. By default later than that of all previous threads.
        """
        with self._lock:
            return self._threads.add(
                workspace_id=workspace_id, type=type, thread_token=thread_token, created_at=created_at
            )

    def stop_thread(self, thread: FakeThread | str) -> FakeThread:
        """Stop a thread and return it.

        Args:
            thread: The thread, or its token.

        Raises:
            LookupError: The thread is not running.
        """
        with self._lock:
            return self._threads.remove(lambda one: thread in (one, one.thread_token), "that thread is not running")

    def churn_step(self, draw: random.Random) -> FakeThread:
        """Start or stop one thread at random, and return it. The number of threads stays about the same.

        Args:
            draw: The source of random numbers.
        """
        with self._lock:
            alive = self.threads
            return self.stop_thread(draw.choice(alive)) if alive and draw.random() < 0.5 else self.start_thread()  # noqa: PLR2004 - a half

    def add_workspace(self, *, name: str | None = "", role: str | None = "Owner") -> FakeWorkspace:
        """Add a workspace with the next ID to the end of the list, and return it.

        Args:
            name: The name; None is sent as null. By default made from the ID.
            role: The role of the token's owner in the workspace; None is sent as null.
        """
        with self._lock:
            return self._workspaces.add(name=name, role=role)

    def remove_workspace(self, workspace: FakeWorkspace | int) -> FakeWorkspace:
        """Remove a workspace and return it. Its threads and browsers are not changed.

        Args:
            workspace: The workspace, or its ID.

        Raises:
            LookupError: There is no such workspace.
        """
        with self._lock:
            return self._workspaces.remove(
                lambda one: workspace in (one, one.workspace_id), "there is no such workspace"
            )

    def start_browser(
        self,
        *,
        workspace_id: int = DEFAULT_WORKSPACE,
        profile_id: str | None = None,
        process_id: int | None = None,
        connection_string: str | None = "",
    ) -> FakeBrowser:
        """Start a browser, add it to the end of the list, and return it. Browsers are independent of threads.

        Args:
            workspace_id: The workspace of the browser. 1 is the default workspace, which requests call -1.
            profile_id: The profile, as the text of a UUID. By default generated from the seed.
            process_id: The process ID. By default generated from the seed.
            connection_string: The DevTools address; None is sent as null. By default an address that looks real.
        """
        with self._lock:
            return self._browsers.add(
                workspace_id=workspace_id,
                profile_id=profile_id,
                process_id=process_id,
                connection_string=connection_string,
            )

    def stop_browser(self, browser: FakeBrowser | int) -> FakeBrowser:
        """Stop a browser and return it.

        Args:
            browser: The browser, or its process ID.

        Raises:
            LookupError: The browser is not running.
        """
        with self._lock:
            return self._browsers.remove(lambda one: browser in (one, one.process_id), "that browser is not running")

    def _shown(self, path: str, view: View) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the rows of the list at `path` that match `view`, and those that match it without its filters."""
        with self._lock:
            _, population = self._lists[path]
            return population.seen_by(view), population.seen_by(view.unfiltered)
