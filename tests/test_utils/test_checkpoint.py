"""Checkpoints: safe loading, and errors that name the file."""

import pickle

import pytest
import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from mmvos.converters import convert, load_foreign_checkpoint, rename
from mmvos.utils.checkpoint import load_weights, read_checkpoint


class Foreign:
    """Stands for a class of somebody else's repository."""


class Evil:
    def __reduce__(self):
        return eval, ('1 / 0',)


def test_weights_of_another_model_are_named(tmp_path):
    torch.save(dict(state_dict=nn.Conv2d(3, 4, 1).state_dict()), tmp_path / 'conv.pth')
    with pytest.raises(ValueError, match=r'conv\.pth.*not the weights of Linear'):
        load_weights(nn.Linear(2, 2), str(tmp_path / 'conv.pth'))


def test_weights_with_a_ddp_prefix_load(tmp_path):
    source, target = nn.Linear(2, 2), nn.Linear(2, 2)
    torch.save(dict(state_dict={f'module.{k}': v for k, v in source.state_dict().items()}), tmp_path / 'w.pth')
    load_weights(target, str(tmp_path / 'w.pth'))
    assert torch.equal(source.weight, target.weight)


@pytest.mark.parametrize('content', [b'', b'no checkpoint', pickle.dumps({'a': 1})], ids=['empty', 'text', 'pickle'])
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content):
    (tmp_path / 'x.pth').write_bytes(content)
    with pytest.raises(ValueError, match=r'x\.pth'):
        if isinstance(read_checkpoint(str(tmp_path / 'x.pth')), dict):  # a plain dict of numbers is readable ...
            load_weights(nn.Linear(2, 2), str(tmp_path / 'x.pth'))  # ... but no weights


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    torch.save(dict(state_dict={}, extra=Evil()), tmp_path / 'evil.pth')
    with pytest.raises(ValueError, match=r'evil\.pth'):
        read_checkpoint(str(tmp_path / 'evil.pth'))
    assert load_foreign_checkpoint(str(tmp_path / 'evil.pth'))['state_dict'] == {}  # eval became a stub


def test_a_checkpoint_of_the_runner_loads_with_its_log(tmp_path):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    torch.save(
        dict(state_dict={'a': torch.arange(3.0)}, message_hub=dict(log_scalars={'train/loss': history})),
        tmp_path / 'epoch_1.pth',
    )
    loaded = read_checkpoint(str(tmp_path / 'epoch_1.pth'))
    assert loaded['message_hub']['log_scalars']['train/loss'].mean() == 1.5

    class Reach:
        def __reduce__(self):
            return getattr, (HistoryBuffer, '__init__')

    torch.save(dict(state_dict={}, extra=Reach()), tmp_path / 'reach.pth')
    with pytest.raises(ValueError, match=r'reach\.pth'):
        read_checkpoint(str(tmp_path / 'reach.pth'))


def test_a_checkpoint_with_foreign_objects_gives_its_tensors(tmp_path):
    torch.save(dict(net={'a': torch.arange(3.0)}, stats=Foreign()), tmp_path / 'foreign.pth')
    with pytest.raises(ValueError):
        read_checkpoint(str(tmp_path / 'foreign.pth'))
    assert torch.equal(load_foreign_checkpoint(str(tmp_path / 'foreign.pth'))['net']['a'], torch.arange(3.0))


def test_rename_accounts_for_every_key():
    weights = {'module.a.weight': 1, 'module.fc.bias': 2}
    assert rename(weights, [(r'module\.a\.(\w+)', r'b.\1')], drop=[r'module\.fc\..*']) == {'b.weight': 1}
    with pytest.raises(KeyError, match=r'module\.fc\.bias'):
        rename(weights, [(r'module\.a\.(\w+)', r'b.\1')])
    with pytest.raises(KeyError, match='two keys'):
        rename({'a': 1, 'b': 2}, [(r'[ab]', 'c')])


def test_an_unknown_converter_is_named():
    with pytest.raises(KeyError, match='no converter'):
        convert('nothing', {})
