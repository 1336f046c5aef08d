"""Check the settings of a client before anything is sent. Performs no I/O."""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from threads_async._secrets import Secret
from threads_async.errors import ConfigurationError

DEFAULT_BASE_URL: Final = "http://localhost:8160"
"""Where a ZennoBrowser answers on its own machine, by the API's page."""

TOKEN_VARIABLE: Final = "ZB_API_TOKEN"  # noqa: S105 - the name of a variable
BASE_URL_VARIABLE: Final = "ZB_API_BASE_URL"
"""The names that the vendor's own MCP server reads."""

_LONGEST_HOST: Final = 253
_LONGEST_LABEL: Final = 63
"""Characters at most of a host name and of what stands between its dots (RFC 1035, section 2.3.4)."""


def token_of(token: object, environment: Mapping[str, str]) -> Secret:
    """Return the API token to use: `token`, else that of the environment.

    Raises:
        ConfigurationError: It is missing or cannot stand in a header.
    """
    if token is None:
        token = environment.get(TOKEN_VARIABLE, "")
        if not token.strip():
            raise _wrong("token", f"there is no API token: pass token= or set {TOKEN_VARIABLE}")
    if not isinstance(token, str):
        raise _wrong("token", "the API token must be a text")
    token = token.strip()
    if not token:
        raise _wrong("token", "the API token is empty")
    if not token.isascii():
        raise _wrong("token", "the API token has characters outside ASCII")
    if not token.isprintable():
        raise _wrong("token", "the API token has control characters")
    return Secret(token)


def base_url_of(base_url: object, environment: Mapping[str, str]) -> str:
    """Return the base URL to use, without a slash at its end.

    It is `base_url`, else that of the environment, else the default.

    Raises:
        ConfigurationError: It is no http or https URL, or has more than a host, a port and a path.
    """
    if base_url is None:
        base_url = environment.get(BASE_URL_VARIABLE, "").strip() or DEFAULT_BASE_URL
    if not isinstance(base_url, str):
        raise _wrong("base_url", "base_url must be a text")
    base_url = base_url.strip()
    if not base_url.isprintable() or " " in base_url or "\\" in base_url:
        raise _wrong("base_url", "base_url has white space, control characters or backslashes")
    # No message shows the URL itself: what is wrong with it may be that it holds a password.
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = None, None, None
    if parts is None:
        # Raised here and not above, where the error of the library would come along as context and show the URL.
        raise _wrong("base_url", "base_url is not a URL, or its port is not a number up to 65535")
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise _wrong(
            "base_url",
            f"base_url must look like {DEFAULT_BASE_URL}: http or https, and a host; port and path may follow",
        )
    if not _is_host(host):
        raise _wrong("base_url", "base_url has a host that is neither a host name nor an IP address")
    if "@" in parts.netloc:
        raise _wrong("base_url", "base_url must not hold credentials")
    if "?" in base_url or "#" in base_url:
        raise _wrong("base_url", "base_url must not hold a query or a fragment")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_host(host: str) -> bool:
    """Tell whether `host` may be a host name or an IP address, as far as that can be known without asking for it."""
    labels = host.removesuffix(".").split(".")
    if ":" in host or labels[-1].isdecimal():
        # Brackets have held it, or it ends in a number, as only an IP address does.
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True
    return len(host) <= _LONGEST_HOST and all(0 < len(label) <= _LONGEST_LABEL for label in labels)


@frozen
class Settings:
    """Where to ask, and as whom."""

    token: Secret
    base_url: str


def read_settings(token: object, base_url: object, environment: Mapping[str, str]) -> Settings | ConfigurationError:
    """Return the settings, or the error of the first that is wrong.

    The error is returned, not raised: the frames that it would be raised through hold what was given as their locals,
    which some tracebacks print.
    """
    try:
        return Settings(token_of(token, environment), base_url_of(base_url, environment))
    except ConfigurationError as error:
        return error.with_traceback(None)


def _wrong(parameter: str, message: str) -> ConfigurationError:
    return ConfigurationError(message, parameter=parameter)
