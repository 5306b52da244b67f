"""Templates of strangers end: with an error that names them, whatever they would have made, and without making it."""

import tracemalloc

import pytest
from support.training_pairs import BASE

from builder.errors import StageError
from builder.llm.contract import make_contract
from builder.llm.prompts import render
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat

LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
DOUBLED = "{% set n = namespace(v='x') %}{% for i in range(60) %}{% set n.v = GROWN %}{% endfor %}{{ n.v|string }}"
TEXT = "{% set s = 'x' * 400000 %}{% for a in range(99999) %}DONE{% endfor %}"
WORK, DEEP = "it does more work than a template may", "it calls itself, or is nested, too deeply"
ENDLESS = {
    "loops": LOOPS,
    "loops that leave all out": LOOPS.replace("range(99999) %}{% endfor", "range(99999) if false %}{% endfor"),
    "work given back": "{{ (-999999999)|_step }}{{ [-999999999]|map('_step')|list }}" + LOOPS,
    "letters in loops": "{% for a in range(9999) %}" + "y" * 90_000 + "{% endfor %}",
    "times": "{{ 'x' * 3000000000 }}",
    "times a list": "{{ ([0] * 10 ** 9)|length }}",
    "power": "{{ 2 ** (10 ** 10) }}",
    "squares": DOUBLED.replace("'x'", "9").replace("GROWN", "n.v * n.v"),
    "center": "{{ 'x'|center(3000000000) }}{{ 'x'.center(3000000000) }}",
    "ljust": "{{ output.ljust(3000000000) }}",
    "zfill": "{{ output.zfill(3000000000) }}",
    "tabs": "{{ '\\t'.expandtabs(3000000000) }}",
    "percent": "{{ '%3000000000d' % 1 }}",
    "percent of a width": "{{ '%*d' % (3000000000, 1) }}",
    "precision": "{{ '%.300000000f' % 1.5 }}",
    "the filter format": "{{ '%3000000000d'|format(1) }}",
    "the filter format in map": "{{ ['%3000000000d']|map('format', 1)|list }}",
    "format": "{{ '{:>3000000000}'.format('x') }}",
    "format of a width": "{{ '{:>{w}}'.format('x', w=3000000000) }}",
    "format of a width in a text": "{{ '{:{}}'.format('x', '900000000') }}",
    "format of a width behind a bracket": "{{ '{0[}]:{1}}'.format({'}': 'x'}, '900000000') }}",
    "rounded away": "{{ 5|round(-300000000) }}",
    "numbers of one hash": "{% set m = 2305843009213693951 %}{{ range(0, 20000 * m, m)|unique|list|length }}",
    "format_map": "{{ '{a:>3000000000}'.format_map({'a': 'x'}) }}",
    "indent": "{{ 'a\nb'|indent(3000000000) }}",
    "indent by a text": "{{ ('a\n' * 1000)|indent('y' * 10000) }}",
    "replace": "{{ ('a' * 9000)|replace('a', 'b' * 90000) }}",
    "replace nothing": "{{ ('a' * 9000).replace('', 'b' * 90000) }}",
    "join": "{{ range(99999)|join('x' * 90000) }}",
    "join of a text": "{{ ('x' * 90000).join('ab'|map('upper')) * 90000 }}",
    "batch": "{{ [1]|batch(1000000000, 'x')|list }}",
    "slice": "{{ [1]|slice(1000000000)|list|length }}",
    "tojson": "{{ [[1]]|tojson(indent=1000000000) }}",
    "doubled text": DOUBLED.replace("GROWN", "n.v + n.v"),
    "doubled by tilde": DOUBLED.replace("GROWN", "n.v ~ n.v"),
    "doubled lists": DOUBLED.replace("GROWN", "[n.v, n.v]"),
    "doubled maps": DOUBLED.replace("GROWN", "{'a': n.v, 'b': n.v}"),
    "doubled by format": DOUBLED.replace("GROWN", "'{0}{0}'.format(n.v)"),
    "doubled blocks": "{% set a %}xxxx{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40,
    "recursion": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "a recursive loop": "{% for i in [[1]] recursive %}{{ loop([i, i]) }}{% endfor %}",
    "cut in a loop": TEXT.replace("DONE", "{% set t = s[1:] %}"),
    "searched in a loop": TEXT.replace("DONE", "{{ s.find('y') }}{{ 'y' in s }}{{ 'y' is in s }}"),
    "compared in a loop": TEXT.replace("DONE", "{{ s == s ~ '' }}"),
    "brackets": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
    "length": "x" * 300_000,
}
SLOW = {"doubled lists", "doubled maps", "work given back", "loops that leave all out"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.full) if n in SLOW else n for n in ENDLESS])
def test_a_prompt_template_without_end_is_stopped_by_its_name_before_it_takes_memory(tmp_path, name):
    path = tmp_path / "own.jinja"
    path.write_text(ENDLESS[name])
    tracemalloc.start()
    with pytest.raises(StageError) as caught:
        render(path, output="a text")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value).startswith(f"{path}: the template ")
    assert any(
        said in str(caught.value)
        for said in (WORK, DEEP, "too many digits", "the most is 256,000", "from another field")
    )
    assert peak < 100_000_000


@pytest.mark.parametrize(
    "template",
    [
        "{{ output|attr('__class__') }}", "{{ '{0.__class__}'.format(output) }}", "{{ range.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}", "{% set f = 'x'.format %}{{ f.__globals__ }}", "{{ self._x__context.y }}",
        "{{ (1).to_bytes(9, 'big') }}", "{{ {}.fromkeys([1]) }}", "{{ 'x'.encode() }}", "{{ lipsum() }}",
        "{{ 'x'.translate({}) }}", "{{ [1].append(2) }}",
    ],
)  # fmt: skip
def test_a_template_reaches_nothing_but_texts_and_lists(tmp_path, template):
    path = tmp_path / "own.jinja"
    path.write_text(template)
    with pytest.raises(StageError, match=r"own\.jinja: "):
        render(path, output="x")


CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("loops", marks=pytest.mark.full),
        "times",
        "doubled by tilde",
        "percent",
        "recursion",
        "the filter format",
    ],
)
def test_a_chat_template_without_end_is_stopped_by_its_name(tmp_path, name):
    path = tmp_path / "chat.jinja"
    path.write_text(ENDLESS[name].replace("output", "'x'") + CHATML)
    with pytest.raises(StageError, match=rf"^{path}: cannot be rendered: .*(more work|recursion)"):
        make_contract(Chat(template=path), "forward", load_tokenizer(BASE))


def test_a_chat_template_that_explodes_on_certain_texts_is_stopped_there_too(tmp_path):
    path, tokenizer = tmp_path / "chat.jinja", load_tokenizer(BASE)
    path.write_text("{% if 'hungry' in messages[-1]['content'] %}{{ 'x' * 3000000000 }}{% endif %}" + CHATML)
    template = make_contract(Chat(template=path), "forward", tokenizer).template
    tokenizer.chat_template = template  # as TRL, and whoever else renders in this process, finds it
    with pytest.raises(Exception, match="more work than a template may"):
        tokenizer.apply_chat_template([{"role": "user", "content": "I am hungry"}], tokenize=False)


def test_bounded_templates_write_what_the_others_do(tmp_path):
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from builder.llm.bounded.environment import BoundedEnvironment

    text = (
        "{%- set ns = namespace(n=0, seen=[]) -%}{%- macro turn(m, i) -%}[{{ i }}:{{ m.role|title }}] "
        "{{ (m['content']|trim).split('\n')[0][:20] }}{%- endmacro -%}"
        "{%- for m in messages if m.role != 'tool' -%}{%- set ns.n = ns.n + 1 -%}"
        "{%- set ns.seen = ns.seen + [m.role] -%}"
        "{{ turn(m, loop.index0) }}{{ '|' if not loop.last else '' }}{{ loop.length }}{{ loop.cycle('a', 'b') }}"
        "{%- else -%}none{%- endfor -%}{{ ns.n ~ '/' ~ ns.seen|join(',') }}{{ ns.seen|unique|list }}"
        "{{ 7 // 2 ** 1 % 5 }}"
        "{{ messages|map(attribute='content')|map('length')|sum }}{{ '%s-%05.1f' % ('a', 2.5) }}"
        "{{ '{:>5}'.format('b') }}"
        "{{ messages|selectattr('role', 'equalto', 'user')|list|tojson }}{{ 'a' in 'cab' and 3 not in [1, 2] }}"
        "{{ {'k': [1, (2, none)]}|tojson(indent=2) }}{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}"
        "{{ missing is defined }}{{ messages[0].role is in ['system'] }}{{ 'x'.center(5) ~ 'a\nb'|indent(2) }}"
        "{% for r in [[1, [2]]] recursive %}{{ r if r is number else loop(r) }}{% endfor %}"
        "{% filter upper %}a{{ 'b' }}{% endfilter %}{% call(x) turn2() %}{{ x }}{% endcall %}"
    )
    text = "{% macro turn2() %}<{{ caller('y') }}>{% endmacro %}" + text
    messages = [{"role": "system", "content": " Be.\nso"}, {"role": "user", "content": "Ünïcödé <b> & x" * 9}]
    plain, bounded = (kind().from_string(text) for kind in (ImmutableSandboxedEnvironment, BoundedEnvironment))
    for given in (messages, [], [{"role": "tool", "content": ""}, *messages * 20]):
        given = given or [{"role": "tool", "content": ""}]
        assert bounded.render(messages=given) == plain.render(messages=given)
