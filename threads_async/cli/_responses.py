"""From what the server responds to findings of `doctor`, with advice. Performs no I/O."""

from http import HTTPStatus

from threads_async._settings import BASE_URL_VARIABLE
from threads_async.cli._diagnosis import (
    ACCESS,
    API,
    GENERATE,
    LIMITS,
    THREADS,
    TOKEN,
    Machine,
    failed,
    holder_of,
    skipped_after,
)
from threads_async.cli._finding import Finding, State
from threads_async.cli._pasted import listener_line
from threads_async.errors import DecodeError, ServerError, StatusError, ThreadsError, UnauthorizedError
from threads_async.models import Limits


def of_response(
    outcome: int | ThreadsError, token_source: str | None, port_here: int | None, machine: Machine
) -> list[Finding]:
    """Return the findings about the API, the access and the threads.

    Args:
        outcome: The number of threads, or the error of the request for it.
        token_source: Where the API token comes from, in words; None if there is no token.
        port_here: The port if the server is on this machine, else None.
        machine: Where the command runs.
    """
    works = Finding(API, State.OK, "responds as a ZennoBrowser does")
    if isinstance(outcome, StatusError) and (
        _refuses_token(outcome) or (token_source is None and _may_refuse_token(outcome))
    ):
        works = Finding(API, State.OK, f"responds over HTTP (status {outcome.status})")
    elif isinstance(outcome, ThreadsError):
        return [_no_api(outcome, port_here, machine), *skipped_after(API)]
    if token_source is None:
        return [works, *skipped_after(API, TOKEN)]
    if isinstance(outcome, ThreadsError):
        advice = f"{GENERATE}, and put it into {holder_of(token_source)}."
        return [works, failed(ACCESS, outcome, advice), *skipped_after(ACCESS)]
    return [
        works,
        Finding(ACCESS, State.OK, "the API token is accepted"),
        Finding(THREADS, State.OK, f"{outcome} {'runs' if outcome == 1 else 'run'} in the default workspace"),
    ]


def _refuses_token(error: StatusError) -> bool:
    return isinstance(error, UnauthorizedError) or "unauth" in (error.server_message or "").lower()


def _may_refuse_token(error: StatusError) -> bool:
    # It is not known whether ZennoBrowser responds to a wrong token with 401 or with 500. Proxies send HTML.
    return error.status == HTTPStatus.INTERNAL_SERVER_ERROR and not _is_of_a_proxy(error)


def _is_of_a_proxy(error: StatusError) -> bool:
    return isinstance(error, ServerError) and "proxy" in error.hint


def _no_api(error: ThreadsError, port_here: int | None, machine: Machine) -> Finding:
    if isinstance(error, StatusError) and _is_of_a_proxy(error):
        return failed(API, error, "Check the proxy in front of the API.")
    if isinstance(error, StatusError) and _may_refuse_token(error):
        advice = (
            "Try again. If it fails again, ZennoBrowser needs a restart, or the API token is wrong: generate a new one."
        )
        return failed(API, error, advice)
    # A response with one wrong value comes from a ZennoBrowser. Any other body may come from another program.
    foreign = isinstance(error, DecodeError) and not error.path
    if not foreign and getattr(error, "status", None) != HTTPStatus.NOT_FOUND:
        return failed(API, error)
    advice = f"Check that {BASE_URL_VARIABLE} or --base-url is the address of a ZennoBrowser API."
    if port_here is None:
        return failed(API, error, advice)
    advice += " Another program may listen on that port; this command shows it:"
    return failed(API, error, advice, listener_line(machine.system, port_here))


def of_limits(outcome: Limits | ThreadsError) -> Finding:
    """Return the finding about the limits, or the error of the request for them."""
    if isinstance(outcome, StatusError) and outcome.status == HTTPStatus.NOT_FOUND:
        return Finding(
            LIMITS, State.NOTE, "this server does not offer limits (404)", "Everything else works without them."
        )
    if isinstance(outcome, ThreadsError):
        return failed(LIMITS, outcome)
    active, limit, free = outcome.active_threads, outcome.limit_threads, outcome.free_threads
    in_use = f"{active} of {limit} threads {'is' if active == 1 else 'are'} in use"
    if free:
        return Finding(LIMITS, State.OK, f"{in_use}, {free} {'is' if free == 1 else 'are'} free")
    advice = "No thread can start until another one stops. Threads on other computers with the same licence count too."
    return Finding(LIMITS, State.NOTE, f"{in_use}, none is free", advice)
