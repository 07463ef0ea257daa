#!/usr/bin/env bash
# Builds the source archive, the wheel from it, installs the wheel in a clean environment and uses it outside the checkout.
# check_package.sh PYTHON TORCH: PYTHON has the package `build`.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=$1
TORCH=$2
rm -rf dist build
"$PYTHON" -m build --outdir dist . > /dev/null
ls -l dist

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$PYTHON" -m venv "$work/venv"
python=$work/venv/bin/python
pip() { "$python" -m pip --disable-pip-version-check "$@"; }
pip install -q --no-compile "$TORCH"
pip install -q --no-compile --no-cache-dir dist/mmvos-*.whl
version=$(pip list --format=freeze | sed -n 's/^opencv-python-headless==//p')
pip uninstall -q -y opencv-python opencv-python-headless  # both are there, see make_env.sh
pip install -q --no-compile --no-deps "opencv-python-headless==$version"

cd "$work"
unset PYTHONPATH
env -u PYTHONDONTWRITEBYTECODE "$work/venv/bin/mmvos" doctor  # compiles what is imported, see make_env.sh
"$python" "$("$python" -c 'from mmvos.utils import configs_root; print(configs_root())')/demo/demo.py" --out-dir out --frames 8
"$work/venv/bin/mmvos" models
video=$(dirname "$(find out/data -name 00000.jpg | head -1)")
"$work/venv/bin/mmvos" segment "$video" --box 1:300,120,560,420 --out-dir segmented
test -s segmented/masks/00000.png
"$work/venv/bin/mmvos" new a_vos_method  # its config inherits from `mmvos::...`
(cd a_vos_method && "$python" -c "from mmvos.testing import check_model; print(check_model('configs/a-vos-method_mini_synthvos.py'))")
for file in metrics.json submission.zip overlay.mp4; do test -s "out/$file"; done
echo "package: ok"
