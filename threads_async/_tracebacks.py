"""Which frames a traceback keeps. Performs no I/O."""

from types import TracebackType


def without_frames_of(error: BaseException, modules: tuple[str, ...], *, but: BaseException | None) -> None:
    """Take the frames of `modules` out of the tracebacks of `error` and of the errors that led to it.

    Tools that show the locals of a traceback would show what those frames hold.

    Args:
        error: What was raised.
        modules: Names of modules and packages.
        but: An error to leave as it is, with all that led to it: the one that the caller is handling.
    """
    waiting: list[BaseException | None] = [error]
    seen = {id(but)}
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = _without(one.__traceback__, modules)
            waiting += [one.__cause__, one.__context__]


def _without(traceback: TracebackType | None, modules: tuple[str, ...]) -> TracebackType | None:
    kept: list[TracebackType] = []
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__", "")
        if not any(name == module or name.startswith(f"{module}.") for module in modules):
            kept.append(traceback)
        traceback = traceback.tb_next
    if not kept:
        return None
    for one, after in zip(kept, [*kept[1:], None], strict=True):
        one.tb_next = after
    return kept[0]
