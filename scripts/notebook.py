"""Write and run the example notebook, docs/example.ipynb, on a finished build.

    make notebook [DIR=quickstart]

It needs jupyter's nbclient and ipykernel, which the extra `dev` brings.
"""

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PAGE = Path("docs/example.ipynb")
CELLS = (
    "# A build in Python\n\nWhat `make quickstart` has built, opened to look at. Nothing here runs a stage.",
    'from builder import open_build\n\nbuild = open_build("{name}")\nbuild',
    "Every stage whose rows are wanted is a table. `to_polars()` and `to_pandas()` give others.",
    "build.candidates",
    'build.candidates.to_polars().select("header", "instruction").head(5)',
    "Scores of each judge and iteration, by the name of their stage.",
    "list(build.scores)",
    'import polars as pl\n\nscores = build.scores["score-2-likelihood"].to_polars()\n'
    'scored = build.candidates.to_polars().join(scores, on="id")\n'
    'scored.sort("score", descending=True).select("score", "instruction").head(5)',
    "How long instructions and outputs of the selections are, in characters.",
    'pl.concat([\n    rows.to_polars().select(\n        pl.lit(rows.stage).alias("selection"),\n'
    '        pl.col("instruction").str.len_chars().mean(),\n        pl.col("output").str.len_chars().mean(),\n'
    "    ).head(1)\n    for rows in build.curated\n])",
    "Where a row comes from, and what became of it: the same as `humpback explain`.",
    "row = next(iter(build.curated[-1]))\n"
    'history = next(iter(build.explain(row["id"])["histories"].values()))\n'
    'for step in history:\n    print(step["stage"], "-", step["what"])',
)
"""In turn: text where it begins with a capital or a heading, else code."""


def notebook(name: str) -> nbformat.NotebookNode:
    """The notebook before it is run."""
    cells = [
        new_markdown_cell(text) if text[0] == "#" or text[0].isupper() else new_code_cell(text.replace("{name}", name))
        for text in CELLS
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def run(made: nbformat.NotebookNode, place: Path) -> nbformat.NotebookNode:
    """Run every cell where the build's folder lies, without times and versions of this machine in what comes out."""
    NotebookClient(made, timeout=120, resources={"metadata": {"path": str(place)}}).execute()
    for cell in made.cells:
        cell.metadata.clear()
    made.metadata.pop("language_info", None)
    return made


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of a finished build")
    folder = parser.parse_args().folder.resolve()
    nbformat.write(run(notebook(folder.name), folder.parent), PAGE)


if __name__ == "__main__":
    main()
