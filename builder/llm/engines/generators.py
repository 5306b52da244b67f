"""A model as the stages talk to it: conversations go in, text comes out."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from builder.errors import StageError
from builder.llm.contract import Role, make_contract
from builder.llm.conversations import Message
from builder.llm.engines.engine import Completion, Engine, Failed, Generation, Sampling, Tick
from builder.llm.engines.start import start_engine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.text.control_tokens import find_control_token

if TYPE_CHECKING:
    from builder.llm.engines.chat_model import ChatModel
    from builder.recipe.sections.models import Chat, Loaded
    from builder.recipe.sections.models import Engine as EngineConfig
    from builder.recipe.sections.runtime import Runtime


FILES = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]
"""What is downloaded of a model: nothing that could be run."""


class Generator(Protocol):
    """Writes an answer to each conversation."""

    def prepare(self, conversations: Sequence[list[Message]]) -> Sequence[Any]:
        """The conversations as `generate` takes them."""

    def fits(self, prompt: Any, max_tokens: int) -> bool:
        """Whether a prepared conversation leaves room for an answer of `max_tokens`."""

    def forged(self, messages: list[Message]) -> bool:
        """Whether a text in the conversation adds a control token, or hides one."""

    def generate(self, prompts: Sequence[Any], sampling: Sampling, seeds: Sequence[int]) -> list[Generation | Failed]:
        """One answer to each prepared conversation; it depends on the conversation and its seed alone."""


class TokenGenerator:
    """A model whose tokens are ours to give.

    Args:
        renderer: Contract and tokenizer of the model.
        engine: Starts or returns the engine with the model loaded.
        room: Context length in tokens.
    """

    def __init__(self, renderer: Renderer, engine: Callable[[], Engine], room: int) -> None:
        self.renderer, self._engine, self._room = renderer, engine, room

    def prepare(self, conversations: Sequence[list[Message]]) -> list[list[int]]:
        """See `Generator.prepare`."""
        return self.renderer.prompts(conversations)

    def fits(self, prompt: list[int], max_tokens: int) -> bool:
        """See `Generator.fits`."""
        return len(prompt) + max_tokens <= self._room

    def forged(self, messages: list[Message]) -> bool:
        """See `Generator.forged`."""
        return self.renderer.forged(messages)

    def generate(
        self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]
    ) -> list[Generation | Failed]:
        """See `Generator.generate`."""
        if not prompts:
            return []
        engine = self._engine()
        engine.forget()
        answers = engine.generate(prompts, replace(sampling, stop_ids=self.renderer.stop_ids), seeds)
        return [
            answer
            if isinstance(answer, Failed)
            else Generation(answer_text(self.renderer, answer), answer.ended, answer.logprob, len(answer.ids))
            for answer in answers
        ]


class ServedGenerator:
    """A model that only its server knows: no tokens, so texts are searched for the control tokens of common families.

    Args:
        chat: Starts or returns the client.
    """

    def __init__(self, chat: Callable[[], "ChatModel"]) -> None:
        self._chat = chat

    def prepare(self, conversations: Sequence[list[Message]]) -> Sequence[list[Message]]:
        """See `Generator.prepare`."""
        return conversations

    def fits(self, prompt: list[Message], max_tokens: int) -> bool:
        """Always; the server refuses what is too long, and the row counts as `engine_rejected`."""
        return True

    def forged(self, messages: list[Message]) -> bool:
        """See `Generator.forged`."""
        return any(find_control_token(turn["content"]) for turn in messages if turn["role"] != "system")

    def generate(
        self, prompts: Sequence[list[Message]], sampling: Sampling, seeds: Sequence[int]
    ) -> list[Generation | Failed]:
        """See `Generator.generate`."""
        return self._chat().generate(prompts, sampling, seeds) if prompts else []


def open_other(
    other: "Loaded",
    role: Role,
    chat: "Chat",
    config: "EngineConfig",
    runtime: "Runtime",
    tick: Tick,
    out: Path | None = None,
) -> Generator:
    """A model that the build has not trained, in its own chat template.

    Args:
        other: Which one.
        role: What it is asked as.
        chat: The chat section of the recipe.
        config: The engine section.
        runtime: Sizes that change no result.
        tick: Called whenever a request is done.
        out: The stage folder, where the replies of a served model are kept as they come; None to keep none.

    Raises:
        StageError: If it cannot be loaded, or has no chat template of its own.
    """
    name = other.served_name
    if name is not None:

        def connect() -> "ChatModel":
            from builder.llm.engines.chat_model import ChatModel
            from builder.llm.engines.reply_log import ReplyLog

            log = None if out is None else ReplyLog(out)
            return ChatModel(name, runtime, tick, leave_out=other.left_out, log=log)

        return ServedGenerator(functools.cache(connect))
    model = other_folder(other)
    engine = functools.cache(lambda: start_engine(model, config, runtime, tick))
    return TokenGenerator(other_renderer(model, role, chat), engine, config.max_model_len)


def other_folder(other: "Loaded") -> Path:
    """Where a model lies that the build has not trained; one of the Hub is downloaded.

    Raises:
        StageError: If the Hub does not give it.
    """
    if other.path is not None:
        return other.path
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(other.location, revision=other.revision, allow_patterns=FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        first = str(error).splitlines()[0]
        raise StageError(f"{other.location} at {other.revision}: cannot be downloaded: {first}") from error


def other_renderer(model: Path, role: Role, chat: "Chat") -> Renderer:
    """Renders for a model in its own chat template; the system prompts are those of the recipe.

    Raises:
        StageError: If it has no chat template, or one that text could forge.
    """
    tokenizer = load_tokenizer(model)
    if not tokenizer.chat_template:
        raise StageError(f"{model}: has no chat template of its own; choose a model that was tuned on conversations")
    own = chat.model_copy(update={"template": "tokenizer"})
    return Renderer(make_contract(own, role, tokenizer, trained=False), tokenizer)


def answer_text(renderer: Renderer, completion: Completion) -> str:
    """The text of a completion without the token that ended it; other special tokens stay visible."""
    ids = completion.ids[:-1] if completion.ids and completion.ids[-1] in renderer.stop_ids else completion.ids
    return str(renderer.tokenizer.decode(ids, skip_special_tokens=False)).strip()
