"""Section of the recipe for where and how fast it runs; nothing of it changes a result."""

import re
import shlex
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from builder.recipe.sections.section import Asks, RecipePath, Section, Share

# What a line of a job's script can hold without becoming two options, a comment or a second line.
_NAMES = r"^\w[\w.,@+-]*$"
_OPTION = r"^[a-z][a-z0-9-]*$"
_VALUE = r"^[^\s\x00-\x20\x7f\"'\\#]*$"
_TIME = r"^((\d+-)?\d+(:\d+){0,2}|UNLIMITED|INFINITE)$"

Option = Annotated[str, Field(pattern=_OPTION)]
Value = Annotated[str, Field(pattern=_VALUE)]


class Slurm(Section):
    """The job that each engine, or worker, becomes a task of; never part of a fingerprint."""

    partition: Annotated[str, Field(pattern=_NAMES)]
    """Partition of the cluster."""
    cpu_partition: Annotated[str, Field(pattern=_NAMES)] | None = None
    """Partition of tasks without a model, which cut pages and compare texts; `partition` where left out."""
    time: Annotated[str, Field(pattern=_TIME)]
    """Time limit of a task as sbatch takes it, in quotes; engines that it ends are submitted again."""
    cpus_per_task: Annotated[int, Field(ge=1)] = 8
    """Cores of a task."""
    mem_per_cpu_gb: Annotated[int, Field(ge=1)] = 4
    """Memory of a task in GB, for each of its cores."""
    gpus_per_task: Annotated[int, Field(ge=0)] | None = None
    """`runtime.tensor_parallel` where left out; 0 on nodes without GPUs, or where `sbatch_args` asks for them."""
    qos: Annotated[str, Field(pattern=_NAMES)] | None = None
    """Quality of service, where the cluster asks for one."""
    env_command: Annotated[str, Asks("a shell runs it in each task")] = ""
    """A line of shell before the engine starts, such as `module load cuda`."""
    sbatch_args: Annotated[dict[Option, Value], Asks("sbatch is given it")] = Field({})
    """Other options of sbatch by their long names, such as `account`; an empty text for one without a value."""

    @field_validator("time", mode="before")
    @classmethod
    def _quoted(cls, time: object) -> object:
        if isinstance(time, int):
            raise ValueError(f'is read as the number {time}; write it in quotes, as in "20:00:00"')
        return time

    @field_validator("env_command")
    @classmethod
    def _one_line(cls, command: str) -> str:
        if len(command.splitlines()) > 1 or any(ord(character) < 0x20 for character in command.rstrip("\n")):
            raise ValueError(f"is {command!r}; it must be one line of shell, with ; between its commands")
        return command.rstrip("\n")


class Runtime(Section):
    """Where and how fast it runs; never part of a fingerprint."""

    work_dir: RecipePath | None = None
    """The work directory; `work` beside the recipe where left out."""
    workers: Annotated[int, Field(ge=1)] = 2
    """Processes that cut pages and compare texts at the same time."""
    threads: Annotated[int, Field(ge=1)] = 1
    """OpenMP threads of a child process."""
    engines: Annotated[int, Field(ge=1)] = 1
    """Engines side by side, each with `tensor_parallel` GPUs of its own."""
    executor: Literal["local", "ray", "slurm"] = "local"
    """Where engines and workers run: on this machine, on a Ray cluster (RAY_ADDRESS names it, else one is started
    here), or as tasks of a Slurm job. All machines must see the work directory, the models and the corpus under the
    same paths."""
    slurm: Slurm | None = None
    """The job of `executor: slurm`."""
    chunk_rows: Annotated[int, Field(ge=1)] = 512
    """Rows that are asked about, and written, together; what is lost when a stage is killed."""
    max_failed: Share = 0.2
    """The share of rows that may fail in the engine, in about 1,000 rows, before a stage stops."""
    kv_cache_mb: Annotated[int, Field(ge=16)] | None = 512
    """Size of the KV cache on a CPU, where vLLM would otherwise claim most of the memory."""
    gpu_memory: Share = 0.9
    """Share of a GPU's memory that vLLM takes."""
    tensor_parallel: Annotated[int, Field(ge=1)] = 1
    """GPUs that share a model."""
    max_num_seqs: Annotated[int, Field(ge=1)] | None = None
    """The most sequences that vLLM has in hand at once; its own choice where left out."""
    max_num_batched_tokens: Annotated[int, Field(ge=1)] | None = None
    """The most tokens of a step of vLLM; its own choice where left out; on a CPU at least `max_model_len`."""
    eager: bool = False
    """Whether vLLM goes without compiling and without CUDA graphs: it starts sooner and is slower. On a CPU it always
    does."""
    endpoint: (
        Annotated[str, Field(pattern=r"^https?://\S+$"), Asks("rows are sent there, with OPENAI_API_KEY")] | None
    ) = None
    """Where an OpenAI-compatible server answers, such as http://localhost:8000/v1; its key is in OPENAI_API_KEY."""
    concurrency: Annotated[int, Field(ge=1)] = 64
    """Requests that a server is sent at the same time."""
    request_seconds: Annotated[float, Field(gt=0)] = 300.0
    """How long one request may take."""
    request_tries: Annotated[int, Field(ge=1)] = 6
    """How often a request is sent before its row counts as failed."""
    launcher: Annotated[str, Asks("it is run as a command")] = ""
    """Prefix of the training command, e.g. `accelerate launch --config_file recipes/accelerate/fsdp2.yaml`; split
    without a shell. A word that begins with `recipes/accelerate/` names the package's file, wherever the command
    runs."""
    device_batch: Annotated[int, Field(ge=1)] | None = None
    """The most rows that a device takes at once in training, instead of the TRL recipe's per_device_train_batch_size;
    needs `training.global_batch`, which says how many a step has."""
    max_too_long: Annotated[float, Field(ge=0, le=1)] = 0.01
    """The share of training rows that may be left out because they are longer than max_length, before a training
    stops; up to 3 rows may in any case where they are no more than a tenth, but none with 0."""
    max_hours: Annotated[float, Field(gt=0)] | None = None
    """Hours after which a build stops: at the next chunk of rows or step of a training, elsewhere at once. Nothing that
    is done is lost, the exit code is 75, and the same command goes on, for as many hours again."""
    stall_minutes: Annotated[float, Field(gt=0)] = 30.0
    """Minutes without progress after which a process counts as standing still."""
    restarts: Annotated[int, Field(ge=0)] = 4
    """How often a process that stands still, or an engine that dies, is started again."""

    @field_validator("launcher")
    @classmethod
    def _splits(cls, launcher: str) -> str:
        try:
            shlex.split(launcher)
        except ValueError as error:
            raise ValueError(f"is {launcher!r}, which cannot be split into words: {error}") from error
        return launcher

    @field_validator("endpoint")
    @classmethod
    def _without_secret(cls, endpoint: str | None) -> str | None:
        if endpoint is not None and re.search(r"[?#]|//[^/]*@", endpoint):
            raise ValueError("must be an address alone, without user, password or query; OPENAI_API_KEY takes the key")
        return endpoint

    @model_validator(mode="after")
    def _steps_hold_sequences(self) -> "Runtime":
        sequences, tokens = self.max_num_seqs, self.max_num_batched_tokens
        if sequences and tokens and tokens < sequences:
            raise ValueError(
                f"max_num_batched_tokens is {tokens} and max_num_seqs {sequences}; a step needs a token for each"
            )
        return self

    @model_validator(mode="after")
    def _asks_slurm(self) -> "Runtime":
        if self.executor == "slurm" and self.slurm is None:
            raise ValueError("executor is 'slurm', so slurm must say at least partition and time")
        return self
