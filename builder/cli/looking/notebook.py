"""A build in Python: its rows as tables, its scores, its page. `from builder import open_build`."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.cli.project import Project, open_project
from builder.data.records import Row
from builder.data.storage import count_rows, parquet_files, read_rows
from builder.errors import StageError
from builder.workspace.workspace import Artifact

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

    from builder.build import Build


class Rows:
    """The rows of a finished stage.

    Attributes:
        stage: Its name.
        path: Its folder.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.stage, self.path, self._artifact = artifact.stage, artifact.path, artifact

    @property
    def record(self) -> dict[str, Any]:
        """What the stage says of itself: counts, details, warnings, versions."""
        return self._artifact.record

    def _done(self) -> Path:
        if self._artifact.status != "done":
            raise StageError(f"{self.stage}: is {self._artifact.status}; `humpback build RECIPE` runs it")
        return self._artifact.data

    def __len__(self) -> int:
        return count_rows(self._done())

    def __iter__(self) -> Iterator[Row]:
        return read_rows(self._done())

    def to_arrow(self) -> "pa.Table":
        """All rows as one table of Arrow."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        files = parquet_files(self._done())
        return pa.concat_tables([pq.read_table(file) for file in files]) if files else pa.table({})

    def to_polars(self) -> "polars.DataFrame":
        """All rows as a table of Polars, which has to be installed."""
        import polars

        return polars.from_arrow(self.to_arrow())  # type: ignore[return-value]

    def to_pandas(self) -> "pandas.DataFrame":
        """All rows as a table of pandas."""
        found: pandas.DataFrame = self.to_arrow().to_pandas()
        return found

    def __repr__(self) -> str:
        status = self._artifact.status
        return f"<{self.stage}: {f'{len(self):,} rows' if status == 'done' else status}, {_short(self.path)}>"


class OpenedBuild:
    """A build as it stands in its work directory.

    Attributes:
        project: The recipe with its folder.
    """

    def __init__(self, project: Project) -> None:
        self.project = project

    @functools.cached_property
    def _build(self) -> "Build":
        return self.project.look_at_build()

    @property
    def seed(self) -> Rows:
        """Human-written pairs."""
        return Rows(self._build.human)

    @property
    def segments(self) -> Rows:
        """Distinct segments."""
        return Rows(self._build.segments)

    @property
    def candidates(self) -> Rows:
        """Pairs that M_yx wrote and the gate passed."""
        return Rows(self._build.candidates)

    @property
    def scores(self) -> Mapping[str, Rows]:
        """Scores by the name of their stage, `score-1-likelihood` and so on."""
        return {artifact.stage: Rows(artifact) for artifact in self._build.scores.values()}

    @property
    def curated(self) -> list[Rows]:
        """A_1 ... A_N."""
        return [Rows(artifact) for artifact in self._build.curated]

    @property
    def models(self) -> list[Path]:
        """Folders of M_0 ... M_N."""
        return [artifact.model for artifact in self._build.models]

    def report(self, path: Path | str | None = None) -> Path:
        """Write the page of the build, and say where it is."""
        from builder.cli.looking.report import report_build

        answer = report_build(self.project, None if path is None else Path(path))
        return Path(answer.value["page"])

    def explain(self, wanted: str) -> dict[str, Any]:
        """The history of a row; see `humpback explain`."""
        from builder.cli.looking.report import explain_row

        found: dict[str, Any] = explain_row(self.project, wanted).value
        return found

    def __repr__(self) -> str:
        stages = self._build.artifacts.values()
        done = sum(artifact.status == "done" for artifact in stages)
        return (
            f"<build {self.project.recipe.name}: {done} of {len(stages)} stages done, {_short(self.project.work_dir)}>"
        )


def _short(path: Path) -> Path:
    """A path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def open_build(path: Path | str, work_dir: Path | str | None = None, settings: Sequence[str] = ()) -> OpenedBuild:
    """Open a build to look at it; nothing is run.

    Args:
        path: The build.yaml, or its folder.
        work_dir: The work directory, if it is another one than the recipe's.
        settings: Keys of the recipe with other values, as after `--set`: `curate.share=0.3`.

    Raises:
        RecipeError: If the recipe is wrong.
    """
    place = None if work_dir is None else Path(work_dir)
    return OpenedBuild(open_project(Path(path), place, tuple(settings), only_looks=True))
