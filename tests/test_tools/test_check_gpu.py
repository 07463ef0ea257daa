"""The check of a device, rehearsed on the CPU; long videos; the speed of a training."""

import json
import runpy
from pathlib import Path

import pytest
import torch

from mmvos.analysis import device_check
from mmvos.analysis.device_check import CheckSettings, Item, items, mini_configs, mini_model
from mmvos.analysis.long_run import LongRun, long_run
from mmvos.analysis.training_speed import TrainingSwitches, measure_training, with_made_data
from mmvos.structures import InputError
from mmvos.utils import load_config

TOOLS = Path(__file__).parents[2] / 'tools'
CPU = CheckSettings(device='cpu', seconds=2, size=(64, 96), frames=20)


@pytest.fixture
def run(monkeypatch, capsys):
    def call(tool, *args):
        monkeypatch.setattr('sys.argv', [tool, *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOLS / tool), run_name='__main__')
        written = capsys.readouterr()
        return ended.value.code, written.out + written.err

    threads = torch.get_num_threads()
    yield call
    torch.set_num_threads(threads)


def test_the_check_is_rehearsed_on_a_cpu(run, tmp_path):
    how = ('--device', 'cpu', '--seconds', '1', '--frames', '20', '--out', tmp_path, '--methods', 'agss')
    code, text = run('misc/check_gpu.py', *how, '--sections', 'labels', 'waits', 'memory')
    assert not code and '3 of 3 items, 0 failed' in text
    records = [json.loads(line) for line in (tmp_path / 'check.jsonl').read_text().splitlines()]
    found = {record['section']: record['found'] for record in records}
    assert found['labels'] == dict(differ=0, of=5 * 96 * 160)
    assert found['memory']['frames'] >= 1 and found['waits']['waits'] == 0
    assert '| agss-vos_mini_synthvos | 0 | 76800 |' in (tmp_path / 'check.md').read_text()
    code, text = run('misc/check_gpu.py', *how, '--sections', 'labels', 'waits', 'memory')
    assert not code and text.startswith('3 of 3 items')  # nothing was done again


def test_an_item_that_fails_is_tried_again_and_hides_no_other(run, tmp_path, monkeypatch):
    asked = []

    def bad(_):
        asked.append(1)
        raise RuntimeError('no kernel')

    monkeypatch.setattr(
        device_check, 'items', lambda: [Item('labels', 'a', bad), Item('labels', 'b', lambda _: dict(differ=0))]
    )
    for _ in range(2):
        code, text = run('misc/check_gpu.py', '--device', 'cpu', '--out', tmp_path)
        assert code == 3 and '2 of 2 items, 1 failed' in text
    assert len(asked) == 2 and '| a | RuntimeError: no kernel |  |' in (tmp_path / 'check.md').read_text()


def test_speed_is_set_beside_the_papers(monkeypatch):
    monkeypatch.setitem(device_check.METHODS, 'MAIN R50', 'main/main_mini_synthvos.py')
    speed = {item.name: item for item in items() if item.section == 'speed'}['MAIN R50, float32']
    assert set(mini_configs()) >= {'main_mini_synthvos', 'rgmp_mini_synthvos', 'masktrack-rcnn_mini_synthvis'}
    found = speed.find(CPU)
    assert found['frames/s'] > 0 and found['the paper'].startswith('30.3')


def test_memory_is_compared_after_the_first_fifth():
    assert LongRun(100, 1.0, {10: 50.0, 20: 80.0, 100: 83.0}).growth == 3.0
    run = long_run(mini_model('rgmp/rgmp_mini_synthvos.py'), frames=20)
    assert run.frames == 20 and list(run.megabytes) == list(range(2, 21, 2))


@pytest.mark.scale
@pytest.mark.parametrize('name', mini_configs())
def test_five_thousand_frames_run_flat_in_memory(name):
    if ('memory', name) not in {(item.section, item.name) for item in items()}:
        pytest.skip('it does not go from frame to frame')
    run = long_run(mini_model(mini_configs()[name]), frames=5000, size=(64, 96))
    print(
        f'{name}: {run.growth:.1f} MiB more after {run.frames} frames than after 1000, {run.frames / run.seconds:.0f} frames/s'
    )
    assert run.growth < 16


def test_a_training_is_measured_and_its_switches_are_set(run, tmp_path):
    speed = measure_training('rgmp/rgmp_mini_synthvos.py', TrainingSwitches(workers=0), iterations=2, warmup=1)
    assert speed.iterations == 2 and 0 < speed.waiting < speed.milliseconds and speed.loss > 0
    cfg = load_config('rgmp/rgmp_mini_synthvos.py')
    TrainingSwitches(workers=3, persistent_workers=True, pin_memory=True, cudnn_benchmark=True, amp=True).apply(cfg)
    assert cfg.train_dataloader.num_workers == 3 and cfg.train_dataloader.persistent_workers and cfg.train_dataloader.pin_memory
    assert cfg.env_cfg.cudnn_benchmark and cfg.optim_wrapper.type == 'AmpOptimWrapper'
    code, _ = run(
        'analysis_tools/benchmark_training.py', 'rgmp/rgmp_mini_synthvos.py', '--iterations', 1, '--out', tmp_path / 'a.md'
    )
    assert not code and '| rgmp_mini_synthvos | ' in (tmp_path / 'a.md').read_text()
    with pytest.raises(InputError, match='no train_dataloader'):
        measure_training('recall_vos/recall-vos_lite0.py')


def test_made_data_take_the_place_of_files():
    loader = load_config('recall_vos/recall-vos_lite0_davis2016-synthvos_stage1.py').train_dataloader
    made = with_made_data(loader)
    assert made['batch_size'] == 2 and made['dataset']['objects'] == dict(type='ProceduralObjects')
    assert made['dataset']['size'] == loader.dataset.streams.synthvos.size
    with pytest.raises(InputError, match='DAVIS2016Dataset; made data can only take the place of SynthVOSDataset'):
        with_made_data(dict(dataset=loader.dataset.streams.davis))
