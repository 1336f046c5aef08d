"""Decode the body of a response into a page or another value. Performs no I/O."""

import functools
from codecs import BOM_UTF8
from collections.abc import Callable, Hashable
from typing import Any, Final

import msgspec
from cattrs import Converter

from threads_async._actions import Action
from threads_async._endpoints import Endpoint, ValueEndpoint
from threads_async._exchange import Request, Response, mark_unknown
from threads_async.converters import make_converter
from threads_async.errors import DecodeError
from threads_async.models import ExecutionThread, Page, T

_skim: Final = msgspec.json.Decoder(msgspec.Raw).decode


@functools.cache
def _converter() -> Converter:
    # Created when it is first needed, so that importing the package stays fast.
    return make_converter()


@functools.cache
def _page_hook(item: Hashable) -> tuple[Callable[[bytes, Any], Page[Any]], Any]:
    """Return the hook that structures a page of `item`, and the type of that page. The lookup is cached."""
    wanted: Any = Page[item]  # type: ignore[valid-type]
    return _converter().get_structure_hook(wanted), wanted


def decode(endpoint: Endpoint[T], request: Request, response: Response) -> Page[T]:
    """Return the page in the body of `response`, whose status is 200.

    Raises:
        DecodeError: The body does not have the documented format.
    """
    item: Any = endpoint.item
    structure, wanted = _page_hook(item)
    page: Page[T] = _read(structure, wanted, f"a page of {endpoint.noun}", request, response)
    return Page(page.items, page.total_count, request.start)


def decode_value(endpoint: ValueEndpoint[T], request: Request, response: Response) -> T:
    """Return the value in the body of `response`, whose status is 200.

    Raises:
        DecodeError: The body does not have the documented format.
    """
    value: T = _read(_converter().structure, endpoint.value, endpoint.noun, request, response)
    return value


def decode_action(action: Action[T], request: Request, response: Response) -> T:
    """Return the value in the body of `response` to an action that always returns one.

    Raises:
        DecodeError: The body does not have the documented format.
    """
    noun = "a thread" if action.value is ExecutionThread else "a list of threads"
    value: T = _read(_converter().structure, action.value, noun, request, response)
    return value


def decode_optional(action: Action[T], request: Request, response: Response) -> T | None:
    """Return the value in the body of `response` to an action, or None if there is none.

    The API documents no body for it, but ZennoBrowser was seen to send one. Any body but a web page means success.

    Raises:
        DecodeError: The body is a web page, which comes from another server.
    """
    if response.body.removeprefix(BOM_UTF8).lstrip()[:1] == b"<":
        error = DecodeError("the response is a web page", request=request.label, reason="a web page")
        mark_unknown(error, request)
        raise error
    try:
        value: T = _converter().structure(response.body, action.value)
    except DecodeError:
        return None
    return value


def _read(structure: Callable[[bytes, Any], T], wanted: Any, noun: str, request: Request, response: Response) -> T:
    try:
        return structure(response.body, wanted)
    except DecodeError as error:
        path, reason, text = error.path, error.reason, error.message
    failure = DecodeError(
        f"the response is not {noun}: {text}",
        request=request.label,
        # A response with one wrong value is probably from ZennoBrowser. Any other body may be from elsewhere.
        hint="" if path else "check that base_url is the address of a ZennoBrowser API",
        path=path,
        reason=reason,
        start=request.start,
    )
    mark_unknown(failure, request)
    raise failure


def is_cut(body: bytes) -> bool:
    """Return whether `body` is the beginning of a JSON text whose end is missing."""
    # For a body that ends in `-`, `1.` or `1e`, the parser reports an invalid number, not a missing end. With one more
    # digit the number is valid, and the parser reports the missing end.
    return _lacks_its_end(body) or _lacks_its_end(body + b"0")


def _lacks_its_end(body: bytes) -> bool:
    try:
        _skim(body)
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except (UnicodeDecodeError, RecursionError):
        pass
    return False
