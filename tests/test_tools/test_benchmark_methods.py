"""The table of what the methods cost."""

import json
import runpy
from pathlib import Path

import pytest
import torch
from torch import nn

from mmvos.analysis import costs_of, measuring, method_speed
from mmvos.analysis.method_speed import METHODS, MethodSpeed, SpeedSettings, measure_method, speed_table
from mmvos.utils import load_config

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/benchmark_methods.py'
SMALL = SpeedSettings(size=(64, 96), frames=1, warmup=0)


def test_every_method_has_a_config():
    assert all('model' in load_config(config) for config in METHODS.values())


class Shared(nn.Module):
    """A part that calls another one, a layer outside of ``forward``, and a product of matrices beside the parts."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(10, 10, bias=False)
        self.outer = nn.ModuleDict(dict(inner=self.inner, own=nn.Linear(10, 30, bias=False)))

    def run(self):
        x = torch.ones(5, 10)
        return self.outer['own'](self.inner(x)).T @ x


def test_a_product_counts_for_the_layers_of_one_part():
    model = Shared()
    costs = {cost.name: cost.gmac * 1e9 for cost in costs_of(model, model.run)}
    assert costs == pytest.approx(dict(model=5 * 10 * 10 + 2 * 5 * 10 * 30, inner=5 * 10 * 10, outer=5 * 10 * 30))


@pytest.mark.parametrize(
    ('config', 'objects'),
    [
        ('rgmp/rgmp_mini_synthvos.py', [1, 2]),
        ('dyenet/dyenet_mini_synthvos.py', [2]),
        ('masktrack_rcnn/masktrack-rcnn_mini_synthvis.py', [None]),
    ],
)
def test_methods_of_all_kinds_are_measured(config, objects):
    threads = torch.get_num_threads()
    speeds = [measure_method(config, n or 1, SMALL) for n in objects]
    torch.set_num_threads(threads)
    assert [speed.objects for speed in speeds] == objects
    for speed in speeds:
        whole, *parts = speed.parts
        assert whole['gmac'] > 0 and sum(part['gmac'] for part in parts) <= whole['gmac'] * (1 + 1e-9)
        assert speed.milliseconds > 0 and 0 < speed.share < 1 and min(speed.peak.values()) > 0.1
    if objects == [1, 2]:  # the second object and both as one are two more samples; the image's first layer is shared
        assert 2 < speeds[1].parts[0]['gmac'] / speeds[0].parts[0]['gmac'] < 3


def test_the_table_compares_with_one_object():
    def speed(objects, milliseconds):
        parts = [dict(name=n, gmac=g, parameters=2_000_000, trainable=0) for n, g in (('model', 1.0), ('a', 0.7), ('b', 0.005))]
        return MethodSpeed(objects, milliseconds, 3.0, parts, dict(matmul=100.0, conv=50.0))

    text = speed_table({'A': [speed(1, 40.0), speed(8, 100.0)], 'B': [speed(None, 40.0)]})
    assert '| A | 2.0 M | 1 | 1.0 | a 0.7, beside them 0.3 | 40 | 1.00 | 50 % | 3 |' in text
    assert '|  |  | 8 | 1.0 | a 0.7, beside them 0.3 | 100 | 2.50 | 20 % | 3 |' in text
    assert '| B | 2.0 M | its own | 1.0 | a 0.7, beside them 0.3 | 40 |  | 50 % | 3 |' in text


def test_a_run_goes_on_where_it_was(monkeypatch, tmp_path, capsys):
    def run(*args):
        monkeypatch.setattr('sys.argv', ['benchmark_methods.py', '--out', str(tmp_path), '--size', '64', '96', *args])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOL), run_name='__main__')
        return ended.value.code

    measured = []

    def fresh(function, config, objects, settings):
        measured.append((config, objects))
        part = dict(name='model', gmac=1.0, parameters=1, trainable=1)
        return MethodSpeed(None if config == 'b.py' else objects, 10.0 * objects, 1.0, [part], dict(matmul=500.0))

    monkeypatch.setattr(measuring, 'in_fresh_process', fresh)
    monkeypatch.setattr(method_speed, 'METHODS', dict(A='a.py', B='b.py'))
    assert not run('--methods', 'a', '--objects', '1', '8') and measured == [('a.py', 1), ('a.py', 8)]
    assert not run() and measured[2:] == [('a.py', 2), ('a.py', 4), ('b.py', 1)]  # b finds its own objects
    assert '| 2 | 1.0 | beside them 1 | 20 |' in capsys.readouterr().out  # each row as it is measured
    found = json.loads((tmp_path / 'methods.json').read_text())['methods']
    assert [row['objects'] for row in found['A']] == [1, 2, 4, 8] and len(found['B']) == 1
    # 2 GFLOP in 80 ms, of 500 a second
    assert '| 8 | 1.0 | beside them 1 | 80 | 8.00 | 5 % |' in (tmp_path / 'methods.md').read_text()
    assert run('--frames', '2') == 2 and 'is of a run with' in capsys.readouterr().err
    assert run('--methods', 'nothing') == 2 and 'no such method; expected words of A, B' in capsys.readouterr().err
