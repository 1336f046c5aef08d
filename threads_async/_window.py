"""How many requests to guess ahead: fewer while guesses are wrong, more while they are right. Performs no I/O."""

from attrs import evolve, frozen


@frozen
class Window:
    """How many requests may be in flight beyond the one that the caller waits for.

    A wrong guess is a useless request, and a page that was requested long ago has fewer new items. Each wrong guess and
    each page without new items therefore halves the window, down to zero. Each right guess widens it by one. TCP avoids
    congestion by the same rule.

    Attributes:
        most: The maximum of `size`.
        size: The number of requests that may be guessed now.
    """

    most: int
    size: int

    @classmethod
    def of(cls, prefetch: int) -> "Window":
        """Return the window at the beginning of an iteration: the widest one, since no guess was wrong yet.

        Args:
            prefetch: Maximum number of requests in flight, including the one that the caller waits for.
        """
        most = max(0, prefetch - 1)
        return cls(most, most)

    def after_guess(self, *, held: bool) -> "Window":
        """Return the window after a guess. `held` is whether it was right."""
        return evolve(self, size=min(self.most, self.size + 1) if held else self.size // 2)
