"""Remove frames with secrets from tracebacks. Performs no I/O."""

from types import TracebackType


def without_frames_of(error: BaseException, modules: tuple[str, ...], *, but: BaseException | None) -> None:
    """Remove the frames of `modules` from the tracebacks of `error` and of its causes and contexts.

    Tools that print the local variables of a traceback would show the secrets in those frames.

    Args:
        error: The error that was raised.
        modules: Names of modules and packages.
        but: The error that the caller is handling. It stays unchanged, with its causes and contexts.
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
