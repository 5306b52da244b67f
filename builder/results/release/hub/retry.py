"""Calls to the Hub that fail: whether to call again, when, and what to say if not.

`huggingface_hub` repeats some of its calls, but not those that commit, tag and list. A call that changes something is
safe to repeat where it names the state it starts from (a parent commit) or leads to (a tag on a commit, a repository).
"""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from builder.errors import BuilderError, ReleaseError

T = TypeVar("T")
TRIES = 6
LONGEST_PAUSE = 300.0
"""Seconds; a Hub that asks for more than this is not waited for."""
AGAIN = frozenset({408, 429, 500, 502, 503, 504})


def retry(call: Callable[[], T], doing: str) -> T:
    """Call, and call again while the Hub asks for patience.

    Raises:
        ReleaseError: If it still fails, or repeating cannot help.
    """
    for attempt in range(TRIES):
        try:
            return call()
        except BuilderError:
            raise
        except Exception as error:
            pause = pause_after(error, attempt)
            if pause is None:
                raise refusal(error, doing) from error
            time.sleep(pause)
    raise AssertionError("the last attempt raises")


def pause_after(error: Exception, attempt: int) -> float | None:
    """Seconds to wait before the next attempt; None if there is none.

    Args:
        error: What the call raised.
        attempt: How often it was repeated, from 0.
    """
    status, asked = _answer(error)
    if attempt + 1 >= TRIES or _is_offline(error) or (status not in AGAIN and not _is_connection(error)):
        return None
    pause = float(2**attempt) if asked is None else asked
    return pause if pause <= LONGEST_PAUSE else None


def _answer(error: Exception) -> tuple[int | None, float | None]:
    """Status of the Hub's answer, and the seconds it asks to wait."""
    from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

    for cause in _causes(error):
        response = getattr(cause, "response", None)
        if response is not None:
            limit = parse_ratelimit_headers(response.headers)
            if limit is not None and limit.remaining == 0:
                return response.status_code, float(limit.reset_in_seconds)
            after = response.headers.get("Retry-After", "")
            return response.status_code, float(after) if after.isdigit() else None
    return None, None


def _is_connection(error: Exception) -> bool:
    from httpx2 import TransportError  # what huggingface_hub talks HTTP with

    return any(isinstance(cause, TransportError | ConnectionError | TimeoutError) for cause in _causes(error))


def _is_offline(error: Exception) -> bool:
    from huggingface_hub.errors import OfflineModeIsEnabled

    return any(isinstance(cause, OfflineModeIsEnabled) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def refusal(error: Exception, doing: str) -> ReleaseError:
    """What went wrong, and what to do; nothing of the request, whose address may hold a signature."""
    again = "run the same command again later, it goes on where it stopped"
    status, _ = _answer(error)
    if _is_offline(error):
        return ReleaseError(f"{doing}: HF_HUB_OFFLINE is set; unset it")
    if status in (401, 403):
        return ReleaseError(
            f"{doing}: the Hub answers {status}; log in with `hf auth login`, or set HF_TOKEN, with a token that may "
            "write there"
        )
    if status is not None:
        said = getattr(error, "server_message", None)
        advice = again if status in AGAIN else "look at the repository on the Hub"
        return ReleaseError(f"{doing}: the Hub answers {status}{f' ({said})' if said else ''}; {advice}")
    if _is_connection(error):
        return ReleaseError(f"{doing}: the Hub does not answer; check the network, then {again}")
    return ReleaseError(f"{doing}: {type(error).__name__}: {error}")
