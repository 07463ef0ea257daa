"""``mmvos validate`` as a script: ``python tools/validate_submission.py FORMAT FILE.zip --gt ROOT``."""

import sys

from mmvos.cli.main import run_module

if __name__ == '__main__':
    sys.exit(run_module('mmvos.cli.validate'))
