"""Sequences of instances: parts of RSIS and RIS, their losses, inference rules and data."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData

from mmvos.datasets.transforms import LoadInstanceMap, RandomFrameAffine
from mmvos.evaluation.functional import best_dice, instance_sequence_summary, symmetric_best_dice
from mmvos.evaluation.metrics.instance_sequence import paint_sequence
from mmvos.models.backbones import FCN8s, PlainConvNet
from mmvos.models.detectors.rsis import largest_component
from mmvos.models.heads import PooledScoreHead, PooledStateHead, SpatialInhibition, StackedDecoder
from mmvos.models.losses import FirstNHungarianAssigner, RISLoss, RSISLoss
from mmvos.models.losses.sequence_loss import InstanceSequence, InstanceTargets
from mmvos.registry import DATASETS, MODELS
from mmvos.structures import boxes_of_masks

CONFIGS = Path(__file__).parents[2] / 'configs'


def build(**options):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type='RSIS',
            data_preprocessor=dict(type='mmdet.DetDataPreprocessor', pad_mask=True),
            backbone=dict(type='StemResNet', depth=18, base_channels=8, stem_channels=8),
            neck=dict(type='SkipNeck', in_channels=(8, 8, 16, 32, 64), out_channels=(4, 4, 8, 8, 8)),
            decoder=dict(type='RecurrentDecoder', skip_channels=(8, 8, 8, 4, 4), hidden_channels=(8, 8, 4, 4, 4)),
            head=dict(type='PooledStateHead', in_channels=28, num_classes=4, with_box=True),
            criterion=dict(type='RSISLoss', box_weight=1.0),
            max_steps=4,
            **options,
        )
    )


def sample(masks, labels, size=(32, 48), ori=None):
    masks = np.asarray(masks, np.uint8)
    instances = InstanceData(
        masks=BitmapMasks(masks, *masks.shape[1:]),
        labels=torch.tensor(labels),
        bboxes=boxes_of_masks(torch.from_numpy(masks).bool()),
    )
    data = DetDataSample(metainfo=dict(img_shape=size, ori_shape=ori or size))
    data.gt_instances = instances
    return data


def rectangles(*corners, size=(32, 48)):
    masks = np.zeros((len(corners), *size), np.uint8)
    for mask, (top, left, bottom, right) in zip(masks, corners, strict=True):
        mask[top:bottom, left:right] = 1
    return masks


def test_spatial_inhibition_has_the_closed_form():
    logits = torch.log(torch.tensor([1.0, 2.0, 3.0, 4.0])).view(1, 1, 2, 2)
    p = SpatialInhibition(3).inhibit(logits).flatten().tolist()
    assert p == pytest.approx([0.2137, 0.3522, 0.4492, 0.5209], abs=1e-4)


def test_stacked_decoder_covers_the_image_and_is_initialised_open():
    decoder = StackedDecoder(4, stride=8)
    decoder.init_weights()
    bias = decoder.cells[0].gates.bias
    assert (bias[:12] > 0.9).all() and (bias[12:].abs() <= 0.08).all()
    output, states = decoder([torch.randn(2, 4, 8, 8)])
    probabilities = decoder.probabilities(output, (62, 60))
    assert probabilities.shape == (2, 1, 62, 60) and len(states) == 2
    flat = decoder.probabilities(torch.full((1, 1, 8, 8), 0.3), (40, 40))
    torch.testing.assert_close(flat, torch.full_like(flat, 0.3))  # the kernel interpolates
    with pytest.raises(ValueError, match='does not cover'):
        decoder.probabilities(output, (80, 80))


def test_fcn8s_gives_an_eighth():
    net = FCN8s(channels=4, fc_channels=8).eval()
    with torch.no_grad():
        assert net(torch.zeros(1, 3, 100, 100))[0].shape == (1, 4, 16, 16)


def test_plain_net_keeps_the_size():
    assert PlainConvNet(6)(torch.zeros(1, 3, 20, 30))[0].shape == (1, 6, 20, 30)


def test_heads():
    hidden = [torch.randn(2, 5, 4, 4), torch.randn(2, 3, 8, 8)]
    reading = PooledStateHead(8, num_classes=3, with_box=True)(hidden)
    assert reading.classes.shape == (2, 3) and reading.stop.shape == (2, 1)
    assert reading.boxes.min() >= 0 and reading.boxes.max() <= 1
    head = PooledScoreHead(3)
    head.init_weights()
    assert head.fc_stop.bias.item() == 10 and head(hidden).classes is None
    assert PooledScoreHead(3, grid=None, map_size=(8, 8))(hidden).stop.shape == (2, 1)


def test_only_the_first_predictions_take_part():
    target = torch.tensor([[[1.0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]])
    pred = torch.tensor([[[0.1, 0, 0.9, 0.9], [0.2, 0.2, 0.3, 0], [1.0, 1, 0, 0]]])  # the third one is perfect
    valid = torch.tensor([[True, True, False]])
    order, _ = FirstNHungarianAssigner()(pred, target, valid)
    assert order.tolist() == [[1, 0, -1]]
    free, _ = FirstNHungarianAssigner(match_first_n=False)(pred, target, valid)
    assert free.tolist() == [[1, -1, 0]]


def test_more_objects_than_steps_leave_objects_over():
    target = torch.eye(4)[None]
    pred = torch.tensor([[[0.0, 0, 0, 1], [0, 1, 0, 0]]])
    order, _ = FirstNHungarianAssigner()(pred, target, torch.ones(1, 4))
    assert order.tolist() == [[3, 1]]


def test_ris_loss_by_hand():
    target = InstanceTargets(torch.tensor([[[1.0, 1, 0, 0]]]), torch.tensor([[True]]), torch.tensor([[1]]))
    stop = torch.tensor([[0.0, 1.0, -2.0, 5.0]])
    sequence = InstanceSequence(torch.tensor([[[1.0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]]), stop)
    losses = RISLoss(score_weight=2.0)(sequence, target)
    assert losses['loss_mask'].item() == pytest.approx(0.5 / 3, abs=1e-5)  # the second mask takes no part
    bce = math.log(2) + math.log(1 + math.e) + math.log(1 + math.exp(-2))  # the fourth step does not count
    assert losses['loss_score'].item() == pytest.approx(2 * bce / 3, abs=1e-5)


def test_targets_are_sorted_by_area_and_cut():
    masks = rectangles((0, 0, 2, 2), (4, 4, 20, 20), (0, 30, 8, 40))
    targets = build(max_objects=2).targets([sample(masks, [0, 1, 2]), sample(masks[:1], [2])], (32, 48), 'cpu')
    assert targets.masks.sum(-1).tolist() == [[256, 80], [4, 0]]
    assert targets.classes.tolist() == [[2, 3], [3, 0]] and targets.valid.tolist() == [[True, True], [True, False]]
    torch.testing.assert_close(targets.boxes[0, 0], torch.tensor([4 / 48, 4 / 32, 20 / 48, 20 / 32]))


@pytest.mark.parametrize('most, steps', [(2, 3), (4, 4)])
def test_one_step_more_than_objects_up_to_the_limit(most, steps, monkeypatch):
    model, seen = build(), []
    monkeypatch.setattr(model.criterion, 'forward', lambda sequence, targets: seen.append(sequence.masks.shape[1]))
    crowd = sample(rectangles(*[(8 * i, 0, 8 * i + 6, 9) for i in range(most)]), [0] * most)
    model.loss(torch.randn(2, 3, 32, 48), [crowd, sample(rectangles((0, 0, 4, 4)), [1])])
    assert seen == [steps]


def test_every_parameter_learns_and_a_term_of_weight_zero_has_no_gradient():
    model = build()
    images, samples = torch.randn(2, 3, 32, 48), [sample(rectangles((2, 3, 20, 30)), [1]) for _ in range(2)]
    losses = model.loss(images, samples)
    assert losses.keys() == {'loss_mask', 'loss_stop', 'loss_class', 'loss_box'}
    sum(losses.values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert model.head.fc_stop.weight.grad.abs().max() > 0
    model.zero_grad()
    model.criterion.stop_weight = 0.0
    sum(model.loss(images, samples).values()).backward()
    assert model.head.fc_stop.weight.grad.abs().max() == 0


def test_an_image_without_objects_teaches_only_to_stop():
    model = build()
    empty = sample(np.zeros((0, 32, 48), np.uint8), torch.zeros(0, dtype=torch.long).tolist())
    empty.gt_instances.bboxes, empty.gt_instances.labels = torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)
    losses = model.loss(torch.randn(2, 3, 32, 48), [empty, sample(rectangles((2, 3, 20, 30)), [1])])
    assert all(torch.isfinite(v) for v in losses.values())


def instances(model, **test_cfg):
    """Four steps: a good one, one below the stop threshold, a tiny one, a good one."""
    model.test_cfg = replace(model.test_cfg, **test_cfg)
    masks = torch.zeros(4, 40, 40)
    masks[0, 2:12, 3:13] = masks[1, 20:30, 5:15] = masks[2, 0, 0] = masks[3, 20:36, 20:36] = 0.9
    classes = torch.tensor([[0.1, 0.6, 0.3]] * 4)
    return model._instances(
        masks, torch.tensor([0.9, 0.3, 0.8, 0.7]), classes, None, dict(img_shape=(40, 40), ori_shape=(80, 80)), True
    )


def test_filter_skips_a_step_and_goes_on():
    found = instances(build(), min_area=0.01)
    assert found.steps.tolist() == [0, 3] and found.labels.tolist() == [0, 0]
    assert found.scores.tolist() == pytest.approx([0.54, 0.42])
    assert found.masks.shape == (2, 80, 80) and found.bboxes[0].tolist() == [6, 4, 26, 24]


def test_break_ends_the_sequence():
    assert instances(build(), stop='break', min_area=0.01).steps.tolist() == [0]


def test_every_class_of_a_mask_with_its_own_score():
    found = instances(build(), per_class=True, min_area=0.01)
    assert found.steps.tolist() == [0, 0, 3, 3] and found.labels.tolist() == [0, 1, 0, 1]
    assert found.scores.tolist() == pytest.approx([0.54, 0.27, 0.42, 0.21])
    best = instances(build(), per_class=True, min_area=0.01, max_per_img=2)
    assert best.scores.tolist() == pytest.approx([0.54, 0.42])


def test_the_largest_component():
    mask = torch.zeros(10, 10, dtype=torch.bool)
    mask[0:2, 0:2] = mask[5:9, 5:9] = True
    assert largest_component(mask).sum() == 16 and largest_component(mask[:4]).sum() == 4


def test_boxes_enclose_masks():
    masks = torch.from_numpy(rectangles((2, 3, 20, 30), (0, 0, 32, 48))).bool()
    assert boxes_of_masks(masks).tolist() == [[3, 2, 30, 20], [0, 0, 48, 32]]


def test_predict_gives_a_sequence_at_the_files_size():
    model = build(test_cfg=dict(stop_thr=0.0, mask_thr=0.0, min_area=0.0)).eval()
    with torch.no_grad():
        (result,) = model.predict(torch.randn(1, 3, 32, 64), [sample(rectangles((2, 3, 20, 30)), [1], ori=(64, 96))])
    assert result.pred_instances.masks.shape == (4, 64, 96) and result.pred_instances.steps.tolist() == [0, 1, 2, 3]


def test_leaf_scores():
    a, b = rectangles((0, 0, 10, 10), (20, 20, 30, 30)).astype(bool), rectangles((0, 0, 10, 10)).astype(bool)
    assert best_dice(a, b) == 0.5 and best_dice(b, a) == 1 and symmetric_best_dice(a, b) == 0.5
    assert symmetric_best_dice(a[:0], a[:0]) == 1 and symmetric_best_dice(a[:0], b) == 0
    rows = [dict(sbd=0.5, predicted=3, objects=1), dict(sbd=1.0, predicted=1, objects=2)]
    metrics = instance_sequence_summary(rows)
    assert (metrics['SBD'], metrics['DiC'], metrics['|DiC|'], metrics['SBD@2']) == (0.75, 0.5, 1.5, 1.0)


def test_painting_a_sequence():
    masks = rectangles((0, 0, 4, 4), (0, 0, 4, 8)).astype(bool)
    assert paint_sequence(masks, 'first').sum((1, 2)).tolist() == [16, 16]
    assert paint_sequence(masks, 'last').sum((1, 2)).tolist() == [32]


def test_instances_from_label_maps(tmp_path):
    instance_map = np.zeros((20, 30), np.uint8)
    instance_map[2:8, 3:9], instance_map[10:18, 10:25], instance_map[0, 0] = 4, 2, 255
    class_map = np.where(instance_map == 4, 7, np.where(instance_map == 2, 3, 0)).astype(np.uint8)
    item = dict(img=np.zeros((20, 30, 3), np.uint8), instance_map=instance_map, class_map=class_map)
    results = LoadInstanceMap().transform(dict(item))
    assert results['gt_bboxes_labels'].tolist() == [2, 6]
    assert results['gt_bboxes'].tensor.tolist() == [[10, 10, 25, 18], [3, 2, 9, 8]]
    assert [i['bbox_label'] for i in results['instances']] == [2, 6]
    largest = LoadInstanceMap(max_instances=1).transform(dict(item))
    assert largest['gt_masks'].masks.sum() == 8 * 15
    with pytest.raises(ValueError, match='no class where'):
        LoadInstanceMap().transform(dict(item, class_map=class_map * (instance_map != 4)))


def test_affine_moves_instances_with_the_image():
    np.random.seed(0)
    masks = rectangles((4, 6, 20, 30), (28, 44, 32, 48))
    image = np.repeat(masks[0][..., None], 3, -1) * 200
    item = sample(masks, [0, 1])
    results = dict(
        img=image, gt_masks=item.gt_instances.masks, gt_bboxes_labels=np.array([0, 1]), gt_ignore_flags=np.zeros(2, bool)
    )
    moved = RandomFrameAffine(rotation=0, translation=0, shear=0, zoom=(0.6, 0.6), min_pixels=60).transform(results)
    assert moved['gt_bboxes_labels'].tolist() == [0]  # the other one left the picture
    agreement = ((moved['img'][..., 0] > 100) == moved['gt_masks'].masks[0].astype(bool)).mean()
    assert agreement > 0.97 and moved['gt_masks'].masks.sum() > 1.8 * masks[0].sum()


@pytest.mark.parametrize('config', ['rsis/rsis_mini_synthinstances.py', 'ris/ris_mini_synthinstances.py'])
def test_mini_config(config):
    cfg = Config.fromfile(CONFIGS / config)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    again = DATASETS.build(cfg.train_dataloader.dataset)
    np.testing.assert_array_equal(dataset.get_data_info(5)['img'], again.get_data_info(5)['img'])
    model = MODELS.build(cfg.model)
    model.train()
    batch = model.data_preprocessor(pseudo_collate([dataset[i] for i in range(2)]), True)
    losses = model(**batch, mode='loss')
    model.parse_losses(losses)[0].backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters() if p.requires_grad)


def test_weights_of_the_loss_are_the_papers():
    loss = RSISLoss()
    assert (loss.class_weight, loss.stop_weight, loss.box_weight, loss.stop_balance) == (0.1, 0.5, 0.0, 0.5)
