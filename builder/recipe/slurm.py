"""What a Slurm cluster is asked for, for each engine of a stage."""

from typing import Annotated

from pydantic import Field, field_validator

from builder.section import Section


class Slurm(Section):
    """The job that each engine becomes a task of; never part of a fingerprint."""

    partition: Annotated[str, Field(min_length=1)]
    time: Annotated[str, Field(min_length=1)]
    """Time limit of a task as sbatch takes it, in quotes; engines that it ends are submitted again."""
    cpus_per_task: Annotated[int, Field(ge=1)] = 8
    mem_per_cpu_gb: Annotated[int, Field(ge=1)] = 4
    gpus_per_task: Annotated[int, Field(ge=0)] | None = None
    """`runtime.tensor_parallel` where left out; 0 on nodes without GPUs, or where `sbatch_args` asks for them."""
    qos: str | None = None
    env_command: str = ""
    """A line of shell before the engine starts, such as `module load cuda`."""
    sbatch_args: dict[str, str] = Field({})
    """Other options of sbatch by their long names, such as `account`; an empty text for one without a value."""

    @field_validator("time", mode="before")
    @classmethod
    def _quoted(cls, time: object) -> object:
        if isinstance(time, int):
            raise ValueError(f'is read as the number {time}; write it in quotes, as in "20:00:00"')
        return time
