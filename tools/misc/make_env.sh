#!/usr/bin/env bash
# Make a virtual environment with everything that MMVOS needs: make_env.sh PYTHON VENV TORCH
set -euo pipefail
PYTHON=$1
VENV=$2
TORCH=$3
if [ -n "${MAKELEVEL:-}" ]; then cd "$(dirname "$0")/../.."; fi

[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }
has() { "$VENV/bin/python" -c "import $1" 2>/dev/null; }

echo "[1/4] torch ($TORCH) and build tools"
# torch before everything that asks for it, so that no other package chooses the build
has torch || pip install -q "$TORCH"
pip install -q -r requirements/build.txt

echo "[2/4] mmengine and mmcv"
pip install -q "onedl-mmengine>=0.10.12"
if ! has mmcv._ext; then
    # mmcv comes as source: compiled once, then pip keeps the wheel
    echo "      compiling onedl-mmcv (about 7 minutes on two cores; a second installation takes it from pip's cache)"
    start=$SECONDS
    MMCV_WITH_OPS=1 MAX_JOBS="${MAX_JOBS:-$(nproc)}" pip install -q --no-build-isolation "onedl-mmcv>=2.3.6"
    echo "      done in $((SECONDS - start)) s"
fi

echo "[3/4] mmdet, MMVOS and its tests"
pip install -q -r requirements/mminstall.txt -r requirements/runtime.txt -r requirements/tests.txt
pip install -q --no-build-isolation --no-deps -e .

echo "[4/4] OpenCV"
# onedl-mmcv asks for opencv-python and onedl-mmdetection, by way of imagecorruptions, for opencv-python-headless: both put
# files into one folder, and the first cannot be imported where libGL is missing. Keep the one that imports anywhere.
if pip show -q opencv-python 2>/dev/null || ! has cv2; then
    version=$(pip list --format=freeze 2>/dev/null | sed -n 's/^opencv-python-headless==//p')
    pip uninstall -q -y opencv-python opencv-python-headless
    pip install -q --no-deps "opencv-python-headless${version:+==$version}"
fi
"$VENV/bin/python" -c "import cv2, mmcv.ops, mmdet, mmvos; print('environment ready: MMVOS', mmvos.__version__)" 2>/dev/null
