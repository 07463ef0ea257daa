"""``python -m mmvos``: the command ``mmvos``."""

import sys

from mmvos.cli.main import main

sys.exit(main())
