"""The figures of the dataset card as PNG, drawn from the stages' counts and scores.

The same rows and the same matplotlib give the same bytes: no date and no version is written into a file, and the
user's settings of matplotlib do not count.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.storage import whole_file
from builder.release.content.joined import Scores
from builder.release.content.material import Material
from builder.release.content.numbers import funnel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FUNNEL, SCORES = "figures/funnel.png", "figures/scores.png"
BLUE, GREY = "#2166ac", "#c7c7c7"
BINS = 40
_STEPS = {"segments": "segments kept by the rules", "dedup": "distinct segments", "augment": "candidate pairs"}


def write_figures(dataset: Path, material: Material) -> None:
    """Write the funnel and the histograms of all scores."""
    import matplotlib

    with matplotlib.rc_context(matplotlib.rcParamsDefault):
        _save(_funnel(material), dataset / FUNNEL)
        _save(_scores(material), dataset / SCORES)


def _save(figure: "Figure", path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with whole_file(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary), metadata={"Software": None})


def steps(material: Material) -> list[tuple[str, int]]:
    """What is left after each step from pages to the final selection."""
    last = material.build.curated[-1].stage
    entries = [entry for entry in funnel(material) if entry["stage"] in ("segments", "dedup", "augment", last)]
    left = [("pages", entry["in"]) for entry in entries if entry["kind"] == "pages"]
    left += [("segments found", entry["in"]) for entry in entries if entry["kind"] == "segments"][:1]
    names = {**_STEPS, last: "selected pairs"}
    kept = {entry["stage"]: entry["kept"] for entry in entries}  # the last kind of a stage is what it hands on
    return left + [(names[stage], rows) for stage, rows in kept.items()]


def _funnel(material: Material) -> "Figure":
    from matplotlib.figure import Figure

    left = steps(material)
    figure = Figure(figsize=(7, 0.5 + 0.4 * len(left)), dpi=120)
    axes = figure.subplots(gridspec_kw={"left": 0.3, "right": 0.98, "top": 0.98, "bottom": 0.02})
    bars = axes.barh([name for name, _ in left], [rows for _, rows in left], color=BLUE, height=0.7)
    axes.bar_label(bars, [f"{rows:,}" for _, rows in left], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.xaxis.set_visible(False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    return figure


def _scores(material: Material) -> "Figure":
    from matplotlib.figure import Figure

    columns = dict(zip(material.scores, material.joined.scores, strict=True))
    height = 0.4 + 2 * len(columns)
    edges = {"left": 0.1, "right": 0.98, "top": 1 - 0.4 / height, "bottom": 0.3 / height, "hspace": 0.35}
    figure = Figure(figsize=(7, height), dpi=120)
    panels = figure.subplots(len(columns), squeeze=False, gridspec_kw=edges)[:, 0]
    for axes, (name, scores) in zip(panels, columns.items(), strict=True):
        _histogram(axes, name, scores)
    panels[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0)
    return figure


def _histogram(axes: Any, name: str, scores: Scores) -> None:
    import numpy as np

    edges = np.histogram_bin_edges(scores.given if len(scores.given) else [0.0], BINS)
    for values, colour, label in (
        (scores.given, GREY, "all candidates"),
        (scores.selected, BLUE, "final selection"),
    ):
        axes.stairs(np.histogram(values, edges)[0], edges, fill=True, color=colour, label=label)
    axes.set_ylim(bottom=0)
    axes.set_title(name, loc="left", fontsize="medium", family="monospace")
    axes.set_ylabel("pairs")
    axes.spines[["top", "right"]].set_visible(False)
