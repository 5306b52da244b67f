"""The training recipe of a release: no path of the machine that trained, and a target beside the dataset."""

from pathlib import Path

import yaml

from builder.results.release.content.training import hyperparameters, output_folder
from builder.workspace.workspace import Artifact


def test_no_path_is_left_in_an_option_or_inside_it(tmp_path: Path) -> None:
    resolved = {
        "learning_rate": 0.1,
        "logging_dir": "/home/somebody/logs",
        "own_file": "/srv/x.json",
        "model_init_kwargs": {"cache_dir": "/srv/cache", "use_cache": False, "inner": {"file": "file:///srv/x"}},
        "lora_target_modules": ["q_proj", "~/modules"],
    }
    (tmp_path / "sft.yaml").write_text(yaml.safe_dump(resolved))
    assert hyperparameters(Artifact("model-2", "0" * 12, tmp_path)) == {
        "learning_rate": 0.1,
        "model_init_kwargs": {"use_cache": False, "inner": {}},
        "lora_target_modules": ["q_proj"],
    }


def test_a_training_writes_beside_the_folder_of_the_dataset() -> None:
    assert output_folder("tiny", "1.0.0") == "../tiny-1.0.0-trained"
