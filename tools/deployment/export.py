"""``mmvos export`` as a script: ``python tools/deployment/export.py MODEL --out FILE.zip [options]``"""

import sys

from mmvos.cli.main import run_module


def main() -> None:
    if code := run_module('mmvos.cli.export'):
        sys.exit(code)


if __name__ == '__main__':
    main()
