"""The chat contract: template, tags, masking and end token of a model as one hashed object (DESIGN principle 8).

It is saved with every checkpoint, and every stage that uses a model renders with it and refuses another one:
template drift between training and inference is the commonest defect of earlier implementations.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from builder.data.named_text import why_unread
from builder.data.resources import template_path
from builder.data.storage import read_json, write_json
from builder.errors import StageError
from builder.llm.chat_template import ChatTemplate, end_token
from builder.llm.conversations import both_tags
from builder.llm.frozen_date import freeze, frozen_date, reads_clock

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
        date: The day that the template names, as YYYY-MM-DD; None where it names none.
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
    date: str | None = None

    @property
    def _values(self) -> dict[str, Any]:
        """What is written and hashed; contracts without a date are those of builds that knew of none."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def digest(self) -> str:
        """First 12 hex digits of the sha256 of the contract."""
        text = json.dumps(self._values, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def save(self, model: Path) -> None:
        """Write the contract and its template into a model folder."""
        write_json(model / CONTRACT_FILE, self._values)
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


def make_contract(chat: "Chat", role: Role, tokenizer: Any, *, trained: bool = True) -> ChatContract:
    """Make the contract of a model that is about to be trained from a base with this tokenizer.

    Args:
        chat: The recipe's chat section.
        role: What the model is for.
        tokenizer: Of the base.
        trained: False for a model from elsewhere, which answers in its own template and learns nothing of it.

    Raises:
        StageError: If conversations of the method do not survive the template; it names the template and a cure.
    """
    template = _chosen(chat, role, tokenizer, trained=trained)
    day = chat.date or frozen_date(template.text)
    if reads_clock(template.text) and day is None:
        raise template.wrong(
            "asks for the time (strftime_now), so that a model would be trained with one date and asked with another; "
            "set chat.date to the day it is to name, such as chat.date: 2024-07-26",
            "does not",
            instead=True,
        )
    if day is not None and (reads_clock(template.text) or frozen_date(template.text) is not None):
        template = template._replace(text=freeze(template.text, day))
    systems = {f"chat.{name}": getattr(chat, name) for name in _SYSTEMS[role]}
    return ChatContract(
        role=role,
        template=template.text,
        system_seed=chat.system_seed,
        system_web=chat.system_web,
        system_backward=chat.system_backward,
        end_token=end_token(template, systems, trained=trained),
        date=frozen_date(template.text),
    )


_SYSTEMS: dict[Role, tuple[str, ...]] = {
    "forward": ("system_seed", "system_web"),
    "backward": ("system_backward",),
}
"""Which system prompts a model of each role is asked with."""


def _chosen(chat: "Chat", role: Role, tokenizer: Any, *, trained: bool) -> ChatTemplate:
    if isinstance(chat.template, Path):
        try:
            text = chat.template.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StageError(
                f"{chat.template}: cannot be read ({why_unread(error)}); chat.template names it"
            ) from error
        return ChatTemplate(text, str(chat.template), "change it so that it", tokenizer)
    base = tokenizer.name_or_path or "the base"
    if chat.template == "tokenizer":
        if not tokenizer.chat_template:
            raise StageError("chat.template is 'tokenizer', but the base tokenizer has no chat template; use chatml")
        change = "set chat.template to a file of yours that" if trained else "choose a model whose template"
        text = str(tokenizer.get_chat_template())
        return ChatTemplate(text, f"the tokenizer's own chat template of {base}", change, tokenizer)
    default = chat.system_backward if role == "backward" else both_tags(chat)
    # A line break stands before each turn but the first, so that a completion ends with its end token and nothing is
    # trained after it; the tokens of a conversation are those of stock ChatML.
    chatml = template_path("chatml").read_text(encoding="utf-8")
    text = chatml.replace("DEFAULT_SYSTEM", json.dumps(default, ensure_ascii=False))
    return ChatTemplate(text, f"chat.template chatml on {base}", "set chat.template to a file of yours that", tokenizer)


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
    names = [field.name for field in fields(ChatContract) if field.name != "date"]
    if not isinstance(data, dict) or sorted(set(data) - {"date"}) != sorted(names):
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
