"""Conversations as token ids, by one chat contract and one tokenizer, and the control tokens no text may become.

Whether a text could become one is found without tokenising it. What conversations begin with alike, such as the rubric
before every pair, is tokenised once.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import takewhile
from typing import Any

from builder.errors import StageError
from builder.llm.contract import ChatContract
from builder.llm.conversations import Message, completion
from builder.llm.tokenizer import control_tokens as control_tokens  # looked for here by who reads conversations

FEWEST_TEXTS, SHORTEST = 8, 400
"""With fewer texts, or a shorter common beginning (characters), nothing is gained."""
MARGIN = 100
"""Characters of the common beginning that are tokenised with each text, so that all are cut amid the same text."""


class MayForge:
    """Finds the texts that hold a control token or might make one with what stands beside them.

    A tokenizer looks for its added tokens before anything else, in the text as it stands, unless the token asks for
    normalised text. So a text without any of them, and with no part of one at its ends, cannot become one. Where the
    tokenizer normalises, every text is suspicious.

    Args:
        tokenizer: A fast tokenizer.
        control: Ids of the control tokens.
    """

    def __init__(self, tokenizer: Any, control: Iterable[int]) -> None:
        added = tokenizer.added_tokens_decoder
        tokens = [added[number] for number in control if number in added]
        backend = getattr(tokenizer, "backend_tokenizer", None)
        plain = backend is not None and (backend.normalizer is None or not any(token.normalized for token in tokens))
        self._everything = not plain or len(tokens) != len(set(control))
        self._tokens = sorted({str(token.content) for token in tokens})
        self._beginnings = tuple(sorted({token[:at] for token in self._tokens for at in range(1, len(token))}))
        self._ends = tuple(sorted({token[at:] for token in self._tokens for at in range(1, len(token))}))

    def __call__(self, text: str) -> bool:
        """Whether the text must be tokenised to know."""
        return (
            self._everything
            or not text.strip()  # a template may leave out the turn
            or any(token in text for token in self._tokens)
            or text.lstrip().startswith(self._ends)
            or text.rstrip().endswith(self._beginnings)
        )


class Renderer:
    """Turns conversations into token ids with one contract and one tokenizer.

    Attributes:
        contract: Of the model.
        tokenizer: Of the model.
        end_id: The token that ends a turn.
        stop_ids: What ends an answer: that token, and the tokenizer's eos where it is another one.
    """

    def __init__(self, contract: ChatContract, tokenizer: Any) -> None:
        self.contract, self.tokenizer = contract, tokenizer
        self.end_id = int(tokenizer.convert_tokens_to_ids(contract.end_token))
        eos = tokenizer.eos_token_id
        self.stop_ids = (self.end_id,) if eos is None else tuple(dict.fromkeys((self.end_id, int(eos))))
        self._of_template: dict[tuple[tuple[str, str], ...], list[int]] = {}

    @cached_property
    def _control_tokens(self) -> dict[int, str]:
        return control_tokens(self.tokenizer)

    @cached_property
    def _may_forge(self) -> MayForge:
        return MayForge(self.tokenizer, self._control_tokens)

    def prompt(self, messages: list[Message]) -> list[int]:
        """Token ids of `messages` with the opening of the assistant's turn."""
        return self.prompts([messages])[0]

    def prompts(self, conversations: Sequence[list[Message]]) -> list[list[int]]:
        """`prompt` of each conversation; what all begin with is tokenised once."""
        return self._ids(conversations, opening=True)

    def answered(self, messages: list[Message], answer: str) -> tuple[list[int], int]:
        """Token ids of prompt, answer and end token, and the index where the answer begins.

        Raises:
            StageError: If the prompt's ids are not the beginning of the whole.
        """
        return self.all_answered([messages], [answer])[0]

    def all_answered(
        self, conversations: Sequence[list[Message]], answers: Sequence[str]
    ) -> list[tuple[list[int], int]]:
        """`answered` of each conversation with its answer; what all begin with is tokenised once.

        Raises:
            StageError: If the ids of a prompt are not the beginning of the whole.
        """
        whole = [[*messages, *completion(answer)] for messages, answer in zip(conversations, answers, strict=True)]
        answered = []
        for prompt, ids in zip(self.prompts(conversations), self._ids(whole, opening=False), strict=True):
            if ids[: len(prompt)] != prompt or self.end_id not in ids[len(prompt) :]:
                raise StageError(
                    f"{self._name}: the prompt's tokens or the end token do not stay as they are when an answer "
                    f"follows: {self.tokenizer.decode(ids[-60:])!r}; let a prompt and an answer end with control tokens"
                )
            # The first one: behind it a template may write the tokenizer's eos, which after a training is the same.
            end = ids.index(self.end_id, len(prompt))
            answered.append((ids[: end + 1], len(prompt)))
        return answered

    def forged(self, messages: list[Message]) -> bool:
        """Whether a text in `messages` adds a control token of this vocabulary, or hides one of the template.

        Ids are compared with those of the same turns around a plain text, so that it finds what the tokenizer really
        matches: with its normalisation, its stripping, and across the borders of a turn. System messages are ours.
        """
        if not any(self._may_forge(turn["content"]) for turn in messages if turn["role"] != "system"):
            return False
        plain = [turn if turn["role"] == "system" else {**turn, "content": "x"} for turn in messages]
        turns = tuple((turn["role"], turn["content"]) for turn in plain)
        if turns not in self._of_template:
            self._of_template[turns] = self._controls(plain)
        return self._controls(messages) != self._of_template[turns]

    def _controls(self, messages: list[Message]) -> list[int]:
        return [token for token in self._ids([messages], opening=False)[0] if token in self._control_tokens]

    def _ids(self, conversations: Sequence[list[Message]], *, opening: bool) -> list[list[int]]:
        if not conversations:
            return []
        try:
            texts = self.tokenizer.apply_chat_template(
                list(conversations),
                chat_template=self.contract.template,
                tokenize=False,
                add_generation_prompt=opening,
            )
        except Exception as error:  # a template is a program of others and may fail in any way
            raise StageError(
                f"{self._name}: cannot be rendered: {error}; the contract was made with it, so it takes our turns but "
                "not these texts"
            ) from error
        return encode(self.tokenizer, texts)

    @property
    def _name(self) -> str:
        return f"the chat template that {self.tokenizer.name_or_path or 'this model'} is used with"


def encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, without special tokens of the tokenizer's own.

    Tokenizers that split a text before they merge bytes or characters look no further than the word they are at. So a
    text may be cut at the beginning of a line, where the same text goes on for `MARGIN` characters, if one of the texts
    shows that the tokenizer takes the part behind the cut as it takes it in place. Else they are tokenised whole.

    Args:
        tokenizer: A fast tokenizer.
        texts: With markers and all, as a template has rendered them.
    """
    cut = _cut(texts) if _splits(tokenizer) else 0
    if cut == 0:
        return _whole(tokenizer, texts)
    beginning, first = _whole(tokenizer, [texts[0][:cut], texts[0]])
    rests = _whole(tokenizer, [text[cut:] for text in texts])
    if beginning + rests[0] != first:
        return _whole(tokenizer, texts)
    return [beginning + rest for rest in rests]


def _whole(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return [list(ids) for ids in tokenizer(list(texts), add_special_tokens=False)["input_ids"]] if texts else []


def _cut(texts: Sequence[str]) -> int:
    """Where all texts may be cut; 0 if nowhere."""
    if len(texts) < FEWEST_TEXTS:
        return 0
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(min(texts), max(texts), strict=False)))
    return min(texts).rfind("\n", 0, common - MARGIN) + 1 if common >= SHORTEST else 0


def _splits(tokenizer: Any) -> bool:
    """Whether the tokenizer splits texts into words first; one that does not may look at the whole text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and backend.pre_tokenizer is not None and type(backend.model).__name__ == "BPE"
