"""Write the whole sample to a folder: crawl, hand-written pages, seed, safety seed, truth and base model."""

import gzip
import json
import zlib
from collections.abc import Iterable
from pathlib import Path

from builder.data.storage import write_bytes, write_text
from builder.errors import RecipeError
from builder.sample import SAMPLE_SEED
from builder.sample.archive import FILE as ARCHIVE
from builder.sample.archive import write_archive
from builder.sample.crawl import crawl, truth_row
from builder.sample.english import SAFETY
from builder.sample.web import World

HERE = Path(__file__).parent
BASE = HERE / "base"
HANDWRITTEN = HERE / "handwritten"
_WEIGHTS = "model.safetensors"
_FIRST_RECORD = b"WARC-Record-ID: <urn:uuid:54430129-96f4-5816-a6ff-7c2a8a59437c>"
"""The archive of the sample is known by its first record; an archive of ClueWeb22 has the same name."""
_HEAD_BYTES = 1_024


def sample_world(seed: int = SAMPLE_SEED) -> World:
    """The world a sample was written from, to check answers against; see `World.questions`."""
    return World(seed)


def write_sample(folder: Path, seed: int = SAMPLE_SEED, base: Path = BASE) -> None:
    """Write the sample below `folder`; files that are already as they should be are left untouched.

    Args:
        folder: Gets `corpus/warc/`, `corpus/pages/`, `seed/pairs.jsonl`, `seed/safety.jsonl`, `truth.jsonl`, `base/`.
        seed: The world's seed; equal seeds give equal bytes.
        base: The base model to copy. The one in the package belongs to `SAMPLE_SEED`; it has read texts that
            worlds of other seeds keep for the crawl.

    Raises:
        RecipeError: If `base` is not a model folder.
    """
    if not (base / "config.json").is_file():
        raise RecipeError(
            f"{base}: no model there (config.json is missing); "
            f"make one with `python scripts/pretrain.py --seed {seed} --out {base}`"
        )
    world = sample_world(seed)
    pages, truths = crawl(world)
    write_archive(folder / "corpus" / "warc", pages)
    pairs = [{"instruction": question, "output": answer} for question, answer in world.seed_pairs()]
    refusals = [{"instruction": question, "output": answer} for question, answer in SAFETY]
    _write_lines(folder / "seed" / "pairs.jsonl", pairs)
    _write_lines(folder / "seed" / "safety.jsonl", refusals)
    _write_lines(folder / "truth.jsonl", map(truth_row, truths))
    _copy_files(HANDWRITTEN.glob("*.html"), folder / "corpus" / "pages")
    _copy_files((path for path in base.iterdir() if path.is_file()), folder / "base")


def is_of_sample(file: Path) -> bool:
    """Whether a file of pages is the archive of the sample or one of its hand-written pages."""
    try:
        if file.name == Path(ARCHIVE).name and file.is_file():
            with gzip.open(file) as archive:
                return _FIRST_RECORD in archive.read(_HEAD_BYTES)
        return _are_equal(HANDWRITTEN / file.name, file)
    except (OSError, EOFError, zlib.error):  # whoever reads it says so
        return False


def is_sample_base(folder: Path) -> bool:
    """Whether the weights in a folder are those of the embedded base model."""
    try:
        return _are_equal(BASE / _WEIGHTS, folder / _WEIGHTS)
    except OSError:  # whoever reads it says so
        return False


def _are_equal(ours: Path, file: Path) -> bool:
    if not (ours.is_file() and file.is_file()) or ours.stat().st_size != file.stat().st_size:
        return False
    return ours.read_bytes() == file.read_bytes()


def _write_lines(path: Path, rows: Iterable[dict[str, str]]) -> None:
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _copy_files(paths: Iterable[Path], folder: Path) -> None:
    for path in sorted(paths):
        write_bytes(folder / path.name, path.read_bytes())
