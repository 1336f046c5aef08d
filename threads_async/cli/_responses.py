"""The findings of `doctor` about the responses of the server, with advice. Performs no I/O."""

from http import HTTPStatus

from threads_async.cli._advice import CHECK_ADDRESS, REPORT, is_of_a_proxy
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
from threads_async.errors import DecodeError, ResponseTooLargeError, StatusError, ThreadsError, UnauthorizedError
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
        if outcome.server_message is None:
            # ZennoBrowser gives a reason. Without one, the response may be the login page of a proxy or a router.
            advice += f" {CHECK_ADDRESS.replace('Check', 'Also check', 1)}"
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
    return error.status == HTTPStatus.INTERNAL_SERVER_ERROR and not is_of_a_proxy(error)


def _no_api(error: ThreadsError, port_here: int | None, machine: Machine) -> Finding:
    if isinstance(error, StatusError) and _may_refuse_token(error):
        advice = (
            "Try again. If it fails again, ZennoBrowser needs a restart, or the API token is wrong: generate a new one."
        )
        return failed(API, error, advice)
    if port_here is None or not _is_foreign(error):
        return failed(API, error)
    advice = f"{CHECK_ADDRESS} Another program may listen on that port; this command shows it:"
    return failed(API, error, advice, listener_line(machine.system, port_here))


def _is_foreign(error: ThreadsError) -> bool:
    if isinstance(error, StatusError):
        return error.status == HTTPStatus.NOT_FOUND
    return isinstance(error, ResponseTooLargeError) or (isinstance(error, DecodeError) and not error.path)


def of_limits(outcome: Limits | ThreadsError) -> Finding:
    """Return the finding about the limits, or about the error of the request for them."""
    if isinstance(outcome, StatusError) and outcome.status == HTTPStatus.NOT_FOUND:
        return Finding(
            LIMITS, State.NOTE, "this server does not offer limits (404)", "Everything else works without them."
        )
    if isinstance(outcome, ThreadsError):
        return failed(LIMITS, outcome, _advice_for_limits(outcome))
    active, limit, free = outcome.active_threads, outcome.limit_threads, outcome.free_threads
    unknown = f"the limit is not known ({limit})"
    in_use = f"{active} of {limit} threads {'is' if active == 1 else 'are'} in use"
    if limit < 0:
        return Finding(
            LIMITS, State.NOTE, f"{active} {'thread is' if active == 1 else 'threads are'} in use, {unknown}"
        )
    if free:
        return Finding(LIMITS, State.OK, f"{in_use}, {free} {'is' if free == 1 else 'are'} free")
    advice = "No thread can start until another one stops. Threads on other computers with the same licence count too."
    return Finding(LIMITS, State.NOTE, f"{in_use}, none is free", advice)


def _advice_for_limits(error: ThreadsError) -> str:
    """Return the advice for a server that sent threads but no limits; an empty text means the usual advice."""
    if isinstance(error, StatusError) and _refuses_token(error):
        return "The token may not be allowed to read the limits."
    return REPORT if isinstance(error, DecodeError) else ""
