"""Pages and archives for the tests of the corpus room."""

import gzip
import random
from pathlib import Path

from builder.recipe_segments import CorpusSource, Segments

WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "he",
    "his",
    "but",
    "at",
    "are",
    "this",
    "have",
    "from",
    "or",
    "had",
    "an",
    "they",
    "which",
    "one",
    "you",
    "were",
    "all",
    "her",
    "she",
    "there",
    "would",
    "their",
    "we",
    "him",
    "been",
    "has",
    "when",
    "who",
    "will",
    "no",
    "more",
    "if",
    "out",
    "so",
    "up",
    "said",
    "what",
    "time",
    "water",
    "people",
    "house",
    "river",
    "garden",
    "stone",
    "letter",
    "bread",
    "winter",
    "market",
    "engine",
    "picture",
    "window",
    "bridge",
]


def sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words)).capitalize() + "."


def paragraphs(seed: int, count: int = 3, words: int = 60) -> list[str]:
    rng = random.Random(seed)
    return [sentence(rng, words) for _ in range(count)]


def page(seed: int, sections: int = 3, count: int = 3, language: str = "en") -> str:
    """A page with an h1 and `sections` h2 of some 1,000 characters each."""
    parts = [f"<h1>Page {seed}</h1>"]
    for index in range(sections):
        parts.append(f"<h2>How the part {index} of {seed} works</h2>")
        parts += [f"<p>{text}</p>" for text in paragraphs(1_000 * seed + index, count)]
    return (
        f'<html lang="{language}"><head><title>Page {seed}</title></head><body><nav><a href="/">Home</a></nav>'
        f"<main>{''.join(parts)}</main><footer>Contact us</footer></body></html>"
    )


def record(payload: bytes, number: int, *, kind: str = "response", clueweb: bool = True, **headers: str) -> bytes:
    """One WARC record, in ClueWeb22 form unless told otherwise."""
    lines = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:00000000-0000-0000-0000-{number:012d}>",
        "WARC-Target-URI": f"https://example.org/{number}",
        **({"ClueWeb22-ID": f"clueweb22-en0000-00-{number:05d}", "Language": "en"} if clueweb else {}),
        **headers,
        "Content-Length": str(len(payload)),
    }
    head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    return head.encode() + payload + b"\r\n\r\n"


def write_warc(path: Path, records: list[bytes]) -> Path:
    """An archive with one gzip member a record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(gzip.compress(item) for item in records))
    return path


def archive(path: Path, pages: int, first: int = 0) -> Path:
    return write_warc(path, [record(page(number).encode(), number) for number in range(first, first + pages)])


def settings(path: Path, form: str = "warc", **changes: object) -> Segments:
    return Segments.model_validate({"sources": [CorpusSource(path=path, format=form)], **changes})  # type: ignore[arg-type]
