"""Check the settings of a client before anything is sent. Performs no I/O."""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from threads_async._secrets import Secret
from threads_async.errors import ConfigurationError

DEFAULT_BASE_URL: Final = "http://localhost:8160"
"""The documented address of the API on the machine of ZennoBrowser."""

TOKEN_VARIABLE: Final = "ZB_API_TOKEN"  # noqa: S105 - the name of a variable
BASE_URL_VARIABLE: Final = "ZB_API_BASE_URL"
"""The same names as in the vendor's own MCP server."""

_LONGEST_HOST: Final = 253
_LONGEST_LABEL: Final = 63
"""Maximum number of characters of a host name, and of a label between its dots (RFC 1035, section 2.3.4)."""


def token_of(token: object, environment: Mapping[str, str]) -> Secret:
    """Return the API token to use: `token`, or by default the token in the environment.

    Raises:
        ConfigurationError: It is missing or not allowed in a header.
    """
    if token is None:
        token = environment.get(TOKEN_VARIABLE, "")
        if not token.strip():
            raise _wrong("token", f"there is no API token: pass token= or set {TOKEN_VARIABLE}")
    if not isinstance(token, str):
        raise _wrong("token", "the API token must be a string")
    token = token.strip()
    if not token:
        raise _wrong("token", "the API token is empty")
    if not token.isascii():
        raise _wrong("token", "the API token has characters outside ASCII")
    if not token.isprintable():
        raise _wrong("token", "the API token has control characters")
    return Secret(token)


def base_url_of(base_url: object, environment: Mapping[str, str]) -> str:
    """Return the base URL to use, without a trailing slash.

    It is `base_url`, or the base URL in the environment, or the default.

    Raises:
        ConfigurationError: It is not an http or https URL, or has other parts than a host, a port and a path.
    """
    name = "base_url"
    if base_url is None:
        # A message names where the value comes from.
        name = BASE_URL_VARIABLE
        base_url = environment.get(BASE_URL_VARIABLE, "").strip() or DEFAULT_BASE_URL
    if not isinstance(base_url, str):
        raise _wrong("base_url", f"{name} must be a string")
    base_url = base_url.strip()
    if not base_url.isprintable() or " " in base_url or "\\" in base_url:
        raise _wrong("base_url", f"{name} has whitespace, control characters or backslashes")
    # No message shows the URL itself, because it may contain a password.
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = None, None, None
    if parts is None:
        # Raised here and not in the except clause, where the ValueError, which shows the URL, would become its context.
        raise _wrong("base_url", f"{name} is not a URL, or its port is not a number up to 65535")
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise _wrong(
            "base_url",
            f"{name} must look like {DEFAULT_BASE_URL}: http or https, and a host; port and path may follow",
        )
    if not _is_host(host):
        raise _wrong("base_url", f"{name} has a host that is neither a host name nor an IP address")
    if "@" in parts.netloc:
        raise _wrong("base_url", f"{name} must not contain credentials")
    if "?" in base_url or "#" in base_url:
        raise _wrong("base_url", f"{name} must not contain a query or a fragment")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_host(host: str) -> bool:
    """Return whether `host` can be a host name or an IP address, as far as that is known without a lookup."""
    labels = host.removesuffix(".").split(".")
    if ":" in host or labels[-1].isdecimal():
        # It was in brackets or ends in a number, so it can only be an IP address.
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True
    return len(host) <= _LONGEST_HOST and all(0 < len(label) <= _LONGEST_LABEL for label in labels)


@frozen
class Settings:
    """The checked settings: the API token and the base URL."""

    token: Secret
    base_url: str


def read_settings(token: object, base_url: object, environment: Mapping[str, str]) -> Settings | ConfigurationError:
    """Return the settings, or the error of the first invalid one.

    The error is returned, not raised, because the frames of this module have the given values as local variables, which
    some tracebacks print.
    """
    try:
        return Settings(token_of(token, environment), base_url_of(base_url, environment))
    except ConfigurationError as error:
        return error.with_traceback(None)


def _wrong(parameter: str, message: str) -> ConfigurationError:
    return ConfigurationError(message, parameter=parameter)
