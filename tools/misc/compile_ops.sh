#!/usr/bin/env bash
# Compiles mmcv's operations for the torch of an environment: compile_ops.sh PYTHON. Needs a C++ compiler (and nvcc for a GPU).
# Around pip's cache: an mmcv without operations may lie there.
set -euo pipefail
PYTHON=$1
pip() { "$PYTHON" -m pip --disable-pip-version-check "$@"; }
pip install -q "setuptools>=80" wheel packaging ninja psutil
start=$SECONDS
MAX_JOBS="${MAX_JOBS:-$(nproc)}" pip install -q --no-build-isolation --no-cache-dir --force-reinstall --no-deps "onedl-mmcv>=2.3.6"
"$PYTHON" -m mmvos doctor
echo "compiled in $((SECONDS - start)) s"
