"""Runs ``second_device_contract.py`` in a process of its own: autograd takes no device that appears after its first use."""

import subprocess
import sys
from pathlib import Path

CONTRACT = Path(__file__).parents[1] / 'helpers' / 'second_device_contract.py'


def test_every_method_runs_and_trains_on_a_second_device():
    done = subprocess.run([sys.executable, '-m', 'pytest', '-q', str(CONTRACT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
