"""``mmvos track`` as a script: ``python demo/track_demo.py VIDEO --box ID:X1,Y1,X2,Y2 --out-dir DIR``."""

import sys

from mmvos.cli.main import run_module


def main() -> None:
    if code := run_module('mmvos.cli.track'):
        sys.exit(code)


if __name__ == '__main__':
    main()
