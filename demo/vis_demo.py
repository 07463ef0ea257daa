"""``mmvos instances`` as a script: ``python demo/vis_demo.py VIDEO --out-dir DIR``."""

import sys

from mmvos.cli.main import run_module


def main() -> None:
    if code := run_module('mmvos.cli.instances'):
        sys.exit(code)


if __name__ == '__main__':
    main()
