"""Publishing: what comes from packages is left out and comes back exactly; averaged weights are taken; entries are written."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from mmengine.runner import load_checkpoint

import mmvos.models  # noqa: F401  (registers everything)
from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.utils import load_config
from mmvos.utils.checkpoint import load_weights, read_checkpoint
from mmvos.weights import packages
from mmvos.weights.shipped import FOLDER

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/matchvos/matchvos_lite0.py'


@pytest.fixture
def publish(monkeypatch):
    """The tool as a function of its options; its module."""
    path = ROOT / 'tools/model_converters/publish_checkpoint.py'
    spec = importlib.util.spec_from_file_location('publish_checkpoint', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def run(*options):
        monkeypatch.setattr(sys, 'argv', ['publish_checkpoint.py', *map(str, options)])
        tool.main()

    run.tool = tool
    return run


@pytest.fixture
def trained(tmp_path):
    """A model whose own parts were changed, and its state dict."""
    torch.manual_seed(0)
    model = MODELS.build(load_config(CONFIG).model)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.add_(torch.randn_like(parameter) * 0.01)
    return model, {name: value.clone() for name, value in model.state_dict().items()}


def test_the_backbone_is_left_out_and_comes_back_as_it_was(publish, trained, tmp_path):
    model, weights = trained
    torch.save(dict(state_dict=weights, meta=dict(iter=5)), tmp_path / 'iter_5.pth')
    publish(tmp_path / 'iter_5.pth', tmp_path / 'out.pth', '--config', CONFIG)
    publish(tmp_path / 'iter_5.pth', tmp_path / 'whole.pth')
    assert (tmp_path / 'out.pth').stat().st_size < 1e6 < 6e6 < (tmp_path / 'whole.pth').stat().st_size
    small, whole = (read_checkpoint(tmp_path / name)['state_dict'] for name in ('out.pth', 'whole.pth'))
    assert small.keys() == whole.keys() == weights.keys()
    assert all(torch.equal(small[key], whole[key]) and small[key].dtype == whole[key].dtype for key in whole)
    # through the door of `load_from` and of init_cfg, too
    fresh = MODELS.build(load_config(CONFIG).model)
    load_checkpoint(fresh, str(tmp_path / 'out.pth'), strict=True, logger='silent')
    assert all(torch.equal(value, whole[key].to(value.dtype)) for key, value in fresh.state_dict().items())


def test_averaged_weights_of_a_training_are_what_is_published(publish, trained, tmp_path):
    """As EMAHook saves them: the averages are in `state_dict`, the others in `ema_state_dict`."""
    model, averaged = trained
    plain = {f'module.{key}': value + 1 if value.is_floating_point() else value for key, value in averaged.items()}
    torch.save(dict(state_dict=averaged, ema_state_dict=dict(plain, steps=torch.tensor(3))), tmp_path / 'ema.pth')
    publish(tmp_path / 'ema.pth', tmp_path / 'out.pth', '--config', CONFIG)
    load_weights(model, tmp_path / 'out.pth')
    assert all(torch.equal(value, averaged[key].half().to(value.dtype)) for key, value in model.named_parameters())


def test_a_backbone_that_was_trained_is_kept_in_full_precision(publish, trained, tmp_path, capsys):
    model, weights = trained
    weights['backbone.stem.conv.weight'] += 0.1
    torch.save(weights, tmp_path / 'a.pth')
    publish(tmp_path / 'a.pth', tmp_path / 'out.pth', '--config', CONFIG, '--float32')
    assert 'backbone: kept; 1 of its 288 tensors' in capsys.readouterr().out
    load_weights(model, tmp_path / 'out.pth')
    assert torch.equal(model.backbone.stem.conv.weight, weights['backbone.stem.conv.weight'])


def test_a_checkpoint_without_backbone_gets_it_in_full_precision(publish, trained, tmp_path):
    model, weights = trained
    torch.save({key: value for key, value in weights.items() if not key.startswith('backbone.')}, tmp_path / 'a.pth')
    publish(tmp_path / 'a.pth', tmp_path / 'out.pth', '--config', CONFIG)
    published = read_checkpoint(tmp_path / 'out.pth')['state_dict']
    assert all(torch.equal(published[key], value) for key, value in weights.items() if key.startswith('backbone.'))


def test_weights_of_another_model_are_refused(publish, trained, tmp_path, capsys):
    _, weights = trained
    torch.save({key: value for key, value in weights.items() if 'fusion' not in key}, tmp_path / 'a.pth')
    with pytest.raises(SystemExit):
        publish(tmp_path / 'a.pth', tmp_path / 'out.pth', '--config', CONFIG)
    assert 'do not fit MatchVOS: fusion.' in capsys.readouterr().err and not (tmp_path / 'out.pth').exists()


def test_a_backbone_that_was_trained_further_is_kept_as_a_difference(publish, trained, tmp_path):
    _, weights = trained
    layers = {name for name, value in weights.items() if name.startswith('backbone.') and value.ndim > 1}
    moved = {n: v + 0.02 * v.std() * torch.randn_like(v) if n in layers else v for n, v in weights.items()}
    moved[
        'backbone.stem.norm.bias' if 'backbone.stem.norm.bias' in moved else next(n for n in moved if n.endswith('bias'))
    ] += 0.1
    torch.save(dict(state_dict=moved), tmp_path / 'moved.pth')
    publish(tmp_path / 'moved.pth', tmp_path / 'out.pth', '--config', CONFIG)
    publish(tmp_path / 'moved.pth', tmp_path / 'whole.pth')
    assert (tmp_path / 'out.pth').stat().st_size < 0.45 * (tmp_path / 'whole.pth').stat().st_size
    read = read_checkpoint(tmp_path / 'out.pth')['state_dict']
    assert read.keys() == weights.keys()
    for name, value in moved.items():
        error = 1.1 / 14 * (value - weights[name]).abs().amax() if name in layers else 0
        assert ((read[name].float() - value.float()).abs() <= error + 2**-24 + 2**-10 * value.abs().float()).all(), name
    # published once more, they are the same
    publish(tmp_path / 'out.pth', tmp_path / 'again.pth', '--config', CONFIG)
    again = read_checkpoint(tmp_path / 'again.pth')['state_dict']
    assert all((again[name] - value).abs().max() <= 2**-9 * value.abs().max() for name, value in read.items() if name in layers)

    damaged = torch.load(tmp_path / 'out.pth', weights_only=True)
    del damaged['state_dict'][sorted(layers)[0] + packages.STEP]
    torch.save(damaged, tmp_path / 'damaged.pth')
    with pytest.raises(InputError, match='damaged.pth: .*expected a difference, uint8'):
        read_checkpoint(tmp_path / 'damaged.pth')


@pytest.fixture
def copied(publish, tmp_path, monkeypatch):
    """The folder of shipped weights, as a copy that the tool writes to."""
    folder = tmp_path / 'weights'
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns('*.py', '__pycache__'))
    from mmvos.weights import shipped

    for module in (publish.tool, shipped):
        monkeypatch.setattr(module, 'FOLDER', folder)
        monkeypatch.setattr(module, 'INDEX', folder / 'weights.json')
    return folder


def test_the_entry_is_written_with_the_weights(publish, trained, copied, tmp_path):
    _, weights = trained
    torch.save(dict(state_dict=weights, meta=dict(iter=7, seed=3)), tmp_path / 'iter_7.pth')
    (tmp_path / 'train.log').write_text('loss: 0.1\n')
    before = json.loads((copied / 'weights.json').read_text())
    command = (tmp_path / 'iter_7.pth', copied / 'matchvos_lite0.pth', '--config', CONFIG, '--log', tmp_path / 'train.log')
    publish(*command, '--metrics', 'dev10', 'J=80', 'F=90.2', '--set', 'time=1 hour')
    after = json.loads((copied / 'weights.json').read_text())
    at = [entry['name'] for entry in before].index('matchvos_lite0')
    entry = after[at]
    assert entry['metrics'] == {'dev10': {'J&F': 85.1, 'J': 80, 'F': 90.2}}
    assert (entry['iterations'], entry['seed'], entry['time']) == ('7', '3', '1 hour')
    assert entry['data'] == before[at]['data'] and list(entry) == list(before[at])
    assert after[:at] + after[at + 1 :] == before[:at] + before[at + 1 :]
    assert entry['size'] == (copied / 'matchvos_lite0.pth').stat().st_size
    assert (copied / 'matchvos_lite0.txt').read_text() == 'loss: 0.1\n'
    # the same weights once more: the file is the same, and what is not said is kept
    publish(*command)
    assert json.loads((copied / 'weights.json').read_text()) == after


def test_nothing_is_written_where_the_entry_would_lack_something(publish, trained, copied, tmp_path, capsys):
    _, weights = trained
    torch.save(weights, tmp_path / 'a.pth')
    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    with pytest.raises(SystemExit):
        publish(tmp_path / 'a.pth', copied / 'matchvos_lite0.pth', '--config', CONFIG)
    assert "'iterations'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        publish(tmp_path / 'a.pth', copied / 'mine.pth', '--config', CONFIG)
    assert 'the name of that config' in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before


def test_other_weights_in_the_package_are_noticed(monkeypatch):
    read = packages.package_tensors
    monkeypatch.setattr(packages, 'package_tensors', lambda *names: [value + 1 for value in read(*names)])
    with pytest.raises(InputError, match='matchvos_lite0.pth: .* holds other weights'):
        read_checkpoint('matchvos_lite0')


def test_only_known_packages_are_read(tmp_path):
    part = dict(package='torch', dtype='float16', sha256='', tensors={'a': 'b'})
    torch.save(dict(state_dict={}, meta=dict(from_packages=[part])), tmp_path / 'a.pth')
    with pytest.raises(InputError, match="a.pth: 'torch' is not a package that weights are taken from"):
        read_checkpoint(tmp_path / 'a.pth')
