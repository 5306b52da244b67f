"""What a release says of itself: languages that its parts do not bear out, and the files that it reads."""

from collections.abc import Callable, Iterator
from pathlib import Path

from builder.errors import BuilderError
from builder.recipe.recipe import Recipe
from builder.recipe.sections.release import Release
from builder.results.evaluate.labels.store import read_labels
from builder.results.release.content.removed import read_removed
from builder.results.release.facts.about import read_about
from builder.results.release.facts.measured import read_comparison, read_results


def language_notes(recipe: Recipe) -> Iterator[str]:
    """A line for each key with languages that are not among those that the recipe states for its release.

    Where it states none, the release names those of its rows.
    """
    if "language" not in recipe.release.model_fields_set:
        return
    said = {_bare(code) for code in recipe.release.languages}
    used = {"segments.languages": recipe.segments.languages}
    if any(source.format == "oasst" for source in recipe.seed.sources):
        used["seed.language"] = [recipe.seed.language]
    wanted = list(dict.fromkeys([*recipe.release.languages, *(code for codes in used.values() for code in codes)]))
    for key, codes in used.items():
        missing = [code for code in codes if _bare(code) not in said]
        if missing and "multilingual" not in said:
            it = "it" if len(missing) == 1 else "them"
            named = (
                f"the card names {it} where a hundredth of the selected rows is in {it}, and else not"
                if key == "segments.languages"
                else f"the card does not name {it}, as it looks for others among the rows of the web alone"
            )
            yield (
                f"{key} has {' and '.join(missing)}, and release.language is {', '.join(recipe.release.languages)}; "
                f"{named}; to name {it} in any case write release.language: [{', '.join(wanted)}]"
            )


def release_file_problems(release: Release) -> Iterator[str]:
    """What is wrong with the files of a release, which would be read when all is built."""
    readers: tuple[tuple[Path | None, Callable[[Path], object]], ...] = (
        (release.labels, read_labels),
        (release.removed, read_removed),
        (release.about, read_about),
        (release.evaluation, read_comparison),
        (release.results, read_results),
    )
    for path, read in readers:
        try:
            if path is not None:
                read(path)
        except BuilderError as error:
            yield from str(error).splitlines()


def _bare(code: str) -> str:
    return code.lower().partition("-")[0]
