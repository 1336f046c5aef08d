"""What to do about an error, for `doctor`. Performs no I/O."""

from http import HTTPStatus
from typing import Final

from threads_async._settings import BASE_URL_VARIABLE
from threads_async.cli._exits import hint_of, url_of
from threads_async.errors import (
    ConnectionFailedError,
    DecodeError,
    RequestError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    StatusError,
    ThreadsError,
)

SETTING: Final = f"{BASE_URL_VARIABLE} or --base-url"
CHECK_ADDRESS: Final = f"Check that {SETTING} is the address of a ZennoBrowser API."
REPORT: Final = "Report this output: the response differs from the API documentation."
_TRY_AGAIN: Final = "Try again. If it fails again, restart ZennoBrowser."
_MAY_BE_HTTPS: Final = "The server may speak https."
_TEMPORARY: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


def advice_for(error: ThreadsError) -> str:
    """Return what to do about `error`, in sentences."""
    match error:
        case StatusError():
            return _advice_for_status(error)
        case DecodeError():
            # A response with one wrong value comes from a ZennoBrowser. Any other body may come from another program.
            return REPORT if error.path else CHECK_ADDRESS
        case ResponseTooLargeError():
            # The request was for one thread. Such a large response is not from a ZennoBrowser.
            return CHECK_ADDRESS
        case ConnectionFailedError():
            return _advice_for_connection(error)
        case RequestTimeoutError():
            return _hint_as_sentence(error) or "Try again, or allow more time with --timeout."
        case _:
            return _TRY_AGAIN


def is_of_a_proxy(error: ThreadsError) -> bool:
    """Return whether `error` is the failure of a proxy, which sends HTML."""
    return isinstance(error, ServerError) and "proxy" in error.hint


def _advice_for_status(error: StatusError) -> str:
    if is_of_a_proxy(error):
        return "Check the proxy in front of the API."
    if isinstance(error, ServerError) or error.status in _TEMPORARY:
        return _TRY_AGAIN
    # A server that speaks https says so in plain text, or in HTML, which is not part of `server_message`.
    said = error.server_message or "https"
    if error.status == HTTPStatus.BAD_REQUEST and _is_plain(error) and "https" in said.lower():
        return f"{_MAY_BE_HTTPS} {CHECK_ADDRESS}"
    return CHECK_ADDRESS


def _advice_for_connection(error: ConnectionFailedError) -> str:
    if "certificate is not valid for" in error.message:
        return f"Use the name in the certificate as the host of {SETTING}."
    if "without a response" in error.message and _is_plain(error):
        return f"{_MAY_BE_HTTPS} {CHECK_ADDRESS}"
    return _hint_as_sentence(error) or f"Try again. If it fails again, check the network and {SETTING}."


def _is_plain(error: RequestError) -> bool:
    return url_of(error).startswith("http://")


def _hint_as_sentence(error: RequestError) -> str:
    hint = hint_of(error)
    return f"{hint[0].upper()}{hint[1:]}." if hint else ""
