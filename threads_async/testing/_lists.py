"""The lists of the fake, which may change at any time. Performs no I/O."""

import random
import threading
from collections.abc import Iterable
from typing import Any

from threads_async.testing._makers import BrowserMaker, ThreadMaker, WorkspaceMaker
from threads_async.testing._population import Population, View
from threads_async.testing._resources import BROWSER_INSTANCES, THREADS, WORKSPACES, Resource
from threads_async.testing._rows import DEFAULT_WORKSPACE, FakeBrowser, FakeThread, FakeWorkspace


class Lists:
    """Threads, workspaces and browsers. All may be changed and asked for in any thread.

    Args:
        threads: How many threads run, or the threads themselves.
        workspaces: How many workspaces there are, or the workspaces themselves.
        browsers: How many browsers run, or the browsers themselves.
        seed: What they are made from; the same number makes the same ones.
    """

    def __init__(
        self,
        threads: int | Iterable[FakeThread],
        workspaces: int | Iterable[FakeWorkspace],
        browsers: int | Iterable[FakeBrowser],
        seed: int,
    ) -> None:
        # They are changed and shown by the test's thread and by that of the server.
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
        """The threads that run, in the order in which they were made."""
        return self._threads.alive

    @property
    def workspaces(self) -> tuple[FakeWorkspace, ...]:
        """The workspaces, in the order in which they were made."""
        return self._workspaces.alive

    @property
    def browsers(self) -> tuple[FakeBrowser, ...]:
        """The browsers that run, in the order in which they were started."""
        return self._browsers.alive

    def start_thread(
        self,
        *,
        workspace_id: int = DEFAULT_WORKSPACE,
        type: str | None = None,  # noqa: A002 - the API's own word
        thread_token: str | None = "",
        created_at: str | None = None,
    ) -> FakeThread:
        """Let one more thread run, at the end of the list.

        Args:
            workspace_id: Its workspace; 1 is the default workspace, which a request calls -1.
            type: ``Manual`` or ``BrowserInstance``, or any other text; by default drawn from the seed.
            thread_token: Its token; None for null; by default one that looks real.
            created_at: When it was made, as it is to stand on the wire; by default later than all before.
        """
        with self._lock:
            return self._threads.add(
                workspace_id=workspace_id, type=type, thread_token=thread_token, created_at=created_at
            )

    def stop_thread(self, thread: FakeThread | str) -> FakeThread:
        """Stop a thread, given as itself or as its token, and return it.

        Raises:
            LookupError: It does not run.
        """
        with self._lock:
            return self._threads.remove(lambda one: thread in (one, one.thread_token), "that thread does not run")

    def churn_step(self, draw: random.Random) -> FakeThread:
        """Start a thread or stop one, as `draw` falls, and return it. The number of threads stays about the same."""
        with self._lock:
            alive = self.threads
            return self.stop_thread(draw.choice(alive)) if alive and draw.random() < 0.5 else self.start_thread()  # noqa: PLR2004 - a half

    def add_workspace(self, *, name: str | None = "", role: str | None = "Owner") -> FakeWorkspace:
        """Add a workspace at the end of the list, with the next id.

        Args:
            name: Its name; None for null; by default one made of its id.
            role: The role of the token's owner in it; None for null.
        """
        with self._lock:
            return self._workspaces.add(name=name, role=role)

    def remove_workspace(self, workspace: FakeWorkspace | int) -> FakeWorkspace:
        """Remove a workspace, given as itself or as its id, and return it. Its threads and browsers stay as they are.

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
        """Let one more browser run, at the end of the list. It has nothing to do with the threads.

        Args:
            workspace_id: Its workspace; 1 is the default workspace, which a request calls -1.
            profile_id: Its profile, as the text of a UUID; by default drawn from the seed.
            process_id: The number of its process; by default drawn from the seed.
            connection_string: The address of its DevTools; None for null; by default one that looks real.
        """
        with self._lock:
            return self._browsers.add(
                workspace_id=workspace_id,
                profile_id=profile_id,
                process_id=process_id,
                connection_string=connection_string,
            )

    def stop_browser(self, browser: FakeBrowser | int) -> FakeBrowser:
        """Stop a browser, given as itself or as the number of its process, and return it.

        Raises:
            LookupError: It does not run.
        """
        with self._lock:
            return self._browsers.remove(lambda one: browser in (one, one.process_id), "that browser does not run")

    def _shown(self, path: str, view: View) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the rows of the list at `path` that `view` shows, and those that it would show without filters."""
        with self._lock:
            _, population = self._lists[path]
            return population.seen_by(view), population.seen_by(view.unfiltered)
