"""Check a release folder offline: files, rows, cards and texts; and load every config as a user would."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.release.check_card import check_card, read_front_matter
from builder.release.check_files import check_data, check_manifest, check_weights
from builder.release.check_text import check_control_tokens, check_texts
from builder.storage import read_rows

Check = Callable[[Path], Iterator[str]]


def check_release(folder: Path) -> list[str]:
    """Return every problem of a release folder, one line each; nothing is fetched and nothing is changed.

    Args:
        folder: The release, with `dataset/` and `models/<name>/`.
    """
    problems: list[str] = []
    for check in OF_DATASETS:
        problems += _run(check, folder / "dataset", folder)
    for model in sorted(path for path in (folder / "models").glob("*") if path.is_dir()):
        for check in OF_MODELS:
            problems += _run(check, model, folder)
    return list(dict.fromkeys(problems))


def _run(check: Check, part: Path, folder: Path) -> list[str]:
    """The problems one check finds, with the part they are in."""
    name = part.relative_to(folder).as_posix()
    found: list[str] = []
    try:
        found.extend(f"{name}/{problem}" for problem in check(part))  # keeps what came before an exception
    except Exception as error:  # whatever a broken file sets off, the other checks must still be made
        words = " ".join(str(error).replace(str(folder), "").split())
        found.append(f"{name}: {check.__name__} cannot be made: {type(error).__name__}: {words}")
    return found


def check_loading(dataset: Path) -> Iterator[str]:
    """Every config loads with `load_dataset` from an empty cache and has the ids of its files, in their order."""
    from datasets import load_dataset

    for entry in read_front_matter(dataset / "README.md")["configs"]:
        name = entry["config_name"]
        with tempfile.TemporaryDirectory() as cache, _no_progress_bars():
            loaded = load_dataset(str(dataset), name, cache_dir=cache)
            for item in entry["data_files"]:
                files = sorted(dataset.glob(item["path"]))
                expected = [row["id"] for file in files for row in read_rows(file, ["id"])]
                if loaded[item["split"]]["id"][:] != expected:
                    yield f"{name}: load_dataset gives other rows in split {item['split']} than its files hold"
            del loaded


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from datasets.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

    shown = is_progress_bar_enabled()
    disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            enable_progress_bar()


def check_model_card(model: Path) -> Iterator[str]:
    """The front matter of a model's card is YAML and says what the Hub asks for."""
    front = read_front_matter(model / "README.md")
    for key in ("license", "library_name"):
        if not front.get(key):
            yield f"README.md: the front matter lacks {key}"


OF_DATASETS: tuple[Check, ...] = (
    check_manifest, check_card, check_data, check_texts, check_control_tokens, check_loading,
)  # fmt: skip
OF_MODELS: tuple[Check, ...] = (check_manifest, check_weights, check_model_card, check_texts)
