"""Parts of MAIN: the network, weights that it inherits, attention priors, losses."""

import copy

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmcv.cnn import fuse_conv_bn
from mmengine.runner.checkpoint import load_state_dict
from small_main import build

from mmvos.models.attention import LongTermAttention, ShortTermAttention
from mmvos.models.backbones import CueEfficientNetLite, CueResNet, EfficientNetLite
from mmvos.models.backbones.cue_input import widen_input
from mmvos.models.heads import InstanceMapHead
from mmvos.models.losses import InstanceBCELoss, StagedLoss
from mmvos.models.necks import SeparablePyramid
from mmvos.models.trackers import Tracks
from mmvos.structures import InstanceSlots, keep_objects, shuffle_slots

LEVELS = (64, 256, 512, 1024, 2048)


# Network


@pytest.mark.parametrize('channels, decoder, plain', [(64, 510150, 989126), (128, 1507910, 3452806)])
def test_decoder_has_the_size_of_its_description(channels, decoder, plain):
    head = sum(p.numel() for p in InstanceMapHead(channels, 6).parameters())
    for separable, expected in ((True, decoder), (False, plain)):
        neck = SeparablePyramid(LEVELS, channels, separable=separable)
        assert sum(p.numel() for p in neck.parameters()) + head == expected


@pytest.mark.parametrize('slots, expected', [(1, 24033537), (6, 24065222), (10, 24090570)])
def test_whole_network_has_the_size_of_its_description(slots, expected):
    with torch.device('meta'):
        encoder = CueResNet(dict(rgb=3, uof=3, lta=slots, sta=slots))
        parts = [encoder, SeparablePyramid(LEVELS, 64), InstanceMapHead(64, slots)]
    assert sum(p.numel() for part in parts for p in part.parameters()) == expected
    if slots == 6:
        assert encoder.conv1.weight.numel() == 56448
        assert sum(p.numel() for p in encoder.parameters()) == 23555072


def test_side_outputs_and_full_resolution():
    model = build()
    levels = model.backbone(torch.rand(1, 12, 64, 96))
    shapes = [tuple(level.shape[1:]) for level in levels]
    assert shapes == [(8, 32, 48), (8, 16, 24), (16, 8, 12), (32, 4, 6), (64, 2, 3)]
    assert model.head(model.neck(levels)).shape == (1, 3, 64, 96)


@pytest.mark.parametrize('norm_cfg', [None, dict(type='BN')])
def test_the_last_layer_and_the_head_are_one_convolution(norm_cfg):
    torch.manual_seed(0)
    neck, head = SeparablePyramid((8, 16), 8, norm_cfg=norm_cfg).train(), InstanceMapHead(8, 3)
    x = torch.rand(2, 8, 12, 20)
    torch.nn.init.normal_(head.conv.weight)
    torch.nn.init.normal_(neck.last.conv.weight)
    if norm_cfg is None:
        torch.nn.init.normal_(neck.last.conv.bias)
        neck.last.conv.register_forward_hook(lambda *_: pytest.fail('computed one after the other'))
    weights = [head.conv.weight, neck.last.conv.weight]
    gradients = []
    for logits in (head.after(neck.last, x), head.conv(F.conv2d(x, *neck.last.conv.parameters(), padding=1))):
        gradients.append((logits, *torch.autograd.grad(logits.square().mean(), weights)))
        if norm_cfg:  # not one: batch norm in training
            torch.testing.assert_close(gradients[0][0], head(neck.last(x)))
            return
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_a_folded_norm_joins_the_last_layer_and_the_head():
    neck, head = SeparablePyramid((8, 16), 8, norm_cfg=dict(type='BN')).eval(), InstanceMapHead(8, 3)
    torch.nn.init.normal_(neck.last.norm.running_mean)
    x = torch.rand(1, 8, 12, 20)
    expected = head(neck.last(x))
    neck = fuse_conv_bn(neck)
    neck.last.conv.register_forward_hook(lambda *_: pytest.fail('computed one after the other'))
    torch.testing.assert_close(head.after(neck.last, x), expected, atol=1e-5, rtol=1e-5)


def test_four_levels_reach_full_resolution_too():
    neck = SeparablePyramid((8, 16, 32, 64), 8, out_stride=4, parallel=True, act_all=False)
    levels = CueResNet(dict(rgb=3), (2, 3, 4, 5), depth=18, stem_channels=8, base_channels=8)(torch.rand(1, 3, 64, 96))
    assert neck(levels).shape == (1, 8, 64, 96)


def test_permuted_slots_permute_the_output():
    model, order = build(), torch.tensor([2, 0, 1])
    other = copy.deepcopy(model)
    with torch.no_grad():
        weight = other.backbone.conv1.weight
        weight.copy_(torch.cat((weight[:, :6], weight[:, 6:9][:, order], weight[:, 9:][:, order]), 1))
        other.head.conv.weight.copy_(model.head.conv.weight[order])
        other.head.conv.bias.copy_(model.head.conv.bias[order])
        image, flow, lta, sta = (torch.rand(1, c, 64, 96) for c in (3, 2, 3, 3))
        expected = model.segment(image, flow, lta, sta)[:, order]
        out = other.segment(image, flow, lta[:, order], sta[:, order])
    torch.testing.assert_close(out, expected, atol=1e-4, rtol=1e-4)


# Inherited weights


def resnet(cues):
    return CueResNet(cues, depth=18, stem_channels=8, base_channels=8)


def test_imagenet_weights_are_widened():
    plain = {k: v for k, v in resnet(dict(rgb=3)).state_dict().items() if k != 'cue_channels'}  # a ResNet's checkpoint
    model = resnet(dict(rgb=3, uof=3, lta=4))
    load_state_dict(model, dict(plain), strict=False)
    weight, rgb = model.conv1.weight, plain['conv1.weight']
    torch.testing.assert_close(weight[:, :3], rgb)
    torch.testing.assert_close(weight[:, 3:], rgb.mean(1, keepdim=True).expand(-1, 7, -1, -1))


def test_package_weights_are_widened_and_give_the_images_features():
    plain, cues = EfficientNetLite(pretrained=True).eval(), dict(rgb=3, uof=3, lta=2)
    model = CueEfficientNetLite(cues, pretrained=True).eval()
    weight, rgb = model.stem.conv.weight, plain.stem.conv.weight
    torch.testing.assert_close(weight[:, :3], rgb)
    torch.testing.assert_close(weight[:, 3:], rgb.mean(1, keepdim=True).expand(-1, 5, -1, -1))
    image = torch.rand(1, 3, 64, 96)
    levels = model(torch.cat((image, torch.zeros(1, 5, 64, 96)), 1))
    assert [level.shape[-1] for level in levels] == [48, 24, 12, 6, 3]
    torch.testing.assert_close(levels[1:], plain(image), atol=1e-3, rtol=1e-3)
    again = CueEfficientNetLite(dict(rgb=3, uof=3, lta=2, sta=2))
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again.stem.conv.weight[:, 8:], weight[:, 6:])


def test_short_term_attention_inherits_from_the_trained_long_term_one():
    stage1, stage3 = resnet(dict(rgb=3, uof=3, lta=4)), resnet(dict(rgb=3, uof=3, lta=4, sta=4))
    stage3.load_state_dict(stage1.state_dict())
    weight = stage1.conv1.weight
    torch.testing.assert_close(stage3.conv1.weight, torch.cat((weight, weight[:, 6:]), 1))


def test_more_instances_get_the_mean_of_the_trained_ones():
    small, large = build(num_slots=2), build(seed=1, num_slots=4)
    large.load_state_dict(small.state_dict())
    old, new = small.backbone.conv1.weight, large.backbone.conv1.weight
    for start, cue in ((6, old[:, 6:8]), (10, old[:, 8:10])):
        torch.testing.assert_close(new[:, start : start + 2], cue)
        torch.testing.assert_close(new[:, start + 2 : start + 4], cue.mean(1, keepdim=True).expand(-1, 2, -1, -1))
    head_old, head_new = small.head.conv, large.head.conv
    torch.testing.assert_close(head_new.bias, torch.cat((head_old.bias, head_old.bias.mean().expand(2))))
    torch.testing.assert_close(head_new.weight[2], head_old.weight.mean(0))


def test_equal_layouts_are_untouched_and_strange_ones_refused():
    weight, cues = torch.rand(8, 12, 7, 7), dict(rgb=3, uof=3, lta=3, sta=3)
    assert widen_input(weight, cues, dict(cues)) is weight
    state = resnet(dict(rgb=3)).state_dict()
    del state['cue_channels']
    state['conv1.weight'] = torch.rand(8, 5, 7, 7)
    with pytest.raises(ValueError, match='5 input channels'):
        resnet(cues).load_state_dict(state)


# Priors


def test_erosion_and_dilation_are_opencvs():
    """Even kernels too: the anchor is the middle of the kernel, side // 2."""
    mask = torch.zeros(40, 50)
    mask[10:30, 12:40] = 1
    for side in (6, 7):
        part, expected = ShortTermAttention(kernel=(side, side)), {}
        for name, function in (('dilate', cv2.dilate), ('erode', cv2.erode)):
            expected[name] = torch.from_numpy(function(mask.numpy(), np.ones((side, side))))
        results = [part._grow_or_shrink(mask) for _ in range(30)]
        kinds = {name for r in results for name, e in expected.items() if torch.equal(r, e)}
        assert kinds == {'dilate', 'erode'}
        assert all(any(torch.equal(r, e) for e in expected.values()) for r in results)


def test_a_mask_is_never_eroded_away():
    mask = torch.zeros(5, 40, 50)
    mask[:, 10:13, 10:13] = 1
    for seed in range(10):
        torch.manual_seed(seed)
        out = ShortTermAttention(kernel=(6, 30), scale=(1.0, 1.0), shift=0.0).imitate(mask)
        assert out.flatten(1).any(1).all()


def test_scaling_is_about_the_box_and_shifting_is_small():
    mask = torch.zeros(1, 100, 200)
    mask[0, 40:60, 100:140] = 1
    part = ShortTermAttention(kernel=(1, 1), scale=(1.2, 1.2), shift=0.0)
    rows, columns = (part.imitate(mask)[0].any(d).nonzero() for d in (1, 0))
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (38, 62, 96, 144)
    part = ShortTermAttention(kernel=(1, 1), scale=(1.0, 1.0), shift=0.05)
    for seed in range(20):
        torch.manual_seed(seed)
        rows, columns = (part.imitate(mask)[0].any(d).nonzero() for d in (1, 0))
        assert abs(int(rows.min()) - 40) <= 5 and abs(int(columns.min()) - 100) <= 10
        assert len(rows) == 20 and len(columns) == 40


def test_short_term_attention_at_test_is_the_warped_mask():
    masks = torch.zeros(2, 20, 30)
    masks[0, 5:10, 5:10] = 1
    flow = torch.zeros(1, 2, 20, 30)
    flow[:, 0] = -4  # what is here was 4 pixels further left
    out = ShortTermAttention()(masks, flow)
    torch.testing.assert_close(out, masks.roll(4, 2))


def test_previous_masks_are_exclusive_and_background_below_one_half():
    logits = torch.tensor([[[2.0, -1.0, 1.0]], [[1.0, -2.0, 3.0]]])
    before = torch.zeros(2, 1, 3)
    assert ShortTermAttention().previous(logits, before).tolist() == [[[1, 0, 0]], [[0, 0, 1]]]
    torch.testing.assert_close(ShortTermAttention('prob').previous(logits, before), logits.sigmoid())


@pytest.mark.parametrize('on_lost, pixels', [('keep', 6), ('zero', 0), ('sta_box', 4)])
def test_lost_targets(on_lost, pixels):
    sta = torch.zeros(2, 10, 10)
    sta[0, 1:3, 1:3] = 1
    tracks = Tracks(np.array([[0, 0, 3, 2.0], [5, 5, 6, 6]]), np.zeros(2), np.array([False, True]))
    assert LongTermAttention(on_lost)(tracks, sta).flatten(1).sum(1).tolist() == [pixels, 1]


def test_slots_are_kept_and_freed():
    slots = InstanceSlots(2).add(3)
    assert slots.slots == (0, 1, 2) and slots.passes == [0, 1]
    slots = keep_objects([1, 2], slots)
    assert slots.slots == (1, 2)
    slots = slots.add(2)
    assert slots.slots == (1, 2, 0, 3)
    maps = torch.rand(4, 5, 6)
    channels = slots.scatter(maps)
    assert channels.shape == (2, 2, 5, 6)
    torch.testing.assert_close(channels[1, 0], maps[1])
    torch.testing.assert_close(slots.gather(channels), maps)
    assert keep_objects([0, 4], InstanceSlots(2).add(5)).scatter(maps[:2]).shape[0] == 2  # the empty pass is left out


def test_shuffle_is_joint_and_covers_all_slots():
    torch.manual_seed(0)
    lta = torch.arange(4.0).repeat(200, 1)
    a, b = shuffle_slots(lta, 10 * lta)
    torch.testing.assert_close(10 * a, b)
    assert (a.sort(1).values == lta).all()
    counts = torch.stack([(a == k).sum(0) for k in range(4)])
    assert counts.min() > 25 and counts.max() < 75  # 50 expected in every slot


# Losses


def test_staged_loss_counts_training_steps():
    loss = StagedLoss(dict(type='InstanceBCELoss'), dict(type='WIDLoss'), iters=2)
    args = torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 4, 4), torch.ones(1, 2).bool()
    bce = InstanceBCELoss()(*args)
    values = [loss(*args).item() for _ in range(4)]
    assert values[0] == values[1] == bce.item() and values[2] == values[3] != bce.item()
    resumed = StagedLoss(dict(type='InstanceBCELoss'), dict(type='WIDLoss'), iters=2)
    resumed.load_state_dict(loss.state_dict())
    assert float(resumed(*args)) == values[3]
