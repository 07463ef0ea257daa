"""MaskTrack R-CNN with and without attention: training."""

import copy

import pytest
import torch
from mmdet.models.vis import MaskTrackRCNN as MMDetMaskTrackRCNN
from mmengine.config import Config
from vis_data import ROOT, make_videos, small_model, training_batch

from mmvos.models.vis.masktrack_rcnn import _loss_modules
from mmvos.registry import MODELS
from mmvos.structures import InputError


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('videos')
    make_videos(folder)
    return folder


@pytest.fixture(scope='module')
def batch(root):
    return training_batch(root)


def losses_of(model, batch):
    torch.manual_seed(0)
    return model(**model.data_preprocessor(copy.deepcopy(batch), True), mode='loss')


@pytest.mark.parametrize('attention, amp', [(True, False), (False, False), (True, True)])
def test_every_parameter_gets_a_finite_gradient(batch, attention, amp):
    model = small_model(attention).train()
    with torch.autocast('cpu', torch.bfloat16, enabled=amp):
        loss, log = model.parse_losses(losses_of(model, batch))
    loss.backward()
    assert {'loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox', 'loss_mask', 'loss_match'} < log.keys()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not without and ('gamma' in log) == attention


def test_the_rpn_learns_object_or_not(batch):
    """mmdet hands it the classes: only those of class 0 count as objects."""
    for cls, mended in ((None, True), (MMDetMaskTrackRCNN, False)):
        model = small_model(attention=False).train()
        seen, given = [], model.detector.rpn_head.loss_and_predict

        def note(x, samples, _seen=seen, _given=given, **kwargs):
            _seen.append([sample.gt_instances.labels.clone() for sample in samples])
            return _given(x, samples, **kwargs)

        model.detector.rpn_head.loss_and_predict = note
        data = model.data_preprocessor(copy.deepcopy(batch), True)
        (cls.loss if cls else type(model).loss)(model, data['inputs'], data['data_samples'])
        classes = torch.cat([sample[0].gt_instances.labels for sample in data['data_samples']])
        assert classes.any(), 'the other heads need the classes as they are'
        assert torch.cat(seen[0]).any() != mended


def test_the_key_frame_is_the_one_that_is_marked(root):
    """Frames come in the order of time, so that the key frame may be the first or the second one."""
    batch = training_batch(root, keys=((0, 4), (2, 0)))
    assert [sample.key_frames_inds for sample in batch['data_samples']] == [[1], [0]]
    model = small_model().train()
    seen = {}

    def note(raw, memory, _enhance=model.detector.neck.enhance):
        seen.setdefault(len(memory), (raw, memory))
        return _enhance(raw, memory)

    model.detector.neck.enhance = note
    data = model.data_preprocessor(batch, True)
    model.loss(**data)
    raw, memory = seen[1]
    inputs = data['inputs']
    expected = model.raw_maps(torch.stack([inputs[0, 1], inputs[1, 0], inputs[0, 0], inputs[1, 1]]))
    assert torch.equal(raw[0], expected[0][:2]) and torch.equal(memory[0][0], expected[1][2:])


def test_near_frames_are_the_memory_and_a_far_one_teaches_tracking(root):
    cfg = Config.fromfile(ROOT / 'configs/sta_masktrack_rcnn/ablations/sta-masktrack-rcnn-queue2_r50-fpn_ytvis2019_8xb1-12e.py')
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline[1].transforms[2].scale = (160, 96)
    batch = training_batch(root, keys=((0, 4), (2, 0)), pipeline=pipeline)
    model = small_model(**{'model.near_references': 2}).train()
    assert batch['inputs'][0].shape[0] == 4
    frames = [[int(frame.frame_id) for frame in sample] for sample in batch['data_samples']]
    assert [f[0] for f in frames] == [4, 0] and [f[2:] for f in frames] == [[3, 2], [0, 0]]
    assert all(f[1] != f[0] for f in frames) and [s.key_frames_inds for s in batch['data_samples']] == [[0], [0]]
    seen = []
    enhance = model.enhance
    model.enhance = lambda raw, memory: seen.append((raw, memory)) or enhance(raw, memory)
    assert all(value.isfinite().all() for value in losses_of(model, batch).values() if isinstance(value, torch.Tensor))
    data = model.data_preprocessor(batch, True)
    raw = model.raw_maps(data['inputs'].transpose(0, 1).flatten(0, 1))  # key, far, near, nearer to the beginning
    assert len(seen[0][1]) == 2  # the key frame's memory: the near frames
    torch.testing.assert_close(seen[0][1][0][0], model.kept_maps(raw)[0].chunk(4)[2])
    torch.testing.assert_close(seen[1][0][0], raw[0].chunk(4)[1])  # the track head's: the far one
    model.near_references = 3
    with pytest.raises(InputError, match='near_references is 3, but samples have 3 reference frames'):
        model.loss(**data)


def test_the_reference_of_the_track_head_is_a_first_frame(batch):
    """At test the memory holds embeddings of enhanced maps."""
    model = small_model().train()
    seen = {}
    model.track_head.loss = lambda key, ref, *args: seen.update(key=key, ref=ref) or {}
    enhanced = []
    model.enhance = lambda raw, memory, _f=model.enhance: enhanced.append((memory, _f(raw, memory))) or enhanced[-1][1]
    losses_of(model, batch)
    assert len(enhanced[0][0]) == 1 and enhanced[1][0] == []
    assert seen['key'][1] is enhanced[0][1][1] and seen['ref'][1] is enhanced[1][1][1]


def test_twenty_steps_on_one_batch_lower_the_loss(batch):
    model = small_model().train()
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3)
    history = []
    for _ in range(20):
        loss, _ = model.parse_losses(losses_of(model, batch))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    assert sum(history[-3:]) < 0.7 * sum(history[:3])


def test_saved_weights_load(tmp_path):
    model, other = small_model(seed=0), small_model(seed=1)
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    other.load_state_dict(torch.load(tmp_path / 'weights.pth', weights_only=True), strict=True)
    image = torch.randn(1, 3, 64, 96)
    assert all(torch.equal(a, b) for a, b in zip(model.eval().raw_maps(image), other.eval().raw_maps(image), strict=True))


def test_clips_are_refused_at_inference(batch):
    model = small_model()
    with pytest.raises(TypeError, match='run over videos by a mmvos.inference.VISSession'):
        model(**model.data_preprocessor(copy.deepcopy(batch), False), mode='predict')


@pytest.mark.parametrize('folder', ['masktrack_rcnn', 'sta_masktrack_rcnn'])
def test_every_config_builds(folder):
    """On the meta device: no memory, no weights."""
    paths = sorted((ROOT / 'configs' / folder).rglob('*.py'))
    assert len(paths) >= 9
    for path in paths:
        cfg = Config.fromfile(path)
        if 'mini' in path.name or 'lite0' in path.name:
            continue  # read the backbone's weights; tested elsewhere
        with torch.device('meta'):
            model = MODELS.build(cfg.model)
        attends = 'sta' in folder and 'off' not in path.name
        assert model.attends == (model.memory_cfg['num_maps'] > 0) == attends, path.name
        heads = model.detector.roi_head
        assert heads.bbox_head.num_classes == heads.mask_head.num_classes == (25 if 'ovis' in path.name else 40)
        if model.attends:
            wrapped, first = cfg.model.detector.neck.neck, cfg.model.detector.neck.levels[0]
            assert wrapped.in_channels == [256, 512, 1024, 2048] and first in (0, 1, 2, 3)
            if '_test-' in path.name:
                continue
            assert cfg.optim_wrapper.paramwise_cfg.custom_keys.gamma == dict(lr_mult=10.0, decay_mult=0.0)
        sampler = cfg.train_dataloader.dataset.pipeline[0]
        assert model.near_references == sampler.get('num_near', 0)
        refs = sampler.get('num_near') or sampler.num_ref_imgs
        assert refs == max(model.memory_cfg['num_maps'], 1), path.name


def test_a_copy_of_a_model_counts_its_own_samples(batch):
    """In several processes losses are scaled by the number of samples, which every model notes for itself."""
    model = small_model(attention=False).train()
    twin = copy.deepcopy(model)
    for name, module in _loss_modules(twin.detector).items():
        (hook,) = module._forward_pre_hooks.values()
        assert hook.func.__self__ is twin.shared_losses is not model.shared_losses and hook.args == (name,)
    assert losses_of(twin, batch)['loss_mask'] > 0
