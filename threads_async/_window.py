"""How many requests to guess ahead: fewer while guesses fail, more while they hold. Performs no I/O."""

from attrs import evolve, frozen


@frozen
class Window:
    """How many requests may be in flight beyond the one that is waited for.

    Guesses that fail are requests for nothing, and pages that were made long ago show less that is new. So each guess
    that is thrown away, and each page that brings nothing new, halves the window, down to none, and each guess that
    holds widens it by one: the rule by which TCP avoids congestion.

    Attributes:
        most: The most requests that it may ever allow.
        size: How many it allows now.
    """

    most: int
    size: int

    @classmethod
    def of(cls, prefetch: int) -> "Window":
        """Return the window at the beginning of an iteration, where guesses are expected to hold.

        Args:
            prefetch: How many requests may be in flight, the one that is waited for among them.
        """
        most = max(0, prefetch - 1)
        return cls(most, most)

    def after_guess(self, *, held: bool) -> "Window":
        """Return the window after a guess that held, or after one that failed."""
        return evolve(self, size=min(self.most, self.size + 1) if held else self.size // 2)
