"""RecallVOS: what is read from memory, the target model, the decoder's boxes, and the memory over a video."""

import math

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config

from mmvos.inference import Frame, VOSSession
from mmvos.models import *  # noqa: F401,F403  (registers)
from mmvos.models.heads import ObjectRows, Recalled, RecallHead
from mmvos.models.heads.recall_head import NOWHERE, Boxes, within_reach
from mmvos.models.losses import BalancedLabelLoss, LabelMapLoss
from mmvos.models.matching import FrameRead, LabelBlots, LabelRidge, WindowRead
from mmvos.models.necks import RecallMaps, RecallNeck
from mmvos.models.segmentors.recall_vos import RecallVOSTestSettings
from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.utils import configs_root
from mmvos.utils.checkpoint import load_weights


def unit(*shape):
    return F.normalize(torch.randn(*shape), dim=1)


def shares(*shape):
    return torch.rand(*shape).softmax(1)


def plain_read(read, query, keys, labels, radius):
    """Every pair of cells, one query after the other."""
    height, width = query.shape[-2:]
    out = torch.zeros(len(query), labels.shape[1], height, width)
    for y in range(height):
        for x in range(width):
            logits, values = [], []
            for t in range(keys.shape[2]):
                for v in range(height):
                    for u in range(width):
                        if max(abs(v - y), abs(u - x)) <= radius:
                            near = (query[:, :, y, x] * keys[:, :, t, v, u]).sum(1) * read.log_scale.exp()
                            logits.append(near - ((v - y) ** 2 + (u - x) ** 2) * read.log_spread.exp())
                            values.append(labels[:, :, t, v, u])
            weights = torch.stack(logits, 1).softmax(1)
            out[:, :, y, x] = (torch.stack(values, 1) * weights[..., None]).sum(1)
    return out


@torch.no_grad()
def test_a_window_is_read_as_cell_by_cell_at_any_size():
    torch.manual_seed(0)
    read = WindowRead(radius=2, block=(4, 3), log_scale=1.0, log_spread=-2.0)
    query, keys, labels = unit(2, 5, 6, 7), unit(2, 5, 6, 7), shares(2, 3, 6, 7)
    expected = plain_read(read, query, keys[:, :, None], labels[:, :, None], radius=2)
    torch.testing.assert_close(read(query, keys, labels), expected)


@torch.no_grad()
def test_frames_are_read_as_cell_by_cell():
    torch.manual_seed(0)
    read = FrameRead(log_scale=1.0, log_spread=-3.0)
    query, keys, labels = unit(2, 5, 4, 6), unit(2, 5, 3, 4, 6), shares(2, 3, 3, 4, 6)
    torch.testing.assert_close(read(query, keys, labels), plain_read(read, query, keys, labels, radius=99))


@torch.no_grad()
@pytest.mark.parametrize('frames', [1, 3, 6])
def test_reads_that_are_only_used_are_those_that_learn(frames):
    torch.manual_seed(0)
    for read, shape in ((WindowRead(2, (4, 3), 1.0, -2.0), ()), (FrameRead(1.0, -3.0), (frames,))):
        for size in ((4, 6), (5, 7), (4, 6)):
            query, keys, labels = unit(2, 5, *size), unit(2, 5, *shape, *size), shares(2, 3, *shape, *size)
            expected = read.train()(query, keys, labels)
            read.eval().prepare_for_inference()
            for _ in range(2):  # computed, then kept
                torch.testing.assert_close(read(query, keys, labels), expected)
        if isinstance(read, FrameRead):  # weights that come later are followed
            other = FrameRead(log_scale=2.0, log_spread=-2.0)
            read.load_state_dict(other.state_dict())
            torch.testing.assert_close(read(query, keys, labels), other(query, keys, labels))
        read.train().log_scale.fill_(2.5)
        assert not torch.allclose(read(query, keys, labels), expected)  # it learns again


@torch.no_grad()
def test_a_neck_that_is_only_used_is_the_one_that_learns():
    torch.manual_seed(0)
    neck = RecallNeck(key_channels=8, target_channels=12, context_channels=6, skip_channels=(5, 4), width=10)
    for parameter in neck.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    neck.scales.uniform_(0.5, 2)
    maps = [torch.randn(2, c, 64 // s, 96 // s) for c, s in zip(neck.in_channels, (2, 4, 8, 16, 16, 32, 32), strict=True)]
    expected, names = neck(maps), set(neck.state_dict())
    neck.eval().prepare_for_inference()
    found = neck(maps)
    for a, b in zip((*expected[:4], *expected.skips), (*found[:4], *found.skips), strict=True):
        torch.testing.assert_close(a, b)
    assert set(neck.state_dict()) == names
    neck.load_state_dict({name: 2 * value for name, value in neck.state_dict().items()})  # weights that come later are followed
    later = RecallNeck(key_channels=8, target_channels=12, context_channels=6, skip_channels=(5, 4), width=10)
    later.load_state_dict(neck.state_dict())
    torch.testing.assert_close(neck(maps).context, later(maps).context, rtol=1e-3, atol=1e-3)
    neck.train().wide_8.weight.zero_()
    assert not torch.allclose(neck(maps).context, expected.context)  # it learns again


def test_the_target_model_separates_what_its_features_separate_and_is_learned_through():
    torch.manual_seed(0)
    target = LabelRidge(log_ridge=math.log(1e-3))
    labels = F.one_hot(torch.randint(3, (1, 8, 8)), 3).movedim(-1, 1).float()
    features = (labels + 0.05 * torch.randn(1, 3, 8, 8)).requires_grad_()
    scores = target.score(features, target.fit(target.moments(features, labels)))
    assert (scores.argmax(1) == labels.argmax(1)).all()
    assert scores[labels > 0].mean() > 0.8 > -0.8 > scores[labels == 0].mean()
    scores.square().sum().backward()
    assert torch.isfinite(features.grad).all() and features.grad.abs().sum() > 0 and target.log_ridge.grad != 0


def test_labels_that_come_and_go_leave_the_sums_as_if_they_had_been_known():
    torch.manual_seed(0)
    target, x = LabelRidge(), torch.randn(2, 4, 5, 6)
    labels = F.one_hot(torch.randint(3, (2, 5, 6)), 3).movedim(-1, 1).float()
    moments = target.moments(x, labels)
    absent = target.moments(x, torch.cat([labels, torch.zeros(2, 2, 5, 6)], 1))
    for widened, expected in zip(moments.widen(2), absent, strict=True):
        torch.testing.assert_close(widened, expected)
    # a dropped label's cells become background; gram keeps the weights that it was made with
    kept = moments.keep([2])
    merged = torch.stack([labels[:, 0] + labels[:, 1], labels[:, 2]], 1)
    ones = torch.cat([x, torch.ones(2, 1, 5, 6)], 1).flatten(2)
    weight = (labels / labels.sum((2, 3), keepdim=True)).sum(1).flatten(1)[:, None] / 3
    torch.testing.assert_close(kept.cross, torch.bmm(ones * weight, (2 * merged - 1).flatten(2).transpose(1, 2)))


def test_blots_change_labels_within_their_video_and_keep_their_sum():
    torch.manual_seed(0)
    labels = F.one_hot(torch.randint(3, (2, 20, 30)), 4).movedim(-1, 1).float()
    assert torch.equal(LabelBlots(prob=0.0)(labels, [2, 3]), labels)
    torch.manual_seed(1)
    blotted = LabelBlots(prob=1.0, radius=(0.2, 0.4))(labels, [2, 2])
    assert (blotted != labels).flatten(1).any(1).all()
    torch.testing.assert_close(blotted.sum(1), torch.ones(2, 20, 30))
    assert set(blotted.argmax(1).unique().tolist()) <= {0, 1, 2}  # the fourth label is no object of these videos


def test_rows_of_objects_know_their_rivals_and_become_labels():
    rows = ObjectRows([1, 3], torch.device('cpu'))
    assert rows.video.tolist() == [0, 1, 1, 1] and rows.label.tolist() == [1, 1, 2, 3]
    values = torch.tensor([5.0, 1.0, 4.0, 2.0]).view(4, 1, 1)
    assert rows.strongest_rival(values, -1.0).flatten().tolist() == [-1.0, 4.0, 2.0, 4.0]
    many = ObjectRows([5], torch.device('cpu'))
    maps = torch.randn(5, 3, 4).round()  # with ties
    others = [torch.cat([maps[:i], maps[i + 1 :]]).amax(0) for i in range(5)]
    assert torch.equal(many.strongest_rival(maps), torch.stack(others))
    assert rows.as_labels(values).flatten(1).tolist() == [[0, 5, -20, -20], [0, 1, 4, 2]]


def test_boxes_hold_every_cell_above_the_threshold():
    logits = torch.full((2, 10, 12), -9.0)
    logits[0, 2:4, 3] = 1
    logits[1, 9, 0:5] = 1
    boxes = Boxes.around(logits.clone().requires_grad_(), -4.0, margin=1)  # as in training
    assert boxes.size == (4, 6)
    assert boxes.corners == [(1, 2), (6, 0)]
    parts = boxes.cut(logits[:, None], [0, 1])
    assert parts.shape == (2, 1, 4, 6) and (parts > 0).flatten(1).sum(1).tolist() == [2, 5]
    assert Boxes.around(torch.full((1, 4, 4), -9.0), -4.0, margin=1).size == (2, 2)  # nothing there: still a box


@torch.no_grad()
def test_objects_are_refined_in_boxes_as_in_whole_frames():
    torch.manual_seed(0)
    head = RecallHead(context_channels=6, channels=(8, 6), skip_channels=(5, 4), certain=-4.0, margin=3)
    for conv in (head.coarse, head.fine):
        torch.nn.init.normal_(conv.weight, std=0.02)
    maps = RecallMaps(
        torch.zeros(1), torch.zeros(1), torch.zeros(1), torch.randn(1, 6, 16, 20),
        (torch.randn(1, 5, 32, 40), torch.randn(1, 4, 64, 80)),
    )  # fmt: skip
    labels = torch.zeros(1, 3, 16, 20)
    labels[:, 1, 2:5, 3:7] = labels[:, 2, 9:12, 12:15] = 1
    labels[:, 0] = 1 - labels.sum(1)
    recalled, rows = Recalled(labels, labels, labels, 2 * labels - 1, labels), ObjectRows([2], torch.device('cpu'))
    whole, coarse = head.train()(maps, recalled, rows)
    boxed, coarse_too = head.eval()(maps, recalled, rows)
    torch.testing.assert_close(coarse, coarse_too)
    for k, label in enumerate((1, 2)):
        inside = F.interpolate(labels[:, label : label + 1], scale_factor=4)[0, 0] > 0
        torch.testing.assert_close(boxed[k][inside], whole[k][inside])
    assert (boxed != whole).any()  # far from the objects the coarse logits stay
    head.certain = -math.inf
    torch.testing.assert_close(head(maps, recalled, rows)[0], whole)


def test_losses_fall_to_zero_with_the_truth_and_count_edges_and_small_labels():
    torch.manual_seed(0)
    true = torch.zeros(1, 2, 12, 12)
    true[:, 1, 4:8, 4:8] = 1
    true[:, 0] = 1 - true[:, 1]
    valid, present = torch.ones(1, 12, 12), torch.tensor([[False, True]])
    loss = LabelMapLoss()
    assert loss(30 * true, true, valid, present) < 1e-3
    far, near = 30 * true, 30 * true
    far[:, :, 0, 0] = far[:, :, 0, 0].flip(1)
    near[:, :, 4, 3] = near[:, :, 4, 3].flip(1)
    plain = LabelMapLoss(edge_weight=0.0)
    torch.testing.assert_close(plain(far, true, valid, present), plain(near, true, valid, present))
    assert loss(near, true, valid, present) > 1.5 * loss(far, true, valid, present)
    void = valid.clone()
    void[:, 0, 0] = 0
    assert loss(far, true, void, present) < 1e-3
    balanced = BalancedLabelLoss(smooth=0.0)
    miss_object, miss_ground = (
        torch.stack([x, 1 - x], 1).clamp(0.1, 0.9).log() for x in (torch.ones(1, 12, 12), torch.zeros(1, 12, 12))
    )
    torch.testing.assert_close(balanced(miss_object, true), balanced(miss_ground, true))


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    cfg = Config.fromfile(configs_root() / 'configs/_base_/models/recall-vos_lite0.py').model
    cfg.backbone.pretrained = False
    return MODELS.build(cfg).eval()


def frames(count, height=64, width=96):
    torch.manual_seed(3)
    return [Frame(torch.randn(1, 3, height, width), torch.zeros(1, 3, height, width), t) for t in range(count)]


def tensors_in(value):
    if isinstance(value, torch.Tensor):
        return value.numel()
    if isinstance(value, (tuple, list)):
        return sum(map(tensors_in, value))
    return sum(map(tensors_in, vars(value).values())) if hasattr(value, '__dict__') else 0


@torch.no_grad()
def test_memory_does_not_grow_with_the_video(model):
    masks = torch.zeros(2, 64, 96)
    masks[0, 10:30, 10:30] = masks[1, 30:50, 50:80] = 1
    first, *later = frames(40)
    state, sizes = model.init_state(first, masks), []
    for frame in later:
        scores, state = model.step(frame, state)
        torch.testing.assert_close(scores.sum(0), torch.ones(32, 48))
        sizes.append(tensors_in(state))
    assert sizes[-1] == sizes[model.test_cfg.bank_size * model.test_cfg.bank_interval]
    assert state.bank_keys.shape[2] == model.test_cfg.bank_size


@torch.no_grad()
def test_a_late_object_is_remembered_and_a_dropped_one_is_background(model):
    masks = torch.zeros(2, 64, 96)
    masks[0, 10:30, 10:30] = masks[1, 30:50, 50:80] = 1
    first, second, third = frames(3)
    state = model.init_state(first, masks[:1])
    _, state = model.step(second, state)
    state = model.add_objects(second, masks[1:], state)
    inside = F.adaptive_avg_pool2d(masks[1:], state.fine_labels.shape[-2:])[0]
    torch.testing.assert_close(state.fine_labels[0, 2], inside)
    assert state.prompt_labels[0, 2, 0].abs().sum() == 0 and state.prompt_labels[0, 2, 1].sum() > 0
    for labels in (state.fine_labels, state.labels, state.prompt_labels, state.bank_labels):
        torch.testing.assert_close(labels.sum(1), torch.ones_like(labels[:, 0]))
    scores, state = model.step(third, state)
    assert scores.shape == (3, 32, 48)
    kept = model.keep_objects([1], state)
    torch.testing.assert_close(kept.fine_labels[:, 1], state.fine_labels[:, 2])
    torch.testing.assert_close(kept.fine_labels[:, 0], state.fine_labels[:, 0] + state.fine_labels[:, 1])
    assert kept.weights.shape[-1] == 2


def test_the_shipped_weights_fit_and_keep_look_alikes_apart():
    cfg = Config.fromfile(configs_root() / 'configs/recall_vos/recall-vos_lite0.py').model
    cfg.backbone.pretrained = False  # the checkpoint holds them
    cfg.test_cfg.resize.length = 192
    model = MODELS.build(cfg)
    load_weights(model, 'recall-vos_lite0')
    assert sum(p.numel() for p in model.parameters()) < 10e6
    noise = np.random.default_rng(0).integers(60, 140, (16, 24, 3), dtype=np.uint8)
    background = cv2.resize(noise, (288, 192), interpolation=cv2.INTER_CUBIC)
    session = VOSSession(model)
    for t in range(6):
        frame, truth = background.copy(), np.zeros((192, 288), np.uint8)
        for k, centre in enumerate(((60 + 6 * t, 60 + 4 * t), (220 - 5 * t, 130))):
            cv2.circle(frame, centre, 26, (30, 60, 220), -1)
            cv2.circle(truth, centre, 26, k + 1, -1)
        found = session.step(frame, truth if t == 0 else None).pred_label_map
    for k in (1, 2):
        assert ((found == k) & (truth == k)).sum() / ((found == k) | (truth == k)).sum() > 0.85


def test_an_object_is_found_near_its_last_place_only():
    coarse, previous = torch.ones(2, 1, 16, 24), torch.zeros(2, 16, 24)
    previous[0, 8, 5] = 0.9  # the other one was not there
    found = within_reach(coarse, previous, 0.25)  # of 16 cells
    assert (found[1] == 1).all() and set(found[0].unique().tolist()) == {NOWHERE, 1.0}
    rows, columns = (found[0, 0] == 1).nonzero().T
    assert [int(x) for x in (rows.min(), rows.max(), columns.min(), columns.max())] == [4, 12, 1, 9]
    assert (found[0, 0] == 1).sum() == 9 * 9 and within_reach(coarse, previous, 0) is coarse
    with pytest.raises(InputError, match="reach is 6; expected a share of the frame's shorter side, from 0 to 1"):
        RecallVOSTestSettings(reach=6)
