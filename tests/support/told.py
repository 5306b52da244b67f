"""What an engine tells of its requests."""

from typing import Any

from builder.workspace.progress import telling


class Told:
    """Takes the place of a stage's progress.

    Attributes:
        requests: How many requests each call was about.
        answers: How many of them are answered.
        phases: What it was told to be at, in order.
    """

    def __init__(self) -> None:
        self.requests, self.answers, self.phases = list[int](), 0, list[str]()

    def asked(self, requests: int) -> None:
        """See `Progress.asked`."""
        self.requests.append(requests)

    def answered(self, requests: int = 1) -> None:
        """See `Progress.answered`."""
        self.answers += requests

    def tell(self, **told: Any) -> None:
        """See `Progress.tell`."""
        self.phases += [told["phase"]] if "phase" in told else []


def told(progress: Told) -> Any:
    """A context in which engines tell it to this progress."""
    return telling(progress)  # type: ignore[arg-type]
