"""Training of DyeNet, and its parts."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from colour_dyenet import behind_a_pillar, j_after, model, segment
from mmengine.config import Config

from mmvos.inference import VOSSession
from mmvos.models.backbones import PartlyFrozenResNet
from mmvos.models.flow import warp_roi_state
from mmvos.models.heads.re_mp_head import ReMPHead
from mmvos.models.heads.reid_head import ReIDHead
from mmvos.models.segmentors import DyeNet
from mmvos.online.fine_tuning import restored
from mmvos.online.trainer import OnlineTrainer
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample
from mmvos.structures.roi_grid import box_shares
from mmvos.utils.checkpoint import load_weights
from mmvos.videos import FrameArrays

CONFIGS = Path(__file__).parents[2] / 'configs' / 'dyenet'


def test_states_stay_where_they_are_without_motion():
    state, boxes = torch.randn(2, 3, 6, 6), torch.tensor([[3.0, 4.0, 21.0, 19.0], [0.0, 0.0, 12.0, 12.0]])
    torch.testing.assert_close(warp_roi_state(state, boxes, boxes, torch.zeros(1, 2, 40, 50)), state)


def test_frozen_blocks_have_no_gradient_and_the_others_do():
    settings = dict(depth=50, num_stages=3, strides=(1, 2, 1), dilations=(1, 1, 2), out_indices=(2,))
    net = PartlyFrozenResNet(**settings, frozen_blocks=4, norm_cfg=dict(type='BN', requires_grad=False), norm_eval=True)
    net.train()
    (out,) = net(torch.randn(1, 3, 36, 50))
    assert out.shape == (1, 1024, 5, 7)  # stride 8, rounded up
    out.sum().backward()
    with_gradient = {'.'.join(n.split('.')[:2]) for n, p in net.named_parameters() if p.grad is not None}
    assert with_gradient == {'layer3.4', 'layer3.5'}
    plain = MODELS.build(dict(type='mmdet.ResNet', **settings))
    plain.load_state_dict(net.state_dict())
    x = torch.randn(1, 3, 36, 50)
    net.eval(), plain.eval()
    with torch.no_grad():
        torch.testing.assert_close(net(x)[0], plain(x)[0])


def clip_with(object_ids, labels, **metainfo):
    sample = VOSDataSample(metainfo=dict(object_ids=object_ids, video_id='a', **metainfo))
    sample.gt_label_maps = torch.as_tensor(labels)
    return sample


def with_rows(rows, unnumbered=None):
    net = model(train_cfg=dict(unnumbered_rows=unnumbered))
    net.loss_reid = MODELS.build(dict(type='OIMLoss', num_identities=rows, channels=3))
    return net


def test_unnumbered_objects_keep_clear_of_numbered_rows():
    net = with_rows(40, 10)
    labels = np.zeros((1, 8, 8), np.uint8)
    rows = net.identities(clip_with([2, 5, 9], labels, identities={2: 7, 5: 29})).tolist()
    assert rows[:2] == [7, 29] and 30 <= rows[2] < 40
    other = clip_with([9], labels)
    assert net.identities(other).tolist() == rows[2:]
    other.set_metainfo(dict(video_id='b'))  # the same id in another video is another object
    assert net.identities(other).tolist() != rows[2:]
    with pytest.raises(ValueError, match='identity 40, but the loss has 40 rows'):
        net.identities(clip_with([1], labels, identities={1: 40}))


def test_objects_of_online_training_have_rows_of_their_own():
    """DAVIS 2017 val has 61 objects in 30 videos; names drawn by a hash shared rows."""
    net = with_rows(205)
    objects = [(f'video{v}', k) for v in range(30) for k in range(1, 3 + (v == 0))]
    net.begin_online_training(objects[::-1])
    assert len(net.loss_reid.lookup) == 205 + len(objects) == 266 and net.loss_reid.num_trained == 205
    labels, rows = np.zeros((1, 8, 8), np.uint8), {}
    for video, k in objects:
        sample = clip_with([k], labels)
        sample.set_metainfo(dict(video_id=video))
        rows[video, k] = int(net.identities(sample))
    assert sorted(rows.values()) == list(range(205, 266)) and rows['video0', 1] == 205  # whatever the order they came in
    net.begin_online_training(objects[:5])  # known already
    assert len(net.loss_reid.lookup) == 266
    features = F.normalize(torch.randn(2, 3), dim=1)
    net.loss_reid.train()(features, torch.tensor([265, 3]))
    assert net.loss_reid.lookup[265].norm() > 0 and net.loss_reid.lookup[264].norm() == 0


def test_after_online_training_the_table_has_the_rows_that_it_had():
    net = small_trained_parts()
    before = net.loss_reid.lookup.uniform_().clone()
    for _ in range(2):  # a second test of the same model begins anew
        with restored(net):
            net.begin_online_training([('video', 1), ('video', 2)])
            assert len(net.loss_reid.lookup) == len(before) + 2
            net.loss_reid.lookup.fill_(1.0)
        assert torch.equal(net.loss_reid.lookup, before)


def test_a_clip_whose_first_frame_is_empty_has_finite_losses():
    images, truth = behind_a_pillar(3)
    clip = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    for labels in (np.stack([0 * truth[0], truth[1], truth[2]]), np.zeros((3, 64, 128), np.uint8)):
        sample, net = clip_with([2, 7], labels), small_trained_parts()
        net.parts = {'reid', 're_mp'}
        losses = net.loss(clip[None], [sample])
        assert losses['loss_re_mp'] == 0 and all(torch.isfinite(v) for v in losses.values())


@MODELS.register_module(force=True)
class SmallReID(ReIDHead):
    def __init__(self):
        layers = dict(type='ConvLayers', channels=(3, 8))
        super().__init__(layers, layers, channels=8, embed_channels=3)


@MODELS.register_module(force=True)
class SmallReMP(ReMPHead):
    def __init__(self):
        super().__init__(dict(type='ConvLayers', channels=(3, 8)), in_channels=3, state_channels=8, hidden_channels=8)


def small_trained_parts(parts=('dyenet',)):
    """DyeNet on colours with heads that can be trained."""
    return model('SmallReID', 'SmallReMP', parts)


def small_re_mp(**settings):
    layers = dict(type='ConvLayers', channels=(3, 8))
    head = dict(type='ReMPHead', layers=layers, in_channels=3, state_channels=8, hidden_channels=8)
    return MODELS.build(dict(head, **settings))


def test_a_state_carries_its_mask_if_asked():
    torch.manual_seed(0)
    head = small_re_mp(attention=dict(type='RegionAttention', channels=9), carry_mask=True)
    given, rois = (torch.rand(2, 6, 6) > 0.5).float(), torch.randn(2, 3, 6, 6)
    start = head.init_state(rois, given)
    torch.testing.assert_close(start.hidden[:, :8], head.layers(rois) * given[:, None])
    assert start.hidden.shape == (2, 9, 6, 6) and torch.equal(start.hidden[:, 8], given) and start.references == ()
    # untrained, the mask is passed on, and a step sees what the start saw, through its mask
    logits, state = head(start, rois)
    torch.testing.assert_close(logits, 6 * given - 3)
    torch.testing.assert_close(state.hidden[:, 8], logits.sigmoid())
    torch.testing.assert_close(state.hidden[:, :8], head.layers(rois) * logits.sigmoid()[:, None])
    one = state.rows(torch.tensor([1]))
    assert torch.equal(one.hidden, state.hidden[1:])


def test_masks_are_read_from_the_starting_and_the_last_roi_by_similarity():
    matching = dict(temperature=0.05, topk=1)
    head = small_re_mp(carry_mask=True, matching=matching)
    torch.manual_seed(0)
    rois, given = torch.randn(2, 3, 6, 6), (torch.rand(2, 6, 6) > 0.5).float()
    start = head.init_state(rois, given)
    # everything has moved by two cells, and nothing is known of where: the flow has brought an empty mask
    lost = start._replace(hidden=torch.zeros_like(start.hidden))
    logits, state = head(lost, rois.roll(2, 3))
    torch.testing.assert_close(logits, 1.5 * (2 * given.roll(2, 2) - 1) - 1.5)
    assert len(state.references) == 2
    third = head(state, rois)[1]
    assert len(third.references) == 2 and torch.equal(third.references[0][1][:, 0], given)  # the first one stays
    assert torch.equal(third.rows(torch.tensor([1])).references[1][1], third.references[1][1][1:])
    with pytest.raises(ValueError, match='carry_mask'):
        small_re_mp(matching=matching)


def test_memory_layout_does_not_matter():
    """roi_align reads channels-last features and slices of several frames wrongly, without an error."""
    torch.manual_seed(0)
    net, features, boxes = model(), torch.randn(1, 4, 12, 16), torch.tensor([[3.0, 2.0, 15.0, 20.0]])
    expected = net.rois(features, boxes)
    torch.testing.assert_close(net.rois(features.contiguous(memory_format=torch.channels_last), boxes), expected)
    masks = (torch.rand(2, 3, 24, 32) > 0.5).float()
    boxes = boxes.expand(2, -1)
    torch.testing.assert_close(box_shares(masks[:, 1], boxes, 6), box_shares(masks[:, 1].clone(), boxes, 6))


@pytest.mark.parametrize(
    'parts, expected',
    [
        (('reid',), {'loss_reid', 'loss_mask'}),
        (('re_mp',), {'loss_re_mp'}),
        (('dyenet',), {'loss_reid', 'loss_mask', 'loss_re_mp'}),
    ],
)
def test_only_the_chosen_parts_are_trained(parts, expected):
    images, truth = behind_a_pillar(2)
    clip = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    net = small_trained_parts(parts)
    losses = net.loss(clip[None], [clip_with([2, 7], np.stack(truth))])
    assert set(losses) == expected
    sum(losses.values()).backward()
    trained = {name.split('.')[0] for name, p in net.named_parameters() if p.grad is not None}
    assert trained == {f'{name}_head' for name in (('reid', 're_mp') if parts == ('dyenet',) else parts)}
    frozen = {name.split('.')[0] for name, p in net.named_parameters() if not p.requires_grad}
    assert not frozen & trained


def test_centred_embeddings_point_in_all_directions():
    layers = dict(type='ConvLayers', channels=(3, 8))
    head = dict(type='ReIDHead', mask_layers=layers, reid_layers=layers, channels=8, embed_channels=16)
    rois = 5 + torch.rand(32, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    similarity = {}
    for centre in (False, True):
        torch.manual_seed(0)
        embeddings = MODELS.build(dict(head, centre=centre)).embeddings(rois)
        torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(32))
        similarity[centre] = (embeddings @ embeddings.t())[~torch.eye(32, dtype=bool)].mean().item()
    assert similarity[False] > 0.9 and abs(similarity[True]) < 0.1


def test_unknown_parts_are_refused():
    with pytest.raises(ValueError, match='rpn'):
        DyeNet(**{k: {} for k in ('backbone', 'flow', 'rpn_head', 'reid_head', 're_mp_head', 'loss_reid')}, parts=('all',))


def test_the_shipped_weights_fit_and_follow_an_object():
    cfg = Config.fromfile(CONFIGS / 'dyenet_lite0.py').model
    cfg.backbone.pretrained = False  # the checkpoint holds them
    cfg.test_cfg.resize.length = 128
    net = MODELS.build(cfg)
    load_weights(net, 'dyenet_lite0')
    noise = np.random.default_rng(0).integers(60, 140, (16, 24, 3), dtype=np.uint8)
    background, images, truth = cv2.resize(noise, (192, 128), interpolation=cv2.INTER_CUBIC), [], []
    for t in range(8):
        label_map = np.zeros((128, 192), np.uint8)
        cv2.circle(label_map, (50 + 6 * t, 60 + 3 * t), 28, 1, -1)
        images.append(np.where(label_map[..., None] > 0, np.uint8((30, 60, 220)), background))
        truth.append(label_map)
    results = list(VOSSession(net.eval()).run(FrameArrays(images, prompts={0: truth[0]})))
    assert j_after(results, truth, 1, 1) > 0.85


def test_online_training_gives_every_object_of_the_test_set_a_row():
    images, truth = behind_a_pillar(2)
    videos = [FrameArrays(images, video_id=name, prompts={0: truth[0]}) for name in ('b', 'a')]
    net = small_trained_parts()
    stage = dict(
        mode='per_dataset',
        max_iters=4,
        batch_size=1,
        clip_len=2,
        pipeline=[dict(type='PackVOSInputs')],
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3)),
    )
    OnlineTrainer(stages=[stage]).before_test(net, lambda: iter(videos))
    assert len(net.loss_reid.lookup) == 2 + 4 and not net.loss_reid.lookup[:2].any()
    assert net.loss_reid.lookup[2:].any(1).sum() in (2, 4)  # the objects of one video or of both were drawn
    results, _ = segment(net.eval(), videos[0])
    assert len(results) == 2
