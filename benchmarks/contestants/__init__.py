"""The contestants, which list the threads: one module each, run in a separate process.

A module has ``walk(asked, take)``, written as the documentation of its library recommends. It passes the token of each
thread of the listing to `take`, which is the same small function for all contestants.
"""

from inspect import signature
from typing import Final

from attrs import frozen

from threads_async import ThreadsClient


@frozen
class Contestant:
    """A program that lists the threads.

    Attributes:
        name: The name of its module in this package.
        title: A short description.
        distributions: The distributions whose versions matter, in addition to the common ones.
        needs: The parameter of `ThreadsClient.threads` that it uses, if any.
    """

    name: str
    title: str
    distributions: tuple[str, ...]
    needs: str | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it is this library."""
        return self.name.startswith("ours_")


_ALL: Final = (
    Contestant("floor", "aiohttp + msgspec, dicts (the floor)", ("aiohttp", "msgspec")),
    Contestant("by_hand", "aiohttp + msgspec + attrs, by hand, unchecked", ("aiohttp", "msgspec", "attrs")),
    Contestant("ours_by_page", "threads_async by page", ("threads-async",)),
    Contestant("ours_by_item", "threads_async by item", ("threads-async",)),
    Contestant("ours_prefetch", "threads_async by item, prefetch=8", ("threads-async",), "prefetch"),
    Contestant("ours_consistent", "threads_async by item, consistent=True", ("threads-async",), "consistent"),
    Contestant("httpx_pydantic", "httpx + pydantic, by hand", ("httpx", "pydantic")),
    Contestant("azure_core", "azure-core AsyncItemPaged", ("azure-core", "aiohttp")),
    Contestant("dlt_rest", "dlt RESTClient", ("dlt", "requests")),
    Contestant("stainless", "Stainless pagination (from openai)", ("openai", "pydantic")),
)


def contestants(parameters: frozenset[str] | None = None) -> tuple[Contestant, ...]:
    """Return the contestants that can take part.

    Args:
        parameters: The parameters of `ThreadsClient.threads`; by default read from its signature.
    """
    if parameters is None:
        parameters = frozenset(signature(ThreadsClient.threads).parameters)
    return tuple(one for one in _ALL if one.needs is None or one.needs in parameters)
