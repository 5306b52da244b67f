"""Which language a listing is in, as the page names it."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_KNOWN = frozenset(
    """
    abap actionscript ada adoc agda apache apacheconf apex apl applescript arduino arm asciidoc asm aspnet assembly
    autohotkey awk bash basic bat batch bazel bib bibtex bicep brainfuck bsh bzl c c# c++ caddyfile cfg chapel cl
    clike clj clojure cmake cmd cobol coffee coffeescript coldfusion common-lisp conf console cpp cs csharp cshtml css
    csv cuda curl cxx cypher cython d dart delphi diff django dns docker docker-compose dockerfile dos dot dotenv
    doscon ebnf editorconfig eex ejs elisp elixir elm emacs-lisp env erb erl erlang es6 excel f# fish forth fortran
    fsharp gas gdscript gherkin git gitconfig gitignore glsl go go-html-template golang gql gradle graphql groff
    groovy gvim haml handlebars haskell haxe hbs hcl hlsl hpp hs html html+django html+erb http https idl ini ino
    inform ipython ipython3 irb java javascript jinja jinja2 jq js json json5 jsonc jsonl jsonnet jsp jsx julia
    julia-repl kconfig kotlin kql kt kusto latex less lisp livescript log llvm lua make makefile man markdown markup
    mathematica matlab md mdx mermaid meson ml mssql mysql nasm nginx nim nix objc objective-c objectivec objectpascal
    ocaml octave odin openscad pascal patch perl perl6 pgsql php pig plantuml plpgsql plsql postgres postgresql
    postscript powershell pq prisma processing prolog promql properties proto protobuf ps ps1 psql pug puppet purescript
    py py3 pycon pycon3 pytb python python-repl python2 python3 qml r racket rails raku razor rb rd rdoc rego rego
    regex rest restructuredtext riscv rkt robotframework routeros rpm rs rscript rst ruby rust sas sass scala scheme
    scm scss sed sh sh-session shell shell-session shellscript smalltalk smarty snobol sol solidity sparql spec sql
    sqlite sqlite3 squirrel ssh-config stata stylus svelte svg swift systemd systemverilog tcl tcsh terminal terraform
    tex tf toml ts tsql tsx turtle twig typescript typst vala vb vb.net vba vbnet vbscript verilog vhdl vim viml
    visualbasic vue vyper wasm wast wat wgsl x86asm xhtml xml xojo xonsh xquery xslt yaml yml zig zsh
    """.split()  # noqa: SIM905
)
_SPOKEN = frozenset("c d r go make basic log man spec inform processing less env rest terminal git".split())  # noqa: SIM905
"""Names that are words of pages too: alone they say nothing."""
_HIGHLIGHTERS = frozenset({"sourcecode", "hljs"})
"""Classes of highlighters that write the name of a language beside them, and no other words: "sourceCode r"."""
_SHORT = frozenset({"js", "py", "rb", "sh", "ts", "c#", "c++", "go", "c", "r"})
_NONE = re.compile(r"(?:none|no-?highlight|plain(?:text)?|text|txt|default|auto|unknown|output|notranslate|\d.*)$")
_SURE = re.compile(r"(?:language|lang|mw-highlight-lang|gatsby-code|enlighter-l)-([a-z][\w+#.-]{0,24})$")
_LIKELY = re.compile(r"(?:highlight-source|highlight-text|highlight|src|source|code|syntax|brush:?)-([a-z][\w+#.-]*)$")
_ATTRIBUTES = (
    "data-lang", "data-language", "data-code-language", "data-enlighter-language", "data-highlight-language", "syntax",
)  # fmt: skip
_WRAPPERS = frozenset({"div", "figure", "td", "tr", "tbody", "table", "pre", "code"})
_LEVELS = 9


def language_of(listing: "HtmlElement", inside: "HtmlElement | None" = None) -> str:
    """The language of a listing in small letters, from itself, what is in it and what is around it, or nothing.

    Args:
        listing: The element that stands for the listing.
        inside: An element in it that may say more, such as its `code`.
    """
    found = _said(listing, own=True) or (_said(inside, own=True) if inside is not None else "")
    at = listing.getparent()
    for _ in range(_LEVELS):
        if found or at is None or (at.tag not in _WRAPPERS and "-" not in at.tag):
            break
        found = _said(at, own=False)
        at = at.getparent()
    return found


def is_language(text: str) -> bool:
    """Whether a label beside a listing is the name of a language: "Python"."""
    return text.lower() in _KNOWN


def _said(element: "HtmlElement", *, own: bool) -> str:
    for name in _ATTRIBUTES:
        value = (element.get(name) or "").strip().lower()
        if value and (value in _KNOWN or (own and _SURE.match(f"lang-{value}") and not _NONE.match(value))):
            return value
    spoken = (element.get("lang") or "").lower()
    if own and spoken in _KNOWN and (len(spoken) > 2 or spoken in _SHORT):
        return spoken
    return _named(element.get("class") or "", own or element.tag in ("figure", "table"))


@lru_cache(maxsize=5_000)
def _named(names: str, own: bool) -> str:
    words = [word.strip(";{}") for word in names.lower().split()]
    for word, after in zip(words, [*words[1:], ""], strict=False):
        if word == "brush:" and after and not _NONE.match(after):
            return after
        word = word.removeprefix("brush:") if word.startswith("brush:") and word[6:] in _KNOWN else word
        sure, likely = _SURE.match(word), _LIKELY.match(word)
        if sure and not _NONE.match(sure[1]) and (own or sure[1] in _KNOWN):
            return sure[1]
        if likely and likely[1] in _KNOWN:
            return likely[1]
    if own or "highlight" in words or "sourcecode" in words or "codehilite" in words:
        believed = not _HIGHLIGHTERS.isdisjoint(words)
        return next((word for word in words if word in _KNOWN and (believed or word not in _SPOKEN)), "")
    return ""
