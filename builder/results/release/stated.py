"""What a release says of itself, by a grammar: a manifest may be a stranger's, and is shown, printed and obeyed."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from builder.data.paths import distinct, inside
from builder.errors import ReleaseError
from builder.results.release.manifest import MANIFEST
from builder.results.release.outside import outside_json
from builder.text.escape import escape

MOST_FILES = 100_000
"""What the Hub takes in a repository."""
_UNPLAIN = re.compile(r"[`|<>\\]")
_SHOWN = 3


def _plain(text: str) -> str:
    if escape(text, "terminal") != text or "\n" in text or "\t" in text or _UNPLAIN.search(text):
        raise ValueError("holds characters that are not seen, or that are markup")
    return text


def _grammar(pattern: str, most: int) -> Any:
    return StringConstraints(pattern=rf"^(?:{pattern})$", max_length=most)


Plain = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_plain)]
"""One line without markup."""
VersionText = Annotated[str, _grammar(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}", 29)]
ToolVersion = Annotated[str, _grammar(r"[0-9][0-9A-Za-z.+-]*", 40)]
Digest = Annotated[str, _grammar("[0-9a-f]{64}", 64)]
Fingerprint = Annotated[str, _grammar("[0-9a-f]+", 64)]
Revision = Annotated[str, _grammar(r"[0-9A-Za-z][0-9A-Za-z._/-]*", 120)]
Repository = Annotated[str, _grammar(r"[0-9A-Za-z_.-]+/[0-9A-Za-z_.-]+", 200)]
RecipeName = Annotated[str, _grammar("[a-z0-9][a-z0-9._-]*", 200)]
ConfigName = Annotated[str, _grammar("[A-Za-z0-9][A-Za-z0-9._-]*", 100)]
SplitName = Annotated[str, _grammar(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*", 100)]
StageName = Annotated[str, _grammar("[a-z0-9][a-z0-9-]*", 60)]
Number = Annotated[int, Field(ge=0, lt=2**63)]


class Stated(BaseModel):
    """A part of what a release says; keys of other versions are passed over, and values are never changed."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, strict=True, hide_input_in_errors=True, allow_inf_nan=False, populate_by_name=True
    )


class StatedFile(Stated):
    """A file, with what is in it if it is a table."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    path: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    sha256: Digest
    bytes: Number
    config: ConfigName | None = None
    rows: Number | None = None
    columns: Annotated[dict[str, str] | None, Field(alias="schema", max_length=1000)] = None
    schema_sha256: Digest | None = None

    def entry(self) -> dict[str, Any]:
        """The same as in the manifest, without its path."""
        return self.model_dump(exclude={"path"}, exclude_none=True, by_alias=True)


class StatedTool(Stated):
    """What the release was made with."""

    version: ToolVersion


class StatedStage(Stated):
    """A stage of the build."""

    fingerprint: Fingerprint


class StatedSft(Stated):
    """What the final model was trained on."""

    rows: Digest


class Earlier(Stated):
    """A line of the version table."""

    version: VersionText
    recipe: Fingerprint
    tool: ToolVersion
    base: Plain
    base_revision: Revision | None = None
    rows: Annotated[dict[ConfigName, Number], Field(max_length=100)]


class Manifest(Stated):
    """`manifest.json` of a dataset, a model or a base, as far as anything reads it."""

    schema_version: Literal[1] = 1
    name: RecipeName
    version: VersionText
    kind: Literal["dataset", "model", "base"]
    tool: StatedTool | None = None
    text: Literal["full", "standoff"] | None = None
    redistributable: bool = True
    walk: Annotated[str, _grammar("[a-z0-9-]+", 20)] | None = None
    mask_pii: bool = True
    on_control_tokens: Literal["reject", "escape"] = "reject"
    sft: StatedSft | None = None
    history: Annotated[list[Earlier], Field(max_length=1000)] = Field([])
    stages: Annotated[dict[StageName, StatedStage], Field(max_length=1000)] = Field({})
    files: Annotated[list[StatedFile], Field(max_length=MOST_FILES)]

    @property
    def made_with(self) -> str:
        """The version of the tool, for a message."""
        return self.tool.version if self.tool else "of its time"


Model = TypeVar("Model", bound=BaseModel)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a dataset or model folder.

    Raises:
        ReleaseError: If there is none, or something in it is not what a release writes there.
        UnsafePath: If it names a file that is not below the folder, or two that a file system may take for one.
    """
    manifest = checked(Manifest, outside_json(folder, MANIFEST), str(folder / MANIFEST))
    files_of(folder, manifest)
    return manifest


def files_of(folder: Path, manifest: Manifest) -> dict[str, Path]:
    """The files that a manifest names, each below the folder."""
    distinct((file.path for file in manifest.files), str(folder / MANIFEST))
    return {file.path: inside(folder, file.path, str(folder / MANIFEST)) for file in manifest.files}


def checked(model: type[Model], value: object, where: str) -> Model:
    """A value of a release as its model.

    Raises:
        ReleaseError: With a line for the first few things that are wrong with it.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [
        f"{where}: {_place(problem['loc'])} {problem['msg']}; no release writes this" for problem in problems[:_SHOWN]
    ]
    more = [f"{where}: and {len(problems) - _SHOWN:,} more like these"] if len(problems) > _SHOWN else []
    raise ReleaseError("\n".join([*lines, *more]))


def _place(location: Iterable[int | str]) -> str:
    return escape(".".join(str(part)[:60] for part in location), "terminal") or "the value"


def by_name(files: Mapping[str, Path], config: str, split: str) -> list[Path]:
    """The shards of a split, in their order."""
    return [path for name, path in sorted(files.items()) if re.fullmatch(_shard(config, split), name)]


def _shard(config: str, split: str) -> str:
    return rf"{re.escape(config)}/{re.escape(split)}-[0-9]+-of-[0-9]+\.parquet"
