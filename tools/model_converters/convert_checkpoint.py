"""``mmvos convert`` as a script: ``python convert_checkpoint.py METHOD SRC.pth DST.pth``."""

import sys

from mmvos.cli.main import run_module


def main() -> None:
    if code := run_module('mmvos.cli.convert'):
        sys.exit(code)


if __name__ == '__main__':
    main()
