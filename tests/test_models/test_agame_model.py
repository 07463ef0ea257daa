"""A-GAME's own promises: one backbone pass per frame, objects that do not disturb each other, every switch."""

import copy

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner.checkpoint import load_state_dict

from mmvos.converters import convert
from mmvos.inference import Frame, InferenceSession
from mmvos.models.heads import aggregate_objects
from mmvos.registry import MODELS, TRANSFORMS
from mmvos.structures import InputError, VOSDataSample
from mmvos.utils.ranks import by_itself

SMALL = dict(
    type='AGAME',
    backbone=dict(type='EfficientNetLite', out_indices=(2, 3, 5)),
    appearance=dict(type='GaussianAppearance', in_channels=112, channels=16),
    mask_propagation=dict(type='MaskPropagation', in_channels=112, channels=12),
    fusion=dict(type='CoarseMaskHead', in_channels=4 + 12, mid_channels=12, channels=8),
    upsampler=dict(type='SkipUpsampler', skip_channels=(40, 24), channels=8),
    loss_final=dict(type='MaskLogLikelihoodLoss'),
    loss_coarse=dict(type='MaskLogLikelihoodLoss'),
    test_cfg=dict(overlay_prompt=False),
)


def build(test_cfg=None, **changes):
    torch.manual_seed(0)
    cfg = copy.deepcopy(SMALL)
    for key, value in changes.items():
        cfg[key] = dict(cfg.get(key) or {}, **value) if isinstance(value, dict) else value
    cfg['test_cfg'].update(test_cfg or {})
    model = MODELS.build(cfg)
    model.init_weights()
    return model.eval()


def frames(count=3, height=64, width=96):
    rng = np.random.default_rng(1)
    return [
        Frame(torch.from_numpy(rng.standard_normal((1, 3, height, width)).astype(np.float32)), None, t) for t in range(count)
    ]


def masks(height=64, width=96):
    m = torch.zeros(2, height, width)
    m[0, 8:40, 10:50] = 1
    m[1, 20:60, 60:90] = 1
    return m


@torch.no_grad()
def run(model, video, prompts):
    state, outputs = None, []
    for frame in video:
        if state is None:
            state = model.init_state(frame, prompts[0])
            continue
        if frame.index in prompts:
            state = model.add_objects(frame, prompts[frame.index], state)
        scores, state = model.step(frame, state)
        outputs.append(scores)
    return outputs, state


def test_objects_of_a_batch_do_not_touch_each_other_before_aggregation():
    model = build(dict(update_mask='fine'))
    _, both = run(model, frames(), {0: masks()})
    for k in range(2):
        _, alone = run(model, frames(), {0: masks()[k : k + 1]})
        for name, field in (('mask_propagation', 'previous_mask'), ('appearance', 'means')):
            together, single = (getattr(state.cues[name], field) for state in (both, alone))
            torch.testing.assert_close(together[k : k + 1], single, rtol=1e-5, atol=1e-5)


def test_the_backbone_runs_once_per_frame_also_with_a_late_prompt():
    model = build()
    calls = []
    model.backbone.register_forward_hook(lambda *_: calls.append(1))
    run(model, frames(4), {0: masks()[:1], 2: masks()[1:]})
    assert len(calls) == 4


def test_kept_objects_are_segmented_as_before():
    model = build()
    _, state = run(model, frames(3), {0: masks()[:1], 1: masks()[1:]})
    frame = frames(4)[3]
    with torch.no_grad():
        torch.testing.assert_close(model.step(frame, model.keep_objects([0, 1], state))[0], model.step(frame, state)[0])
        late, (alone, after) = model.keep_objects([1], state), model.step(frame, model.keep_objects([1], state))
    assert alone.shape == (2, 64, 96) and late.cues['mask_propagation'].reference.shape[0] == 1
    with torch.no_grad():
        foreground = model.predict(model.extract_feat(frame.image), state).final.softmax(1)[1:, 1]
    torch.testing.assert_close(alone, aggregate_objects(foreground))
    assert after.cues['appearance'].means.shape[0] == 1


@pytest.mark.parametrize('mode', ['coarse', 'fine', 'aggregated'])
def test_the_mask_that_renews_the_state(mode):
    model = build(dict(update_mask=mode))
    predictions = []
    model.upsampler.register_forward_hook(lambda m, i, out: predictions.append(out.softmax(1)[:, 1]))
    outputs, state = run(model, frames(2), {0: masks()})
    previous = state.cues['mask_propagation'].previous_mask
    pooled = dict(fine=predictions[0], aggregated=outputs[0][1:]).get(mode)
    if pooled is None:
        assert not torch.allclose(previous[:, 1], torch.nn.functional.avg_pool2d(predictions[0], 16))
    else:
        torch.testing.assert_close(previous[:, 1], torch.nn.functional.avg_pool2d(pooled, 16))
    torch.testing.assert_close(previous.sum(1), torch.ones(2, 4, 6))


def sample(count=3):
    label_maps = torch.zeros(count, 64, 96, dtype=torch.uint8)
    for t in range(count):
        label_maps[t, 8 + t : 40 + t, 10:50] = 4
        label_maps[t, 20:60, 60:90] = 9
    data_sample = VOSDataSample(metainfo=dict(object_ids=[4, 9]))
    data_sample.gt_label_maps = label_maps
    return data_sample


def clips(samples, count=3):
    return torch.randn(len(samples), count, 3, 64, 96, generator=torch.Generator().manual_seed(3))


ABLATIONS = dict(
    no_appearance=dict(appearance=None, fusion=dict(in_channels=12)),
    no_mask_propagation=dict(mask_propagation=None, fusion=dict(in_channels=4)),
    unimodal=dict(appearance=dict(hard_components=False), fusion=dict(in_channels=14)),
    no_update=dict(appearance=dict(update_rate=0.0)),
    softmax=dict(appearance=dict(output='posterior')),
    no_end_to_end=dict(appearance=dict(detach_fit=True)),
    fine_in_training=dict(train_update_mask='fine'),
    recomputed=dict(with_cp=True),
)


@pytest.mark.parametrize('name', ABLATIONS)
def test_every_switch_trains_and_segments(name):
    model = build(**ABLATIONS[name]).train()
    losses = model.loss(clips([0, 1]), [sample(), sample()])
    assert set(losses) == {'loss_final', 'loss_coarse'}
    sum(losses.values()).backward()
    without = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not without
    outputs, _ = run(model.eval(), frames(3), {0: masks()[:1], 1: masks()[1:]})
    assert outputs[-1].shape == (3, 64, 96) and torch.isfinite(outputs[-1]).all()


def test_objects_of_all_ranks_count_alike_unless_a_rank_trains_by_itself(monkeypatch):
    model, seen = build(), []

    def mean_of_ranks(count, operation):  # the others have more objects
        assert operation == 'mean'
        seen.append(float(count))
        count *= 2

    monkeypatch.setattr('mmvos.utils.ranks.get_world_size', lambda: 2)
    monkeypatch.setattr('mmvos.utils.ranks.all_reduce', mean_of_ranks)
    with by_itself():
        alone = model.loss(clips([0]), [sample()])
    assert not seen
    together = model.loss(clips([0]), [sample()])
    # pixels of all objects, for the coarse and the final loss
    assert seen == 2 * [len(sample().object_ids) * sample().gt_label_maps.numel()]
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value / 2)


def test_recomputing_changes_no_gradient():
    gradients = []
    for with_cp in (False, True):
        model = build(with_cp=with_cp)
        sum(model.loss(clips([0]), [sample()]).values()).backward()
        gradients.append(model.fusion.conv1.weight.grad)
    torch.testing.assert_close(*gradients)


def test_void_is_ignored_in_targets_and_background_in_prompts():
    model = build()
    data_sample = sample()
    clip = clips([0])
    with torch.no_grad():
        data_sample.gt_label_maps[0][data_sample.gt_label_maps[0] == 9] = 255
        data_sample.set_metainfo(dict(object_ids=[4]))
        before = model.loss(clip, [data_sample])['loss_final']
        later = data_sample.clone()
        later.gt_label_maps[1:][later.gt_label_maps[1:] == 4] = 255
        ignored = model.loss(clip, [later])['loss_final']
    assert torch.isfinite(before) and torch.isfinite(ignored) and before != ignored
    _, prompts, targets, _ = model._objects(clip, [data_sample])
    assert set(targets[:, 0].unique().tolist()) == {0, 1, 255} and set(prompts.unique().tolist()) == {0.0, 1.0}


def test_a_batch_without_objects_is_an_error():
    empty = sample()
    empty.set_metainfo(dict(object_ids=[]))
    with pytest.raises(ValueError, match='no clip of the batch has an object'):
        build().loss(clips([0]), [empty])


def test_a_clip_without_objects_is_left_out_of_a_batch():
    model = build()
    empty = sample()
    empty.set_metainfo(dict(object_ids=[]))
    both = clips([0, 1])
    with torch.no_grad():
        alone, beside = model.loss(both[:1], [sample()]), model.loss(both, [sample(), empty])
    torch.testing.assert_close(beside, alone)


def test_every_part_initialises_its_weights():
    """He et al.'s initialisation of the mask propagation has biases of 0; PyTorch's own has not."""
    model = build()
    assert not model.cues['mask_propagation'].merge.bias.any() and not model.fusion.conv1.bias.any()


def test_weights_of_earlier_versions_load():
    model = build()
    old = {name.removeprefix('cues.'): value for name, value in model.state_dict().items()}
    assert 'appearance.cov_reg' in old
    fresh = MODELS.build(copy.deepcopy(SMALL))
    fresh.load_state_dict(dict(old), strict=True)
    wrapped = torch.nn.ModuleDict(dict(model=MODELS.build(copy.deepcopy(SMALL))))
    load_state_dict(wrapped, {f'model.{name}': value for name, value in old.items()}, strict=True)  # mmengine's own
    for other in (fresh, wrapped['model']):
        for name, value in other.state_dict().items():
            assert torch.equal(value, model.state_dict()[name])


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(matching=dict(type='LabelMatching')), "type='MatchVOS'"),
        (dict(appearance=None, mask_propagation=None), 'appearance module, the mask propagation, or both'),
        (dict(train_update_mask='aggregated'), "'aggregated'"),
        (dict(test_cfg=dict(update_mask='last')), "'last'"),
        (dict(appearance=dict(output='odds')), "'scores' or 'posterior'"),
    ],
)
def test_wrong_options_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_frozen_and_learning_backbones_give_the_same_loss():
    """A frozen backbone sees all frames of a clip at once, a learning one frame after frame."""
    losses = []
    for frozen in (-1, 7):
        model = build(backbone=dict(frozen_stages=frozen))
        with torch.no_grad():
            losses.append(model.loss(clips([0, 1]), [sample(), sample()])['loss_final'])
    torch.testing.assert_close(*losses)


# Around the model


def test_the_converter_refuses_another_checkpoint():
    with pytest.raises(InputError, match='have no place'):
        convert('agame', dict(net={'trackseg.backbone.conv1.weight': torch.zeros(1), 'decoder.weight': torch.zeros(1)}))


def test_the_converter_cuts_the_unused_rows_of_a_unimodal_checkpoint():
    net = {
        'trackseg.appmod.cov_reg': torch.arange(4.0).view(4, 1, 1, 1, 1).expand(4, 1, 8, 1, 1),
        'trackseg.fusmod.layers.layer00.conv.weight': torch.zeros(512, 514, 3, 3),
        'trackseg.backbone.conv1.weight': torch.zeros(1),
        'trackseg.segmod.predictor.conv.weight': torch.zeros(1),
    }
    converted = convert('agame', dict(net=net))
    assert converted['cues.appearance.cov_reg'].shape == (2, 8)
    assert converted['cues.appearance.cov_reg'][:, 0].tolist() == [0, 1]


def test_validation_on_one_object():
    label_maps = []
    for t in range(6):
        label_map = np.zeros((8, 8), np.uint8)
        if t >= 2:
            label_map[:4], label_map[4:, t:] = 5, 3
        label_maps.append(label_map)
    video = dict(
        video_id='v',
        frames=[np.full((8, 8, 3), t, np.uint8) for t in range(6)],
        prompts={2: label_maps[2]},
        annotations=dict(enumerate(label_maps)),
        categories={3: 'a', 5: 'b'},
    )
    out = TRANSFORMS.build(dict(type='KeepOneObject', num_frames=3)).transform(video)
    assert [f[0, 0, 0] for f in out['frames']] == [2, 3, 4] and list(out['prompts']) == [0]
    assert set(np.unique(out['prompts'][0].read())) == {0, 3} and sorted(out['annotations']) == [0, 1, 2]
    np.testing.assert_array_equal(out['annotations'][1].read() > 0, label_maps[3] == 3)


def test_the_late_object_gets_the_prediction_not_its_prompt():
    model = build(dict(pad=dict(type='PadToMultiple', divisor=16, mode='reflect', front='ceil')))
    session = InferenceSession(model)
    rng = np.random.default_rng(0)
    first, late = np.zeros((60, 90), np.uint8), np.zeros((60, 90), np.uint8)
    first[10:30, 10:40], late[30:55, 50:80] = 1, 2
    session.step(rng.integers(0, 255, (60, 90, 3), dtype=np.uint8), first)
    result = session.step(rng.integers(0, 255, (60, 90, 3), dtype=np.uint8), late)
    assert result.object_ids == [1, 2]
    assert not np.array_equal(result.pred_label_map == 2, late == 2)


def test_the_loss_takes_the_output_of_the_data_preprocessor():
    model = build()
    item = dict(inputs=torch.randint(0, 255, (3, 3, 64, 96), dtype=torch.uint8), data_samples=sample())
    data = model.data_preprocessor(pseudo_collate([item, item]), training=True)
    losses = model(**data, mode='loss')
    assert all(torch.isfinite(v) for v in losses.values())
