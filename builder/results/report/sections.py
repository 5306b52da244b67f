"""The tables of the page as HTML: they are read without scripts, by a screen reader and on paper."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from builder.results.evaluate.statistics.figure import with_interval
from builder.results.report.markdown_tables import html_of_tables
from builder.text.escape import escape

Section = tuple[str, str, str]
"""Its id, its heading, and its HTML."""


def _h(value: Any) -> str:
    return escape(value, "html")


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], caption: str, numbers: int = 1) -> str:
    """A table whose columns from `numbers` on are numbers."""
    head = "".join(f'<th scope="col"{_right(at, numbers)}>{_h(name)}</th>' for at, name in enumerate(heads))
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{_h(cell)}</th>' if at == 0 else f"<td{_right(at, numbers)}>{_h(cell)}</td>"
            for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{_h(caption)}"><table>'
        f"<caption>{_h(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _right(at: int, numbers: int) -> str:
    return ' class="n"' if at >= numbers else ""


def chart(name: str, title: str, data: str) -> str:
    """A place that a script draws in, and the table behind it."""
    return (
        f'<figure><figcaption>{_h(title)}</figcaption><div class="chart" id="chart-{name}"></div>'
        f"<details><summary>The same as a table</summary>{data}</details></figure>"
    )


def sections_of(content: Mapping[str, Any]) -> list[Section]:
    """All sections of a page, in their order; one without anything to say is left out."""
    makers: tuple[tuple[str, str, Callable[[Mapping[str, Any]], str]], ...] = (
        ("summary", "Summary", _summary),
        ("funnel", "What is left after each step", _funnel),
        ("reasons", "Why rows went", _reasons),
        ("lengths", "Lengths", _lengths),
        ("scores", "Scores", _scores),
        ("explorer", "Where to cut", _explorer),
        ("rows", "Rows to read", _rows),
        ("iterations", "From one iteration to the next", _iterations),
        ("openings", "How instructions begin", _openings),
        ("domains", "Domains", _domains),
        ("trainings", "Trainings", _trainings),
        ("labels", "Labels", _labels),
        ("paper", "The paper's tables, and ours", _paper),
        ("lineage", "How it was made", _lineage),
        ("warnings", "Warnings", _warnings),
    )
    return [(name, title, html) for name, title, make in makers if (html := make(content))]


def _summary(content: Mapping[str, Any]) -> str:
    return f"<ul>{''.join(f'<li>{_h(line)}</li>' for line in content['summary'])}</ul>"


def _funnel(content: Mapping[str, Any]) -> str:
    rows = [
        (f"{entry['stage']}, {entry['kind']}", f"{entry['in']:,}", f"{entry['kept']:,}", _left_out(entry["left_out"]))
        for entry in content["funnel"]
    ]
    data = table(("step", "in", "kept", "left out"), rows, "Rows in and kept, by step")
    return chart("funnel", "Rows kept at each step", data)


def _left_out(reasons: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{reason} {rows:,}" for reason, rows in reasons[:4]) + (", ..." if len(reasons) > 4 else "")


def _reasons(content: Mapping[str, Any]) -> str:
    parts = []
    for entry in content["reasons"]:
        keys = f" · {_h(', '.join(entry['keys']))}" if entry["keys"] else ""
        title = f"{_h(entry['reason'])} · {_h(entry['stage'])} · {entry['rows']:,}{keys}"
        shown = "".join(
            f'<li><strong>{_h(row["header"])}</strong><pre tabindex="0">{_h(row["text"])}</pre></li>'
            for row in entry["examples"]
        )
        parts.append(
            f"<details><summary>{title}</summary><ul>{shown}</ul></details>"
            if shown
            else f'<p class="plain">{title}</p>'
        )
    return "".join(parts)


def _lengths(content: Mapping[str, Any]) -> str:
    rows = [
        (
            entry["part"],
            f"{entry['rows']:,}",
            *(f"{entry[kind]['mean']:,.0f} ± {entry[kind]['sd']:,.0f}" for kind in ("instruction", "output")),
        )
        for entry in content["lengths"]
    ]
    return table(
        ("part", "rows", "instruction", "output"), rows, "Characters, mean and standard deviation of each part"
    )


def _scores(content: Mapping[str, Any]) -> str:
    parts = []
    for at, entry in enumerate(content["histograms"]):
        steps = zip(entry["edges"], entry["edges"][1:], entry["all"], entry["selected"], strict=False)
        rows = [(f"{low:.3g} to {high:.3g}", f"{every:,}", f"{kept:,}") for low, high, every, kept in steps]
        title = f"{entry['judge']}, iteration {entry['iteration']}"
        parts.append(chart(f"scores-{at}", title, table(("score", "all", "selected"), rows, f"Scores of {title}")))
    rows = [
        (entry["column"], f"{entry['scored']:,}", f"{entry['unscored']:,}", *(f"{x:.3f}" for x in entry["spread"]))
        for entry in content["scores"]
        if entry["spread"]
    ]
    heads = ("score", "scored", "without", "least", "25 %", "50 %", "75 %", "greatest")
    return "".join(parts) + table(heads, rows, "Spread of every score over all candidates")


def _explorer(content: Mapping[str, Any]) -> str:
    return (
        "<p>What a threshold on a score, or a share of the best, would keep of all pairs, before any other limit.</p>"
        '<div class="controls"><label>Score <select id="by"></select></label>'
        '<label>Share kept <input id="share" type="range" min="0" max="1000" value="100"></label>'
        '<label>Threshold <input id="cut" type="number" step="any"></label>'
        '<output id="kept" for="share cut by"></output></div>'
        '<div class="wide" role="region" tabindex="0" aria-label="What is kept">'
        '<table id="explored"><caption>What is kept</caption><tbody></tbody></table></div>'
        "<noscript><p>This part needs scripts; the tables above have the figures of the build.</p></noscript>"
    )


def _rows(content: Mapping[str, Any]) -> str:
    return (
        '<div class="controls"><label>Search <input id="search" type="search" autocomplete="off"></label>'
        '<label>Score <select id="judge"></select></label>'
        '<label>From <input id="least" type="number" step="any"></label>'
        '<label>To <input id="most" type="number" step="any"></label>'
        '<label>Reason <select id="reason"><option value="">all</option></select></label>'
        '<label>Domain <select id="host"><option value="">all</option></select></label>'
        '<label>Moved <select id="moved"><option value="">all</option><option value="1">promoted</option>'
        '<option value="-1">demoted</option></select></label>'
        '<label>Split <select id="split"><option value="">all</option><option value="1">train</option>'
        '<option value="2">test</option></select></label>'
        '<label>Sort <select id="sort"><option value="-1">best first</option><option value="1">worst first</option>'
        "</select></label></div>"
        '<p id="found" role="status"></p><div id="page"></div>'
        '<div class="controls"><button type="button" id="earlier">Back</button>'
        '<button type="button" id="later">Next</button></div>'
    )


def _iterations(content: Mapping[str, Any]) -> str:
    parts = []
    for entry in content["iterations"]:
        rows = [
            ("selected again", f"{100 * entry['overlap']:.1f} %"),
            ("Jaccard index", f"{entry['jaccard']:.3f}"),
            *((f"rank correlation of {name}", _number(of["rank_correlation"])) for name, of in entry["scores"].items()),
            ("promoted", f"{entry['promoted']['rows']:,}"),
            ("demoted", f"{entry['demoted']['rows']:,}"),
        ]
        parts.append(table(("figure", "value"), rows, f"From A_{entry['from']} to A_{entry['to']}"))
        for name, of in entry["scores"].items():
            classes = [*range(1, len(of["matrix"])), "none"]
            body = [
                (label, *(f"{cell:,}" for cell in cells)) for label, cells in zip(classes, of["matrix"], strict=True)
            ]
            caption = f"{name}: class before (down) and after (across), 5 the best"
            parts.append(table(("class", *map(str, classes)), body, caption))
    return "".join(parts)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _openings(content: Mapping[str, Any]) -> str:
    rows = [(entry["opening"], f"{100 * entry['share']:.1f} %") for entry in content["openings"]["most"]]
    found = content["repeats"]
    again = [(entry["instruction"][:200], f"{entry['rows']:,}") for entry in found["most"]]
    caption = f"The commonest of {found['rows']:,} instructions that have the same words as another one"
    return table(("opening", "share"), rows, "The commonest first words of instructions") + (
        table(("instruction", "rows"), again, caption) if again else ""
    )


def _domains(content: Mapping[str, Any]) -> str:
    found = content["domains"]
    rows = [(entry["name"], f"{entry['rows']:,}", f"{100 * entry['share']:.1f} %") for entry in found["top"]]
    return table(("domain", "rows", "share"), rows, f"The largest of {found['number']:,} domains of the last selection")


def _trainings(content: Mapping[str, Any]) -> str:
    rows = []
    for entry in content["trainings"]:
        held = entry["held_out"] or {}
        losses = ", ".join(f"{name} {of['before']:.3f} → {of['after']:.3f}" for name, of in held.items()) or "-"
        rows.append((entry["stage"], f"{entry['steps']:,}", _number(entry["last_loss"]), losses))
    if not rows:
        return ""
    data = table(("model", "steps", "last loss", "held-out loss"), rows, "Losses in nats per trained token")
    return chart("trainings", "Loss by step", data)


def _labels(content: Mapping[str, Any]) -> str:
    found = content["labels"]
    if not found:
        return ""
    selections = found["selections"].items() if isinstance(found, dict) else [(of["iteration"], of) for of in found]
    rows = [
        (f"A_{number}", *(with_interval(of[name]) for name in ("precision", "recall", "share_good")))
        for number, of in selections
    ]
    return table(
        ("selection", "precision", "recall", "good of all"), rows, "By labels, in percent, with intervals of 95 %"
    )


def _paper(content: Mapping[str, Any]) -> str:
    return html_of_tables(content["conformance"]) if content["conformance"] else ""


def _lineage(content: Mapping[str, Any]) -> str:
    rows = [
        (
            entry["stage"],
            entry["fingerprint"],
            "" if entry["seconds"] is None else f"{entry['seconds']:,.1f}",
            ", ".join(entry["inputs"]),
        )
        for entry in content["lineage"]
    ]
    versions: dict[str, str] = {}
    for entry in content["lineage"]:
        versions |= entry["versions"]
    used = table(("library", "version"), sorted(versions.items()), "Libraries, of the last stage that recorded them", 2)
    return table(("stage", "fingerprint", "seconds", "made from"), rows, "Stages", 2) + used


def _warnings(content: Mapping[str, Any]) -> str:
    return "".join(f"<p><strong>{_h(item['stage'])}</strong> {_h(item['text'])}</p>" for item in content["warnings"])
