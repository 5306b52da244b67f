"""How a dataset was made, in sentences that hold for its recipe and its rows and for no others."""

from collections.abc import Iterator, Sequence
from typing import Any

from builder.recipe.sections.curate import CONTROLS, Curate
from builder.recipe.sections.judges import Rated
from builder.results.release.content.material import Material

DUPLICATES = ("duplicate", "near_duplicate")


def left_by_dedup(material: Material) -> dict[str, int]:
    """What became of the segments in `dedup`: `duplicates`, those of full domains, and those that were not drawn."""
    dropped = material.build.segments.record["counts"]["segments"]["dropped"]
    return {
        "duplicates": sum(rows for reason, rows in dropped.items() if reason in DUPLICATES),
        "domain_cap": dropped.get("domain_cap", 0),
        "not_sampled": dropped.get("not_sampled", 0),
    }


def cutting(material: Material) -> str:
    """How pages became candidate answers."""
    left, dedup = left_by_dedup(material), material.recipe.dedup
    parts = ["HTML pages were cut at their headings, and rules left out the sections that cannot stand as an answer."]
    kind = "Equal and nearly equal ones" if dedup.near else "Equal ones"
    parts.append(f"{kind} were left out but for one of each ({left['duplicates']:,} repeated another).")
    if left["domain_cap"]:
        parts.append(f"At most {dedup.per_domain:,} stayed of a registered domain ({left['domain_cap']:,} went).")
    if left["not_sampled"]:
        parts.append(
            f"Of what was left {dedup.sample:,} were drawn by a hash of their id; {left['not_sampled']:,} were not."
        )
    return " ".join(parts)


def writing(material: Material, writer: str | None) -> str:
    """Who wrote the instructions, and how many."""
    augment = material.recipe.augment
    if writer:
        text = (
            f"{writer[:1].upper()}{writer[1:]}, an instruction model that this build did not train, wrote instructions "
            "for the texts; the paper lets a backward model do that."
        )
    else:
        text = "A backward model, tuned on the seed to write the instruction of an output, wrote those of the texts."
    if augment.samples > 1:
        kept = "the likeliest was kept" if augment.keep == "best" else "all that passed the gate were kept"
        text += f" Of {augment.samples} that were written for each text, {kept}."
    return text


def selecting(material: Material) -> str:
    """Who judged, by which rule pairs were selected, and how often."""
    return " ".join([*_judging(material), _rule(material.recipe.curate), *_iterations(material)])


def _judging(material: Material) -> Iterator[str]:
    curate = material.recipe.curate
    own = [judge.judge for judge in material.recipe.judges(1) if judge.judge in curate.judges]
    once = [judge for judge in material.recipe.score if judge.once and judge.judge in curate.judges]
    others = [judge for judge in once if not isinstance(judge, Rated)]  # those are named by `judged`
    if own:
        yield f"A forward model, tuned on the seed, scored every pair as judge {_names(own)}."
    for judge in others:
        yield f"Judge `{judge.judge}` asks the backward model; its scores are the same in all iterations."
    if "random" in curate.judges:
        yield "Judge `random` is none: it draws pairs by a hash of their id, to compare a selection with."
    if "longest" in curate.judges:
        yield "Judge `longest` is none: it counts the characters of the answer, to compare a selection with."


def _rule(curate: Curate) -> str:
    by = "the mean of the ranks that they give" if len(curate.judges) > 1 else "its score"
    if curate.threshold is not None:
        rule = f"Selected was what {curate.judges[0]} gives {curate.threshold:g} or more"
    elif curate.top is not None:
        rule = f"Selected were the {curate.top:,} best by {by}"
    else:
        rule = f"Selected was the best {100 * (curate.share or 0):g} % by {by}"
    limits = [
        f"without the uppermost {100 * curate.leave_out_top:g} %" if curate.leave_out_top else "",
        f"at most {curate.per_domain:,} of a registered domain" if curate.per_domain else "",
        "no instruction that repeats a better one" if curate.near_duplicates else "",
    ]
    said = ", ".join(filter(None, limits))
    return f"{rule}{', ' if said else ''}{said}."


def _iterations(material: Material) -> Iterator[str]:
    recipe = material.recipe
    if recipe.iterations == 1:
        yield "Seed and selection trained the final model; there was one iteration."
        return
    yield f"Seed and selection trained the next model; there were {recipe.iterations} iterations."
    if recipe.judges(1):
        yield "Each scored the same pairs again: instructions were written once, only scores changed."
    if recipe.training.init == "previous":
        yield "Each model started from that of the iteration before."
    if recipe.training.cross_fit:
        yield "From the second iteration on each half of the pairs was scored by a model that trained on the other."


def _names(judges: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in judges)


def score_meaning(curate: Curate) -> str:
    """What the column `score` of selected rows holds."""
    if len(curate.judges) > 1:
        return f"mean of the ranks, 0 to 1, that the judges {_names(curate.judges)} give; higher is better"
    if curate.judges[0] in CONTROLS:
        return {"random": "a number below 1 by which the pair was drawn", "longest": "characters of the answer"}[
            curate.judges[0]
        ]
    return f"what judge `{curate.judges[0]}` gave the pair in the last iteration; higher is better"


def judged(material: Material) -> list[dict[str, Any]]:
    """Judges that ask a model which the build has not trained."""
    return [
        {"name": judge.judge, "model": judge.model}
        for judge in material.recipe.score
        if isinstance(judge, Rated) and judge.model is not None
    ]


def unchecked(labelled: bool) -> str:
    """What nobody looked at."""
    if labelled:
        return "But for the labelled ones nobody checked answers or instructions."
    return "Nobody checked answers or instructions one by one."


def limit_of_scores(curate: Curate) -> str | None:
    """How little the scores say; None where the selection asked for none."""
    if not curate.scored:
        return None
    who = "one judge" if len(curate.scored) == 1 else f"the judges {_names(curate.scored)}"
    return f"Scores order pairs under {who}; they are no measure of quality beyond that."


def origin(sites: dict[str, Any]) -> str:
    """Of which registered domains the final selection is.

    Args:
        sites: What `numbers.domains` says of them.
    """
    if not sites["number"]:
        return "No address of the web is known of the pages."
    if sites["number"] == 1:
        text = f"All rows of the final selection whose address is known are of {sites['top'][0]['name']}."
    else:
        most = ", ".join(f"{entry['name']} ({100 * entry['share']:.1f} %)" for entry in sites["top"])
        text = f"The final selection comes from {sites['number']:,} registered domains; the most frequent are {most}."
    without = f" No address of the web is known of {sites['without']:,} of its rows." if sites["without"] else ""
    return f"{text}{without}"
