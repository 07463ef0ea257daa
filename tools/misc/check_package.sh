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
for file in metrics.json submission.zip overlay.mp4; do test -s "out/$file"; done
echo "package: ok"
