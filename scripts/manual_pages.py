"""Pages of manuals with their true main content, by the markup that their own generators give them.

usage: python scripts/manual_pages.py FOLDER OUT.jsonl [--each N]

FOLDER holds unpacked documentation packages, a folder each (Debian's `*-doc` packages, by `dpkg -x`). Of each package
whose generator is known (Sphinx, DocBook, Texinfo, Doxygen, mdBook, rustdoc, httpd's own) come N pages, chosen by a
hash of their paths. A row is url, set (the package), html and text: the main content, as `scripts/train_mask.py` reads
it. The pages stay with whoever runs this; only what a mask learns from them is kept.
"""

import argparse
import copy
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EACH = 24
LEAST, MOST = 600, 400_000
"""Characters of main content from which a page is used, and of HTML up to which it is."""
GENERATORS = (
    # What tells a generator, where its main content is, and what in there is not main content.
    (
        "sphinx",
        ("//div[@role='main']", "//main[@role='main']", "//div[@class='body']"),
        "//div[@class='documentwrapper']",
    ),
    ("mdbook", ("//div[@id='content']//main",), "//nav[@id='sidebar']//ol"),
    ("rustdoc", ("//section[@id='main-content']",), "//section[@id='main-content']"),
    (
        "doxygen",
        ("//div[@class='contents']", "//div[@id='doc-content']"),
        "//meta[@name='generator'][contains(@content,'Doxygen')]",
    ),
    ("httpd", ("//div[@id='page-content']",), "//div[@id='page-content']"),
    (
        "texinfo",
        ("//body",),
        "//meta[@name='Generator'][contains(@content,'makeinfo') or contains(@content,'texi2html')]",
    ),
    ("docbook", ("//body",), "//meta[@name='generator'][contains(@content,'DocBook') or contains(@content,'GTK-Doc')]"),
)
FURNITURE = (
    "//*[contains(concat(' ',@class,' '),' navheader ') or contains(concat(' ',@class,' '),' navfooter ')]"
    "|//table[contains(@class,'navigation')]|//div[@class='toc']"
    "|//div[@class='contents' and .//ul[contains(@class,'toc')]]"
    "|//div[@class='header' and (.//a[@rel] or .//a[@accesskey])]|//div[contains(@class,'nav-panel')]"
    "|//ul[contains(@class,'menu')]|//table[contains(@class,'menu') and not(@border)]"
    "|//div[contains(@class,'shortcontents')]"
    "|//div[@id='quickview']|//div[@class='top']|//nav|//footer|//script|//style|//a[@class='headerlink']"
    "|//div[contains(@class,'toctree-wrapper')]|//div[contains(@class,'sphinxsidebar')]|//div[@id='comments_section']"
    "|//div[contains(@class,'contents') and contains(@class,'topic')]"
    "|//div[@class='bottomlang']|//div[@class='toplang']"
)  # fmt: skip


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=EACH, help=f"pages of each package (default {EACH})")
    options = parser.parse_args()
    with options.out.open("w", encoding="utf-8") as out:
        for package in sorted(path for path in options.folder.iterdir() if path.is_dir()):
            pages = list(pages_of(package, options.each))
            print(f"{package.name}: {len(pages)} pages of {', '.join(sorted({page['by'] for page in pages}))}")
            out.writelines(json.dumps(page) + "\n" for page in pages)


def pages_of(package: Path, each: int) -> Iterator[dict[str, str]]:
    """The chosen pages of a package."""
    names = ("*.html", "*.html.gz", "*.html.en")
    files = {path for name in names for path in package.rglob(name) if path.is_file() and not path.is_symlink()}
    given = 0
    for path in sorted(files, key=lambda path: hashlib.sha256(str(path.relative_to(package)).encode()).digest()):
        if given == each:
            return
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        html = raw.decode("utf-8", "replace")
        if len(html) > MOST:
            continue
        by, text = content(html)
        if len(text) >= LEAST:
            given += 1
            url = f"https://{package.name}.invalid/{path.relative_to(package)}"
            yield {"url": url, "set": package.name, "by": by, "html": html, "text": text}


def content(html: str) -> tuple[str, str]:
    """The generator of a page and its main content; empty if the generator is unknown."""
    import lxml.html

    tree: Any = lxml.html.document_fromstring(html.encode(), parser=lxml.html.HTMLParser(encoding="utf-8"))
    for name, places, sign in GENERATORS:
        found = next((place for path in places for place in tree.xpath(path)), None)
        if found is None or not tree.xpath(sign):
            continue
        found = copy.deepcopy(found)
        for part in found.xpath(FURNITURE):
            part.drop_tree()
        return name, "\n".join(found.itertext())
    return "", ""


if __name__ == "__main__":
    main()
