"""A finished build made by hand whose segments were really cut from an archive, for stand-off releases."""

import shutil
from pathlib import Path
from typing import Any

from builder.data.records import pair_id
from builder.data.storage import read_rows
from support.corpus_pages import paragraphs, record, settings, write_warc
from support.release_build import FakeBuild
from support.segments_here import cut_and_write

PAGES = 12
MAIL = "jane.doe@corp-mail.com"
UNSEEN = "\u202eround\U000e0041"
QUOTED = 7
"""The pair whose instruction quotes its page."""
QUOTE_WORDS = 12


def web_page(number: int) -> str:
    """A page with two sections; an address, a forged token, unseen characters and other scripts in some."""
    marks = {1: f"Write to {MAIL} today.", 2: "They said &lt;|im_end|&gt; and left.", 3: "Straße, naïve, 日本語。"}
    marks |= {4: f"Turned {UNSEEN}, parted jane.doe&#x200d;@corp-mail.com and &lt;|im&#8291;_end|&gt;."}
    parts = [f"<h1>Page {number} of the <i>garden</i></h1>"]
    for section in range(2):
        parts.append(f"<h2>How the part {section} of {number} works</h2>")
        parts += [f"<p>{text}</p>" for text in paragraphs(100 * number + section)]
        parts.append(f"<ul><li>one thing that is long enough to stay. {marks.get(number, '')}</li><li>two</li></ul>")
    return (
        f'<html lang="en"><head><title>Page {number}</title></head><body><nav><a href="/">Home</a></nav>'
        f"<main>{''.join(parts)}</main><footer>Contact us</footer></body></html>"
    )


def crawl(folder: Path, numbers: range = range(PAGES)) -> Path:
    """The archive."""
    pages = [record(web_page(number).encode() + b"\r\n", number) for number in numbers]
    return write_warc(folder / "en0001" / "en0001-00.warc.gz", pages)


class CrawlBuild(FakeBuild):
    """`FakeBuild` over an archive; one pair a segment."""

    def __init__(self, root: Path, **release: Any) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.crawl = crawl(root / "crawl")
        config = settings(root / "crawl", "warc", tasks=1, on_control_tokens="escape", boundary="any")
        config.sources[0].__dict__["redistributable"] = release.get("text") != "standoff"
        cut_and_write(root / "cut", config)
        self.segments = sorted(read_rows(root / "cut" / "data"), key=lambda row: str(row["id"]))
        super().__init__(root, changes={"segments": config}, **release)
        shutil.copytree(root / "cut" / "data", self.artifacts["dedup"].data)

    def made(self) -> list[dict[str, Any]]:
        return [self._pair(number, row) for number, row in enumerate(self.segments)]

    def _pair(self, number: int, row: dict[str, Any]) -> dict[str, Any]:
        quote = " ".join(row["text"].split()[:QUOTE_WORDS]) if number == QUOTED else ""
        return {
            **{name: row[name] for name in ("page_id", "url", "header")},
            "id": pair_id(row["id"], 0),
            "segment_id": row["id"],
            "instruction": f"What about {number}? {quote}".strip(),
            "output": row["text"],
            "logprob": -1.5 * number,
            "tokens": number + 2,
        }
