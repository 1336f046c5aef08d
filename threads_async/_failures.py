"""Convert the errors of aiohttp into errors of this package. Their messages show no headers.

They show no addresses either, except that OpenSSL's explanation may contain the host.
"""

import errno
import ipaddress
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from threads_async._exchange import Request, effect_of, mark_unknown
from threads_async._session import ConnectionEnded
from threads_async._settings import DEFAULT_BASE_URL
from threads_async.errors import (
    ClientClosedError,
    ConnectionFailedError,
    DecodeError,
    RequestError,
    RequestTimeoutError,
)

_WORDS: Final = {
    errno.ECONNRESET: "the connection was reset",
    errno.EPIPE: "the connection was reset",
    errno.EHOSTUNREACH: "there is no route to the host",
    errno.ENETUNREACH: "the network cannot be reached",
    errno.ETIMEDOUT: "the connection attempt timed out",
}
_CHECK_HOST: Final = "check the host of base_url"
_OPENSSL: Final = 200
"""Maximum number of characters of OpenSSL's own explanation."""


def cut_short() -> ConnectionFailedError:
    """Return the error for a response whose end is missing."""
    return ConnectionFailedError("the connection ended in the middle of the response")


def timed_out(seconds: float, request: Request) -> RequestError:
    """Return the error for a `request` without a complete response within `seconds`."""
    failure = RequestTimeoutError(f"no complete response within {seconds:g} s")
    mark_unknown(failure, request)
    return failure


def closed_early(request: Request) -> ClientClosedError:
    """Return the error for a `request` during which the client was closed."""
    text = "the client was closed while it waited for a response"
    effect = effect_of(request)
    return ClientClosedError(f"{text}; {effect}" if effect else text)


def _was_not_sent(error: Exception) -> bool:
    """Return whether `error`, which aiohttp raised, means that no byte of the request was sent."""
    return isinstance(
        error,
        aiohttp.ClientConnectorError
        | aiohttp.ConnectionTimeoutError
        | aiohttp.ServerFingerprintMismatch
        | aiohttp.ClientHttpProxyError
        | aiohttp.InvalidURL
        | UnicodeError,
    )


def failure_of(error: Exception, request: Request) -> RequestError:
    """Return the error of this package for `error`, which aiohttp raised for `request`."""
    if isinstance(error, ConnectionEnded) and isinstance(error.__cause__, aiohttp.ClientError):
        error = error.__cause__
    failure = _in_words(error, request)
    if not _was_not_sent(error):
        mark_unknown(failure, request)
    return failure


def _in_words(error: Exception, request: Request) -> RequestError:
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ServerFingerprintMismatch():
            text = f"the server's certificate is not trusted{_openssl(error)}"
            hint = "pass a session whose ssl context trusts it, or set SSL_CERT_FILE"
            failure: RequestError = ConnectionFailedError(text, hint=hint, temporary=False)
        case aiohttp.ClientSSLError():
            failure = ConnectionFailedError("TLS could not be set up", hint="check whether the server speaks https")
        case aiohttp.ClientHttpProxyError():
            failure = ConnectionFailedError(f"the proxy of the session refused ({error.status})", temporary=False)
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            failure = _of_the_response(error, request)
        case aiohttp.ClientConnectorDNSError():
            # The unknown host may also be the session's proxy.
            hint = _CHECK_HOST if error.host == urlsplit(request.url).hostname else ""
            failure = ConnectionFailedError("the host name is not known", hint=hint)
        case aiohttp.InvalidURL() | UnicodeError():
            text = "cannot connect to the host of base_url"
            failure = ConnectionFailedError(text, hint=_CHECK_HOST, temporary=False)
        case aiohttp.ServerDisconnectedError():
            failure = ConnectionFailedError("the server closed the connection without a response")
        case aiohttp.ClientProxyConnectionError():
            cause = _of_the_network(error.os_error, request.url)
            failure = ConnectionFailedError(f"the proxy of the session cannot be reached: {cause.message}")
        case aiohttp.ClientConnectorError():
            failure = _of_the_network(error.os_error, request.url)
        case _:
            failure = _of_the_network(error, request.url)
    return failure


def _of_the_response(error: aiohttp.ClientResponseError | aiohttp.ClientPayloadError, request: Request) -> RequestError:
    # The body is not compressed as its header says, or its compression is not supported. For a deflate body whose end
    # is missing, aiohttp raises an error with another text.
    if "Can not decode" in f"{error} {error.__cause__}":
        reason = "the encoding is wrong or not supported"
        return DecodeError("the body of the response cannot be decompressed", reason=reason, start=request.start)
    # aiohttp has no separate class for a body that is not valid HTTP. Only the cause of the error tells it from a body
    # that was cut off.
    if isinstance(error, aiohttp.ClientPayloadError) and type(error.__cause__) is not HttpProcessingError:
        return cut_short()
    text = "the response is not valid HTTP, or other bytes follow it"
    return DecodeError(text, reason="not valid HTTP", start=request.start)


def _openssl(error: Exception) -> str:
    """Return OpenSSL's explanation in parentheses, or an empty string. It contains nothing private but the host."""
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else None
    words = str(getattr(cause, "verify_message", "")).rstrip(".")
    return f" ({words[:_OPENSSL]})" if words else ""


def _of_the_network(error: Exception, url: str) -> ConnectionFailedError:
    number = error.errno if isinstance(error, OSError) else None
    # On Windows a refused connection has another error number.
    if isinstance(error, ConnectionRefusedError) or number == errno.ECONNREFUSED:
        return ConnectionFailedError("the connection was refused", hint=_hint_of(url))
    if number in _WORDS:
        return ConnectionFailedError(_WORDS[number])
    reason = "" if number is None else f" ({errno.errorcode.get(number, f'error {number}')})"
    return ConnectionFailedError(f"the connection failed{reason}")


def _hint_of(url: str) -> str:
    parts = urlsplit(url)
    if parts.port == urlsplit(DEFAULT_BASE_URL).port and _is_this_machine(parts.hostname or ""):
        return "check that ZennoBrowser is running"
    return "check the host and port of base_url"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
