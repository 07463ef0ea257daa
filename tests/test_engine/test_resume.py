"""A training that was killed and resumed is the undisturbed one, and no interruption loses a checkpoint."""

import glob
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.fileio import LocalBackend
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from torch import nn
from torch.utils.data import Dataset

import mmvos.engine  # noqa: F401  (registers)
from mmvos.datasets.staged import StagedSetting
from mmvos.engine import build_runner
from mmvos.engine.runner import newest_checkpoint, resume_newest
from mmvos.registry import DATASETS, METRICS, MODELS
from mmvos.structures import InputError


@DATASETS.register_module()
class RandomNumbers(Dataset):
    """Samples of all generators that a pipeline may draw from; what was made is noted in ``made`` (in this process)."""

    made = []
    amount = StagedSetting()

    def __init__(self, amount=3):
        self.amount = amount
        self.metainfo = {}

    def __len__(self):
        return 12

    def __getitem__(self, index):
        values = [index, self.amount, np.random.rand(), float(torch.rand(1))]
        self.made.append(tuple(values))
        return dict(inputs=torch.tensor(values), data_samples=torch.rand(1))


@MODELS.register_module()
class RandomModel(BaseModel):
    """Draws random numbers while it trains, and keeps a running statistic."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        inputs = torch.stack(inputs) if isinstance(inputs, (list, tuple)) else inputs
        output = self.layers(inputs) * (1 + np.random.rand())
        return dict(loss=output.square().mean()) if mode == 'loss' else [output]


@METRICS.register_module()
class Falling(BaseMetric):
    """A metric that gets no better after its first time."""

    default_prefix = ''

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return dict(score=0.5)


def config(work_dir, by_epoch=False, num_workers=0, **kwargs):
    loader = dict(
        batch_size=2,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dict(type='RandomNumbers'),
    )
    cfg = dict(
        default_scope='mmvos',
        work_dir=str(work_dir),
        model=dict(type='RandomModel'),
        train_dataloader=loader,
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=3) if by_epoch else dict(type='IterBasedTrainLoop', max_iters=12),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.01)),
        param_scheduler=dict(type='CosineAnnealingLR', T_max=12, by_epoch=False),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=by_epoch, interval=1 if by_epoch else 4),
            sampler_seed=dict(type='DistSamplerSeedHook'),
        ),
        log_level='ERROR',
    )
    cfg = Config(cfg)
    cfg.merge_from_dict(kwargs)
    return cfg


def train(cfg):
    """Weights after the training."""
    MMLogger._instance_dict.clear()
    RandomNumbers.made.clear()
    return build_runner(cfg).train().state_dict()


def go_on_from(folder, checkpoint, target, **kwargs):
    """Weights after resuming from a checkpoint of another folder's training."""
    target.mkdir()
    (target / checkpoint).write_bytes((folder / checkpoint).read_bytes())
    cfg = config(target, resume=True, **kwargs)
    return train(cfg)


def assert_equal(weights, others):
    assert weights.keys() == others.keys()
    for name, value in weights.items():
        assert torch.equal(value, others[name]), name


CASES = {
    'iterations': (dict(), 'iter_8.pth'),
    'iterations, workers': (dict(num_workers=2), 'iter_4.pth'),
    'epochs': (dict(by_epoch=True), 'epoch_2.pth'),
    'epochs, workers': (dict(by_epoch=True, num_workers=2), 'epoch_1.pth'),
    'in the middle of an epoch': (
        {'by_epoch': True, 'default_hooks.checkpoint.by_epoch': False, 'default_hooks.checkpoint.interval': 4},
        'iter_8.pth',
    ),
    'a curriculum by iterations, workers': (
        {
            'num_workers': 2,
            'custom_hooks': [dict(type='CurriculumHook', by_epoch=False, begins=(3, 7))],
            'train_dataloader.dataset.amount': dict(type='Staged', values=(1, 5, 9)),
            'train_dataloader.batch_size': dict(_delete_=True, type='Staged', values=(2, 3, 4)),
        },
        'iter_4.pth',
    ),
    'a curriculum that watches the validation': (
        {
            'by_epoch': True,
            'custom_hooks': [
                dict(type='PlateauCurriculumHook', name='curriculum', num_stages=2, patience=1, monitor='score', rule='greater')
            ],
            'train_dataloader.dataset.amount': dict(type='Staged', values=(1, 5)),
            'val_dataloader': dict(
                batch_size=1,
                num_workers=0,
                dataset=dict(type='RandomNumbers'),
                sampler=dict(type='DefaultSampler', shuffle=False),
            ),
            'val_cfg': dict(type='ValLoop'),
            'val_evaluator': dict(type='Falling'),
        },
        'epoch_2.pth',
    ),
}


@pytest.mark.parametrize('kwargs, checkpoint', CASES.values(), ids=list(CASES))
def test_a_resumed_training_gives_the_weights_of_the_undisturbed_one(kwargs, checkpoint, tmp_path):
    straight = train(config(tmp_path / 'straight', **kwargs))
    resumed = go_on_from(tmp_path / 'straight', checkpoint, tmp_path / 'resumed', **kwargs)
    assert_equal(straight, resumed)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_two_equal_trainings_give_equal_weights_whatever_the_number_of_workers(num_workers, tmp_path):
    first = train(config(tmp_path / 'a', randomness=dict(seed=3)))
    assert_equal(first, train(config(tmp_path / 'b', num_workers=num_workers, randomness=dict(seed=3))))
    other = train(config(tmp_path / 'c', randomness=dict(seed=4)))
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


def test_no_sample_comes_twice(tmp_path):
    train(config(tmp_path, randomness=dict(seed=3)))
    draws = [sample[2:] for sample in RandomNumbers.made]
    assert len(set(draws)) == len(draws) == 24
    assert [len({s[0] for s in RandomNumbers.made[i : i + 12]}) for i in (0, 12)] == [12, 12]  # each sample once in an epoch


def test_nothing_is_loaded_for_what_is_skipped(tmp_path):
    train(config(tmp_path / 'straight'))
    go_on_from(tmp_path / 'straight', 'iter_8.pth', tmp_path / 'resumed')
    assert len(RandomNumbers.made) == 8


def half_written(self, obj, filepath):
    """Writes half a file, and dies."""
    Path(filepath).write_bytes(obj[: len(obj) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def train_until_killed(cfg, when):
    put = LocalBackend.put
    count = 0

    def killing(self, obj, filepath):
        nonlocal count
        count += 1
        (half_written if count == when else put)(self, obj, filepath)

    LocalBackend.put = killing
    train(cfg)


@pytest.mark.parametrize('when', [2, 3])
def test_a_kill_while_a_checkpoint_is_written_loses_nothing(when, tmp_path):
    keep = {'default_hooks.checkpoint.max_keep_ckpts': 1, 'randomness': dict(seed=3)}
    straight = train(config(tmp_path / 'straight', **keep))
    assert [Path(p).name for p in glob.glob(f'{tmp_path}/straight/*.pth')] == ['iter_12.pth']
    context = multiprocessing.get_context('fork')
    process = context.Process(target=train_until_killed, args=(config(tmp_path / 'killed', **keep), when))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    last = 4 * (when - 1)
    assert [Path(p).name for p in glob.glob(f'{tmp_path}/killed/*.pth')] == [f'iter_{last}.pth']
    assert (tmp_path / 'killed/last_checkpoint').read_text().endswith(f'iter_{last}.pth')
    assert_equal(straight, train(config(tmp_path / 'killed', resume=True, **keep)))
    assert not glob.glob(f'{tmp_path}/killed/.mmvos-*')  # what the dead run left is gone
    assert [Path(p).name for p in glob.glob(f'{tmp_path}/killed/*.pth')] == ['iter_12.pth']


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    put = LocalBackend.put

    def full(self, obj, filepath):
        if 'iter_8' in str(filepath) or len(glob.glob(f'{tmp_path}/iter_*.pth')) == 1:
            Path(filepath).write_bytes(obj[:1000])
            raise OSError(28, 'No space left on device')
        put(self, obj, filepath)

    monkeypatch.setattr(LocalBackend, 'put', full)
    with pytest.raises(OSError, match='No space left'):
        train(config(tmp_path, **{'default_hooks.checkpoint.max_keep_ckpts': 1}))
    assert newest_checkpoint(str(tmp_path)) == str(tmp_path / 'iter_4.pth')
    assert sorted(p.name for p in tmp_path.glob('*.pth')) == ['iter_4.pth'] and not list(tmp_path.glob('.mmvos-*'))


def test_the_newest_readable_checkpoint_is_taken_and_others_are_named(tmp_path, capsys):
    train(config(tmp_path))
    assert newest_checkpoint(str(tmp_path)) == str(tmp_path / 'iter_12.pth')
    newest = tmp_path / 'iter_12.pth'
    newest.write_bytes(newest.read_bytes()[:500])
    (tmp_path / 'iter_10.pth').write_bytes(b'')
    torch.save(dict(state_dict={}), tmp_path / 'iter_9.pth')
    (tmp_path / 'last_checkpoint').write_text('')
    MMLogger._instance_dict.clear()
    assert newest_checkpoint(str(tmp_path)) == str(tmp_path / 'iter_8.pth')
    printed = capsys.readouterr().out
    assert all(f'{name}.pth' in printed for name in ('iter_12', 'iter_10', 'iter_9'))
    assert newest_checkpoint(str(tmp_path / 'nothing')) is None
    for path in tmp_path.glob('iter_*.pth'):
        path.write_bytes(b'')
    with pytest.raises(InputError, match=r'iter_12\.pth: --resume needs it, and it cannot be read'):
        newest_checkpoint(str(tmp_path))


def test_checkpoints_elsewhere_are_found_by_the_pointer(tmp_path):
    train(config(tmp_path / 'run', **{'default_hooks.checkpoint.out_dir': str(tmp_path / 'store')}))
    assert newest_checkpoint(str(tmp_path / 'run')) == str(tmp_path / 'store/run/iter_12.pth')


def test_the_best_checkpoint_so_far_stays_until_the_next_is_written(tmp_path, monkeypatch):
    kwargs = dict(CASES['a curriculum that watches the validation'][0], custom_hooks=[])
    kwargs['train_dataloader.dataset.amount'] = 3
    kwargs.update({'default_hooks.checkpoint.save_best': 'score', 'default_hooks.checkpoint.rule': 'greater'})
    scores = iter([0.1, 0.2, 0.15])
    monkeypatch.setattr(Falling, 'compute_metrics', lambda self, results: dict(score=next(scores)))
    seen, put = [], LocalBackend.put

    def noting(self, obj, filepath):
        put(self, obj, filepath)
        seen.append(sorted(p.name for p in tmp_path.glob('best*.pth')))

    monkeypatch.setattr(LocalBackend, 'put', noting)
    train(config(tmp_path, **kwargs))
    assert ['best_score_epoch_1.pth'] in seen
    assert all(names for names in seen[seen.index(['best_score_epoch_1.pth']) :]), 'never without a best one'
    assert [p.name for p in tmp_path.glob('best*.pth')] == ['best_score_epoch_2.pth']


@pytest.mark.parametrize(
    'change, message',
    [
        ({'train_cfg.max_iters': -1}, 'max_iters: expected a number from 1, got -1'),
        ({'train_dataloader.batch_size': 0}, 'batch_size: expected a number from 1, got 0'),
        ({'train_dataloader.dataset.amount': dict(type='Staged', values=(1, 2))}, "no curriculum 'curriculum' is running"),
        (
            {
                'train_dataloader.dataset.amount': dict(type='Staged', values=(1, 2)),
                'custom_hooks': [dict(type='CurriculumHook', begins=(1, 2))],
            },
            '2 values for the 3 stages',
        ),
        ({'custom_hooks': [dict(type='CurriculumHook'), dict(type='CurriculumHook')]}, 'two curricula are called'),
    ],
)
def test_wrong_settings_are_named(change, message, tmp_path):
    with pytest.raises(InputError, match=message):
        train(config(tmp_path, **change))


def test_a_training_warns_of_nothing(tmp_path):
    train(config(tmp_path, log_level='WARNING'))
    (log,) = tmp_path.glob('*/*.log')
    assert 'FileClient' not in log.read_text() and 'deprecated' not in log.read_text()


def test_a_training_with_nothing_to_resume_from_begins(tmp_path):
    assert_equal(
        train(config(tmp_path / 'a', randomness=dict(seed=3))),
        train(config(tmp_path / 'b', resume=True, randomness=dict(seed=3))),
    )


def test_a_stage_with_nothing_to_resume_from_begins_with_the_weights_of_the_one_before(tmp_path):
    first = tmp_path / 'first'
    train(config(first))
    before = str(next(iter(sorted(first.glob('*.pth')))))
    assert_equal(
        train(config(tmp_path / 'a', load_from=before, randomness=dict(seed=3))),
        train(config(tmp_path / 'b', load_from=before, resume='auto', randomness=dict(seed=3))),
    )
    cfg = config(first, load_from='elsewhere.pth', resume='auto')
    resume_newest(cfg)
    assert Path(cfg.load_from).parent == first and cfg.resume is True
