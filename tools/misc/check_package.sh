#!/usr/bin/env bash
# Builds the source archive and the wheel from it, and tries the wheel with every Python that is named.
# check_package.sh BUILDER TORCH [PYTHON ...]: BUILDER is a Python that has the package `build`, and the one tried if none is named.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILDER=$1
TORCH=$2
shift 2
rm -rf dist build
"$BUILDER" -m build --outdir dist . > /dev/null
ls -l dist
for python in "${@:-$BUILDER}"; do
    tools/misc/check_wheel.sh "$python" "$TORCH" dist/mmvos-*.whl
done
echo "package: ok"
