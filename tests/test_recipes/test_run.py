"""Each recipe takes a training step and segments what its benchmark has, at small sizes of images.

The networks have their published size, their weights are random. Data are tiny, in each benchmark's own layout.
"""

import gc
import re
from importlib.util import find_spec

import pytest
import torch
from benchmark_files import SHAPE, write_benchmarks
from mmengine.config import Config
from mmengine.hooks import Hook
from recipes import RECIPES, without_initialisers

from mmvos.cli.test import OF_TRAINING
from mmvos.engine import build_runner
from mmvos.evaluation.protocols import validate_submission
from mmvos.utils import prepare_cpu_launch

HEIGHT, WIDTH = SHAPE
#: format of a submission by the part that writes it, and where the data are
FORMATS = dict(
    DAVIS2016Submission=('davis2016', 'DAVIS2016'),
    DAVISSubmission=('davis2017-semi', 'DAVIS'),
    YouTubeVOSSubmission=('youtube-vos', 'YouTubeVOS2018'),
    YouTubeVISMetric=('youtube-vis', ''),  # against the annotation file of the test's data set
)
#: those that run in the default set of tests; the others run with --recipes
CHOSEN = (
    'agss-vos_r50_ytvos2018_640x320',
    'cosnet_r101_davis2016-saliency_test-fbms',
    'ris_plain_cvppp-a1_106x100',
    'rvos-mask-st_r101_ytvos2018_256x448_20e',
)


class OneIteration(Exception):
    """Training has taken its step."""


class StopTraining(Hook):
    """Ends a training after its first iteration."""

    priority = 'LOWEST'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.outputs = outputs
        raise OneIteration


@pytest.fixture(autouse=True)
def collected():
    """Networks of full size are in cycles with their runners: without this, gigabytes of them wait to be collected."""
    yield
    gc.collect()


@pytest.fixture(scope='session')
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp('benchmarks') / 'data'
    write_benchmarks(root)
    return root


def dicts(node):
    """Every dict below a node."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for value in node:
            yield from dicts(value)


def read(name, work_dir):
    """A recipe with the data of the test, small images, batches and numbers of RoIs, and random weights."""
    text = re.sub(r"'[^']*held_out_300\.txt'", "'data/YouTubeVOS2018/held_out.txt'", Config.fromfile(RECIPES[name]).dump())
    cfg = Config.fromstring(text, '.py')
    for part in dicts(cfg._cfg_dict):
        if (part.get('init_cfg') or {}).get('type') == 'Pretrained':
            part.init_cfg = None
        shrink(part)
    for loader in (cfg.get('train_dataloader'), cfg.get('val_dataloader'), cfg.get('test_dataloader')):
        if loader:
            # a batch of two: batch norms that see a single value train nothing
            loader.update(batch_size=min(loader.batch_size, 2), num_workers=0, persistent_workers=False, drop_last=False)
    if '_test-' in name:
        for key in OF_TRAINING:
            cfg.pop(key, None)
    sampler = (cfg.get('train_dataloader') or {}).get('sampler') or {}
    if sampler.get('num_samples'):
        sampler.num_samples = 2
    if (
        cfg.get('train_dataloader')
        and (cfg.train_dataloader.get('batch_sampler') or {}).get('type') == 'AlternatingBatchSampler'
    ):
        cfg.train_dataloader.batch_sampler.num_batches = 3
    cfg.work_dir, cfg.load_from = str(work_dir), None
    return cfg


#: what a part of a kind gets
SMALLER = dict(
    ResizeClip=lambda part: dict(size=SHAPE),
    ResizeCropFlip=lambda part: dict(size=SHAPE),
    CropFlipResize=lambda part: dict(size=(65, 65)),
    SimulatePair=lambda part: dict(size=(64, 64)),
    SynthVOSDataset=lambda part: dict(size=SHAPE, num_frames=3, length=2),
    SampleClip=lambda part: dict(clip_len=part.clip_len if part.clip_len in (1, 2) else 3),
    FixedSize=lambda part: dict(height=HEIGHT, width=WIDTH),
    ShortSide=lambda part: dict(length=HEIGHT, max_length=WIDTH),
)
SMALLER['mmdet.Pad'] = lambda part: dict(size=(WIDTH, WIDTH))
# leaves have a network of one size, which is small already
SMALLER['mmdet.Resize'] = lambda part: (
    {} if tuple(part.scale) == (100, 106) else dict(scale=(WIDTH, WIDTH if part.keep_ratio else HEIGHT))
)


def shrink(part):
    """Make one part of a config small."""
    kind = part.get('type')
    if kind in SMALLER:
        part.update(SMALLER[kind](part))
    if kind == 'DyeNet':
        part.train_cfg.update(reid_rois=2, reid_positives=1, re_mp_instances=1, proposals=4)
        part.test_cfg.update(max_proposals=2)
    part.update(
        {key: min(part[key], 3) for key in ('min_labelled', 'split_clips', 'min_len') if isinstance(part.get(key), int)}
    )
    others = dict(frame_size=SHAPE, checkpoint=None)  # of a tracker
    if not find_spec('pydensecrf'):
        others['post_process'] = None
    part.update({key: value for key, value in others.items() if key in part})
    if 'score_thr' in part:  # of a detector: something to submit, whatever it was given
        part.update(score_thr=0.0, max_per_img=5)
    if part.get('mode') in ('per_dataset', 'per_video'):
        part.update(max_iters=1, batch_size=2)
        if part.get('synthesis'):
            part.clip_len = part.synthesis.clip_len = 3


def names():
    return [pytest.param(name, marks=[] if name in CHOSEN else pytest.mark.recipes) for name in RECIPES]


@pytest.mark.parametrize('name', names())
def test_a_recipe_takes_a_step_and_is_tested(name, data, tmp_path, monkeypatch):
    monkeypatch.chdir(data.parent)  # recipes read data/...
    cfg = read(name, tmp_path)
    evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    submission = tmp_path / 'submission.zip'
    if cfg.get('submission') and cfg.submission.type in FORMATS:
        cfg.test_evaluator = [*evaluators, dict(cfg.submission, outfile=str(submission))]
    prepare_cpu_launch(cfg, 'none')
    torch.manual_seed(0)
    with without_initialisers():
        runner = build_runner(cfg)
        runner.model.init_weights()
        runner.model._is_init = True
    if cfg.get('train_dataloader'):
        stop = StopTraining()
        runner.register_hook(stop)
        with pytest.raises(OneIteration):
            runner.train()
        assert all(torch.isfinite(torch.as_tensor(v)).all() for k, v in stop.outputs.items() if 'loss' in k), stop.outputs
    metrics = runner.test()
    scores = [e for e in evaluators if not e.get('format_only') and 'CocoMetric' not in e.type]  # Coco's: none without a mask
    assert metrics or not scores
    assert submission.exists() == ((cfg.get('submission') or {}).get('type') in FORMATS)
    if submission.exists():
        format_name, folder = FORMATS[cfg.submission.type]
        split = dict(DAVISSubmission='val').get(cfg.submission.type)
        if format_name == 'youtube-vis':
            tested = cfg.test_dataloader.dataset
            folder = f'{tested.data_root}/{tested.ann_file}'.removeprefix('data/')
        if 'test-dev' in str(cfg.test_dataloader):
            split = 'test-dev'
        assert list(validate_submission(format_name, submission, data / folder, split)) == []
