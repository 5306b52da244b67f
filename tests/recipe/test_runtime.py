"""What the section `runtime` takes: nothing that is one option in the recipe and two in a script."""

import pytest
from pydantic import ValidationError

from builder.recipe.sections.runtime import Slurm

GOOD = {"partition": "gpu", "time": "1:00:00"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("partition", "gpu\ntouch stolen"),
        ("partition", "gpu\n"),
        ("partition", "gpu --output=/home/me/.bashrc"),
        ("partition", "-x"),
        ("time", "1:00:00\ntouch stolen"),
        ("time", "$(touch stolen)"),
        ("qos", "high\r#SBATCH --output=/home/me/.bashrc"),
        ("qos", "high\u2028"),
        ("sbatch_args", {"account": "ours\ntouch stolen"}),
        ("sbatch_args", {"account": "ours --output=/home/me/.bashrc"}),
        ("sbatch_args", {"account": '"ours'}),
        ("sbatch_args", {"account": "ours#"}),
        ("sbatch_args", {"account\ntouch": "stolen"}),
        ("sbatch_args", {"account=ours --wait": ""}),
        ("env_command", "module load cuda\n#SBATCH --x"),
        ("env_command", "module load cuda\rx"),
    ],
)
def test_a_value_that_would_be_more_than_one_in_a_script_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Slurm.model_validate(GOOD | {key: value})
    assert caught.value.errors()[0]["loc"][0] == key


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("partition", "gpu-a100,gpu_h100"),
        ("time", "2-12:00:00"),
        ("time", "90"),
        ("time", "UNLIMITED"),
        ("qos", "high.prio"),
        ("sbatch_args", {"constraint": "[a100|h100]", "gres": "gpu:a100:4", "nodelist": "n[01-10]", "wait": ""}),
        ("env_command", 'module load cuda; source ~/env.sh && echo "$HOME"'),
    ],
)
def test_what_a_site_needs_is_taken(key: str, value: object) -> None:
    assert getattr(Slurm.model_validate(GOOD | {key: value}), key) == value
