"""``mmvos train`` as a script: ``python tools/train.py CONFIG [options]``; several processes: ``tools/dist_train.sh``."""

import sys

from mmvos.cli.main import run_module


def main() -> None:
    if code := run_module('mmvos.cli.train'):
        sys.exit(code)


if __name__ == '__main__':
    main()
