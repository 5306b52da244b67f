"""`humpback hydrate`: what came back of a stand-off release, and why the rest did not."""

from pathlib import Path
from typing import Any

from builder.cli.answer import Answer
from builder.data.address import Address
from builder.results.release.hydrate import hydrate
from builder.text.escape import escape


def hydrate_release(release: Path, corpora: list[Path | Address], out: Path | None = None) -> Answer:
    """Write a dataset folder with the texts of a stand-off release, and say how many came back; see `hydrate`.

    Args:
        release: The release folder, or the folder of its dataset.
        corpora: Files, folders or URLs with one's own copy of the crawl.
        out: Where to; beside the release if left out.

    Raises:
        RecipeError: If there is no stand-off release, no crawl, or the folder holds something already.
        ReleaseError: If not one text came back, or the release was made with another walk.
    """
    result = hydrate(release, corpora, out)
    return Answer(result, lambda: _describe(result))


def _describe(result: dict[str, Any]) -> str:
    texts = result["texts"]
    lines = [f"{texts['restored']:,} of {texts['in']:,} texts came back"]
    lines += [f"  {reason:<16} {number:>9,}" for reason, number in result["missing"].items()]
    lines += [f"{name}: {rows['restored']:,} of {rows['in']:,} rows" for name, rows in result["rows"].items()]
    if result["sft_as_trained"] is not None:
        same = "the same as" if result["sft_as_trained"] else "NOT the same as"
        lines.append(f"sft is {same} in the build, by its digest")
    lines += [f"left out: {escape(what, 'terminal')}" for what in result["left_out"]]
    return "\n".join([*lines, f'load it: datasets.load_dataset("{result["path"]}")'])
