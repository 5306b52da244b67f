"""Statistics of a build as in the paper (its table 1 and figure 2): lengths, and how many ways of asking there are."""

import importlib.util
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from builder.build import Build
from builder.data.records import stable_id
from builder.errors import StageError
from builder.method.augment.openings import openings
from builder.results.evaluate.statistics.figure import figure
from builder.results.evaluate.tables.parts import AUGMENTED, Parts
from builder.text.words import words

GRAMS = (1, 2, 3)
SAMPLE = 3_200
"""Rows that different things are counted over at most, for a larger set repeats itself more; so many has the seed."""
SHOWN = 10
PARSER = "en_core_web_sm"
_PARSED_CHARS = 2_000


def statistics_of(build: Build, *, seed: int = 0, pairs: bool = True) -> dict[str, Any]:
    """Figures of every set of a build.

    Args:
        build: As far as it is done.
        seed: Of the sample that is counted.
        pairs: Whether verbs and nouns are looked for, where spaCy and its small model are installed.

    Returns:
        By set `rows`, and for instructions and outputs mean and standard deviation (n - 1) of characters; `sample`, so
        many rows, the same of each set, of which `distinct` n-grams, `openings` and `verb_noun` tell.
    """
    parts = Parts(build)
    sizes = parts.sizes()
    sample = min([SAMPLE, *(size for size in sizes.values() if size)])
    parser = _parser() if pairs else None
    found: dict[str, Any] = {"sample": sample, "sets": {}, "kept": _kept(sizes)}
    for name, size in sizes.items():
        lengths = {kind: _lengths(len(row[kind]) for row in parts.rows(name)) for kind in ("instruction", "output")}
        order = sorted((stable_id(seed, "sample", row["id"]), row["instruction"]) for row in parts.rows(name))
        texts = [text for _, text in order[:sample]]
        found["sets"][name] = {
            "rows": size,
            **lengths,
            "distinct": {str(length): distinct(texts, length) for length in GRAMS},
            "openings": openings(texts, shown=SHOWN).as_dict(),
            "verb_noun": verb_nouns(texts, parser),
        }
    return found


def _kept(sizes: Mapping[str, int]) -> dict[str, Any]:
    """The share of the augmented pairs that the last selection has."""
    last = [name for name in sizes if name.startswith("A_")][-1:]
    n = sizes.get(AUGMENTED, 0)
    value = sizes[last[0]] / n if last and n else None
    return figure(value, n, "pairs of the last selection / all augmented", reason="nothing is selected yet")


def _lengths(values: Iterable[int]) -> dict[str, Any]:
    count, mean, spread = 0, 0.0, 0.0
    for value in values:  # Welford's, in one pass
        count += 1
        step = value - mean
        mean += step / count
        spread += step * (value - mean)
    return {
        "mean": mean if count else None,
        "sd": math.sqrt(spread / (count - 1)) if count > 1 else None,
        "formula": "characters; standard deviation with n - 1",
    }


def distinct(texts: Sequence[str], length: int) -> dict[str, Any]:
    """The share of different runs of so many words among all of them."""
    grams: set[tuple[str, ...]] = set()
    n = 0
    for text in texts:
        found = words(text)
        runs = [tuple(found[at : at + length]) for at in range(len(found) - length + 1)]
        n += len(runs)
        grams.update(runs)
    return figure(
        len(grams) / n if n else None, n, f"different runs of {length} words / all of them", reason="no run is so long"
    )


def verb_nouns(texts: Sequence[str], parser: Any) -> dict[str, Any]:
    """How many instructions have a root verb with a direct object, and the commonest of them (Self-Instruct's figure).

    Args:
        texts: Instructions.
        parser: spaCy's; None where it is not installed.
    """
    formula = "share of instructions whose root is a verb with a direct object"
    if parser is None:
        why = f"spaCy and {PARSER} are not installed (humpback-builder[diversity])"
        return figure(None, len(texts), formula, reason=why)
    counts: Counter[tuple[str, str]] = Counter()
    for parsed in parser.pipe(text[:_PARSED_CHARS] for text in texts):
        if pair := _verb_noun(parsed):
            counts[pair] += 1
    most = [{"verb": verb, "noun": noun, "rows": rows} for (verb, noun), rows in counts.most_common(SHOWN)]
    value = counts.total() / len(texts) if texts else None
    return figure(value, len(texts), formula, reason="no rows", different=len(counts), most=most)


def _verb_noun(parsed: Any) -> tuple[str, str] | None:
    """Verb and object of the first sentence that has both."""
    for token in parsed:
        if token.dep_ == "ROOT" and token.pos_ == "VERB":
            noun = next((child for child in token.children if child.dep_ in ("dobj", "obj")), None)
            if noun is not None:
                return token.lemma_.lower(), noun.lemma_.lower()
    return None


def _parser() -> Any:
    if importlib.util.find_spec("spacy") is None or importlib.util.find_spec(PARSER) is None:
        return None
    import spacy

    try:
        return spacy.load(PARSER, disable=["ner"])
    except (OSError, ValueError) as error:
        raise StageError(f"{PARSER}: cannot be loaded: {error}; install the version that fits spaCy") from error


def describe_statistics(found: dict[str, Any]) -> str:
    """The figures as a table."""
    heads = ["rows", "instruction", "output", "distinct-1", "-2", "-3", "commonest opening", "verb + noun"]
    widths = [8, 15, 15, 10, 6, 6, 18, 11]
    lines = [f"{'':<12}" + " ".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))]
    for name, of in found["sets"].items():
        cells = [f"{of['rows']:,}", _spread(of["instruction"]), _spread(of["output"])]
        cells += [_share(of["distinct"][str(length)]["value"]) for length in GRAMS]
        cells += [_share(of["openings"]["share"]), _share(of["verb_noun"]["value"])]
        lines.append(f"{name:<12}" + " ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)))
    lines.append(
        f"(characters: mean ± standard deviation; what is different or commonest is of {found['sample']:,} rows each)"
    )
    return "\n".join(lines)


def _spread(of: dict[str, Any]) -> str:
    if of["mean"] is None:
        return "-"
    return f"{of['mean']:,.0f}" + ("" if of["sd"] is None else f" ± {of['sd']:,.0f}")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
