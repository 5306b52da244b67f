"""Pages and archives for the tests of the corpus room."""

import gzip
import random
from pathlib import Path

from builder.recipe.sections.corpus import CorpusSource, Segments

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


def http(body: bytes, *headers: str, status: str = "200 OK", newline: str = "\r\n") -> bytes:
    """An HTTP response."""
    lines = [f"HTTP/1.1 {status}", *(headers or ("Content-Type: text/html",)), "", ""]
    return newline.join(lines).encode("latin-1") + body


def clueweb22(number: int, body: bytes | None = None) -> bytes:
    """A record as in ClueWeb22: no HTTP headers."""
    return record(page(number).encode() + b"\r\n" if body is None else body, number)


def clueweb12(number: int, body: bytes | None = None) -> bytes:
    """A record as in ClueWeb12."""
    body = http(page(number).encode()) if body is None else body
    return record(body, number, clueweb=False, **{"WARC-TREC-ID": f"clueweb12-0000tw-00-{number:05d}"})


def clueweb09(number: int, body: bytes | None = None, *, length: int = 0) -> bytes:
    """A record as in ClueWeb09; its Content-Length is off by `length`."""
    body = http(page(number).encode(), newline="\n") if body is None else body
    head = [
        "WARC/0.18",
        "WARC-Type: response",
        "WARC-Target-URI: http://example.org/" + str(number),
        "WARC-Warcinfo-ID: 993d3969-9643-4934-b1c6-68d4dbe55b83",
        "WARC-Date: 2009-03-65T08:43:19-0800",
        f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{number:012d}>",
        f"WARC-TREC-ID: clueweb09-en0000-00-{number:05d}",
        "Content-Type: application/http;msgtype=response",
        "WARC-Identified-Payload-Type: ",
        f"Content-Length: {len(body) + length}",
    ]
    return "\n".join(head).encode() + b"\n\n" + body + b"\n\n"


def common_crawl(number: int, body: bytes | None = None) -> bytes:
    """A request, a response and a metadata record as in Common Crawl."""
    body = http(page(number).encode()) if body is None else body
    kinds = {"request": b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "metadata": b"fetchTimeMs: 56\r\n"}
    around = [record(text, number, kind=kind, clueweb=False) for kind, text in kinds.items()]
    payload_type = {"WARC-Identified-Payload-Type": "text/html"}
    return around[0] + record(body, number, clueweb=False, **payload_type) + around[1]


def write_offsets(archive: Path, members: list[bytes]) -> Path:
    """The offset file that ClueWeb22 puts beside an archive."""
    ends = [sum(map(len, members[:count])) for count in range(len(members) + 1)]
    path = archive.with_name(archive.name.removesuffix(".gz") + ".offset")
    path.write_text("".join(f"{end:010d}\n" for end in ends))
    return path


def write_warc(path: Path, records: list[bytes]) -> Path:
    """An archive with one gzip member a record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(gzip.compress(item) for item in records))
    return path


def archive(path: Path, pages: int, first: int = 0) -> Path:
    return write_warc(path, [record(page(number).encode(), number) for number in range(first, first + pages)])


def settings(path: Path, form: str = "warc", **changes: object) -> Segments:
    return Segments.model_validate({"sources": [CorpusSource(path=path, format=form)], **changes})  # type: ignore[arg-type]
