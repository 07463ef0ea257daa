"""``mmvos test`` as a script: ``python tools/test.py CONFIG CHECKPOINT [options]``"""

import sys

from mmvos.cli.main import run_module


def main() -> None:
    if code := run_module('mmvos.cli.test'):
        sys.exit(code)


if __name__ == '__main__':
    main()
