"""`make real-speed`: what it says, and that a setting differs in what its name says."""

from pathlib import Path

import yaml
from real_speed import SIZE, TIMES, TRAININGS, report, speed
from support.training_pairs import train_here, write_pairs

from builder.data.resources import resource_folder


def test_the_tables_have_a_row_for_each_setting() -> None:
    text = report([("as it is", 161.4, 18.72)], {"bfloat16": {"read": 866.7, "write": 30.2, "start": 21.0}})
    assert "| as it is | 161 | 18.7 |" in text
    assert "| bfloat16 | 867 | 30 | 21 |" in text


def test_every_training_has_as_many_rows_in_a_step() -> None:
    given = yaml.safe_load((resource_folder("recipes") / "smollm2-135m" / "sft_forward_cpu.yaml").read_text())
    assert {(given | changed)[SIZE] * (given | changed)[TIMES] for changed in TRAININGS.values()} == {16}
    assert all(
        set(changed) <= set(given) | {"use_peft", "lora_r", "lora_target_modules"} for changed in TRAININGS.values()
    )


def test_speed_is_what_a_training_has_measured(tmp_path: Path) -> None:
    train_here(write_pairs(tmp_path / "pairs"), tmp_path / "out")
    tokens, seconds = speed(tmp_path / "out")
    assert tokens > 0
    assert seconds > 0
