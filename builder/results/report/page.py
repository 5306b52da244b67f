"""The page: one file that loads nothing, sends nothing, and runs no script but its own."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from builder.data.storage import write_text
from builder.results.report.columns import packed, packed_json
from builder.results.report.rows import Pairs
from builder.results.report.sections import sections_of
from builder.text.escape import escape
from builder.workspace.stage_names import score

_PLACE = re.compile("@[A-Z]+@")


def write_page(path: Path, content: Mapping[str, Any], pairs: Pairs) -> int:
    """Write the page of a build.

    Args:
        path: The file.
        content: From `content.content_of`.
        pairs: From `rows.pairs_of`.

    Returns:
        Its size in bytes.
    """
    text = page_of(content, pairs)
    write_text(path, text)
    return len(text.encode("utf-8"))


def page_of(content: Mapping[str, Any], pairs: Pairs) -> str:
    """The page as HTML; texts of pages stand in it packed, and are shown as text alone."""
    sections = sections_of(content)
    data = {
        "rows": packed(pairs.columns),
        "texts": packed_json(pairs.texts),
        "domains": list(pairs.domains),
        "reasons": list(pairs.reasons),
        "total": pairs.total,
        "charts": {name: content[name] for name in ("funnel", "histograms", "trainings")},
        "labels": _labelled(content),
        "steps": content["steps"],
    }
    scripts = [_asset("plot.js"), _asset("page.js")]
    values = {
        "@POLICY@": " ".join(f"'sha256-{_digest(script)}'" for script in scripts),
        "@TITLE@": escape(f"{content['title']}: report", "html"),
        "@STYLE@": _asset("page.css"),
        "@NAV@": "".join(f'<li><a href="#{name}">{escape(title, "html")}</a></li>' for name, title, _ in sections),
        "@SECTIONS@": "".join(
            f'<section id="{name}" aria-labelledby="{name}-title">'
            f'<h2 id="{name}-title">{escape(title, "html")}</h2>{html}</section>'
            for name, title, html in sections
        ),
        "@DATA@": json.dumps(data, ensure_ascii=True).replace("<", "\\u003c"),
        "@SCRIPTS@": "".join(f"<script>{script}</script>" for script in scripts),
    }
    # In one pass: what is put in is not searched for places again.
    return _PLACE.sub(lambda found: values[found[0]], _asset("page.html"))


def _labelled(content: Mapping[str, Any]) -> Any:
    """Of each judge of the last iteration what labels say of its thresholds."""
    found = content["labels"]
    if not isinstance(found, dict) or not found.get("judges"):
        return {}
    return {
        str(score(int(number), judge)): of["thresholds"]
        for number, judges in found["judges"].items()
        for judge, of in judges.items()
    }


def _asset(name: str) -> str:
    return (files("builder.results.report") / "assets" / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
