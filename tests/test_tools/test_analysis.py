"""What a researcher looks at: full configs, training samples, curves, costs."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmvos.analysis import attention_maps, count_costs, draw_samples, read_scalars, training_time
from mmvos.apis import init_model
from mmvos.models.segmentors import CausalVOSModel
from mmvos.registry import MODELS
from mmvos.structures import InputError, write_label_map
from mmvos.testing import moving_squares
from mmvos.utils import load_config

ROOT = Path(__file__).parents[2]
MINI = 'agame/agame_mini_synthvos.py'


def run(monkeypatch, tool, *args):
    monkeypatch.setattr(sys, 'argv', [tool, *map(str, args)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / 'tools' / tool), run_name='__main__')
    assert not ended.value.code, ended.value


def test_a_printed_config_can_be_used_in_its_place(monkeypatch, tmp_path, capsys):
    out = tmp_path / 'full.py'
    run(monkeypatch, 'misc/print_config.py', MINI, '--out', out, '--cfg-options', 'train_cfg.max_iters=7')
    assert Config.fromfile(out)._cfg_dict == load_config(MINI, {'train_cfg.max_iters': 7})._cfg_dict
    run(monkeypatch, 'misc/print_config.py', MINI)
    assert "type='AGAME'" in capsys.readouterr().out


def test_samples_are_drawn_as_the_training_sees_them(monkeypatch, tmp_path):
    run(monkeypatch, 'analysis_tools/browse_dataset.py', MINI, '--out-dir', tmp_path, '--count', '2')
    pictures = sorted(tmp_path.iterdir())
    assert len(pictures) == 2
    picture = cv2.imread(str(pictures[0]))
    assert picture.shape == (2 * 96, 4 * 160, 3)  # frames above, label maps below
    above, below = picture[:96].astype(int), picture[96:].astype(int)
    assert np.abs(above - below).max() > 40  # objects are drawn
    again = next(draw_samples(load_config(MINI), tmp_path / 'again', 1))
    np.testing.assert_array_equal(cv2.imread(str(again)), picture)


def test_a_stage_that_there_is_not_and_a_config_without_training_are_refused(tmp_path):
    cfg = load_config(MINI)
    cfg.custom_hooks = [dict(type='CurriculumHook', begins=(3, 6))]
    with pytest.raises(InputError, match="curriculum 'curriculum' has the stages 0 to 2"):
        next(draw_samples(cfg, tmp_path, stage=3))
    with pytest.raises(InputError, match='no train_dataloader'):
        next(draw_samples(Config(dict(model=1)), tmp_path))


def write_log(folder, *rows):
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, rows)))


def test_curves_of_a_resumed_training_are_joined(tmp_path):
    write_log(tmp_path / 'a' / 'vis_data', {'loss': 3.0, 'step': 10}, {'loss': 2.0, 'step': 20})
    write_log(tmp_path / 'b' / 'vis_data', {'loss': 1.5, 'step': 20}, {'loss': 1.0, 'step': 30}, {'J-Mean': 0.5, 'step': 30})
    curves = read_scalars(tmp_path)
    np.testing.assert_array_equal(curves['loss'], [[10, 20, 30], [3.0, 1.5, 1.0]])
    np.testing.assert_array_equal(curves['J-Mean'], [[30], [0.5]])


def test_curves_of_weights_go_on_in_the_next_stage(tmp_path):
    log = tmp_path / 'weights.txt'
    log.write_text('# two stages\n[ 10/300] lr: 1e-3  loss: 2.5\n[ 20/300] lr: 1e-4  loss: 2\nIter(train) [10/10] loss: 1.5\n')
    curves = read_scalars(log)
    np.testing.assert_array_equal(curves['loss'], [[10, 20, 30], [2.5, 2.0, 1.5]])
    np.testing.assert_array_equal(curves['lr'], [[10, 20], [1e-3, 1e-4]])
    log.write_text('# nothing\n')
    with pytest.raises(InputError, match='no line of a training'):
        read_scalars(log)


def test_every_log_of_the_weights_that_come_with_mmvos_has_a_curve():
    for log in (ROOT / 'mmvos' / 'weights').glob('*.txt'):
        steps, losses = read_scalars(log)['loss']
        assert len(steps) >= 10 and (np.diff(steps) > 0).all() and np.isfinite(losses).all(), log.name


def test_the_time_of_a_step_leaves_out_the_start():
    steps = np.arange(4)
    times = training_time(dict(time=(steps, np.array([9.0, 1.0, 2.0, 3.0])), data_time=(steps, np.array([5.0, 0.5, 0.5, 0.5]))))
    assert times == dict(mean=2.0, slowest=3.0, fastest=1.0, data=0.25)


def test_curves_are_plotted_and_times_told(monkeypatch, tmp_path, capsys):
    rows = [{'loss': 1 / step, 'time': 0.5, 'data_time': 0.1, 'step': step} for step in range(1, 5)]
    write_log(tmp_path / 'log', *rows)
    run(monkeypatch, 'analysis_tools/analyze_logs.py', 'plot_curve', tmp_path / 'log', '--out', tmp_path / 'loss.png')
    assert cv2.imread(str(tmp_path / 'loss.png')) is not None
    run(
        monkeypatch,
        'analysis_tools/analyze_logs.py',
        'plot_curve',
        *[tmp_path / 'log'] * 2,
        '--panels',
        '--out',
        tmp_path / 'a.svg',
    )
    assert '<svg' in (tmp_path / 'a.svg').read_text()
    run(monkeypatch, 'analysis_tools/analyze_logs.py', 'cal_train_time', tmp_path / 'log')
    assert '0.5000 s/step on average' in capsys.readouterr().out


@pytest.mark.parametrize(('text', 'words'), [('', 'holds no numbers'), ('{', 'line 1: not JSON'), ('7', 'expected an object')])
def test_what_is_no_log_is_refused(tmp_path, text, words):
    (tmp_path / 'scalars.json').write_text(text)
    with pytest.raises(InputError, match=words):
        read_scalars(tmp_path)
    with pytest.raises(InputError, match='no log; expected a scalars.json'):
        read_scalars(tmp_path / 'nowhere')


class OneConvolution(CausalVOSModel):
    """3 -> 2 channels, 3x3, once a frame."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1, bias=False)

    def init_state(self, frame, masks):
        return len(masks)

    def step(self, frame, state):
        return self.conv(frame.image)[0, :1].expand(state + 1, -1, -1), state

    def loss(self, inputs, data_samples):
        raise NotImplementedError


def test_a_convolution_costs_what_it_multiplies():
    model, conv = count_costs(OneConvolution(), (40, 60))
    assert (model.name, conv.name) == ('model', 'conv')
    assert conv.gmac == pytest.approx(40 * 60 * 3 * 2 * 9 / 1e9) and model.gmac == conv.gmac
    assert (conv.parameters, conv.trainable) == (54, 54)


def test_costs_are_listed_by_part(monkeypatch, capsys):
    run(monkeypatch, 'analysis_tools/get_flops.py', MINI, '--size', '96', '160', '--objects', '2')
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert float(rows['model'][0]) > float(rows['backbone'][0]) > 0
    assert rows['backbone'][2] == '0.000M'  # frozen
    with pytest.raises(InputError, match='expected 1 to 20'):
        count_costs(OneConvolution(), (96, 160), 30)


def test_tensorboard_gets_the_curves(tmp_path):
    pytest.importorskip('tensorboard', reason='the extra "dev" is not installed')
    from mmengine.visualization import Visualizer
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from mmvos.engine import build_runner

    cfg = load_config(
        MINI,
        {
            'train_cfg.max_iters': 2,
            'train_cfg.val_interval': 100,
            'train_dataloader.batch_size': 1,
            'default_hooks.logger.interval': 1,
            'default_hooks.checkpoint.interval': 100,
        },
    )
    cfg.work_dir = str(tmp_path)
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
    cfg.visualizer.name = cfg.experiment_name = 'tensorboard_test'
    runner = build_runner(cfg)
    runner.train()
    Visualizer.get_instance('tensorboard_test').close()
    (events,) = tmp_path.rglob('events.out.tfevents*')
    found = EventAccumulator(str(events)).Reload().Scalars('loss')
    steps, values = read_scalars(tmp_path)['loss']
    assert [event.step for event in found] == steps.tolist() == [1, 2]
    np.testing.assert_allclose([event.value for event in found], values, rtol=1e-5)


def test_a_place_looks_at_its_object_in_the_frames_before(monkeypatch, tmp_path, capsys):
    frames, label_maps = moving_squares(4)
    model = init_model('recall-vos')
    found = attention_maps(model, frames, (15 + 4 * 3 + 14, 24), label_maps[0])  # the middle of object 1
    assert {(x.part, x.frame) for x in found} == {('local_read', 2), ('prompt_read', 0), ('bank_read', 0)}
    for attention in found:
        assert attention.weights.sum() == pytest.approx(1, abs=1e-3) and attention.weights.min() >= 0
        on_object = cv2.resize((label_maps[attention.frame] == 1).astype(np.float32), attention.weights.shape[::-1])
        assert (attention.weights * on_object).sum() > 0.5, attention.part
    with pytest.raises(InputError, match='outside the frame of 160x96'):
        attention_maps(model, frames, (160, 3), label_maps[0])
    for t, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f'{t}.png'), frame)
    write_label_map(tmp_path / 'prompt' / '0.png', label_maps[0])
    args = ('--point', '41,24', '--frame', '3', '--prompt', tmp_path / 'prompt' / '0.png', '--out-dir', tmp_path / 'out')
    (tmp_path / 'frames').mkdir()
    for path in tmp_path.glob('*.png'):
        path.rename(tmp_path / 'frames' / path.name)
    run(monkeypatch, 'analysis_tools/visualize_attention.py', tmp_path / 'frames', *args)
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert names == {'place.jpg', 'local_read_00002.jpg', 'prompt_read_00000.jpg', 'bank_read_00000.jpg'}


def test_co_attention_is_that_of_the_model():
    torch.manual_seed(0)
    model = MODELS.build(load_config('cosnet/cosnet_mini_synthvos.py').model).eval()
    frames, _ = moving_squares(3)
    found = attention_maps(model, frames, (41, 24))
    assert [(x.part, x.frame) for x in found] == [('co_attention', 0), ('co_attention', 1)]
    assert sum(x.weights.sum() for x in found) == pytest.approx(1, abs=1e-4)
    with pytest.raises(InputError, match='no attention that can be drawn'):
        attention_maps(OneConvolution(), frames, (41, 24))


def test_features_of_agss_vos_are_where_its_modules_look(monkeypatch, tmp_path, capsys):
    torch.manual_seed(0)
    name = 'agss_vos/agss-vos_mini_synthvos.py'
    model = MODELS.build(load_config(name).model).eval()
    frames, label_maps = moving_squares(2)
    found = {x.part: x.weights for x in attention_maps(model, frames, prompt=label_maps[0])}
    parts = ('visual', 'attention', 'specific')
    assert set(found) == {'agnostic', *(f'{part}_{i}' for part in parts for i in (1, 2))}
    assert all(weights.sum() == pytest.approx(1, abs=1e-3) and weights.min() >= 0 for weights in found.values())
    assert not np.allclose(found['visual_1'], found['visual_2'])  # each object has its own
    folder = tmp_path / 'frames'
    folder.mkdir()
    for t, frame in enumerate(frames):
        cv2.imwrite(str(folder / f'{t}.png'), frame)
    write_label_map(tmp_path / 'prompt' / '0.png', label_maps[0])
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    args = ('--frame', '1', '--prompt', tmp_path / 'prompt' / '0.png', '--config', ROOT / 'configs' / name)
    args += ('--checkpoint', tmp_path / 'weights.pth', '--out-dir', tmp_path / 'out')
    run(monkeypatch, 'analysis_tools/visualize_attention.py', folder, *args)
    assert {path.stem for path in (tmp_path / 'out').iterdir()} == {'place', *(f'{part}_00001' for part in found)}


def test_the_forms_of_a_model_are_compared(monkeypatch, tmp_path, capsys):
    pytest.importorskip('onnxruntime', reason='runs exported models')
    pytest.importorskip('onnxscript', reason='exports models')
    options = ('--cfg-options', 'model.test_cfg.resize.length=64', '--size', 60, 90, '--out', tmp_path / 'forms.md')
    forms = ('--forms', 'eager', 'onnxruntime')
    run(monkeypatch, 'analysis_tools/benchmark_deployment.py', 'feature-propagation', '--frames', 2, *forms, *options)
    rows = [line.split(' | ') for line in (tmp_path / 'forms.md').read_text().splitlines()[4:]]
    assert [row[1] for row in rows] == ['eager', 'onnxruntime'] and rows[0][3] == '1.00'
    assert rows[1][5] == f'0 of {5 * 60 * 90} |' and all(float(row[2]) > 0 <= float(row[4]) for row in rows)


def test_the_thread_of_the_network_is_clocked(monkeypatch, tmp_path, capsys):
    frame = ('--synthetic', 64, 96, '--num-frames', 4, '--num-objects', 1)
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', MINI, 'none', *map(str, frame), '--outputs', '--device', 'cpu'])
    runpy.run_path(str(ROOT / 'tools/analysis_tools/benchmark.py'), run_name='__main__')
    said = capsys.readouterr().out
    cells = [line.split(' | ') for line in said.splitlines() if line.startswith('| ')][1:]
    rows = {row[0]: float(row[1]) for row in cells}
    assert '4 frames with label maps and overlay' in said
    assert rows['| network'] > 0 and rows["| the rest of the network's thread"] > 0 and rows['| other threads'] > 0


def test_what_an_attention_takes_from_its_memory(monkeypatch, tmp_path, capsys):
    tool = runpy.run_path(str(ROOT / 'tools/analysis_tools/attention_memory.py'))
    torch.manual_seed(0)
    # attention where the small boxes of this test look
    level = {'model.detector.neck.levels': (0,)}
    model = init_model('sta_masktrack_rcnn/sta-masktrack-rcnn_mini_synthvis.py', 'none', cfg_options=level)
    attentions = model.detector.neck.attentions
    model.detector.roi_head.test_cfg.score_thr = 0.0
    frames = [np.random.default_rng(i).integers(0, 255, (48, 64, 3), np.uint8) for i in range(6)]
    found = {memory: list(tool['surest'](model, frames[:3], memory, frames[3:])) for memory in tool['MEMORIES']}
    scores = {memory: [frame['score'] for frame in of_memory] for memory, of_memory in found.items()}
    assert len({tuple(s) for s in scores.values()}) == 1  # Gamma is 0
    assert tool['shares'](model, frames)[0][0] == 0
    for attention in attentions:
        attention.gamma.data.fill_(0.5)
    other = {memory: list(tool['surest'](model, frames[:3], memory, frames[3:])) for memory in tool['MEMORIES']}
    others = {memory: [frame['score'] for frame in of_memory] for memory, of_memory in other.items()}
    assert others['no attention'] == scores['no attention'] and attentions[0].gamma.detach() == 0.5
    assert others['frame before'][0] == others['own frame'][0] != others['no attention'][0]
    assert len({others[memory][1] for memory in tool['MEMORIES']}) == 4
    attentions[0].conv1.weight.data.zero_()  # all positions alike
    size, spread = tool['shares'](model, frames)[0]
    assert size > 0 and spread == pytest.approx(1, abs=1e-4)
    mask = found['frame before'][0]['mask']
    assert tool['overlap'](mask, mask) == 1 and tool['overlap'](mask, None) == 0
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        for i, frame in enumerate(frames[:3]):
            cv2.imwrite(str(tmp_path / name / f'{i}.jpg'), frame)
    args = (tmp_path / 'a', '--other', tmp_path / 'b', '--frames', '3', '--config', 'sta-masktrack-rcnn')
    run(monkeypatch, 'analysis_tools/attention_memory.py', *args)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith('| own frame |') and len(lines) == 5 + 2 + 4


def test_an_attention_can_restore_what_its_values_have(monkeypatch, capsys):
    """Frames that show nothing, after frames of one colour: only values of the previous frame can say which."""
    tool = runpy.run_path(str(ROOT / 'tools/analysis_tools/attention_restores.py'))
    maps = torch.randn(60, 1, 8, 1, 1, generator=torch.Generator().manual_seed(0)).expand(-1, -1, -1, 3, 4).contiguous()
    samples = [tool['Sample']('dark', [m], [torch.zeros_like(m)], [m]) for m in maps]
    found = {r: tool['restored'](samples[:40], samples[40:], r, 0, 400) for r in tool['READINGS']}
    shares = [found[reading]['all'] for reading in tool['READINGS']]
    assert shares[1] > 0.8 and max(shares[0], shares[2]) < 0.2
    assert found[tool['READINGS'][1]]['dark'] == pytest.approx(shares[1])
    run(monkeypatch, 'analysis_tools/attention_restores.py', '--clips', '1', '1', '--seeds', '2', '--iterations', '1')
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('| | all |') and len(lines) == 5 and '±' in lines[4]
