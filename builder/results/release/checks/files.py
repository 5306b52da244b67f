"""Checks of files against the manifest, of Parquet files among themselves, and of model weights."""

import json
from collections.abc import Iterator
from pathlib import Path

from builder.data.storage import open_parquet, parquet_files, read_json, read_rows
from builder.results.release.content.trained import rows_digest
from builder.results.release.manifest import MANIFEST, describe_files
from builder.results.release.portable.chat import CHAT, as_trained
from builder.results.release.stated import read_manifest

PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


def check_manifest(folder: Path) -> Iterator[str]:
    """The files present are those of the manifest, with its digests, sizes, rows and columns."""
    listed = {file.path: file.entry() for file in read_manifest(folder).files}
    broken = list(_unreadable(folder))
    yield from (f"{path}: the Parquet file cannot be read: {reason}" for path, reason in broken)
    if broken:
        return
    present = {item.pop("path"): item for item in describe_files(folder)}
    for path in sorted(listed.keys() - present.keys()):
        yield f"{path}: the file is missing, {MANIFEST} lists it"
    for path in sorted(present.keys() - listed.keys()):
        yield f"{path}: the file is not in {MANIFEST}"
    for path in sorted(listed.keys() & present.keys()):
        for key in sorted(listed[path].keys() | present[path].keys()):
            if listed[path].get(key) != present[path].get(key):
                yield f"{path}: {key} is {present[path].get(key)}, {MANIFEST} says {listed[path].get(key)}"


def _unreadable(folder: Path) -> Iterator[tuple[str, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in parquet_files(folder):
        try:
            pq.read_metadata(path)
        except (OSError, pa.ArrowException) as error:
            yield path.relative_to(folder).as_posix(), " ".join(str(error).split())


def check_data(dataset: Path) -> Iterator[str]:
    """One schema a config (and one for all conversations), unique ids, and the trained rows in `sft`."""
    import pyarrow.parquet as pq

    conversations = set()
    for config in sorted(path for path in dataset.iterdir() if path.is_dir()):
        files = parquet_files(config)
        schemas = {pq.read_schema(file) for file in files}
        if len(schemas) > 1:
            yield f"{config.name}: its files have {len(schemas)} different schemas"
        conversations |= {schema for schema in schemas if "completion" in schema.names}
        if any("messages" in schema.names and "prompt" in schema.names for schema in schemas):
            yield f"{config.name}: has messages beside prompt and completion; trainers may take either"
        repeated = _repeated_ids(files)
        if repeated:
            yield f"{config.name}: {len(repeated):,} ids occur more than once, the first is {repeated[0]}"
    if len(conversations) > 1:
        yield "the configs with prompt and completion differ in their schemas"
    manifest = read_json(dataset / MANIFEST)
    if manifest["text"] != "full":
        return
    for name, rows in (("sft", read_rows(dataset / "sft")), (CHAT, as_trained(read_rows(dataset / CHAT)))):
        if rows_digest(rows) != manifest["sft"]["rows"]:
            yield f"{name}: the rows are not those the final model was trained on, by the digest in {MANIFEST}"


def _repeated_ids(files: list[Path]) -> list[str]:
    """Ids that occur more than once, in their order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts: list[pa.Array] = []
    for path in files:
        with open_parquet(path) as file:
            parts += (batch.column("id") for batch in file.iter_batches(columns=["id"]))
    counts = pc.value_counts(pa.chunked_array(parts, pa.string()))
    return list(counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist())


def check_weights(model: Path) -> Iterator[str]:
    """Weights are whole safetensors files, configuration is JSON, nothing is pickled."""
    if not (model / "config.json").is_file() and not (model / "adapter_config.json").is_file():
        yield "config.json: the file is missing"
    weights = sorted(model.glob("*.safetensors"))
    if not weights:
        yield "has no .safetensors weights"
    for path in weights:
        if not _is_whole(path):
            yield f"{path.name}: the weights are cut short or damaged"
    for path in sorted(model.rglob("*")):
        if path.suffix in PICKLED:
            yield f"{path.name}: pickled files are never released, loading one runs what it holds"


def _is_whole(path: Path) -> bool:
    """Whether the header of a safetensors file is JSON and its tensors end where the file ends."""
    with path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if length > path.stat().st_size:
            return False
        try:
            header = json.loads(handle.read(length))
        except ValueError:
            return False
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return path.stat().st_size == 8 + length + max(ends, default=0)
