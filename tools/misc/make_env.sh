#!/usr/bin/env bash
# Makes a virtual environment with MMVOS in it: make_env.sh PYTHON VENV TORCH [EXTRA ...]
# Nothing is compiled. EXTRA: sets of further packages (dev, crf, docs, ...), see pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=$1
VENV=$2
TORCH=$3
shift 3
start=$SECONDS

[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
# --no-compile: Python compiles what is imported, when it is; torch alone has thousands of files that never are
install() { "$VENV/bin/python" -m pip --disable-pip-version-check install -q --no-compile "$@"; }
has() { "$VENV/bin/python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"; }

echo "[1/3] $TORCH"
# torch before everything that asks for it, so that no other package chooses the build
has torch || install "$TORCH"

echo "[2/3] mmcv"
# It comes as source, and pip builds it without its compiled operations (mmvos/ops stands in for them; make ops compiles them).
# Not by way of pip's cache: what an earlier build left there may be of the other kind, or for another torch.
has mmcv || install --no-cache-dir --no-deps "onedl-mmcv>=2.3.6"

echo "[3/3] MMVOS and what it needs"
extras=$(IFS=,; echo "$*")
install -e ".${extras:+[$extras]}"
# onedl-mmcv and imagecorruptions ask for opencv-python as well. Both put files into one folder, and opencv-python cannot be
# imported where libGL is missing: keep the one that imports anywhere.
packages=$("$VENV/bin/python" -m pip list --format=freeze 2>/dev/null)
if grep -q '^opencv-python==' <<< "$packages"; then
    version=$(sed -n 's/^opencv-python-headless==//p' <<< "$packages")
    "$VENV/bin/python" -m pip uninstall -q -y opencv-python opencv-python-headless
    install --no-deps "opencv-python-headless==$version"
fi
# This first start compiles what is imported. Where Python may write no bytecode, it may for this once:
# else every start would compile torch again.
env -u PYTHONDONTWRITEBYTECODE "$VENV/bin/mmvos" doctor --quiet
echo "environment ready in $((SECONDS - start)) s"
