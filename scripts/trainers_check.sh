#!/usr/bin/env bash
# Axolotl and LLaMA-Factory, each in an environment of its own, read the rows of a small release.
# scripts/trainers_check.sh [FOLDER]     the environments lie in FOLDER (.venv-trainers); what is there is not made again
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-.venv-trainers}
torch=2.13.0
# Both ask for far more than reading and tokenizing rows needs (GPUs, web interfaces, stores), some of which has no
# build for a CPU: so each comes alone, and these are what its data code imports.
axolotl=(
  accelerate==1.13.0 axolotl-contribs-lgpl==0.0.7 axolotl-contribs-mit==0.0.6 datasets==4.8.4 huggingface_hub==1.17.0
  mistral-common==1.11.5 peft==0.20.0 posthog==6.7.11 pydantic==2.12.5 tokenizers==0.23.1 transformers==5.16.1
  trl==1.9.0 typer==0.25.1 python-dotenv==1.0.1 addict==2.4.0 colorama==0.4.6 einops==0.8.2 fire==0.7.1
  llvmlite==0.50.0 numba==0.68.1 sentencepiece==0.2.3
)
llama_factory=(
  accelerate==1.11.0 datasets==4.0.0 peft==0.18.1 transformers==4.57.6 trl==0.24.0
  einops==0.8.2 fire==0.7.1 omegaconf==2.4.0 pandas==3.1.1 protobuf==7.36.2 pydantic==2.14.4 sentencepiece==0.2.3
  tiktoken==0.14.0
)

# Arguments: name of the environment, the trainer, what it imports.
environment() {
  local home=$folder/$1 trainer=$2 stamp
  shift 2
  stamp="torch==$torch $trainer $*"
  [ "$(cat "$home/.installed" 2>/dev/null || true)" = "$stamp" ] && return
  echo "installing $trainer into $home" >&2
  rm -rf "$home"
  "${PYTHON:-python3}" -m venv "$home"
  local pip=("$home/bin/python" -m pip --disable-pip-version-check install -q)
  # As scripts/install.sh does, and why: a bare `pip install torch` brings gigabytes of CUDA.
  "${pip[@]}" --no-index --no-deps "torch==$torch" 2>/dev/null ||
    (unset PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
     PIP_CONFIG_FILE=/dev/null "${pip[@]}" --index-url https://download.pytorch.org/whl/cpu "torch==$torch") || {
    echo "error: no CPU build of torch $torch could be installed: put its wheel into a folder and run" >&2
    echo "       PIP_FIND_LINKS=FOLDER $0" >&2
    return 1
  }
  "${pip[@]}" "torch==$torch" "$@"
  "${pip[@]}" --no-deps "$trainer"
  echo "$stamp" >"$home/.installed"
}

environment axolotl axolotl==0.19.0 "${axolotl[@]}"
environment llama-factory llamafactory==0.9.5 "${llama_factory[@]}"
# LLaMA-Factory imports it at the start, for sounds; its builds on the package index cannot load beside a +cpu torch.
touch "$("$folder/llama-factory/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torchaudio.py"

here=$(cd "$folder" && pwd)
HUMPBACK_AXOLOTL=$here/axolotl/bin/python HUMPBACK_LLAMA_FACTORY=$here/llama-factory/bin/python \
  .venv/bin/python -m pytest tests/release/portable/test_chat.py -q -k "reads_the_rows_and_trains"
