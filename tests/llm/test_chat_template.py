"""What a chat template does to the conversations of the method: it serves, or it is refused by name with a cure."""

import copy
import datetime
import time

import pytest
import yaml
from click.testing import CliRunner
from transformers.utils import chat_template_utils

from builder.cli.init import write_recipe_folder
from builder.cli.main import cli
from builder.errors import BuilderError, StageError
from builder.llm.contract import check_contract, load_contract, make_contract
from builder.llm.conversations import forward_prompt
from builder.llm.engines.generators import other_renderer
from builder.llm.frozen_date import freeze, frozen_date, reads_clock
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat
from builder.sample.generate import BASE

TURN = "{{ '<|im_start|>' + turn.role + '\n' + turn.content + '<|im_end|>\n' }}"
LOOP = "{%- for turn in messages -%}" + TURN + "{%- endfor -%}"
OPENING = "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
NO_SYSTEM = "{%- if messages[0].role == 'system' -%}{{ raise_exception('System turns are unknown') }}{%- endif -%}"
ALTERNATING = (
    "{%- for turn in messages -%}{%- if (turn.role == 'user') != (loop.index0 % 2 == 0) -%}"
    "{{ raise_exception('Roles must alternate user and assistant') }}{%- endif -%}" + TURN + "{%- endfor -%}"
)
WITHOUT_SYSTEM = "{%- for turn in messages if turn.role != 'system' -%}" + TURN + "{%- endfor -%}"
FOLDED = (
    "{%- for turn in messages[1:] -%}{{ '<|im_start|>' + turn.role + '\n' }}"
    "{{- messages[0].content + '\n' if loop.first }}{{ turn.content + '<|im_end|>\n' }}{%- endfor -%}"
)
THINKS = (
    "{%- for turn in messages -%}{{ '<|im_start|>' + turn.role + '\n' }}"
    "{{- '(no thoughts)\n\n' if turn.role == 'assistant' }}{{ turn.content + '<|im_end|>\n' }}{%- endfor -%}"
)


def of(role, content):
    """A template that writes the turns of one role otherwise."""
    return LOOP.replace("turn.content", f"({content} if turn.role == '{role}' else turn.content)")


DATED = '{%- set day = strftime_now("%d %b %Y") -%}' + LOOP.replace(
    "turn.content", "('Today: ' + day + '. ' if turn.role == 'system' else '') + turn.content"
)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(BASE)


def written(folder, text):
    path = folder / "own.jinja"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("template", "said", "cure"),
    [
        (NO_SYSTEM + LOOP, "takes no system turn (System turns are unknown)", "before what the user says"),
        (ALTERNATING, "takes no system turn (Roles must alternate user and assistant)", "before what the user says"),
        (WITHOUT_SYSTEM, "leaves out the system turn, so that chat.system_seed would be lost", "writes it into"),
        (LOOP.replace("turn.content", "turn.content | shout"), "No filter named 'shout'", "Jinja's own"),
        (LOOP.replace("turn.content", "loud(turn.content)"), "'loud' is undefined", "Jinja's own filters"),
        (LOOP.replace("turn.role", "turn.nobody.name"), "has no attribute 'nobody'", "Jinja's own filters"),
        ("{% for turn in messages %}" + TURN, "Unexpected end of template", "Jinja's own filters"),
        (LOOP.replace("turn.role", "turn.role + 1"), "can only concatenate str", "Jinja's own filters"),
        ("Answer the user.", "leaves out what the user says", "writes the turns"),
        (THINKS, "writes '(no thoughts)\\n\\n' before every answer", "does not"),
        (LOOP.replace("turn.content", "turn.content | upper"), "leaves out the system turn", "writes it into"),
        (LOOP.replace("turn.content +", "turn.content + '\n' +"), "between an answer and <|im_end|>", "follow at once"),
        (of("user", "turn.content | replace('\n', ' ')"), "changes or repeats what the user says", "as it is"),
        (of("user", "turn.content | e"), "changes or repeats what the user says", "once, as it is"),
        (of("user", "turn.content | lower"), "changes or repeats what the user says", "once, as it is"),
        (of("user", "turn.content * 2"), "changes or repeats what the user says", "once, as it is"),
        (of("assistant", "turn.content | replace('\n', ' ')"), "leaves out the answer", "as it is"),
        ("{{ range(100) | random }}" + LOOP, "in another way each time", "in one way"),
        (DATED, "asks for the time (strftime_now)", "set chat.date to the day it is to name, such as chat.date: 2024"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_serve_is_refused_by_its_name_with_what_to_do(tmp_path, tokenizer, template, said, cure):
    path = written(tmp_path, template + OPENING)
    with pytest.raises(StageError) as error:
        make_contract(Chat(template=path), "forward", tokenizer)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert said in text
    assert cure in text.partition(said)[2]


def test_a_bases_own_template_is_named_by_its_base(tokenizer):
    own = copy.deepcopy(tokenizer)
    own.chat_template = WITHOUT_SYSTEM + OPENING
    with pytest.raises(
        StageError, match=r"the tokenizer's own chat template of .*base: .*chat.template to a file of y"
    ):
        make_contract(Chat(template="tokenizer"), "forward", own)
    own.chat_template = {"default": LOOP + OPENING, "tool_use": WITHOUT_SYSTEM + OPENING}
    assert make_contract(Chat(template="tokenizer"), "forward", own).template == LOOP + OPENING


def test_a_system_text_in_the_users_turn_serves(tmp_path, tokenizer):
    contract = make_contract(Chat(template=written(tmp_path, FOLDED + OPENING)), "forward", tokenizer)
    renderer = Renderer(contract, tokenizer)
    prompts = [renderer.prompt(forward_prompt(contract, tag, "How?")) for tag in ("seed", "web")]
    assert "web search" in tokenizer.decode(prompts[1])
    assert prompts[0] != prompts[1]


def test_a_model_that_is_not_trained_may_write_into_its_answers_but_must_take_a_system_turn(tmp_path, tokenizer):
    own = copy.deepcopy(tokenizer)
    own.chat_template = THINKS + OPENING
    own.save_pretrained(tmp_path)
    assert other_renderer(tmp_path, "forward", Chat()).contract.end_token == "<|im_end|>"
    own.chat_template = NO_SYSTEM + LOOP + OPENING
    own.save_pretrained(tmp_path)
    with pytest.raises(StageError, match=r"takes no system turn .*; choose a model whose template writes it into"):
        other_renderer(tmp_path, "forward", Chat())


def at(monkeypatch, *day):
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(*day, tzinfo=tz)

    monkeypatch.setattr(chat_template_utils, "datetime", Clock)


@pytest.mark.parametrize(
    "template",
    [
        DATED,
        '\n\n  {% if strftime_now is defined %}{% set day = strftime_now("%-d. %B, week %V") %}{% endif %}\n {{ day }}',
        '{% macro d() %}{{ strftime_now("%Y-%m-%dT%H") }}{% endmacro %}  {% for _ in messages %}{{ d() }}{% endfor %}',
        '{% set form = "%A %j" %}{{ strftime_now(form) }}{{ strftime_now("no code") }}',
        '{{ strftime_now("%%d is %d, %_d, %^b and %02d") }}{%set x = 1 %}',
    ],
)  # fmt: skip
def test_a_frozen_template_says_on_any_day_what_it_said_on_that_day(monkeypatch, template):
    def rendered(text):
        talk = [{"role": "system", "content": "x"}]
        return chat_template_utils.render_jinja_template([talk], chat_template=text)[0]

    at(monkeypatch, 2024, 7, 6)
    wanted, frozen = rendered(template), freeze(template, "2024-07-06")
    at(monkeypatch, 2031, 1, 25)
    assert rendered(frozen) == wanted != rendered(template)
    assert (frozen_date(frozen), frozen_date(template)) == ("2024-07-06", None)
    assert (reads_clock(frozen), reads_clock(template)) == (False, True)
    assert freeze(freeze(template, "1999-12-31"), "2024-07-06") == frozen


def test_a_frozen_template_is_the_same_in_every_time_zone(monkeypatch):
    frozen = set()
    for zone in ("UTC", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        frozen.add(freeze('{%set day = strftime_now("%s %d") %}{%-set x = 1 %}{{ day }}', "2024-07-06"))
    monkeypatch.undo()
    time.tzset()
    assert len(frozen) == 1


def test_the_date_of_the_recipe_is_in_the_contract_and_in_the_template_that_is_trained_and_saved(
    tmp_path, tokenizer, monkeypatch
):
    chat = Chat(template=written(tmp_path, DATED + OPENING), date="2024-07-26")
    contract = make_contract(chat, "forward", tokenizer)
    assert contract.date == "2024-07-26"
    model = tmp_path / "model"
    own = copy.deepcopy(tokenizer)
    own.chat_template = contract.template
    own.save_pretrained(model)
    contract.save(model)
    assert load_contract(model) == contract
    at(monkeypatch, 2031, 1, 25)
    loaded = load_tokenizer(model)
    assert check_contract(model, loaded, chat, "forward") == contract
    talk = forward_prompt(contract, "seed", "How?")
    assert "26 Jul 2024" in loaded.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
    later = chat.model_copy(update={"date": "2025-01-01"})
    assert make_contract(later, "forward", tokenizer).digest != contract.digest
    with pytest.raises(StageError, match="date differs from character 3 on: '4-07-26' against '5-01-01'"):
        check_contract(model, loaded, later, "forward")
    # A base that has been through a build brings the day of that build along.
    assert make_contract(Chat(template="tokenizer"), "forward", loaded).date == "2024-07-26"
    assert make_contract(later.model_copy(update={"template": "tokenizer"}), "forward", loaded).date == "2025-01-01"


def test_a_contract_without_a_date_is_written_and_hashed_as_it_was_before_there_were_dates(tmp_path, tokenizer):
    contract = make_contract(Chat(date="2024-07-26"), "forward", tokenizer)
    assert contract.date is None
    assert contract.digest == make_contract(Chat(), "forward", tokenizer).digest == "05f927d69b88"
    contract.save(tmp_path)
    assert "date" not in (tmp_path / "chat_contract.json").read_text()


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (NO_SYSTEM + LOOP, "takes no system turn (System turns are unknown), so that chat.system"),
        (WITHOUT_SYSTEM, "leaves out the system turn, so that chat.system"),
        (DATED, "set chat.date to the day"),
        ("{% endfor %}", "line 1: Encountered unknown tag 'endfor'"),
    ],
)
def test_check_names_the_template_before_anything_is_built(tmp_path, template, said):
    write_recipe_folder(tmp_path)
    path = written(tmp_path, template + OPENING)
    build = tmp_path / "build.yaml"
    build.write_text(yaml.safe_dump(yaml.safe_load(build.read_text()) | {"chat": {"template": "own.jinja"}}))
    result = CliRunner().invoke(cli, ["check", str(tmp_path)])
    assert isinstance(result.exception, BuilderError)
    assert all(line.startswith(f"{path}: ") and said in line for line in str(result.exception).splitlines())
    dated = CliRunner().invoke(cli, ["check", str(tmp_path), "--set", "chat.date=2024-07-26"])
    assert (dated.exit_code == 0) == (template == DATED)


@pytest.mark.parametrize("value", ["2024-17-26", "yesterday", "20240"])
def test_a_date_that_is_none_is_named(tmp_path, value):
    write_recipe_folder(tmp_path)
    result = CliRunner().invoke(cli, ["check", str(tmp_path), "--set", f"chat.date={value}"])
    assert isinstance(result.exception, BuilderError)
    assert "chat.date" in str(result.exception)


def test_check_tries_a_judges_own_template_and_says_which_models_it_did_not_try(tmp_path, tokenizer):
    write_recipe_folder(tmp_path / "project")
    own = copy.deepcopy(tokenizer)
    own.chat_template = WITHOUT_SYSTEM + OPENING
    own.save_pretrained(tmp_path / "judge")
    judge = f"score=[{{judge: likelihood}}, {{judge: expected, model: {{path: {tmp_path / 'judge'}}}}}]"
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "project"), "--set", judge])
    assert "leaves out the system turn" in str(result.exception)
    pin = "revision: 'a" + "1" * 39 + "'"
    hub = f"score=[{{judge: likelihood}}, {{judge: expected, model: {{model: some/judge, {pin}}}}}]"
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "project"), "--set", hub])
    assert "some/judge: its chat template is tried when its stage begins" in result.output
