"""The figures of the dataset card as PNG, drawn from the stages' counts and scores.

The same rows and the same matplotlib give the same bytes: no date and no version is written into a file, and the
user's settings of matplotlib do not count.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.storage import whole_file
from builder.results.release.cards.method import left_by_dedup
from builder.results.release.content.joined import Scores
from builder.results.release.content.material import Material
from builder.results.release.content.numbers import funnel
from builder.results.release.content.provenance import score_column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FUNNEL, SCORES = "figures/funnel.png", "figures/scores.png"
BLUE, GREY, RED = "#2166ac", "#c7c7c7", "#b2182b"
BINS = 40


def write_figures(dataset: Path, material: Material) -> None:
    """Write the funnel and the histograms of all scores."""
    import matplotlib

    with matplotlib.rc_context(matplotlib.rcParamsDefault):
        _save(funnel_figure(material), dataset / FUNNEL)
        _save(scores_figure(material), dataset / SCORES)


def _save(figure: "Figure", path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with whole_file(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary), metadata={"Software": None})


def steps(material: Material) -> list[tuple[str, int]]:
    """What is left after each step, from the segments to the final selection; it never grows.

    Pages come before: one gives several segments, so they are no part of it.
    """
    last = material.build.curated[-1].stage
    entries = {entry["stage"]: entry for entry in funnel(material) if entry["kind"] in ("segments", "pairs")}
    segments, dedup = entries["segments"], entries["dedup"]
    gone = left_by_dedup(material)
    left = [("segments found", segments["in"]), ("kept by the rules", segments["kept"])]
    left.append(("no duplicates", dedup["in"] - gone["duplicates"]))
    if gone["domain_cap"]:
        left.append(("within the limit of a domain", left[-1][1] - gone["domain_cap"]))
    if gone["not_sampled"]:
        left.append(("drawn", dedup["kept"]))
    left += [("with an instruction", entries["augment"]["kept"]), ("selected", entries[last]["kept"])]
    start = max((place for place in range(1, len(left)) if left[place][1] > left[place - 1][1]), default=0)
    return left[start:]


def funnel_figure(material: Material) -> "Figure":
    """A bar for each step, with its rows."""
    from matplotlib.figure import Figure

    left = steps(material)
    height = 0.9 + 0.4 * len(left)
    figure = Figure(figsize=(7, height), dpi=120)
    edges = {"left": 0.3, "right": 0.98, "top": 1 - 0.1 / height, "bottom": 0.6 / height}
    axes = figure.subplots(gridspec_kw=edges)
    bars = axes.barh([name for name, _ in left], [rows for _, rows in left], color=BLUE, height=0.7)
    axes.bar_label(bars, [f"{rows:,}" for _, rows in left], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("segments, later pairs, that are left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def scores_figure(material: Material) -> "Figure":
    """A histogram for each column of scores, with the line of the selection where one judge made it."""
    from matplotlib.figure import Figure

    columns = dict(zip(material.scores, material.joined.scores, strict=True))
    height = 0.7 + 2.4 * len(columns)
    edges = {"left": 0.1, "right": 0.98, "top": 1 - 0.7 / height, "bottom": 0.55 / height, "hspace": 0.6}
    figure = Figure(figsize=(7, height), dpi=120)
    panels = figure.subplots(len(columns), squeeze=False, gridspec_kw=edges)[:, 0]
    cuts, handles = cut_lines(material), dict[str, Any]()
    for axes, (name, scores) in zip(panels, columns.items(), strict=True):
        _histogram(axes, name, scores)
        if name in cuts:
            axes.axvline(
                cuts[name], color=RED, linewidth=1.2, linestyle="--", label="least that its iteration selected"
            )
        handles |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, frameon=False, loc="upper center", ncols=3)
    return figure


def cut_lines(material: Material) -> dict[str, float]:
    """The least score that each selection took, by the column of the judge that selected alone; none of ranks."""
    curate, build = material.recipe.curate, material.build
    if len(curate.judges) > 1 or not curate.scored:
        return {}
    lines = dict[str, float]()
    for t, artifact in zip(build.steps, build.curated, strict=True):
        lowest = artifact.record.get("details", {}).get("lowest_score")
        scores = build.scores.get((t, curate.scored[0])) or build.scores.get((None, curate.scored[0]))
        if lowest is not None and scores is not None:
            lines[score_column(scores)] = float(lowest)
    return lines


def _histogram(axes: Any, name: str, scores: Scores) -> None:
    import numpy as np

    edges = np.histogram_bin_edges(scores.given if len(scores.given) else [0.0], BINS)
    for values, colour, label in (
        (scores.given, GREY, "all candidates"),
        (scores.selected, BLUE, "final selection"),
    ):
        axes.stairs(np.histogram(values, edges)[0], edges, fill=True, color=colour, label=label)
    axes.set_ylim(bottom=0)
    axes.yaxis.get_major_locator().set_params(integer=True)  # of pairs there are no halves
    axes.set_title(name, loc="left", fontsize="medium", family="monospace")
    axes.set_ylabel("pairs")
    axes.set_xlabel("score (higher is better)")
    axes.spines[["top", "right"]].set_visible(False)
