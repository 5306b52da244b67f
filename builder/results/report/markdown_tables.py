"""Headings, sentences and tables of a page of our own Markdown as HTML."""

from builder.text.escape import escape


def html_of_tables(text: str) -> str:
    """HTML of a page that has headings, paragraphs and tables with a first line of heads, and nothing else.

    Args:
        text: As `tables.conformance.conformance_page` writes it; its first heading is left out.
    """
    parts: list[str] = []
    title = ""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("## "):
            title = line.removeprefix("## ")
            parts.append(f"<h3>{_plain(title)}</h3>")
        elif line.startswith("|"):
            end = at
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            parts.append(_table(lines[at:end], title))
            at = end - 1
        elif line and not line.startswith("# "):
            parts.append(f"<p>{_plain(line)}</p>")
        at += 1
    return "".join(parts)


def _table(lines: list[str], caption: str) -> str:
    heads, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head = "".join(f'<th scope="col">{_plain(cell)}</th>' for cell in heads)
    body = "".join(
        "<tr>"
        + f'<th scope="row">{_plain(row[0])}</th>'
        + "".join(f'<td class="n">{_plain(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{_plain(caption)}"><table><caption>{_plain(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _plain(text: str) -> str:
    return escape(text.replace("\\", "").replace("`", ""), "html")
