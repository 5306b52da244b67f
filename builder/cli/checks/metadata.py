"""What a release would say of itself that its parts do not bear out: its languages."""

from collections.abc import Iterator

from builder.recipe.recipe import Recipe


def language_notes(recipe: Recipe) -> Iterator[str]:
    """A line for each key whose languages the metadata of the release does not name."""
    said = {_bare(code) for code in recipe.release.languages}
    used = {"segments.languages": recipe.segments.languages}
    if any(source.format == "oasst" for source in recipe.seed.sources):
        used["seed.language"] = [recipe.seed.language]
    wanted = list(dict.fromkeys([*recipe.release.languages, *(code for codes in used.values() for code in codes)]))
    for key, codes in used.items():
        missing = [code for code in codes if _bare(code) not in said]
        if missing and "multilingual" not in said:
            yield (
                f"{key} has {' and '.join(missing)}, and release.language is {', '.join(recipe.release.languages)}, so "
                f"nobody who looks for {'it' if len(missing) == 1 else 'them'} finds the release; write release."
                f"language: [{', '.join(wanted)}]"
            )


def _bare(code: str) -> str:
    return code.lower().partition("-")[0]
