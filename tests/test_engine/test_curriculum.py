"""Curricula reach the model, the batch size and the pipeline, also in worker processes that live on."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import BaseDataset, InfiniteSampler
from mmengine.logging import MessageHub, MMLogger
from torch import nn
from torch.utils.data import DataLoader

from mmvos.datasets.numbered import numbered
from mmvos.datasets.staged import Stage, Staged, in_stages
from mmvos.datasets.transforms import SampleClip, SelectObjects
from mmvos.engine.hooks import CurriculumHook, FreezeHook, PlateauCurriculumHook
from mmvos.structures import InputError


class Numbers(BaseDataset):
    """Items are the clip length that the pipeline has at that moment."""

    def load_data_list(self):
        return [dict(sample_idx=i) for i in range(12)]

    def prepare_data(self, idx):
        return self.pipeline.transforms[0].clip_len


def staged(*values, **kwargs):
    return dict(type='Staged', values=values, **kwargs)


def runner_with(clip_len=2, num_workers=0, sampler=None, size=None, **model):
    dataset = Numbers(pipeline=[SampleClip(clip_len, min_len=1)])
    loader = DataLoader(
        dataset,
        batch_size=2,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        sampler=sampler and sampler(dataset),
        multiprocessing_context='fork' if num_workers else None,
    )
    module = nn.Module()
    module.inner = nn.Module()
    for name, value in model.items():
        setattr(module.inner, name, value)
    return SimpleNamespace(
        train_dataloader=numbered(loader, lambda: 0, sampler is not None, size and Staged(size)),
        model=module,
        train_loop=SimpleNamespace(),
        epoch=0,
        iter=0,
        logger=MMLogger.get_instance('curriculum'),
        _resume=True,
    )


@pytest.mark.parametrize('num_workers', [0, 1])
def test_clip_length_by_epoch_with_workers_that_live_on(num_workers):
    runner = runner_with(staged(2, 4, 8), num_workers)
    hook = CurriculumHook(begins=(1, 3))
    hook.before_train(runner)
    lengths = []
    for runner.epoch in range(4):
        hook.before_train_epoch(runner)
        batches = [batch.tolist() for batch in runner.train_dataloader]
        assert len(batches) == 6
        lengths.append({n for batch in batches for n in batch})
    assert lengths == [{2}, {4}, {4}, {8}]


def test_batches_that_are_made_ahead_belong_to_the_stage_in_which_they_are_used():
    runner = runner_with(staged(3, 5), 1, InfiniteSampler)
    hook = CurriculumHook(begins=(2,), by_epoch=False)
    hook.before_train(runner)
    iterator = iter(runner.train_dataloader)
    assert [next(iterator).tolist() for _ in range(4)] == [[3, 3], [3, 3], [5, 5], [5, 5]]


def test_two_curricula_in_one_run():
    runner = runner_with(staged(2, 4))
    runner.train_dataloader.dataset.pipeline.transforms[0].min_len = staged(1, 3, curriculum='shortest')
    hooks = [CurriculumHook(begins=(1,)), CurriculumHook(begins=(2,), name='shortest')]
    for hook in hooks:
        hook.before_train(runner)
    stages = runner.train_dataloader.batch_sampler.stages
    seen = []
    for runner.epoch in range(3):
        with in_stages(stages(0)):
            transform = runner.train_dataloader.dataset.pipeline.transforms[0]
            seen.append((transform.clip_len, transform.min_len))
    assert seen == [(2, 1), (4, 1), (4, 3)]


def test_model_settings_by_stage_and_along_a_line():
    runner = runner_with(mask_prob=None, steps=None)
    hook = CurriculumHook(
        begins=(4,), by_epoch=False, model={'inner.steps': (2, 10), 'inner.mask_prob': dict(begin=2, end=6, values=(0.0, 1.0))}
    )
    hook.before_train(runner)
    seen = []
    for runner.iter in (0, 2, 3, 4, 6, 9):
        hook.before_train_iter(runner, runner.iter)
        seen.append((runner.model.inner.steps, runner.model.inner.mask_prob))
    assert seen == [(2, 0.0), (2, 0.0), (2, 0.25), (10, 0.5), (10, 1.0), (10, 1.0)]


def test_a_resumed_run_begins_in_its_stage():
    runner = runner_with(steps=None)
    runner.epoch = 5
    CurriculumHook(begins=(2, 4), model={'inner.steps': (1, 2, 3)}).before_train(runner)
    assert runner.model.inner.steps == 3


@pytest.mark.parametrize('by_epoch', [True, False])
def test_batch_size_by_stage(by_epoch):
    runner = runner_with(size=(4, 2))
    hook = CurriculumHook(begins=(1,), by_epoch=by_epoch)
    hook.before_train(runner)
    sizes = []
    for runner.epoch in range(2):
        hook.before_train_epoch(runner)
        sizes.append([len(batch) for batch in runner.train_dataloader])
        if by_epoch:
            assert len(runner.train_dataloader) == len(sizes[-1])
    assert sizes == ([[4] * 3, [2] * 6] if by_epoch else [[4, 2, 2, 2, 2], [2] * 6])


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(begins=(3, 2)), 'growing'),
        (dict(begins=(2,), model={'a': (1,)}), '1 values for 2 stages'),
        (dict(model={'a': dict(begin=3, end=3, values=(0, 1))}), 'begin before end'),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        CurriculumHook(**options)
    with pytest.raises(InputError, match='expected one value for each stage'):
        SampleClip(dict(type='Staged', values=()))


def test_an_unknown_attribute_of_the_model_is_named():
    with pytest.raises(InputError, match="inner.nothing: Module has no attribute 'nothing'"):
        CurriculumHook(model={'inner.nothing': (1,)}).before_train(runner_with())


def test_staged_values_outside_of_a_curriculum_say_what_is_missing():
    clip = SampleClip(staged(2, 4))
    with pytest.raises(InputError, match=r"no curriculum 'curriculum' is running.*there are: none"):
        clip(dict(labelled=range(9)))
    with in_stages(dict(curriculum=Stage(1, 2))):
        assert len(clip(dict(labelled=range(9)))['frame_ids']) == 4
    with in_stages(dict(curriculum=Stage(1, 3))), pytest.raises(InputError, match='2 values for the 3 stages'):
        clip(dict(labelled=range(9)))


def test_a_staged_gap_is_checked_in_all_its_stages():
    with pytest.raises(InputError, match=r'gap is \(3, 2\)'):
        SampleClip(2, gap=staged(1, (3, 2)))
    with in_stages(dict(curriculum=Stage(1, 2))):
        assert SelectObjects(max_objects=staged(1, 3)).max_objects == 3


def test_the_next_stage_begins_when_nothing_improves_any_more():
    runner = runner_with(steps=None)
    hook = PlateauCurriculumHook(num_stages=3, patience=2, monitor='AP', rule='greater', model={'inner.steps': (2, 3, 4)})
    hook.before_train(runner)
    seen = []
    for value in (0.1, 0.3, 0.2, 0.3, 0.1, 0.0, 0.1, 0.1):
        hook.after_val_epoch(runner, dict(AP=value))
        hook.before_train_epoch(runner)
        seen.append(runner.model.inner.steps)
    assert seen == [2, 2, 2, 3, 3, 3, 4, 4]  # the best value is forgotten when a stage begins
    checkpoint = {}
    hook.before_save_checkpoint(runner, checkpoint)
    again = PlateauCurriculumHook(num_stages=3, patience=2, monitor='AP', rule='greater', model={'inner.steps': (2, 3, 4)})
    runner = runner_with(steps=None)
    again.after_load_checkpoint(runner, checkpoint)
    again.before_train(runner)
    assert again.progress['stage'] == 2 and runner.model.inner.steps == 4
    with pytest.raises(InputError, match="no metric 'AP'"):
        hook.after_val_epoch(runner, {})


def test_a_training_value_can_be_watched():
    runner = runner_with(steps=None)
    hook = PlateauCurriculumHook(num_stages=2, patience=1, model={'inner.steps': (2, 3)})
    hook.before_train(runner)
    hub = MessageHub.get_current_instance()
    for epoch_mean in (1.0, 0.5, 0.5):
        for _ in range(len(runner.train_dataloader)):
            hub.update_scalar('train/loss', torch.tensor(epoch_mean))
        hook.after_train_epoch(runner)
    assert hook.progress['stage'] == 1


def test_a_part_begins_to_learn_later():
    model = nn.ModuleDict(dict(backbone=nn.Linear(2, 2), head=nn.Linear(2, 1)))
    model.backbone, model.head = model['backbone'], model['head']
    groups = [dict(params=list(model[part].parameters()), lr=rate) for part, rate in (('backbone', 0.1), ('head', 0.2))]
    optimizer = torch.optim.Adam(groups, weight_decay=0.1)
    runner = SimpleNamespace(model=model, optim_wrapper=SimpleNamespace(optimizer=optimizer), epoch=0)
    hook = FreezeHook('backbone', until=1)
    hook.before_train(runner)
    moved = []
    for runner.epoch in range(2):
        before = [p.detach().clone() for p in model.parameters()]
        hook.before_train_iter(runner, 0)
        optimizer.zero_grad()
        model.head(model.backbone(torch.ones(1, 2))).sum().backward()
        optimizer.step()
        hook.after_train_iter(runner, 0)
        moved.append([not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)])
        assert [g['lr'] for g in optimizer.param_groups] == [0.1, 0.2]
    assert moved == [[False, False, True, True], [True] * 4]
    optimizer.param_groups[0]['params'].append(optimizer.param_groups[1]['params'].pop())
    with pytest.raises(InputError, match='mixes backbone'):
        hook.before_train(runner)
