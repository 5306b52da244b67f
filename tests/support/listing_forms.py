# ruff: noqa: E501  # markup of others is as long as it is
"""Listings in the markup that highlighters, editors and code hosts write, each with its column of numbers."""

from collections.abc import Callable
from html import escape

LineForm = Callable[[int, str], str]


def _joined(code: str, line: LineForm, between: str = "") -> str:
    return between.join(line(number, escape(text)) for number, text in enumerate(code.split("\n"), 1))


def _numbers(code: str, one: str = "{}", between: str = "\n") -> str:
    return between.join(one.format(number + 1) for number in range(code.count("\n") + 1))


def pygments_table(code: str) -> str:
    return (
        '<div class="highlight"><table class="highlighttable"><tr><td class="linenos"><div class="linenodiv"><pre>'
        f'{_numbers(code, "<span class=normal>{}</span>")}</pre></div></td><td class="code"><div><pre><span></span>'
        f"<code>{escape(code)}\n</code></pre></div></td></tr></table></div>"
    )


def pygments_inline(code: str) -> str:
    lines = _joined(code, lambda n, text: f'<span class="linenos">{n:3} </span>{text}', "\n")
    return f'<div class="highlight"><pre><span></span>{lines}\n</pre></div>'


def pygments_old_inline(code: str) -> str:
    lines = _joined(code, lambda n, text: f'<a name="c-{n}"></a><span class="lineno">{n} </span>{text}', "\n")
    return f'<div class="codehilite"><pre>{lines}\n</pre></div>'


def mkdocs_material(code: str) -> str:
    rows = _joined(code, lambda n, text: f'<span id="__span-0-{n}"><a id="__codelineno-0-{n}"></a>{text}</span>', "\n")
    numbers = _numbers(code, '<span class="normal"><a href="#__codelineno-0-{0}">{0}</a></span>')
    return (
        '<div class="language-py highlight"><table class="highlighttable"><tbody><tr><td class="linenos">'
        f'<div class="linenodiv"><pre><span></span>{numbers}</pre></div></td><td class="code"><div><pre><span></span>'
        f'<button class="md-clipboard md-icon" title="Copy to clipboard"></button><code>{rows}\n</code></pre></div>'
        "</td></tr></tbody></table></div>"
    )


def rouge_table(code: str) -> str:
    return (
        '<div class="language-ruby highlighter-rouge"><div class="highlight"><pre class="highlight"><code>'
        '<table class="rouge-table"><tbody><tr><td class="rouge-gutter gl"><pre class="lineno">'
        f'{_numbers(code)}\n</pre></td><td class="rouge-code"><pre>{escape(code)}\n</pre></td></tr></tbody></table>'
        "</code></pre></div></div>"
    )


def hexo(code: str) -> str:
    lines = _joined(code, lambda _, text: f'<span class="line">{text}</span><br>')
    return (
        '<figure class="highlight python"><table><tr><td class="gutter"><pre>'
        f'{_numbers(code, "<span class=line>{}</span><br>", "")}</pre></td><td class="code"><pre>{lines}</pre></td>'
        "</tr></table></figure>"
    )


def chroma_table(code: str) -> str:
    lines = _joined(code, lambda _, text: f'<span class="line"><span class="cl">{text}\n</span></span>')
    numbers = _numbers(code, '<span class="lnt" id="hl-0-{0}"><a class="lnlinks" href="#hl-0-{0}">{0}</a>\n</span>', "")
    return (
        '<div class="highlight"><div class="chroma"><table class="lntable"><tr><td class="lntd"><pre class="chroma">'
        f'<code>{numbers}</code></pre></td><td class="lntd"><pre class="chroma"><code class="language-go" '
        f'data-lang="go">{lines}</code></pre></td></tr></table></div></div>'
    )


def chroma_inline(code: str) -> str:
    lines = _joined(
        code,
        lambda n, text: f'<span class="line"><span class="ln">{n:2}</span><span class="cl">{text}\n</span></span>',
    )
    return f'<div class="highlight"><pre class="chroma"><code class="language-go" data-lang="go">{lines}</code></pre></div>'


def highlightjs_plugin(code: str) -> str:
    rows = _joined(
        code,
        lambda n, text: (
            f'<tr><td class="hljs-ln-line hljs-ln-numbers" data-line-number="{n}"><div class="hljs-ln-n" '
            f'data-line-number="{n}"></div></td><td class="hljs-ln-line hljs-ln-code" data-line-number="{n}">{text}</td></tr>'
        ),
    )
    return f'<pre><code class="hljs python"><table class="hljs-ln"><tbody>{rows}</tbody></table></code></pre>'


def prism_rows(code: str) -> str:
    spans = "<span></span>" * (code.count("\n") + 1)
    return (
        f'<div class="code-toolbar"><pre class="line-numbers language-js"><code class="language-js">{escape(code)}'
        f'<span aria-hidden="true" class="line-numbers-rows">{spans}</span></code></pre><div class="toolbar"><div '
        'class="toolbar-item"><span>JS</span></div><div class="toolbar-item"><button>Copy</button></div></div></div>'
    )


def github_blob(code: str) -> str:
    rows = _joined(
        code,
        lambda n, text: (
            f'<tr><td id="L{n}" class="blob-num js-line-number" data-line-number="{n}"></td>\n'
            f'<td id="LC{n}" class="blob-code blob-code-inner js-file-line">{text}</td>\n</tr>\n'
        ),
    )
    return f'<div class="blob-wrapper data"><table class="highlight tab-size"><tbody>\n{rows}</tbody></table></div>'


def syntax_highlighter(code: str) -> str:
    numbers = _numbers(code, '<div class="line number{0} index0 alt2">{0}</div>', "")

    def line(n: int, text: str) -> str:
        body = text.lstrip(" ")
        indent = "&nbsp;" * (len(text) - len(body))
        spaces = f'<code class="python spaces">{indent}</code>' if indent else ""
        return f'<div class="line number{n}">{spaces}<code class="python plain">{body or "&nbsp;"}</code></div>'

    return (
        '<div><div id="highlighter_1" class="syntaxhighlighter  python"><div class="toolbar"><span><a href="#" '
        'class="toolbar_item command_help help">?</a></span></div><table border="0"><tbody><tr><td class="gutter">'
        f'{numbers}</td><td class="code"><div class="container">{_joined(code, line)}</div></td></tr></tbody></table>'
        "</div></div>"
    )


def crayon(code: str) -> str:
    numbers = _numbers(code, '<div class="crayon-num" data-line="c-{0}">{0}</div>', "")
    lines = _joined(code, lambda n, text: f'<div class="crayon-line" id="c-{n}">{text or "&nbsp;"}</div>')
    return (
        '<div class="crayon-syntax crayon-theme-x"><div class="crayon-toolbar"><span class="crayon-title"></span><span '
        f'class="crayon-language">Python</span></div><div class="crayon-plain-wrap"><textarea>{escape(code)}</textarea>'
        f'</div><div class="crayon-main"><table class="crayon-table"><tr class="crayon-row"><td class="crayon-nums">'
        f'<div class="crayon-nums-content">{numbers}</div></td><td class="crayon-code"><div class="crayon-pre">{lines}'
        "</div></td></tr></table></div></div>"
    )


def enlighter(code: str) -> str:
    lines = _joined(code, lambda _, text: f'<div class=""><div>{text}</div></div>')
    return (
        '<div class="enlighter-default enlighter-v-standard enlighter-t-enlighter enlighter-l-python enlighter-linenumbers">'
        '<div class="enlighter-toolbar-top enlighter-toolbar"><div class="enlighter-btn enlighter-btn-raw"></div></div>'
        f'<div class="enlighter-code"><div class="enlighter">{lines}</div></div></div>'
    )


def doxygen(code: str) -> str:
    lines = _joined(
        code,
        lambda n, text: (
            f'<div class="line"><a id="l{n:05}" name="l{n:05}"></a><span class="lineno">{n:5}</span>{text}</div>\n'
        ),
    )
    return f'<div class="fragment">{lines}</div><!-- fragment -->'


def javadoc_source(code: str) -> str:
    lines = _joined(
        code, lambda n, text: f'<span class="source-line-no">{n:03}</span><span id="line-{n}">{text}</span>', "\n"
    )
    return f'<main role="main"><div class="source-container"><pre>{lines}\n</pre></div></main>'


def lxr(code: str) -> str:
    lines = _joined(code, lambda n, text: f'<a name="L{n}" href="src/a.c#L{n}">{n:4}</a> {text}', "\n")
    return f'<pre class="file">{lines}\n</pre>'


def prettify_list(code: str) -> str:
    lines = _joined(code, lambda n, text: f'<li class="L{(n - 1) % 10}"><span class="pln">{text}</span></li>')
    return f'<pre class="prettyprint linenums prettyprinted"><ol class="linenums">{lines}</ol></pre>'


def list_without_pre(code: str) -> str:
    lines = _joined(code, lambda _, text: f"<li><div class='de1'>{text.replace('  ', '&nbsp; ')}</div></li>")
    return f'<div class="geshi python"><ol>{lines}</ol></div>'


def codemirror(code: str) -> str:
    lines = _joined(
        code,
        lambda n, text: (
            '<div style="position: relative"><div class="CodeMirror-gutter-wrapper"><div class="CodeMirror-linenumber '
            f'CodeMirror-gutter-elt">{n}</div></div><pre class=" CodeMirror-line " role="presentation"><span>'
            f"{text or '&#8203;'}</span></pre></div>"
        ),
    )
    return (
        '<div class="CodeMirror cm-s-default"><div><textarea></textarea></div><div class="CodeMirror-scroll">'
        '<div class="CodeMirror-measure"><pre><span>xxxxxxxxxx</span></pre></div><div class="CodeMirror-lines"><div>'
        f'<div class="CodeMirror-cursors"><div>&nbsp;</div></div><div class="CodeMirror-code">{lines}</div></div></div>'
        "</div></div>"
    )


def codemirror_6(code: str) -> str:
    numbers = _numbers(code, '<div class="cm-gutterElement">{}</div>', "")
    lines = _joined(code, lambda _, text: f'<div class="cm-line">{text or "<br>"}</div>')
    return (
        f'<div class="cm-editor"><div class="cm-scroller"><div class="cm-gutters"><div class="cm-gutter cm-lineNumbers">'
        f'{numbers}</div></div><div class="cm-content" data-language="python">{lines}</div></div></div>'
    )


def monaco(code: str) -> str:
    shown = list(enumerate(code.split("\n")))
    lines = "".join(  # as they come after scrolling, not from top to bottom
        f'<div style="top:{19 * place}px;height:19px;" class="view-line"><span><span class="mtk1">'
        f"{escape(text).replace(' ', '&nbsp;')}</span></span></div>"
        for place, text in reversed(shown)
    )
    numbers = "".join(
        f'<div style="position:absolute;top:{19 * place}px"><div class="line-numbers">{place + 1}</div></div>'
        for place, _ in shown
    )
    return (
        '<div class="monaco-editor vs"><div class="overflow-guard"><div class="margin"><div class="margin-view-overlays">'
        f'{numbers}</div></div><div class="lines-content"><div class="view-lines">{lines}</div></div></div></div>'
    )


def rustdoc_source(code: str) -> str:
    lines = _joined(code, lambda n, text: f'<a href="#{n}" id="{n}" data-nosnippet>{n}</a>{text}', "\n")
    return f'<div class="example-wrap digits-1"><pre class="rust"><code>{lines}\n</code></pre></div>'


def rustdoc_old_source(code: str) -> str:
    return (
        '<div class="example-wrap"><div data-nosnippet><pre class="src-line-numbers">'
        f'{_numbers(code, "<a href=#{0} id={0}>{0}</a>")}</pre></div><pre class="rust"><code>{escape(code)}\n</code>'
        "</pre></div>"
    )


def vitepress(code: str) -> str:
    lines = _joined(code, lambda _, text: f'<span class="line">{text}</span>', "\n")
    return (
        '<div class="language-js line-numbers-mode"><button title="Copy Code" class="copy"></button><span class="lang">js'
        f'</span><pre class="shiki"><code>{lines}</code></pre><div class="line-numbers-wrapper" aria-hidden="true">'
        f"{_numbers(code, '<span class=line-number>{}</span><br>', '')}</div></div>"
    )


def gitlab(code: str) -> str:
    numbers = _numbers(code, '<a class="file-line-num diff-line-num" data-line-number="{0}" href="#L{0}">{0}</a>', "\n")
    lines = _joined(code, lambda n, text: f'<span id="LC{n}" class="line" lang="python">{text}</span>', "\n")
    return (
        f'<div class="file-content code"><div class="line-numbers">{numbers}</div><div class="blob-content">'
        f'<pre class="code highlight"><code>{lines}</code></pre></div></div>'
    )


def cgit(code: str) -> str:
    return (
        "<table summary='blob content' class='blob'><tr><td class='linenumbers'><pre>"
        f'{_numbers(code, "<a id=n{0} href=#n{0}>{0}</a>")}\n</pre></td><td class="lines"><pre><code>{escape(code)}\n'
        "</code></pre></td></tr></table>"
    )


def gitweb(code: str) -> str:
    lines = _joined(
        code, lambda n, text: f'<div class="pre"><a id="l{n}" href="#l{n}" class="linenr">{n:4}</a> {text}</div>'
    )
    return f'<div class="page_body"><pre>{lines}</pre></div>'


def react_syntax_highlighter(code: str) -> str:
    lines = _joined(
        code,
        lambda n, text: (
            '<span style="display:block"><span class="linenumber react-syntax-highlighter-line-number" '
            f'style="user-select: none">{n}</span><span>{text}</span></span>'
        ),
    )
    return f'<pre style="background:#fff"><code class="language-python" style="white-space:pre">{lines}</code></pre>'


def unselectable(code: str) -> str:
    lines = _joined(code, lambda n, text: f'<span style="user-select:none;opacity:.5">{n}</span>{text}', "\n")
    return f"<pre><code>{lines}</code></pre>"


def docusaurus(code: str) -> str:
    lines = _joined(
        code,
        lambda n, text: (
            '<span class="token-line codeLine_lJS_" style="color:#393A34"><span class="codeLineNumber_Tfdd"></span>'
            f'<span class="codeLineContent_feaV"><span class="token plain">{text}</span></span><br></span>'
        ),
    )
    return (
        '<div class="language-py codeBlockContainer_x theme-code-block"><div class="codeBlockContent_x"><pre tabindex="0" '
        f'class="prism-code language-py"><code class="codeBlockLines_x">{lines}</code></pre><div class="buttonGroup__x">'
        '<button type="button" aria-label="Copy code" class="clean-btn"><span>Copy</span></button></div></div></div>'
    )


def number_before_block(code: str) -> str:
    row = '<div class="css-a1"><span class="css-b2">{}</span><div class="css-c3"><div><span style="color:#8B949E">{}</span>\n</div></div></div>'
    rows = _joined(code, lambda n, text: row.format(n, text))
    return f'<pre class="css-d4"><div style="min-width:fit-content">{rows}</div></pre>'


def number_before_plain_block(code: str) -> str:
    rows = _joined(code, lambda n, text: f"<div><span>{n}</span><div>{text}</div></div>")
    return f"<pre>{rows}</pre>"


GUTTERS = (
    pygments_table, pygments_inline, pygments_old_inline, mkdocs_material, rouge_table, hexo, chroma_table,
    chroma_inline, highlightjs_plugin, prism_rows, github_blob, syntax_highlighter, crayon, enlighter, doxygen,
    javadoc_source, lxr, prettify_list, list_without_pre, codemirror, codemirror_6, monaco, rustdoc_source,
    rustdoc_old_source, vitepress, gitlab, cgit, gitweb, react_syntax_highlighter, unselectable, docusaurus,
    number_before_block, number_before_plain_block,
)  # fmt: skip
