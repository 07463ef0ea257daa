"""Checkpoints: safe loading through every door, and errors that name the file."""

import collections
import contextlib
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModule
from torch import nn

from mmvos.converters import convert, rename
from mmvos.models import DaSiamRPN, EfficientNetLite
from mmvos.structures import InputError
from mmvos.utils.checkpoint import load_weights, read_checkpoint, read_foreign_checkpoint

ROOT = Path(__file__).parents[2]
CONVERT = ROOT / 'tools/model_converters/convert_checkpoint.py'


class Foreign:
    """Stands for a class of somebody else's repository."""


class ForeignDict(dict):
    """A container of somebody else's repository."""


class Shell:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.system, (f'touch {self.path}',)


class Open(Shell):
    """The same without a module that torch blocks by its name."""

    def __reduce__(self):
        return open, (self.path, 'w')


class Nested(Shell):
    """A second pickle inside the first, which the function that unpacks storages would load without care."""

    def __reduce__(self):
        inner = pickle.dumps(Open(self.path), protocol=2)
        return torch.storage._load_from_bytes, (inner,)


class ByGetattr(Shell):
    """From a class that is allowed to whatever its module can see."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def write_plain(checkpoint, path, protocol):
    path.write_bytes(pickle.dumps(checkpoint, protocol=protocol))


def write_legacy(checkpoint, path, protocol):
    torch.save(checkpoint, path, pickle_protocol=protocol, _use_new_zipfile_serialization=False)


def write_zip(checkpoint, path, protocol):
    torch.save(checkpoint, path, pickle_protocol=protocol)


@pytest.fixture(params=[Shell, Open, Nested, ByGetattr])
def hostile(request, tmp_path):
    """``write(function, protocol)`` -> path of a checkpoint whose payload would make ``pwned``."""

    def write(writer, protocol):
        path = tmp_path / 'hostile.pth'
        writer(dict(state_dict={'weight': torch.ones(1)}, extra=request.param(tmp_path / 'pwned')), path, protocol)
        return path

    return write


@pytest.fixture(scope='module')
def tracker():
    return DaSiamRPN(dict(type='SiamRPN'))


@pytest.fixture(scope='module')
def backbone():
    return EfficientNetLite('lite0', pretrained=False, out_indices=(0,))


#: torch warns of pickles that it has not written itself
of_any_protocol = pytest.mark.filterwarnings('ignore:Detected pickle protocol:UserWarning')

WRITERS = [write_zip, write_legacy, write_plain]


@pytest.mark.filterwarnings('ignore:unclosed file:ResourceWarning')  # the payload opens a file, and that is all
def test_the_payloads_work(tmp_path):
    """Without this the tests below could not fail."""
    for number, payload in enumerate((Shell, Open, Nested)):
        target = tmp_path / str(number)
        torch.save(dict(extra=payload(target)), tmp_path / 'hostile.pth')
        with contextlib.suppress(RuntimeError):  # what comes after the payload is no checkpoint
            torch.load(tmp_path / 'hostile.pth', weights_only=False)
        assert target.exists()


@of_any_protocol
@pytest.mark.parametrize('writer', WRITERS)
@pytest.mark.parametrize('protocol', [2, 3, 4, 5])
def test_no_door_runs_code_from_a_checkpoint(hostile, tmp_path, tracker, backbone, writer, protocol):
    path = hostile(writer, protocol)
    doors = [
        read_checkpoint,
        lambda p: load_weights(nn.Linear(1, 1), p),
        lambda p: mmengine_checkpoint.load_checkpoint(nn.Linear(1, 1), p),
        lambda p: mmengine_checkpoint._load_checkpoint(p, map_location=lambda storage, _: storage),
        lambda p: BaseModule(dict(type='Pretrained', checkpoint=p)).init_weights(),
        tracker.load_weights,
        backbone._load,
    ]
    for door in doors:
        with pytest.raises(InputError, match=r'hostile\.pth: not a checkpoint that can be loaded safely'):
            door(str(path))
    try:  # a converter may read on, with a stand-in for what it does not know
        assert torch.equal(read_foreign_checkpoint(path)['state_dict']['weight'], torch.ones(1))
    except InputError as error:
        assert 'hostile.pth' in str(error)
    assert not (tmp_path / 'pwned').exists()


def test_a_checkpoint_from_the_network_is_read_safely(hostile, tmp_path, monkeypatch):
    path = hostile(write_zip, 2)
    monkeypatch.setattr(
        torch.hub, 'download_url_to_file', lambda url, target, *_, **__: Path(target).write_bytes(path.read_bytes())
    )
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(pickle.UnpicklingError):
        mmengine_checkpoint._load_checkpoint('https://nowhere.invalid/hostile.pth')
    assert not (tmp_path / 'pwned').exists()


@pytest.mark.parametrize('content', [dict(extra=Nested('pwned')), {}], ids=['hostile', 'empty'])
def test_the_converter_refuses_it_in_one_line(tmp_path, content):
    torch.save(dict(state_dict={}, **content), tmp_path / 'hostile.pth', pickle_protocol=4 if content else 2)
    done = subprocess.run(
        [sys.executable, CONVERT, 'rgmp', tmp_path / 'hostile.pth', tmp_path / 'out.pth'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 2 and 'hostile.pth: ' in done.stderr and 'Traceback' not in done.stderr
    assert not (tmp_path / 'out.pth').exists() and not (tmp_path / 'pwned').exists()


@pytest.mark.parametrize('content', [{}, {'state_dict': {}}, {'net': {}}, [], 3, {'state_dict': {'a': 1}}])
def test_an_empty_checkpoint_is_not_converted(tmp_path, content):
    torch.save(content, tmp_path / 'empty.pth')
    with pytest.raises(InputError):
        convert('rgmp', read_foreign_checkpoint(tmp_path / 'empty.pth'))


def test_a_part_of_a_model_and_nan_are_not_converted():
    weights = {'trackseg.backbone.conv1.weight': torch.ones(1)}
    with pytest.raises(InputError, match="no weights of 'fusion'"):
        convert('agame', weights)
    weights['trackseg.fusmod.layers.layer00.conv.weight'] = torch.ones(2)
    weights['trackseg.segmod.predictor.conv.bias'] = torch.tensor([1.0, float('nan')])
    with pytest.raises(InputError, match='1 of 2 values'):
        convert('agame', weights)


def test_weights_that_are_nan_are_named(tmp_path):
    layer = nn.Linear(2, 2)
    layer.bias.data[1] = float('nan')
    torch.save(dict(state_dict=layer.state_dict()), tmp_path / 'diverged.pth')
    for door in (read_checkpoint, mmengine_checkpoint._load_checkpoint):
        with pytest.raises(InputError, match=r"diverged\.pth: 1 of 2 values of 'bias' are NaN"):
            door(str(tmp_path / 'diverged.pth'))


def test_weights_of_another_model_are_named(tmp_path):
    torch.save(dict(state_dict=nn.Conv2d(3, 4, 1).state_dict()), tmp_path / 'conv.pth')
    with pytest.raises(InputError, match=r'conv\.pth.*not the weights of Linear'):
        load_weights(nn.Linear(2, 2), tmp_path / 'conv.pth')


def test_weights_with_a_ddp_prefix_load(tmp_path):
    source, target = nn.Linear(2, 2), nn.Linear(2, 2)
    torch.save(dict(state_dict={f'module.{k}': v for k, v in source.state_dict().items()}), tmp_path / 'w.pth')
    load_weights(target, tmp_path / 'w.pth')
    assert torch.equal(source.weight, target.weight)


@of_any_protocol
@pytest.mark.parametrize(
    'content', [b'', b'no checkpoint', pickle.dumps({'a': 1}), b'PK\x03\x04 cut off'], ids=['empty', 'text', 'pickle', 'zip']
)
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content):
    (tmp_path / 'x.pth').write_bytes(content)
    for door in (read_checkpoint, read_foreign_checkpoint):
        with pytest.raises(InputError, match=r'x\.pth: not a checkpoint'):
            door(tmp_path / 'x.pth')
        with pytest.raises(FileNotFoundError, match=r'none\.pth: checkpoint not found'):
            door(tmp_path / 'none.pth')


def test_a_checkpoint_that_unpacks_to_far_more_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / 'bomb.pth', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a/data.pkl', bytes(10_000_000))
    for door in (read_checkpoint, read_foreign_checkpoint):
        with pytest.raises(InputError, match=r'bomb\.pth.*unpack to 10000000'):
            door(tmp_path / 'bomb.pth')


def test_a_checkpoint_of_the_runner_loads_with_its_log(tmp_path):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    random_state = dict(numpy=np.random.get_state(), count=np.int64(3))
    torch.save(
        dict(state_dict={'a': torch.arange(3.0)}, message_hub=dict(log_scalars={'train/loss': history}), random=random_state),
        tmp_path / 'epoch_1.pth',
    )
    loaded = read_checkpoint(tmp_path / 'epoch_1.pth')
    assert loaded['message_hub']['log_scalars']['train/loss'].mean() == 1.5
    np.testing.assert_array_equal(loaded['random']['numpy'][1], random_state['numpy'][1])


@pytest.mark.parametrize('writer', [write_zip, write_legacy])
def test_a_checkpoint_with_foreign_objects_gives_its_tensors(tmp_path, writer):
    extra = dict(stats=Foreign(), table=ForeignDict(a=1), counts=collections.defaultdict(int, a=1))
    writer(dict(net={'a': torch.arange(3.0)}, **extra), tmp_path / 'foreign.pth', 2)
    with pytest.raises(InputError, match='test_checkpoint.Foreign'):
        read_checkpoint(tmp_path / 'foreign.pth')
    assert torch.equal(read_foreign_checkpoint(tmp_path / 'foreign.pth')['net']['a'], torch.arange(3.0))


def test_rename_accounts_for_every_key():
    weights = {'module.a.weight': 1, 'module.fc.bias': 2}
    assert rename(weights, [(r'module\.a\.(\w+)', r'b.\1')], drop=[r'module\.fc\..*']) == {'b.weight': 1}
    with pytest.raises(InputError, match=r'module\.fc\.bias'):
        rename(weights, [(r'module\.a\.(\w+)', r'b.\1')])
    with pytest.raises(InputError, match='two keys'):
        rename({'a': 1, 'b': 2}, [(r'[ab]', 'c')])


def test_an_unknown_converter_is_named():
    with pytest.raises(InputError, match='no converter'):
        convert('nothing', {})
