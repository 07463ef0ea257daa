"""The page of models is what its tool writes from weights.json and the metafiles; the trainings behind it can be run again."""

import importlib.util
import os
import shutil
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


#: stands in for Python: runs what it reads from standard input, notes every other command and leaves what it would leave
RECORDER = """#!{python}
import os, sys
args = sys.argv[1:]
if args[0] == '-':
    os.execv({python!r}, [{python!r}, *args])
with open('commands.txt', 'a') as log:
    print(*args, file=log)
if args[0] == 'tools/train.py':
    folder = args[args.index('--work-dir') + 1]
    with open(os.path.join(folder, 'last_checkpoint'), 'w') as out:
        out.write(os.path.join(folder, 'end.pth'))
if '--out' in args:
    open(args[args.index('--out') + 1], 'w').close()
"""


def test_means_of_stages_are_made_where_a_stage_begins_with_one_and_at_the_end(tmp_path):
    for path in ('tools/misc/train_zoo.sh', 'mmvos/weights/weights.json'):
        (tmp_path / path).parent.mkdir(parents=True)
        shutil.copy(ROOT / path, tmp_path / path)
    shutil.copytree(ROOT / 'configs' / 'rgmp', tmp_path / 'configs' / 'rgmp')
    recorder = tmp_path / 'python'
    recorder.write_text(RECORDER.format(python=sys.executable), encoding='utf-8')
    recorder.chmod(0o755)
    env = {**os.environ, 'PYTHON': str(recorder), 'OPTIONS': ''}
    for _ in range(2):  # what is done is not done again
        command = ['bash', str(tmp_path / 'tools/misc/train_zoo.sh'), 'rgmp_lite0']
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    commands = (tmp_path / 'commands.txt').read_text(encoding='utf-8').splitlines()
    stages = [f'work_dirs/rgmp_lite0_davis2016-synthvos_stage{k}' for k in range(6)]
    expected = [f'tools/train.py configs/rgmp/{Path(stages[k]).name}.py' for k in (1, 2, 3, 4, 5)]
    mean = 'tools/model_converters/average_checkpoints.py configs/rgmp/rgmp_lite0_davis2016-synthvos_stage'
    expected.insert(3, f'{mean}4.py {stages[2]}/end.pth {stages[3]}/end.pth --out {stages[3]}/mean.pth')
    expected.append(f'{mean}5.py {" ".join(f"{stage}/end.pth" for stage in stages[2:])} --out {stages[5]}/mean.pth')
    trained = [line for line in commands if not line.startswith('tools/test.py')]
    assert len(trained) == len(expected) and all(map(str.startswith, trained, expected)), trained
    assert f'{stages[5]}/mean.pth' in commands[-1] and 'rgmp_lite0_davis2016-synthvos_test-davis2016.py' in commands[-1]
