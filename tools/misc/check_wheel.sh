#!/usr/bin/env bash
# Installs a wheel in a clean environment and uses it outside the checkout: check_wheel.sh PYTHON TORCH WHEEL [VIDEO CLICK]
# VIDEO with a CLICK on an object is what `mmvos segment` gets in place of the demo's example.
# Prints, at its end, a row of the table on the installation page.
set -euo pipefail
PYTHON=$(command -v "$1") || { echo "$1: no such Python" >&2; exit 2; }
[[ $PYTHON == /* ]] || PYTHON=$PWD/$PYTHON  # the folder is changed below; links stay, they say which environment it is
TORCH=$2
WHEEL=$(realpath "$3")
VIDEO=${4:+$(realpath "$4")}
CLICK=${5:-1:430,260}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset PYTHONPATH PYTHONDONTWRITEBYTECODE  # without bytecode, every start would compile torch anew, see make_env.sh
row=
timed() { # timed COMMAND...: runs it, and adds its seconds to the row
    local start=$EPOCHREALTIME
    "$@"
    row+=" | $(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')"
}
pip() { "$work/venv/bin/python" -m pip --disable-pip-version-check "$@"; }

install() { # as the installation page says
    pip install -q --no-compile "$TORCH"
    pip install -q --no-compile --no-cache-dir "$WHEEL"
    local version
    version=$(pip list --format=freeze | sed -n 's/^opencv-python-headless==//p')
    pip uninstall -q -y opencv-python opencv-python-headless  # both are there, see make_env.sh
    pip install -q --no-compile --no-deps "opencv-python-headless==$version"
}
config() { # a config of one's own, and the contract of a method of one's own
    echo "_base_ = 'mmvos::recall_vos/recall-vos_lite0.py'" > own.py
    python -c "from mmvos.apis import VOSInferencer; VOSInferencer('own.py', weights='recall-vos_lite0')"
    mmvos new a_vos_method
    (cd a_vos_method && python -c "from mmvos.testing import check_model; print(check_model('configs/a-vos-method_mini_synthvos.py'))")
}

"$PYTHON" -m venv venv
timed install
export PATH=$work/venv/bin:$PATH
timed mmvos doctor # the first start compiles what it imports
timed mmvos --help > help.txt
timed mmvos models
python "$(python -c 'from mmvos.utils import configs_root; print(configs_root())')/demo/demo.py" --out-dir out --frames 8
for file in metrics.json submission.zip overlay.mp4; do test -s "out/$file"; done
VIDEO=${VIDEO:-$(dirname "$(find out/data -name 00000.jpg | head -1)")}
timed mmvos segment "$VIDEO" --click "$CLICK" --out-dir segmented
test -s segmented/masks/00000.png
test -s segmented/overlay.mp4
timed config
echo "| $(python -c 'import platform; print(platform.python_version())')$row |"
