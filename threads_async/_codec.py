"""From the body of an answer to a page or another value. Performs no I/O."""

import functools
from collections.abc import Callable, Hashable
from typing import Any, Final

import msgspec
from cattrs import Converter

from threads_async._endpoints import Endpoint, ValueEndpoint
from threads_async._exchange import Request, Response
from threads_async.converters import make_converter
from threads_async.errors import DecodeError
from threads_async.models import Page, T

_skim: Final = msgspec.json.Decoder(msgspec.Raw).decode


@functools.cache
def _converter() -> Converter:
    # Made when it is first needed: programs that only import the package must not wait for it.
    return make_converter()


@functools.cache
def _page_hook(item: Hashable) -> tuple[Callable[[bytes, Any], Page[Any]], Any]:
    """Return how the converter structures a page of `item`, and that type. It is looked up once for all pages."""
    wanted: Any = Page[item]  # type: ignore[valid-type]
    return _converter().get_structure_hook(wanted), wanted


def decode(endpoint: Endpoint[T], request: Request, response: Response) -> Page[T]:
    """Return the page in the body of `response`, whose status is 200.

    Raises:
        DecodeError: The body is not what the API promises.
    """
    item: Any = endpoint.item
    structure, wanted = _page_hook(item)
    page: Page[T] = _read(structure, wanted, f"a page of {endpoint.noun}", request, response)
    return Page(page.items, page.total_count, request.start)


def decode_value(endpoint: ValueEndpoint[T], request: Request, response: Response) -> T:
    """Return the value in the body of `response`, whose status is 200.

    Raises:
        DecodeError: The body is not what the API promises.
    """
    value: T = _read(_converter().structure, endpoint.value, endpoint.noun, request, response)
    return value


def _read(structure: Callable[[bytes, Any], T], wanted: Any, noun: str, request: Request, response: Response) -> T:
    try:
        return structure(response.body, wanted)
    except DecodeError as error:
        path, reason, text = error.path, error.reason, error.message
    raise DecodeError(
        f"the answer is not {noun}: {text}",
        request=request.label,
        # A wrong value deep in a page comes from a ZennoBrowser, and what is no JSON from something else.
        hint="" if path else "check that base_url is the address of a ZennoBrowser API",
        path=path,
        reason=reason,
        start=request.start,
    )


def is_cut(body: bytes) -> bool:
    """Tell whether `body` is the beginning of a JSON text whose end is missing."""
    # The parser calls `-`, `1.` and `1e` a fault. With one more digit they are numbers, and what follows is missing.
    return _lacks_its_end(body) or _lacks_its_end(body + b"0")


def _lacks_its_end(body: bytes) -> bool:
    try:
        _skim(body)
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except (UnicodeDecodeError, RecursionError):
        pass
    return False
