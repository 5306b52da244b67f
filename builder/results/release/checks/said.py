"""What card and training recipe say is what rows and folder are."""

from collections.abc import Iterator
from pathlib import Path

from builder.data.storage import open_parquet, parquet_files
from builder.recipe.strict_yaml import parse_yaml
from builder.results.release.outside import outside_text
from builder.text.escape import escape

_RECIPE = "training/sft.yaml"


def check_licences(dataset: Path) -> Iterator[str]:
    """Every licence of a row stands in the card."""
    card, missing = outside_text(dataset, "README.md"), dict[str, str]()
    for path in parquet_files(dataset):
        with open_parquet(path) as file:
            if "license" not in file.schema_arrow.names:
                continue
            for batch in file.iter_batches(columns=["license"]):
                for licence in batch.column("license").unique().to_pylist():
                    if licence and f"| {escape(licence, 'markdown')} |" not in card:
                        missing.setdefault(licence, path.relative_to(dataset).as_posix())
    for licence, name in missing.items():
        yield f"README.md: does not name the licence {licence!r}, under which rows of {name} stand; release it again"


def check_training(dataset: Path) -> Iterator[str]:
    """A training that runs in the folder of the dataset writes beside it: what lies in the folder is the release."""
    if not (dataset / _RECIPE).is_file():
        return
    recipe = parse_yaml(outside_text(dataset, _RECIPE), _RECIPE)
    target = str(recipe.get("output_dir", "")) if isinstance(recipe, dict) else ""
    if not target.startswith("../"):
        yield f"{_RECIPE}: output_dir is {target!r}; it must lie beside the folder of the dataset, as ../name"
