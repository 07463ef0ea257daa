"""``mmvos pack`` as a script: ``python tools/dataset_converters/pack.py SOURCE DEST [options]``"""

import sys

from mmvos.cli.main import run_module


def main() -> None:
    if code := run_module('mmvos.cli.pack'):
        sys.exit(code)


if __name__ == '__main__':
    main()
