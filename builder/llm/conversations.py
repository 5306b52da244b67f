"""What every model of the method is asked, and what it is trained to answer (arXiv 2308.06259).

    who                          is asked                              answers        section
    M_yx, the backward model     its own system prompt; y              x              2.2
    M_t, on the seed             S_a; x                                y              2.3
    M_t, on the curated pairs    S_w; x                                y              2.3
    M_t as a judge               S_a; the rubric with x and y          its rating     2.3
    judge `likelihood`, by M_t   S_a; x, and again without x           y, given       (ours)
    judge `reverse`, by M_yx     as M_yx; y, and again without y       x, given       (ours)
    M_t, a question held out     S_a and S_w; the question             its answer     3.4
    any model, an evaluation     one of `TAGS`; the prompt             its answer     3.4
    a judge of two answers       its own; a prompt, both answers       the better     3.3

x is an instruction, y an output. No other module puts a conversation together: training, generation, judging and
release take theirs from here, so a model is asked as it was trained. How a conversation becomes tokens is the chat
contract's (`builder.llm.contract`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from builder.llm.prompts import render

Message = dict[str, str]
"""A turn: its `role`, which is `system`, `user` or `assistant`, and its `content`."""
Pair = Mapping[str, Any]
"""A row with `instruction` (x) and `output` (y)."""
Tag = Literal["seed", "web"]
"""Whose style a forward model answers in: S_a, people's, or S_w, the web's."""


Tags = Literal["both", "seed", "web", "none", "default"]
"""The four settings under which the paper asks its models (its ablation of system prompts); and no system turn at all,
so that a chat template puts in what it likes, which for models of a build is both."""


class SystemPrompts(Protocol):
    """The system prompts of a build. The recipe's chat section has them, and so has the contract of every model."""

    @property
    def system_seed(self) -> str:
        """S_a, the tag of seed rows and of judging."""

    @property
    def system_web(self) -> str:
        """S_w, the tag of augmented rows."""

    @property
    def system_backward(self) -> str:
        """The system prompt of M_yx."""


class Contrast(NamedTuple):
    """A text with the two conversations that it may follow.

    Attributes:
        text: The answer whose probability is read.
        given: The conversation with what the text depends on.
        alone: The same conversation without it.
    """

    text: str
    given: list[Message]
    alone: list[Message]


def forward_prompt(prompts: SystemPrompts, tag: Tag, instruction: str) -> list[Message]:
    """What M_t is asked: x under the tag S_a or S_w (section 2.3).

    Departure: the paper appends the tag to the prompt as a sentence; here it is the system message.
    """
    return question(prompts.system_seed if tag == "seed" else prompts.system_web, instruction)


def forward_pair(prompts: SystemPrompts, tag: Tag, pair: Pair) -> dict[str, Any]:
    """A row that M_t is trained on, as TRL reads it: x is asked, tagged S_a or S_w, and y answered (section 2.3)."""
    return _training_row(pair, forward_prompt(prompts, tag, pair["instruction"]), pair["output"])


def backward_prompt(prompts: SystemPrompts, template: str | Path, output: str) -> list[Message]:
    """What M_yx is asked: the instruction of y; the same in training and generation (section 2.2).

    Departure: the paper prints no prompt for M_yx; here it is the text alone under a system prompt of its own.

    Args:
        prompts: The system prompts.
        template: Name of a template of the package, or the path of a recipe's own.
        output: y.
    """
    return question(prompts.system_backward, render(template, output=output))


def backward_pair(prompts: SystemPrompts, template: str | Path, pair: Pair) -> dict[str, Any]:
    """A row that M_yx is trained on, as TRL reads it: y is asked, and x answered (section 2.2)."""
    return _training_row(pair, backward_prompt(prompts, template, pair["output"]), pair["instruction"])


def rating_prompt(prompts: SystemPrompts, rubric: str | Path, pair: Pair, *, reasons: bool = True) -> list[Message]:
    """What a judge is asked: to rate a pair by the rubric, under S_a (section 2.3).

    It is the same for M_t and for a judge from elsewhere, loaded or behind a server.

    Departure: the paper does not say under which tag a judge is asked; S_a is that of the pairs people wrote.

    Args:
        prompts: The system prompts.
        rubric: Name of a rubric of the package, or the path of a recipe's own.
        pair: The pair.
        reasons: Whether the judge writes its reasons and the score by itself; else it is not told how to.
    """
    text = render(rubric, instruction=pair["instruction"], output=pair["output"], reasons=reasons)
    return question(prompts.system_seed, text)


def likelihood_contrast(prompts: SystemPrompts, pair: Pair) -> Contrast:
    """What the judge `likelihood` reads: y after x, and after an empty turn of the user.

    The prompt is that of a row of the seed.
    """
    given, alone = (forward_prompt(prompts, "seed", text) for text in (pair["instruction"], ""))
    return Contrast(pair["output"], given, alone)


def reverse_contrast(prompts: SystemPrompts, template: str | Path, pair: Pair) -> Contrast:
    """What the judge `reverse` reads: x after y, and after the prompt of an empty text.

    The prompt is the one that M_yx is trained on.
    """
    given, alone = (backward_prompt(prompts, template, text) for text in (pair["output"], ""))
    return Contrast(pair["instruction"], given, alone)


def answer_prompt(prompts: SystemPrompts, instruction: str) -> list[Message]:
    """A question held out from M_t, to be answered with both tags as system prompt (section 3.4)."""
    return question(both_tags(prompts), instruction)


def evaluation_prompt(prompts: SystemPrompts, tags: Tags, instruction: str) -> list[Message]:
    """A prompt of an evaluation, under S_a and S_w, one of them, or an empty system prompt (section 3.4)."""
    if tags == "default":
        return [_turn("user", instruction)]
    systems = {"both": both_tags(prompts), "seed": prompts.system_seed, "web": prompts.system_web, "none": ""}
    return question(systems[tags], instruction)


def comparison_prompt(system: str, template: str | Path, instruction: str, first: str, second: str) -> list[Message]:
    """What a judge of two answers is asked: the prompt and both, in the order in which they are to stand.

    Args:
        system: Its system prompt.
        template: Name of a template of the package, or the path of another one.
        instruction: The prompt.
        first: An answer.
        second: The other one.
    """
    return question(system, render(template, instruction=instruction, first=first, second=second))


def both_tags(prompts: SystemPrompts) -> str:
    """S_a and S_w together: what a forward model is used with, and its template's default (section 3.4).

    Departure: the paper gives no order; here S_a is first.
    """
    return f"{prompts.system_seed} {prompts.system_web}"


def untagged(instruction: str, output: str) -> list[Message]:
    """The turns of x and y in every judging and training, without the system prompt."""
    return [_turn("user", instruction), *completion(output)]


def question(system: str, text: str) -> list[Message]:
    """A system prompt and one turn of the user: the form of all that a model is asked here."""
    return [_turn("system", system), _turn("user", text)]


def completion(text: str) -> list[Message]:
    """The assistant's turn, which is what is trained (section 3.1)."""
    return [_turn("assistant", text)]


def _training_row(pair: Pair, prompt: list[Message], answer: str) -> dict[str, Any]:
    return {"id": pair["id"], "prompt": prompt, "completion": completion(answer)}


def _turn(role: Literal["system", "user", "assistant"], text: str) -> Message:
    return {"role": role, "content": text}
