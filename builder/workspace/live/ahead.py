"""How long a build still takes, as far as that is known."""

from typing import NamedTuple


class Ahead(NamedTuple):
    """What is expected from the beginning of a stage on.

    Attributes:
        own: Seconds of the stage itself.
        later: Seconds of all that come after it.
    """

    own: float
    later: float

    def left(self, elapsed: float, own_left: float | None) -> float:
        """Seconds that the build still takes.

        Args:
            elapsed: How long the stage has run.
            own_left: How long it will take from here by its own rate, where that is known.
        """
        return self.later + (max(self.own - elapsed, 0.0) if own_left is None else own_left)
