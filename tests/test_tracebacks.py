"""The frames of given modules are removed from a traceback, and no others."""

import json
import traceback

import pytest

from threads_async._tracebacks import without_frames_of


def raised() -> ValueError:
    """Return an error with a frame of this module, then frames of two modules of json."""
    with pytest.raises(ValueError, match="Expecting value") as caught:
        json.loads("no")
    return caught.value


def modules_of(error: BaseException) -> list[str]:
    return [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)]


@pytest.mark.parametrize(
    ("modules", "left"),
    [
        (("json",), [__name__]),
        (("json.decoder",), [__name__, "json"]),
        ((__name__,), ["json", "json.decoder", "json.decoder"]),
        ((__name__, "json"), []),
        (("js", "json.dec"), [__name__, "json", "json.decoder", "json.decoder"]),
    ],
)
def test_frames_of_a_module_and_its_submodules_are_removed(modules: tuple[str, ...], left: list[str]) -> None:
    error = raised()

    without_frames_of(error, modules, but=None)

    assert left == modules_of(error)


def test_frames_are_also_removed_from_causes_and_contexts_even_in_a_circle() -> None:
    error, cause, context = raised(), raised(), raised()
    error.__cause__, error.__context__, context.__context__ = cause, context, error

    without_frames_of(error, ("json",), but=None)

    assert [[__name__]] * 3 == [modules_of(one) for one in (error, cause, context)]


def test_an_error_that_is_being_handled_and_its_context_are_not_changed() -> None:
    error, handled, before = raised(), raised(), raised()
    error.__context__, handled.__context__ = handled, before

    without_frames_of(error, ("json",), but=handled)

    assert [[__name__], modules_of(raised()), modules_of(raised())] == [
        modules_of(one) for one in (error, handled, before)
    ]
