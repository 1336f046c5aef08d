"""A new listing of the API needs only a model, a query and an `Endpoint`. Here it lists proxies.

`FakeServer` must know it too.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from attrs import field, frozen

from threads_async import DecodeError, Listing, PaginationError, Query, ServerError, ThreadsClient, make_converter
from threads_async._checks import check_text, text_or_none
from threads_async._endpoints import Endpoint, Order
from threads_async.models import Value
from threads_async.testing import FakeServer, Fault
from threads_async.testing._population import Population
from threads_async.testing._resources import Filter, Resource


@frozen
class Proxy(Value):
    """A proxy server."""

    proxy_id: int
    host_name: str
    country: str | None


@frozen(kw_only=True)
class ProxiesQuery(Query[Proxy]):
    """A query for proxies."""

    country: str | None = field(default=None, converter=text_or_none, validator=check_text)
    sorting: str | None = field(default=None, converter=text_or_none, validator=check_text)


PROXIES = Endpoint(
    path="/v1/proxies",
    noun="proxies",
    query=ProxiesQuery,
    item=Proxy,
    identity=lambda proxy: proxy.proxy_id,
    parameters={"start": "start", "total": "total", "country": "country", "sorting": "sorting"},
    order=Order("Id", appends=True),
)


@frozen
class FakeProxy:
    """A proxy server of `FakeServer`."""

    proxy_id: int
    country: str | None


def maker(_: tuple[FakeProxy, ...]) -> Callable[..., FakeProxy]:
    made = iter(range(10_000))
    return lambda: FakeProxy(number := next(made), ["NL", "DE", None][number % 3])


OF_THE_FAKE = Resource[FakeProxy](
    path="/v1/proxies",
    in_workspaces=False,
    filters=(Filter("country", "country", str, {"type": "string"}, "Only proxies in this country."),),
    sortings=(("Id", "proxy_id"),),
    record=lambda proxy: {"proxyId": proxy.proxy_id, "hostName": f"host-{proxy.proxy_id}", "country": proxy.country},
)


@pytest.fixture
def proxies() -> Population[FakeProxy]:
    return Population(95, maker)


@pytest.fixture
async def server(proxies: Population[FakeProxy]) -> AsyncIterator[FakeServer]:
    server = FakeServer()
    server._lists[OF_THE_FAKE.path] = (OF_THE_FAKE, proxies)
    async with server:
        yield server


def listing(client: ThreadsClient, query: ProxiesQuery, **how: Any) -> Listing[Proxy]:
    """Return what a method of the client would return."""
    return Listing(client._source, PROXIES, query, **how)


WAYS = [{}, {"prefetch": 3}, {"consistent": True}, {"consistent": True, "prefetch": 3}]


@pytest.mark.parametrize("how", WAYS, ids=str)
async def test_a_fourth_listing_works_with_both_walks_and_with_prefetch(
    server: FakeServer, client: ThreadsClient, proxies: Population[FakeProxy], how: dict[str, Any]
) -> None:
    got = await listing(client, ProxiesQuery(total=10), **how).collect()

    assert [Proxy(one.proxy_id, f"host-{one.proxy_id}", one.country) for one in proxies.alive] == got
    assert 95 == await listing(client, ProxiesQuery(), **how).count()
    assert got[0] == await listing(client, ProxiesQuery(), **how).first()


async def test_a_fourth_listing_is_filtered(server: FakeServer, client: ThreadsClient) -> None:
    got = await listing(client, ProxiesQuery(country="NL", total=10)).collect()

    assert 32 == len(got)
    assert {"NL"} == {one.country for one in got}
    assert ["start", "total", "country"] == [name for name, _ in server.requests[0].query]


@pytest.mark.parametrize("prefetch", [0, 3])
async def test_a_fourth_listing_is_consistent_while_it_changes(
    server: FakeServer, client: ThreadsClient, proxies: Population[FakeProxy], prefetch: int
) -> None:
    """With each request, the first proxy is removed and a new one is added."""

    def move(_: object) -> None:
        first = proxies.alive[0]
        proxies.remove(lambda one: one is first, "gone")
        proxies.add()

    server.on_request = move
    got = await listing(client, ProxiesQuery(total=10), consistent=True, prefetch=prefetch).collect()

    lasting = {one.proxy_id for one in proxies.alive if one.proxy_id < 95}
    assert lasting <= {one.proxy_id for one in got}
    assert len(got) == len({one.proxy_id for one in got})


async def test_a_fourth_listing_raises_the_same_errors_as_the_others(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(3)
    with pytest.raises(ServerError):
        await listing(client, ProxiesQuery()).collect()
    server.fail_next(1, Fault(200, b'{"totalCount":1,"items":[{"proxyId":1,"hostName":null}]}'))
    with pytest.raises(DecodeError, match=r"not a page of proxies: items\[0\]\.hostName: expected str, got null"):
        await listing(client, ProxiesQuery()).collect()
    server.ignore_start = True
    with pytest.raises(PaginationError, match="ignores start"):
        await listing(client, ProxiesQuery(total=10)).collect()


def test_a_converter_handles_a_fourth_model() -> None:
    proxy = Proxy(7, "host", None)
    converter = make_converter()

    assert {"proxyId": 7, "hostName": "host", "country": None} == converter.unstructure(proxy)
    assert proxy == converter.structure(converter.unstructure(proxy), Proxy)
