"""load_from: weights that do not fit are refused, but for what a config lists."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from mmvos.engine.hooks import LoadCheckHook
from mmvos.models.backbones import CueResNet
from mmvos.structures import InputError


class Model(BaseModel):
    def __init__(self, out=2, head=True):
        super().__init__()
        self.body = nn.Linear(3, out)
        if head:
            self.head = nn.Linear(out, 1)

    def forward(self, inputs, mode='loss'):
        return dict(loss=self.body(torch.stack(inputs)).sum())


@pytest.fixture
def load(tmp_path):
    """Begin a training of one model from the weights of another; returns the trained one before its first step."""

    def begin(model, source, resume=False, **hook):
        path = tmp_path / 'weights.pth'
        torch.save(dict(state_dict=source.state_dict(), meta=dict(iter=0, epoch=0)), path)
        runner = Runner(
            model,
            str(tmp_path / 'work'),
            train_dataloader=DataLoader([torch.ones(3)] * 2),
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.0)),
            load_from=str(path),
            resume=resume,
            default_hooks=dict(load_check=LoadCheckHook(**hook), checkpoint=None, logger=None),
        )
        runner.load_or_resume()
        return runner.model

    return begin


def test_weights_that_fit_are_loaded(load):
    source = Model()
    model = load(Model(), source)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), source.parameters(), strict=True))


def test_weights_of_another_model_are_refused_with_their_names(load):
    with pytest.raises(InputError, match=r"weights\.pth: .* 2 tensors are missing \['head\.weight', 'head\.bias'\], 0 are"):
        load(Model(), Model(head=False))
    with pytest.raises(InputError, match=r"0 tensors are missing .*, 2 are unknown \['head\.weight', 'head\.bias'\]"):
        load(Model(head=False), Model())
    with pytest.raises(InputError, match=r'3 tensors have another shape: size mismatch for body\.weight') as caught:
        load(Model(out=4), Model())
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_what_a_config_lists_begins_with_its_initial_values(load):
    source, fresh = Model(head=False), Model()
    before = fresh.head.weight.detach().clone()
    model = load(fresh, source, ignore=[r'head\..*'])
    assert torch.equal(model.body.weight, source.body.weight) and torch.equal(model.head.weight, before)
    source = Model(out=2)
    model = load(Model(out=4), source, ignore=[r'body\..*', r'head\.weight'])
    assert torch.equal(model.head.bias, source.head.bias)  # of the same shape
    assert torch.equal(load(Model(head=False), source, ignore=[r'head\..*']).body.weight, source.body.weight)
    with pytest.raises(InputError, match='2 tensors are missing'):
        load(Model(), Model(head=False), ignore=[r'head'])  # the pattern is that of a whole name


def test_what_is_listed_is_taken_where_it_fits(load):
    source = Model()
    model = load(Model(), source, ignore=[r'head\..*'])
    assert torch.equal(model.head.weight, source.head.weight)


def test_in_a_resumed_training_everything_has_to_fit():
    runner = SimpleNamespace(model=Model(), _resume=True, _load_from='iter_3.pth')
    hook = LoadCheckHook(ignore=[r'head\..*'])
    with pytest.raises(InputError, match=r'iter_3\.pth: .* 2 tensors are missing'):
        hook.after_load_checkpoint(runner, dict(state_dict=Model(head=False).state_dict()))
    runner._resume = False
    hook.after_load_checkpoint(runner, dict(state_dict=Model(head=False).state_dict()))


def test_rules_of_a_module_apply_before_shapes_are_compared(load):
    """MAIN's first convolution takes the weights of fewer channels."""

    class Cues(BaseModel):
        def __init__(self, **cues):
            super().__init__()
            self.backbone = CueResNet(dict(rgb=3, **cues), depth=18, base_channels=4, stem_channels=4)

        def forward(self, inputs, mode='loss'):
            return dict(loss=self.backbone(torch.stack(inputs))[0].sum())

    source = Cues(lta=2)
    weight = load(Cues(lta=2, sta=2), source).backbone.conv1.weight
    assert torch.equal(weight[:, 5:7], source.backbone.conv1.weight[:, 3:5])
