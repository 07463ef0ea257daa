"""DyeNet's published configs: where their weights start, one training step, one test of every benchmark.

Data are tiny, in each benchmark's own layout; networks have their published size.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator

from mmvos.inference import VOSSession
from mmvos.registry import DATASETS, METRICS, MODELS
from mmvos.structures import settings_from

CONFIGS = Path(__file__).parents[2] / 'configs' / 'dyenet'
SHAPE = (64, 96)
pytestmark = pytest.mark.slow


def squares(t, values=(1, 2)):
    """A label map with two squares that move."""
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[8 + t : 30 + t, 10:34] = values[0]
    label_map[30:54, 50 + t : 80 + t] = values[1]
    return label_map


def picture(label_map):
    return np.random.default_rng(0).integers(0, 60, (*SHAPE, 3), np.uint8) + 60 * label_map[..., None].astype(np.uint8)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """A folder with all benchmarks."""
    root = tmp_path_factory.mktemp('data')
    for edition, lists, values in (
        ('DAVIS', {'2017/train': 'a', '2017/val': 'b', '2017/test-dev': 'c'}, (1, 2)),
        ('DAVIS2016', {'2016/train': 'a', '2016/val': 'b'}, (255, 255)),
    ):
        for name, sequence in lists.items():
            listing = root / edition / 'ImageSets' / f'{name}.txt'
            listing.parent.mkdir(parents=True, exist_ok=True)
            listing.write_text(sequence + '\n')
            for t in range(5):
                stem = f'480p/{sequence}/{t:05d}'
                write(root / edition / 'JPEGImages' / f'{stem}.jpg', picture(squares(t)))
                write(root / edition / 'Annotations' / f'{stem}.png', squares(t, values))
    segtrack = root / 'SegTrackv2'
    (segtrack / 'ImageSets').mkdir(parents=True)
    (segtrack / 'ImageSets' / 'all.txt').write_text('*drift\n')
    (segtrack / 'ImageSets' / 'drift.txt').write_text('drift\n' + ''.join(f'{t:05d}\n' for t in range(3)))
    objects = root / 'YouTube-Objects'
    shot = Path('cat/data/0001/shots/001')
    for t in range(3):
        write(segtrack / 'JPEGImages' / 'drift' / f'{t:05d}.png', picture(squares(t)))
        for k in (1, 2):
            write(segtrack / 'GroundTruth' / 'drift' / str(k) / f'{t:05d}.png', 255 * (squares(t) == k).astype(np.uint8))
        write(objects / 'images' / shot / f'frame{t + 1:04d}.jpg', picture(squares(t)))
        write(objects / 'youtube_masks' / shot / 'labels' / f'{t + 1:05d}.jpg', 255 * (squares(t) > 0).astype(np.uint8))
    return root


def read(name, data):
    """A config whose data are those of the test."""
    text = Config.fromfile(CONFIGS / f'{name}.py').dump().replace('data/', f'{data.as_posix()}/')
    return Config.fromstring(text, '.py')


@pytest.fixture(scope='module')
def imagenet(tmp_path_factory):
    """A checkpoint of ResNet-101 in which every tensor is filled with a number of its own."""
    weights = MODELS.build(dict(type='mmdet.ResNet', depth=101)).state_dict()
    weights = {name: torch.full_like(tensor, number) for number, (name, tensor) in enumerate(weights.items(), 1)}
    path = tmp_path_factory.mktemp('weights') / 'resnet101.pth'
    torch.save(weights, path)
    return path, weights


def test_features_and_all_three_heads_start_from_imagenet(imagenet):
    path, weights = imagenet
    text = Config.fromfile(CONFIGS / 'dyenet_r101_davis2017.py').dump().replace('torchvision://resnet101', path.as_posix())
    model = MODELS.build(Config.fromstring(text, '.py').model)
    model.init_weights()
    heads = {
        'reid_head.mask_layers': model.reid_head.mask_layers,
        'reid_head.reid_layers': model.reid_head.reid_layers,
        're_mp_head.layers': model.re_mp_head.layers,
    }
    for name, part in {'backbone': model.backbone, **heads}.items():
        for key, tensor in part.state_dict().items():
            assert torch.equal(tensor, weights[key]), f'{name}.{key}'
    for part in heads.values():
        assert set(part.state_dict()) == {key for key in weights if key.startswith('layer4.')}
    assert set(model.backbone.state_dict()) == {key for key in weights if not key.startswith('layer4.')}
    assert not model.re_mp_head.state_in.weight.any()  # the state joins from nothing: the first step sees what ImageNet's does


@pytest.fixture(scope='module')
def network():
    """The published network with random weights."""
    config = Config.fromfile(CONFIGS / 'dyenet_r101_davis2017.py').model
    torch.manual_seed(0)
    for part in (config.backbone, config.reid_head.mask_layers, config.reid_head.reid_layers, config.re_mp_head.layers):
        part.init_cfg = None
    config.train_cfg.update(reid_rois=2, reid_positives=1, re_mp_instances=1, proposals=4)
    return MODELS.build(config)


@pytest.mark.parametrize(
    'name, objects', [('dyenet_r101_davis2017', 2), ('dyenet_r101_davis2017-trainval', 4), ('dyenet_r101_davis2016', 1)]
)
def test_training_data_number_their_objects(name, objects, data):
    cfg = read(name, data)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert dataset.num_objects == objects and dataset.identities[-1][max(dataset.identities[-1])] == objects - 1
    assert cfg.model.loss_reid.num_identities == cfg.train_dataloader.dataset.num_identities
    sample = dataset[0]
    assert sample['inputs'].shape[:2] == (4, 3) and set(sample['data_samples'].identities) == {1, 2}.intersection(
        range(objects + 1)
    )


def test_one_step_trains_what_the_recipe_trains(network, data):
    cfg = read('dyenet_r101_davis2017', data)
    for transform in cfg.train_pipeline:
        if transform.type == 'ResizeClip':
            transform.size = SHAPE
        if transform.type == 'SampleClip':
            transform.clip_len = 2
    dataset = DATASETS.build(dict(cfg.train_dataloader.dataset, pipeline=cfg.train_pipeline))
    network.train()
    batch = network.data_preprocessor(pseudo_collate([dataset[0]]), training=True)
    losses = network(**batch, mode='loss')
    assert set(losses) == {'loss_rpn_cls', 'loss_rpn_bbox', 'loss_reid', 'loss_mask', 'loss_re_mp'}
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert losses['loss_reid'].item() == pytest.approx(np.log(205 + 500), abs=1e-3)  # all rows are empty
    sum(losses.values()).backward()
    trained = {name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}
    network.zero_grad()
    network.eval()
    blocks = {name.split('.')[2] for name in trained if name.startswith('backbone.')}
    assert blocks == {'20', '21', '22'} and all('layer3' in name for name in trained if name.startswith('backbone.'))
    assert {name.split('.')[0] for name in trained} == {'backbone', 'rpn_head', 'reid_head', 're_mp_head'}


@pytest.mark.parametrize(
    'name, figures',
    [
        ('dyenet_r101_davis2017', {'J&F-Mean'}),
        ('dyenet_r101_davis2016', {'J-Mean'}),
        ('dyenet_r101_davis2017_test-segtrack-v2', {'mIoU'}),
        ('dyenet_r101_davis2017_test-youtube-objects', {'mIoU', 'class_mean'}),
        ('dyenet_r101_davis2017-trainval', set()),
        ('ablations/dyenet-no-reid_r101_davis2017_test-davis2017', {'J&F-Mean'}),
    ],
)
@torch.no_grad()
def test_a_video_of_every_benchmark_is_segmented_and_scored(network, data, name, figures, monkeypatch):
    cfg = read(name, data)
    (item,) = DATASETS.build(cfg.test_dataloader.dataset)
    video = item['inputs']
    settings = dict(cfg.model.test_cfg, max_proposals=2, search_all=True)
    monkeypatch.setattr(network, 'test_cfg', settings_from(network.TestSettings, settings, name))
    results = list(VOSSession(network).run(video))
    assert len(results) == len(video)
    if cfg.test_evaluator:
        evaluator = Evaluator([METRICS.build(cfg.test_evaluator)])
        evaluator.process(results)
        assert figures <= set(evaluator.evaluate(len(results)))
    else:
        assert cfg.submission.type == 'DAVISSubmission'
