"""Parts of video instance segmentation: attention, neck, memory queue, tracker, embeddings, checkpoints."""

import pytest
import torch
from mmdet.models.trackers import MaskTrackRCNNTracker
from mmdet.models.tracking_heads import RoIEmbedHead
from mmengine.config import ConfigDict
from vis_data import small_config, small_model

from mmvos.converters import convert
from mmvos.models.attention import SpatioTemporalAttention
from mmvos.models.necks import SpatioTemporalNeck
from mmvos.models.trackers import MaskTrackTracker, MemoryQueue
from mmvos.models.vis import TrackEmbedHead
from mmvos.registry import MODELS, TASK_UTILS
from mmvos.structures import InputError


def attention(gamma=0.7, channels=16, **options):
    torch.manual_seed(0)
    module = SpatioTemporalAttention(channels, **options)
    module.init_weights()
    module.gamma.data.fill_(gamma)
    return module


def maps(count, shape=(2, 16, 5, 7), seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


class TestAttention:
    @pytest.mark.parametrize(
        'options',
        [
            dict(),
            dict(value_from='previous'),
            dict(inner_channels=24),
            dict(scale=0.25),
            dict(kv_stride=2),
            dict(softmax_over='current', chunk=8),
        ],
    )
    @pytest.mark.parametrize('frames', [1, 3])
    def test_fused_and_literal_forms_agree(self, options, frames):
        module = attention(**options)
        x, *memory = maps(1 + frames)
        torch.testing.assert_close(module(x, memory).detach(), module.literal(x, memory)['sta'], rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize('options', [dict(), dict(softmax_over='current', chunk=8)])
    def test_gradients_agree_with_the_literal_form(self, options):
        module = attention(**options)
        x, *memory = maps(3)
        literal = SpatioTemporalAttention.literal.__wrapped__  # without its no_grad
        for function in (module.forward, lambda *a: literal(module, *a)['sta']):
            module.zero_grad()
            function(x, memory).square().sum().backward()
            gradients = [p.grad.clone() for p in module.parameters()]
            if function == module.forward:
                expected = gradients
        for actual, wanted in zip(gradients, expected, strict=True):
            torch.testing.assert_close(actual, wanted, rtol=1e-3, atol=1e-3)

    @pytest.mark.parametrize('options', [dict(), dict(softmax_over='current', chunk=16)])
    def test_the_map_of_pairs_is_not_stored(self, options):
        module = attention(channels=32, **options)
        x, memory = maps(2, (1, 32, 24, 40))
        largest = 0

        def note(tensor):
            nonlocal largest
            largest = max(largest, tensor.untyped_storage().nbytes() // tensor.element_size())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            module(x, [memory])
        assert 0 < largest <= x.numel(), f'{largest} numbers were saved at once; the map has {960 * 960}'

    def test_it_is_the_identity_at_first_and_gamma_learns_first(self):
        module = SpatioTemporalAttention(16)
        x, memory = maps(2)
        out = module(x, [memory])
        assert torch.equal(out, x)
        out.square().sum().backward()
        assert module.gamma.grad.abs() > 0
        assert not module.conv1.weight.grad.any() and not module.conv2.weight.grad.any()

    def test_a_first_frame_has_to_be_its_own_memory(self):
        with pytest.raises(ValueError, match='memory is empty'):
            attention()(maps(1)[0], [])


class TestNeck:
    def neck(self, **options):
        torch.manual_seed(0)
        neck = SpatioTemporalNeck(
            **dict(
                dict(neck=dict(type='mmdet.FPN', in_channels=[4, 8], out_channels=16, num_outs=3), channels=16, levels=(0, 2)),
                **options,
            )
        )
        for module in neck.attentions:
            module.gamma.data.fill_(1)
        return neck

    inputs = [torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4)]

    def test_only_the_asked_levels_change(self):
        neck = self.neck()
        raw = neck.features(self.inputs)
        out = neck.enhance(raw, [neck.kept(raw)])
        assert [torch.equal(a, b) for a, b in zip(raw, out, strict=True)] == [False, True, False]
        assert [m.shape for m in neck.kept(raw)] == [raw[0].shape, raw[2].shape]

    def test_before_the_neck(self):
        neck = self.neck(position='backbone', channels=8, levels=(1,))
        raw = neck.features(self.inputs)
        assert torch.equal(raw[0], self.inputs[0]) and neck.kept(raw)[0].shape == (1, 8, 4, 4)
        out = neck.enhance(raw, [])
        assert not torch.equal(out[1], neck.neck(self.inputs)[1])

    @pytest.mark.parametrize('first_frame', ['self', 'skip'])
    def test_first_frame(self, first_frame):
        neck = self.neck(first_frame=first_frame)
        raw = neck.features(self.inputs)
        assert torch.equal(neck(self.inputs)[0], raw[0]) == (first_frame == 'skip')

    def test_weights_of_the_plain_neck_load(self):
        neck, wrapped = self.neck().neck, self.neck()
        wrapped.neck.load_state_dict({k: v + 1 for k, v in neck.state_dict().items()})
        result = wrapped.load_state_dict(neck.state_dict(), strict=False)
        assert not result.unexpected_keys and all('attentions' in key for key in result.missing_keys)
        assert torch.equal(wrapped.features(self.inputs)[0], neck(self.inputs)[0])
        wrapped.load_state_dict(wrapped.state_dict(), strict=True)

    def test_any_two_stage_detector_of_mmdet_takes_it(self):
        detector = MODELS.build(
            dict(small_config().model.detector, type='mmdet.FasterRCNN', _scope_='mmdet', data_preprocessor=None)
        )
        detector.roi_head.mask_head = None
        for module in detector.neck.attentions:
            module.gamma.data.fill_(1)
        out = detector.extract_feat(torch.randn(1, 3, 64, 64))
        assert [tuple(m.shape[1:]) for m in out] == [(16, 16, 16), (16, 8, 8), (16, 4, 4), (16, 2, 2), (16, 1, 1)]


class TestMemoryQueue:
    def test_maps_are_bounded_and_of_one_size(self):
        queue = TASK_UTILS.build(dict(type='MemoryQueue', num_maps=2))
        for frame in range(5):
            queue.push_maps([torch.full((1, 1, 2, 2), float(frame))])
        assert [float(m[0].mean()) for m in queue.read_maps([torch.zeros(1, 1, 2, 2)])] == [3, 4]
        assert queue.read_maps([torch.zeros(1, 1, 2, 3)]) == []

    def test_an_instance_is_overwritten_and_others_stay(self):
        queue = MemoryQueue()
        queue.update(queue.new_ids(3), 0, boxes=torch.arange(12.0).view(3, 4), labels=torch.tensor([0, 1, 2]))
        queue.update(torch.tensor([1, 7]), 1, keep=['labels'], boxes=-torch.ones(2, 4), labels=torch.tensor([9, 8]))
        assert queue.ids.tolist() == [0, 1, 2, 7] and queue.last_seen.tolist() == [0, 1, 0, 1]
        assert queue['boxes'][:, 0].tolist() == [0, -1, 8, -1] and queue['labels'].tolist() == [0, 1, 2, 8]

    def test_unseen_instances_are_forgotten_also_without_detections(self):
        queue = MemoryQueue(num_frames_retain=3)
        queue.update(queue.new_ids(1), 0, boxes=torch.zeros(1, 4))
        lengths = []
        for frame in range(1, 5):
            queue.update(torch.zeros(0, dtype=torch.long), frame, boxes=torch.zeros(0, 4))
            queue.forget(frame)
            lengths.append(len(queue))
        assert lengths == [1, 1, 0, 0] and queue.new_ids(1).tolist() == [1]  # an id is never used twice

    def test_it_does_not_grow_with_the_video(self):
        queue = MemoryQueue(max_instances=10)
        for frame in range(50):
            queue.update(queue.new_ids(3), frame, boxes=torch.zeros(3, 4))
            queue.forget(frame)
        assert len(queue) == len(queue['boxes']) == 10 and min(queue.last_seen) == 46

    def test_remove(self):
        queue = MemoryQueue()
        queue.update(queue.new_ids(3), 0, boxes=torch.zeros(3, 4))
        queue.remove([1])
        assert queue.ids.tolist() == [0, 2]
        with pytest.raises(KeyError, match='no instance 1'):
            queue.remove([1])


class TestTracker:
    #: two detections ask for instance 1 (column 2), the second with the higher score
    rivals = torch.tensor([[0.0, 1.0, 5.0], [0.0, 2.0, 9.0], [3.0, 1.0, 2.0]])

    def memory(self):
        queue = MemoryQueue()
        queue.update(queue.new_ids(2), 0, boxes=torch.zeros(2, 4))
        return queue

    def test_one_detection_per_instance(self):
        assert MaskTrackTracker().assign(self.rivals, self.memory()).tolist() == [-1, 1, 2]
        assert MaskTrackTracker().assign(self.rivals.flip(0), self.memory()).tolist() == [2, 1, -1]
        mmdet = MaskTrackRCNNTracker()
        mmdet.tracks, mmdet.num_tracks = {0: {}, 1: {}}, 2
        assert mmdet.assign_ids(self.rivals)[0].tolist() == [1, 1, 2]  # what is mended
        assert MaskTrackTracker(unique_ids=False).assign(self.rivals, self.memory()).tolist() == [1, 1, 2]

    def test_ties_go_to_the_first(self):
        scores = torch.tensor([[0.0, 4.0], [0.0, 4.0], [0.0, 4.0]])
        queue = MemoryQueue()
        queue.update(queue.new_ids(1), 0, boxes=torch.zeros(1, 4))
        for unique in (True, False):
            assert MaskTrackTracker(unique_ids=unique).assign(scores, queue).tolist() == [0, -1, -1]

    def test_scores_equal_mmdet_where_mmdet_does_not_overflow(self):
        generator = torch.Generator().manual_seed(0)
        corner = torch.rand((5, 2), generator=generator) * 20
        boxes = torch.cat([corner, corner + 10], 1)
        labels, scores = torch.tensor([0, 1, 0]), torch.tensor([0.9, 0.5, 0.1])
        logits = torch.randn((3, 3), generator=generator)
        queue = MemoryQueue()
        queue.update(queue.new_ids(2), 0, boxes=boxes[3:], labels=labels[1:])
        expected = MaskTrackRCNNTracker().get_match_score(boxes[:3], labels, scores, boxes[3:], labels[1:], logits)
        torch.testing.assert_close(MaskTrackTracker().match_scores(boxes[:3], labels, scores, logits, queue), expected)

    def test_a_frame_without_detections(self):
        queue = self.memory()
        none = torch.zeros(0)
        ids = MaskTrackTracker().track(torch.zeros(0, 4), none, none, torch.zeros(0, 8), None, queue, 1)
        assert ids.shape == (0,) and len(queue) == 2


def embed_heads(**options):
    config = dict(num_fcs=2, roi_feat_size=3, in_channels=4, fc_out_channels=8)
    torch.manual_seed(0)
    ours, theirs = TrackEmbedHead(**config, **options), RoIEmbedHead(**config)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def test_embeddings_are_signed_so_that_new_instances_are_found():
    ours, theirs = embed_heads()
    ours.fcs[1].bias.data.fill_(0), theirs.fcs[1].bias.data.fill_(0)
    feats = torch.randn(50, 4, 3, 3)
    logits = ours.similarity(ours.embed(feats), ours.embed(feats))
    clipped = theirs.predict(feats, feats)[0]
    assert (logits[:, 1:] < 0).any() and (clipped[:, 1:] >= 0).all()


def test_embeddings_for_weights_of_mmdet():
    ours, theirs = embed_heads(final_relu=True)
    feats = torch.randn(5, 4, 3, 3)
    assert torch.equal(ours.similarity(ours.embed(feats), ours.embed(feats)), theirs.predict(feats, feats)[0])


@pytest.mark.parametrize('matched', [True, False])
def test_track_loss_equals_mmdet_with_its_options(matched):
    ours, theirs = embed_heads(final_relu=True)
    feats, refs = torch.randn(6, 4, 3, 3), torch.randn(2, 4, 3, 3)
    result = ConfigDict(pos_assigned_gt_inds=torch.tensor([0, 1, 1]), bboxes=torch.zeros(6, 4), pos_bboxes=torch.zeros(3, 4))
    ids, ref_ids = [torch.tensor([4, 9])], [torch.tensor([9, 4]) if matched else torch.tensor([1, 2])]
    losses = [head.loss(feats, refs, [6], [2], [result], ids, ref_ids) for head in (ours, theirs)]
    torch.testing.assert_close(losses[0]['loss_match'], losses[1]['loss_match'])


def test_track_loss_without_proposals_is_zero_and_has_a_gradient():
    ours, _ = embed_heads()
    empty = ours.embed(torch.zeros(0, 4, 3, 3))
    losses = ours.match_loss(
        [ours.similarity(empty, ours.embed(torch.ones(2, 4, 3, 3)))], [torch.zeros(0, dtype=torch.long)], [torch.zeros(0)]
    )
    losses['loss_match'].backward()
    assert losses['loss_match'] == 0 and all(p.grad is not None for p in ours.parameters())


class TestConverter:
    def test_original(self):
        """Class 0 is the background there; 2 + 1 classes here."""
        own = small_model(attention=False).state_dict()
        original = {}
        for key, value in own.items():
            if '.bbox_head.fc_cls' in key:
                value = value.roll(1, 0)
            elif '.bbox_head.fc_reg' in key:
                value = torch.cat([torch.full_like(value[:4], 9), value])
            elif '.mask_head.conv_logits' in key:
                value = torch.cat([torch.full_like(value[:1], 9), value])
            key = key.removeprefix('detector.').removeprefix('roi_head.').replace('embed_head.', '')
            original[key] = value
        converted = convert('masktrack_rcnn', dict(state_dict=original))
        assert converted.keys() == own.keys() and all(torch.equal(converted[k], own[k]) for k in own)

    def test_openmmlab_loads_with_and_without_attention(self):
        weights = convert('masktrack_rcnn_openmmlab', small_model(attention=False, seed=1).state_dict())
        model = small_model(attention=True)
        result = model.load_state_dict(weights, strict=False)
        assert not result.unexpected_keys and all('attentions' in key for key in result.missing_keys)
        neck = [k for k in weights if '.neck.' in k][0]
        assert torch.equal(weights[neck], model.state_dict()[neck.replace('.neck.', '.neck.neck.')])

    def test_a_foreign_key_is_named(self):
        with pytest.raises(InputError, match='decoder.weight'):
            convert('masktrack_rcnn', {'decoder.weight': torch.zeros(1)})
