"""``mmvos evaluate`` as a script: ``python tools/evaluate.py PROTOCOL --gt ROOT --pred DIR-or-ZIP [options]``."""

import sys

from mmvos.cli.main import run_module

if __name__ == '__main__':
    sys.exit(run_module('mmvos.cli.evaluate'))
