"""Numbers of lines that are part of a listing's text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.method.corpus.cutting.markup.listings.typed import without_counts
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

CODE = ["def mean(values):", "    total = sum(values)", "", "    return total / len(values)"]
FORMS = {
    "to the right": "{:>3}  ",
    "with a point": "{}. ",
    "with zeros": "{:02}: ",
    "with a bar": "{:>2}| ",
    "tab": "{}\t",
    "to the left": "{:<3}",
}


@pytest.mark.parametrize("form", FORMS)
def test_numbers_that_count_the_lines_of_a_listing_are_no_code(form: str) -> None:
    for code in (CODE, CODE * 4):
        text = "\n".join(FORMS[form].format(number) + line for number, line in enumerate(code, start=1))
        (block,) = walk(parse_html(f"<pre><code>{text}\n</code></pre>"))
        assert block.text == "\n".join(code)


@pytest.mark.parametrize(
    "text",
    [
        "1 rye\n2 wheat\n3 spelt",
        " 1  9.5  a\n 2  8.5  b\n 3  7.5  c",
        "10 PRINT 1\n20   GOTO 10\n30 END",
        "1. Open the gate\n2. Let the water\n   run in\n3. Close it",
        "1 a\n2   b",
        "2 a\n3   b\n4 c",
        "1 a\n2   b\n4 c",
        "1a\n2  b\n3 c",
    ],
)
def test_numbers_that_are_data_stay(text: str) -> None:
    assert without_counts(text) == ""
    (block,) = walk(parse_html(f"<pre><code>{text}</code></pre>"))
    assert block.text == text.strip("\n")


@given(st.lists(st.sampled_from(["x = 1", "  y", "    return", "", "z\t1", "# 2"]), min_size=3, max_size=130))
def test_what_is_left_is_each_line_without_its_number(code: list[str]) -> None:
    numbered = "\n".join(f"{number:>4} {line}" for number, line in enumerate(code, start=1))
    left = without_counts(numbered).split("\n")
    if left != [""]:
        depth = min(len(line) - len(line.lstrip()) for line in code if line)
        assert left == [line[depth:] for line in code]


@pytest.mark.parametrize("name", ["r", "c", "go", "make", "python", "rust"])
def test_highlighters_that_write_a_language_beside_their_name_are_believed(name: str) -> None:
    for highlighter in ("sourceCode", "hljs"):
        (block,) = walk(
            parse_html(f"<pre class='{highlighter} {name}'><code class='{highlighter} {name}'>x\ny</code></pre>")
        )
        assert block.fence == name
    (block,) = walk(parse_html("<pre class='basic spec'><code>x = 1\ny</code></pre>"))
    assert block.fence == ""
