"""``mmvos download`` as a script: ``python tools/misc/download_dataset.py NAME [options]``"""

import sys

from mmvos.cli.main import run_module


def main() -> None:
    if code := run_module('mmvos.cli.download'):
        sys.exit(code)


if __name__ == '__main__':
    main()
