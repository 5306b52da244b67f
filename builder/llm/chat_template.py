"""Whether conversations of the method survive a chat template; found before anything is trained or asked with it.

Templates come from recipes and from bases, and are made for other conversations than ours: some refuse a system turn,
some leave it out, some write words of their own into an answer. Each fault is told with the template's name and a cure.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from builder.errors import StageError
from builder.llm.conversations import Message, completion, question
from builder.llm.frozen_date import FUNCTION
from builder.llm.tokenizer import control_tokens

MARK = "\ufffe"
ASKED = f"Aa <{MARK}> &\n  b."
"""A question that no template writes by itself, and whose letters, signs and spaces must come through as they are."""
ANSWER = "Aa \uffff\n  b."
"""An answer whose letters, spaces and line breaks must come through as they are."""
ANSWERS = ("So.", "7", "(a)\n- b")
"""Answers whose beginnings tokenizers like to merge with what stands before."""


class Fault(Exception):
    """A template cannot be rendered; the text says why."""


class ChatTemplate(NamedTuple):
    """A template with what messages call it.

    Attributes:
        text: The Jinja text.
        name: Its file, or whose it is.
        change: How a sentence on what to do begins; what the template must do instead follows.
        tokenizer: What renders it.
    """

    text: str
    name: str
    change: str
    tokenizer: Any

    def wrong(self, problem: str, cure: str, *, instead: bool = False) -> StageError:
        """The error that names the template, what is wrong with it, and what to do, or do instead."""
        return StageError(f"{self.name}: {problem}{', or ' if instead else '; '}{self.change} {cure}")

    def render(self, messages: list[Message], *, opening: bool = False, **values: Any) -> str:
        """The text of a conversation.

        Raises:
            Fault: If the template cannot be rendered.
        """
        try:
            return str(
                self.tokenizer.apply_chat_template(
                    messages, chat_template=self.text, tokenize=False, add_generation_prompt=opening, **values
                )
            )
        except Exception as error:  # a template is a program of others and may fail in any way
            raise Fault(_said(error)) from error


def end_token(template: ChatTemplate, systems: Mapping[str, str], *, trained: bool) -> str:
    """Find the token that ends an answer, after checking that the template does all that the method needs.

    Args:
        template: The template.
        systems: The system prompts of the model, by the keys of the recipe.
        trained: Whether a model is trained with it, so that what it writes into an answer would be learnt.

    Raises:
        StageError: With the template's name, the first thing that is wrong with it, and what to do.
    """
    for key, system in systems.items():
        _check_prompt(template, key, system)
    ask = question(next(iter(systems.values())), ASKED)
    prompt, whole = _rendered(template, ask, opening=True), _rendered(template, [*ask, *completion(ANSWER)])
    if not whole.startswith(prompt):
        raise template.wrong(
            "is not prefix-stable: a prompt must be the beginning of prompt + answer", "writes both alike"
        )
    before, answer, tail = whole[len(prompt) :].partition(ANSWER)
    if not answer:
        raise template.wrong("leaves out the answer, or changes it", "writes the assistant's turn as it is")
    if trained and before.strip():
        raise template.wrong(
            f"writes {before!r} before every answer, which a model would learn to write into its own", "does not"
        )
    if not tail.strip():
        raise template.wrong(
            "ends an answer with no token, so a model trained with it would never stop",
            "lets the assistant's turn end with a token of the vocabulary",
        )
    end = _marker(template, prompt.rpartition(ASKED)[2], tail)
    if trained and not tail.startswith(end):
        raise template.wrong(
            f"writes {tail.partition(end)[0]!r} between an answer and {end}, which a model would learn to write",
            f"lets {end} follow at once",
        )
    _check_tokens(template, ask, end)
    return end


def _check_prompt(template: ChatTemplate, key: str, system: str) -> None:
    """Check that a question comes through with its system prompt, and in the same words every time."""
    ask = question(system, ASKED)
    try:
        prompt = template.render(ask, opening=True)
        again = template.render(ask, opening=True, **{FUNCTION: lambda form: "another day"})
        template.render(question(system, ""), opening=True)
    except Fault as fault:
        raise _without_system(template, key, ask, fault) from fault
    if MARK not in prompt:
        raise template.wrong("leaves out what the user says", "writes the turns of the conversation")
    if system.strip() not in prompt:
        raise template.wrong(f"leaves out the system turn, so that {key} would be lost", "writes it into the prompt")
    if prompt.count(ASKED) != 1:
        raise template.wrong("changes or repeats what the user says", "writes it once, as it is")
    if again != prompt:
        raise template.wrong("writes the same conversation in another way each time", "writes it in one way")


def _without_system(template: ChatTemplate, key: str, ask: list[Message], fault: Fault) -> StageError:
    """What to say of a template that cannot be rendered: whether it is the system turn that it cannot take."""
    try:
        template.render(ask[1:], opening=True)
    except Fault:
        return template.wrong(
            f"cannot be rendered: {fault}",
            f"uses only what transformers gives it: Jinja's own filters and functions, tojson, raise_exception and "
            f"{FUNCTION}",
        )
    return template.wrong(
        f"takes no system turn ({fault}), so that {key} would be lost",
        "writes it into the prompt, such as before what the user says",
    )


def _rendered(template: ChatTemplate, messages: list[Message], *, opening: bool = False) -> str:
    try:
        return template.render(messages, opening=opening)
    except Fault as fault:
        raise template.wrong(
            f"cannot be rendered with an answer: {fault}", "takes the turns system, user, assistant"
        ) from fault


def _marker(template: ChatTemplate, between: str, tail: str) -> str:
    """The control token that ends an answer; markers that page text could forge are refused."""
    special = sorted(control_tokens(template.tokenizer).values(), key=len, reverse=True)
    end = next((token for token in special if tail.strip().startswith(token)), None)
    if end is None or not any(token in between for token in special):
        own = ", ".join(sorted(special, key=len)[:8])
        raise template.wrong(
            f"the template's markers (a question ends with {between!r}, an answer with {tail.strip()!r}) are not "
            "tokens of the base vocabulary, so page text could forge them",
            f"marks turns with control tokens of the base ({own}), or take a base that has these markers",
        )
    return end


def _check_tokens(template: ChatTemplate, ask: list[Message], end: str) -> None:
    """Check that a prompt's tokens stay when an answer follows, and that the end token is one there."""
    tokenizer = template.tokenizer
    end_id = tokenizer.convert_tokens_to_ids(end)
    for answer in ANSWERS:
        texts = _rendered(template, ask, opening=True), _rendered(template, [*ask, *completion(answer)])
        prompt, whole = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts)
        if whole[: len(prompt)] != prompt:
            raise template.wrong(
                f"the tokens of a prompt are others once the answer {answer!r} follows",
                "ends a prompt with a control token, or a line break behind one",
            )
        if end_id not in whole[len(prompt) :]:
            raise template.wrong(f"{end} behind the answer {answer!r} is not read as one token", "sets it apart")


def _said(error: Exception) -> str:
    """An error in a line, with the line of the template where it is known."""
    line = getattr(error, "lineno", None)
    text = " ".join(str(error).split()) or type(error).__name__
    return f"line {line}: {text}" if line else text
