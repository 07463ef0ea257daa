"""``mmvos segment`` as a script: ``python demo/vos_demo.py VIDEO --prompt MASK.png --out-dir DIR``."""

import sys

from mmvos.cli.main import run_module


def main() -> None:
    if code := run_module('mmvos.cli.segment'):
        sys.exit(code)


if __name__ == '__main__':
    main()
