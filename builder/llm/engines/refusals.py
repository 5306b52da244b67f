"""What a server does not take: a parameter that it calls otherwise, or requests that it refuses one and all.

A refusal is about one row until the server says otherwise: it names a parameter that every request has, or refuses many
requests with the same sentence and has answered none.
"""

import re
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from builder.errors import StageError

PARAMETERS = ("max_completion_tokens", "max_tokens", "temperature", "top_p", "seed")
OTHER_NAMES = {"max_tokens": "max_completion_tokens"}
"""What hosted models that reason take instead."""
SAME = 20
"""So many requests at least may be refused with the same sentence before one is answered."""
SENTENCES = 20
"""So many different ones are written to the log, and counted."""
_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
_NOT_TAKEN = re.compile(
    r"unsupported|(?:not|n't) (?:support|permitted|allowed|accept)|unrecogni[sz]ed|unknown|unexpected|forbidden"
    r"|deprecated|cannot both|extra inputs",
    re.IGNORECASE,
)
_NAME = re.compile(rf"\b(?:{'|'.join(PARAMETERS)})\b")


def refused_parameter(error: Mapping[str, Any], said: str) -> str | None:
    """The parameter that a server does not take, by the error in its reply; None if it refuses something else.

    Args:
        error: The `error` of the reply, with `code` and `param` where the server has them.
        said: Its sentence.
    """
    if not (str(error.get("code")) in _CODES or _NOT_TAKEN.search(said)):
        return None
    if error.get("param") in PARAMETERS:
        return str(error["param"])
    name = _NAME.search(said)
    return name.group() if name else None


class Refusals:
    """What a server has refused, and what follows from it.

    Args:
        address: Of the server.
        concurrency: Requests it has in hand at a time. Refusals come back at once and answers later, so twice as many
            refusals as that are waited for before all requests are held to be refused.

    Attributes:
        answered: Whether it has answered any request, so that a refusal is about a row.
    """

    def __init__(self, address: str, concurrency: int = 1) -> None:
        self.answered = False
        self._address, self._same = address, max(SAME, 2 * concurrency)
        self._names: dict[str, str] = {}
        self._said = Counter[str]()

    def spelled(self, body: dict[str, Any]) -> dict[str, Any]:
        """A request with the names that the server takes."""
        return {self._names.get(name, name): value for name, value in body.items()}

    def may_be_spelled_otherwise(self, parameter: str | None, said: str) -> bool:
        """Note that a parameter was refused; whether it has another name, with which to send the request again.

        A server that has answered with the name that it refuses now does so for the sake of one row.
        """
        if parameter not in OTHER_NAMES or (self.answered and parameter not in self._names):
            return False
        if parameter not in self._names:
            self._names[parameter] = OTHER_NAMES[parameter]
            self._log(f"{OTHER_NAMES[parameter]} is sent instead of {parameter} from now on: {said}")
        return True

    def note(self, path: str, parameter: str | None, said: str) -> None:
        """Note that a request was refused.

        Args:
            path: Below the address.
            parameter: What the server does not take.
            said: Its sentence.

        Raises:
            StageError: If it would refuse every request.
        """
        if said not in self._said and len(self._said) < SENTENCES:
            self._log(f"a request is refused: {said}")
            self._said[said] = 0
        if said in self._said:
            self._said[said] += 1
        if self.answered:
            return
        if parameter is not None:
            raise StageError(f"{self._address}: does not take {parameter} ({said}); {_todo(path, parameter)}")
        if self._said[said] >= self._same:
            raise StageError(
                f"{self._address}: refuses every request, {self._said[said]} so far, and has answered none ({said}); "
                f"{_todo(path, None)}"
            )

    def _log(self, said: str) -> None:
        sys.stderr.write(f"{self._address}: {said}\n")
        sys.stderr.flush()


def _todo(path: str, parameter: str | None) -> str:
    if not path.startswith("/chat"):
        return "serve the model with vLLM's server, of a version that this engine was tried with"
    if parameter is None:
        return "see what the model takes; a parameter is left out by leave_out beside served in the recipe"
    key = next((name for name, other in OTHER_NAMES.items() if other == parameter), parameter)
    return f"write leave_out: [{key}] beside served in the recipe, so that it is not sent"
