"""A number with what it counts."""


def counted(number: int, things: str) -> str:
    """A number with its noun in the plural or the singular, as `1,204 pairs` and `1 pair`.

    Args:
        number: How many.
        things: What they are, in the plural; of several words the first one is the noun.
    """
    noun, blank, rest = things.partition(" ")
    return f"{number:,} {_one(noun) if number == 1 else noun}{blank}{rest}"


def _one(noun: str) -> str:
    return f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
