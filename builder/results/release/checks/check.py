"""Check a release folder offline: files, rows, cards and texts; and load every config as a user would."""

from collections.abc import Callable, Iterator
from pathlib import Path

from builder.results.release.checks.card import check_card, check_libraries, check_model_card
from builder.results.release.checks.croissant import check_croissant, croissant_unchecked
from builder.results.release.checks.files import check_data, check_manifest, check_weights
from builder.results.release.checks.limits import check_limits
from builder.results.release.checks.loading import check_loading
from builder.results.release.checks.plain import check_dataset_files, check_model_files, check_plain
from builder.results.release.checks.rows import check_addresses, check_rows, large_rows
from builder.results.release.checks.said import check_licences, check_training
from builder.results.release.checks.texts import check_texts
from builder.results.release.checks.trainers import check_trainers
from builder.results.release.checks.warnings import check_warnings, noted_warnings
from builder.results.release.content.standoff import check_standoff

Check = Callable[[Path], Iterator[str]]


def check_release(folder: Path) -> list[str]:
    """Return every problem of a release folder, one line each; nothing is fetched and nothing is changed.

    Args:
        folder: The release, with `dataset/` and `models/<name>/`.
    """
    return _all_problems(folder, OF_DATASETS, OF_MODELS)


def release_notes(folder: Path) -> list[str]:
    """Return what a sound release's author should know, one line each, such as what could not be checked here."""
    return _all_problems(folder, NOTES_ON_DATASETS, ())


def _all_problems(folder: Path, of_datasets: tuple[Check, ...], of_models: tuple[Check, ...]) -> list[str]:
    if unsafe := list(check_plain(folder)):
        return unsafe
    problems: list[str] = []
    for check in of_datasets:
        problems += _run(check, folder / "dataset", folder)
    for model in sorted(path for path in (folder / "models").glob("*") if path.is_dir()):
        for check in of_models:
            problems += _run(check, model, folder)
    return list(dict.fromkeys(problems))


def _run(check: Check, part: Path, folder: Path) -> list[str]:
    """The problems one check finds, with the part they are in."""
    name = part.relative_to(folder).as_posix()
    problems: list[str] = []
    try:
        problems.extend(f"{name}/{problem}" for problem in check(part))  # keeps what came before an exception
    except Exception as error:  # whatever a broken file sets off, the other checks must still be made
        words = " ".join(str(error).replace(str(folder), "").split())
        problems.append(f"{name}: {check.__name__} cannot be made: {type(error).__name__}: {words}")
    return problems


OF_DATASETS: tuple[Check, ...] = (
    check_manifest, check_dataset_files, check_card, check_croissant, check_limits, check_data, check_texts, check_rows,
    check_addresses, check_warnings, check_licences, check_training, check_standoff, check_trainers, check_loading,
)  # fmt: skip
OF_MODELS: tuple[Check, ...] = (
    check_manifest,
    check_model_files,
    check_weights,
    check_model_card,
    check_libraries,
    check_limits,
    check_texts,
)
NOTES_ON_DATASETS: tuple[Check, ...] = (noted_warnings, large_rows, croissant_unchecked)
