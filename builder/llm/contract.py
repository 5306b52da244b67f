"""The chat contract: template, tags, masking and end token of a model as one hashed object (DESIGN principle 8).

It is saved with every checkpoint, and every stage that uses a model renders with it and refuses another one:
template drift between training and inference is the commonest defect of earlier implementations.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from builder.data.resources import template_path
from builder.data.storage import read_json, write_json
from builder.errors import StageError
from builder.llm.conversations import both_tags, completion, question

if TYPE_CHECKING:
    from builder.recipe.sections.models import Chat

CONTRACT_FILE = "chat_contract.json"
TEMPLATE_FILE = "chat_template.jinja"
Role = Literal["forward", "backward"]
"""What a model is for: instruction -> output, or output -> instruction."""


@dataclass(frozen=True, kw_only=True)
class ChatContract:
    """How conversations with one model become tokens.

    Every process of a training loads one, so this is no pydantic model: those take 12 MB of it.

    Attributes:
        role: `forward` (instruction -> output) or `backward` (output -> instruction).
        template: The Jinja chat template.
        system_seed: S_a, the tag of seed rows and of judging.
        system_web: S_w, the tag of augmented rows.
        system_backward: The system prompt of the backward model.
        end_token: Ends a completion; trained, and the stop token of generation.
        loss: What is trained: the completion only (paper 3.1).
    """

    version: Literal[1] = 1
    role: Role
    template: str
    system_seed: str
    system_web: str
    system_backward: str
    end_token: str
    loss: Literal["completion"] = "completion"

    @property
    def digest(self) -> str:
        """First 12 hex digits of the sha256 of the contract."""
        text = json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def save(self, model: Path) -> None:
        """Write the contract and its template into a model folder."""
        write_json(model / CONTRACT_FILE, asdict(self))
        (model / TEMPLATE_FILE).write_text(self.template, encoding="utf-8")

    def difference(self, other: "ChatContract") -> str | None:
        """The first difference to another contract in words, or None; the template, made of the rest, comes last."""
        for name in sorted(asdict(self), key=lambda name: name == "template"):
            ours, theirs = str(getattr(self, name)), str(getattr(other, name))
            if ours != theirs:
                at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
                at = min(len(ours), len(theirs)) if at is None else at
                return f"{name} differs from character {at} on: {ours[at : at + 40]!r} against {theirs[at : at + 40]!r}"
        return None


def make_contract(chat: "Chat", role: Role, tokenizer: Any) -> ChatContract:
    """Make the contract of a model that is about to be trained from a base with this tokenizer.

    Raises:
        StageError: If the template's markers are not single tokens of the vocabulary.
    """
    template = _template_text(chat, role, tokenizer)
    return ChatContract(
        role=role,
        template=template,
        system_seed=chat.system_seed,
        system_web=chat.system_web,
        system_backward=chat.system_backward,
        end_token=_end_token(template, tokenizer),
    )


def _template_text(chat: "Chat", role: str, tokenizer: Any) -> str:
    if isinstance(chat.template, Path):
        try:
            return chat.template.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StageError(f"{chat.template}: cannot be read ({error}); chat.template names it") from error
    if chat.template == "tokenizer":
        if not tokenizer.chat_template:
            raise StageError("chat.template is 'tokenizer', but the base tokenizer has no chat template; use chatml")
        return str(tokenizer.chat_template)
    default = chat.system_backward if role == "backward" else both_tags(chat)
    # A line break stands before each turn but the first, so that a completion ends with its end token and nothing is
    # trained after it; the tokens of a conversation are those of stock ChatML.
    chatml = template_path("chatml").read_text(encoding="utf-8")
    return chatml.replace("DEFAULT_SYSTEM", json.dumps(default, ensure_ascii=False))


def _end_token(template: str, tokenizer: Any) -> str:
    """Find the token that ends an assistant turn, and refuse markers that page text could forge."""
    asked, answer = "\ufffe", "\uffff"
    ask = question("s", asked)
    prompt = tokenizer.apply_chat_template(ask, chat_template=template, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template([*ask, *completion(answer)], chat_template=template, tokenize=False)
    if not whole.startswith(prompt):
        raise StageError("the chat template is not prefix-stable: a prompt must be the beginning of prompt + answer")
    between = prompt.rpartition(asked)[2]
    tail = whole[len(prompt) :].partition(answer)[2].strip()
    if not tail:
        raise StageError(
            "the chat template ends an answer with no token, so a model trained with it would never stop; let the "
            "assistant's turn end with a token of the vocabulary"
        )
    special = sorted(map(str, tokenizer.get_added_vocab()), key=len, reverse=True)
    end = next((token for token in special if tail.startswith(token)), None)
    if end is None or not any(token in between for token in special):
        raise StageError(
            f"the template's markers (a question ends with {between!r}, an answer with {tail!r}) are not tokens of the "
            "base vocabulary, so page text could forge them; use another template, or a base that has them"
        )
    return end


def load_contract(model: Path) -> ChatContract:
    """Read the contract of a model folder.

    Raises:
        StageError: If the folder has none, or one that cannot be read.
    """
    path = model / CONTRACT_FILE
    if not path.is_file():
        raise StageError(
            f"{model}: has no {CONTRACT_FILE}; models are used only with the contract they were trained with"
        )
    try:
        return _contract_of(read_json(path))
    except ValueError as error:
        raise StageError(f"{path}: not a chat contract of this version ({error}); train the model again") from error


def _contract_of(data: Any) -> ChatContract:
    known: dict[str, Any] = {"version": (1,), "role": ("forward", "backward"), "loss": ("completion",)}
    names = [field.name for field in fields(ChatContract)]
    if not isinstance(data, dict) or sorted(data) != sorted(names):
        raise ValueError(f"its keys must be {', '.join(names)}")
    for name, value in data.items():
        if name in known and value not in known[name]:
            raise ValueError(f"{name} is {value!r}; it must be {' or '.join(map(repr, known[name]))}")
        if name not in known and not isinstance(value, str):
            raise ValueError(f"{name} is {value!r}; it must be text")
    return ChatContract(**data)


def check_contract(model: Path, tokenizer: Any, chat: "Chat", role: Role) -> ChatContract:
    """Return the model's contract after checking that recipe, contract file and tokenizer agree.

    Raises:
        StageError: With the first difference found.
    """
    contract = load_contract(model)
    if contract.role != role:
        raise StageError(f"{model}: is a {contract.role} model and was given as the {role} one")
    problem = contract.difference(make_contract(chat, role, tokenizer))
    if problem is None and tokenizer.chat_template != contract.template:
        other = replace(contract, template=str(tokenizer.chat_template))
        problem = f"the tokenizer's own {contract.difference(other)}"
    if problem is None and tokenizer.eos_token != contract.end_token:
        problem = f"the tokenizer ends with {tokenizer.eos_token!r}, the contract with {contract.end_token!r}"
    if problem:
        raise StageError(
            f"{model}: the chat contract does not match what the recipe asks for: {problem}; "
            "delete the stage's folder to train it again"
        )
    return contract
