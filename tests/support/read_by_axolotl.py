"""The rows of a release as Axolotl reads them: run by a Python that has it, in the folder of the dataset.

python read_by_axolotl.py SCRATCH     writes JSON: the messages as loaded; each row's text; what is trained of it
"""

import json
import sys
from pathlib import Path


def main(scratch: Path) -> None:
    from axolotl.cli.config import load_cfg
    from axolotl.loaders import load_tokenizer
    from axolotl.utils.data.shared import load_dataset_with_config
    from axolotl.utils.data.wrappers import get_dataset_wrapper

    places = {"dataset_prepared_path": str(scratch / "rows"), "output_dir": str(scratch / "model")}
    cfg = load_cfg("training/axolotl.yml", dataset_num_proc=1, **places)
    tokenizer = load_tokenizer(cfg)
    loaded = load_dataset_with_config(cfg.datasets[0], use_auth_token=False)
    kind, _, style = cfg.datasets[0].type.partition(":")
    rows, _ = get_dataset_wrapper(
        dataset_config=cfg.datasets[0],
        tokenizer=tokenizer,
        cfg=cfg,
        dataset_base_type=kind,
        dataset=loaded,
        dataset_prompt_style=style or None,
    )
    said = {
        "messages": loaded["messages"][:],
        "texts": [tokenizer.decode(row["input_ids"]) for row in rows],
        "trained": [tokenizer.decode([token for token in row["labels"] if token != -100]) for row in rows],
        "settings": {key: cfg[key] for key in ("sequence_len", "learning_rate", "micro_batch_size", "num_epochs")},
    }
    (scratch / "said.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
