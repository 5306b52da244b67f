"""The rows of a release as LLaMA-Factory reads them: run by a Python that has it, in the folder of the dataset.

python read_by_llama_factory.py SCRATCH NAME     writes JSON: each row's text under the template ChatML; what is
                                                 trained of it
"""

import json
import sys
from pathlib import Path


def main(scratch: Path, name: str) -> None:
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from transformers import AutoTokenizer

    options = {"stage": "sft", "do_train": True, "finetuning_type": "full", "use_cpu": True, "report_to": "none"}
    options |= {"dataset_dir": "training", "dataset": name, "template": "chatml", "cutoff_len": 2048}
    options |= {"model_name_or_path": "../models/final", "output_dir": str(scratch / "model"), "overwrite_cache": True}
    model, data, training, *_ = get_train_args(options)
    tokenizer = AutoTokenizer.from_pretrained("../models/final")
    template = get_template_and_fix_tokenizer(tokenizer, data)
    rows = get_dataset(template, model, data, training, stage="sft", tokenizer=tokenizer)["train_dataset"]
    said = {
        "texts": [tokenizer.decode(row["input_ids"]) for row in rows],
        "trained": [tokenizer.decode([token for token in row["labels"] if token != -100]) for row in rows],
    }
    (scratch / "said.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
