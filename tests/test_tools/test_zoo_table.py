"""The page of models is what its tool writes from weights.json and the metafiles."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from mmvos.weights import shipped_weights

ROOT = Path(__file__).parents[2]


def test_the_page_of_models_is_up_to_date():
    path = ROOT / 'tools' / 'misc' / 'zoo_table.py'
    spec = importlib.util.spec_from_file_location('zoo_table', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    text = tool.PAGE.read_text(encoding='utf-8')
    assert text == tool.page(), 'run python tools/misc/zoo_table.py'
    assert tool.README.read_text(encoding='utf-8') == tool.readme(), 'run python tools/misc/zoo_table.py'
    for weights in shipped_weights().values():
        rows = [line for line in text.splitlines() if line.startswith(f'| {weights.name} |')]
        assert len(rows) == 2 + len(weights.data), 'figures, training, and a licence for each source'


def test_all_weights_can_be_trained_again():
    env = {**os.environ, 'LIST': '1', 'PYTHON': sys.executable}
    listed = subprocess.run(['bash', 'tools/misc/train_zoo.sh'], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0, listed.stderr
    lines = listed.stdout.splitlines()
    assert {line.partition(':')[0] for line in lines} == set(shipped_weights())
    assert all((ROOT / line.partition(': ')[2]).is_file() for line in lines)
    wrong = subprocess.run(
        ['bash', 'tools/misc/train_zoo.sh', 'x'], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert wrong.returncode == 2 and 'no weights of this name' in wrong.stderr
