"""The tools that say what many videos, long ones and packed data cost."""

import re
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmvos.analysis import measuring

TOOLS = Path(__file__).parents[2] / 'tools/analysis_tools'


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs a tool in this process; returns what it printed, and the cells of the rows of its table."""

    def call(tool, *args):
        monkeypatch.setattr('sys.argv', [tool, *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOLS / tool), run_name='__main__')
        written = capfd.readouterr()
        assert not ended.value.code, written.err
        rows = [line.strip('| ').split(' | ') for line in written.out.splitlines() if line.startswith('| ')]
        return written.out, rows[1:]

    threads, of_cv2 = torch.get_num_threads(), cv2.getNumThreads()
    yield call
    torch.set_num_threads(threads)
    cv2.setNumThreads(of_cv2)


def test_a_pack_is_made_and_compared_with_its_files(run, tmp_path):
    for number in range(3):
        path = tmp_path / 'data' / f'{number}.jpg'
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.random.default_rng(number).integers(0, 255, (64, 96, 3), dtype=np.uint8))
    (tmp_path / 'data' / 'list.txt').write_text('0\n')
    text, rows = run('benchmark_pack.py', tmp_path / 'data', tmp_path / 'pack', '--rounds', 2)
    assert text.startswith('3 images') and (tmp_path / 'pack' / 'pack.json').is_file()
    assert [row[0] for row in rows] == ['bytes', 'bytes and decoding']
    assert all(float(row[1]) > 0 and len(row[6].split(', ')) == 2 for row in rows)


def test_memory_is_compared_along_a_video(run, monkeypatch, tmp_path):
    monkeypatch.setattr(measuring, 'in_fresh_process', lambda function, *args: function(*args))
    how = ('rgmp/rgmp_mini_synthvos.py', '--frames', 15, '--first', 4, '--size', 128, 256, '--network-size', 64, 128)
    _, rows = run('memory_over_time.py', *how, '--out', tmp_path / 'memory.md')
    ((name, frames, early, late, growth, speed),) = rows
    assert (name, frames) == ('rgmp_mini_synthvos', '15') and float(speed) > 0
    assert abs(float(late) - float(early) - float(growth)) < 1.1
    assert growth in (tmp_path / 'memory.md').read_text()
    _, rows = run('memory_over_time.py', *how, '--seconds', 0)
    assert rows[0][1:3] == ['1', 'too slow']


@pytest.mark.scale
def test_a_batch_is_set_beside_a_loop(run):
    """Equal masks, also when a worker is killed; what it costs is no matter of eight videos."""
    text, rows = run('benchmark_batch.py', '--videos', 8, '--workers', 2)
    assert [row[0] for row in rows] == ['loop', '2 workers']
    assert re.search(r'1 video tried again, all 8 done, masks equal', text)
