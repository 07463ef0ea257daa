"""A-GAME against the outputs of the original implementation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from golden import assert_close, fill, load_golden
from mmengine.config import Config

from mmvos.converters import convert
from mmvos.inference import Frame, FrameGeometry
from mmvos.models.cues import GaussianMixture
from mmvos.models.heads import aggregate_objects
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample, one_hot

CONFIG = Path(__file__).parents[2] / 'configs' / '_base_' / 'models' / 'agame_r101.py'

#: the original's names of the parameters whose gradient norms are stored, in order, and ours
GRADIENTS = (
    'cues.appearance.cov_reg',
    'cues.appearance.conv_in.weight',
    'cues.mask_propagation.reduce.weight',
    'cues.mask_propagation.branches.2.weight',
    'fusion.conv1.weight',
    'fusion.predictor.weight',
    'upsampler.blends.0.weight',
    'upsampler.predictor.weight',
    'backbone.layer4.0.conv2.weight',
    'backbone.layer4.2.bn3.weight',
)


@pytest.fixture(scope='module')
def golden():
    description, arrays = load_golden('agame')
    cases = {case['name']: case for case in description['cases']}
    return description, {k: torch.from_numpy(arrays[k]) for k in arrays.files}, cases


@pytest.fixture(scope='module')
def weights(golden):
    return convert('agame', dict(net=fill(golden[0]['params'], golden[0]['fill_scale'])))


@pytest.fixture(scope='module')
def built(weights):
    cfg = Config.fromfile(CONFIG).model
    cfg.backbone.init_cfg = None  # not the ImageNet weights
    model = MODELS.build(dict(cfg, _scope_='mmvos'))
    return model, weights


@pytest.fixture
def model(built):
    """In eval mode, with the golden weights, whatever a test before did to it."""
    model, weights = built
    model.load_state_dict(weights, strict=True)
    model.zero_grad()
    model.test_cfg = replace(model.test_cfg, update_mask='aggregated')
    return model.eval()


@pytest.fixture
def case(golden, request):
    """The stored arrays of the case that the test's name ends with: inputs and outputs by their names in the case."""
    case = golden[2][request.node.originalname.removeprefix('test_')]
    return {
        **{k: golden[1][v] for k, v in case['inputs'].items()},
        **{k: golden[1][v] for k, v in case['outputs'].items()},
        'args': case.get('args', {}),
    }


def test_every_case_has_a_test(golden):
    tests = {name.removeprefix('test_') for name in globals() if name.startswith('test_')}
    assert set(golden[2]) <= tests


@torch.no_grad()
def test_backbone(model, case):
    s4, s8, s16 = model.backbone(case['video'][:, case['args']['frame']])
    for name, full, every in (('s16', s16, 32), ('s8', s8, 16), ('s4', s4, 16)):
        assert_close(full[:, ::every], case[name], name=name)
        stats = torch.stack([full.mean(), full.std(), full.min(), full.max()])
        assert_close(stats, case[f'{name}_stats'], name=f'{name}_stats')


@torch.no_grad()
def test_appearance_init(model, case):
    part = model.cues['appearance']
    features, mask = part.project(case['s16']), case['mask']
    mixture = part.fit(features, mask)
    assert_close(mixture.means, case['means'], name='means')
    assert_close(mixture.variances, case['covs'], name='variances')
    base = GaussianMixture(mixture.means[:, :2], mixture.variances[:, :2])
    assert_close(part.log_scores(features, base).softmax(1), case['base_posterior'], name='posterior')
    assert_close(part.hard_weights(features, mask, base), case['residual'], name='residual')


def stored_mixture(golden):
    return GaussianMixture(golden[1]['app_init_means'], golden[1]['app_init_covs'])


@torch.no_grad()
def test_appearance_scores(model, case, golden):
    part = model.cues['appearance']
    for which in ('same', 'next'):
        scores = part(part.project(case[f's16_{which}']), stored_mixture(golden))
        assert_close(scores, case[f'scores_{which}'], name=which)


@torch.no_grad()
def test_appearance_update(model, case, golden):
    part = model.cues['appearance']
    assert part.update_rate == case['args']['learning_rate']
    features = part.project(case['s16'])
    mixture = part.update(features, case['mask'], stored_mixture(golden))
    assert_close(mixture.means, case['means'], name='means')
    assert_close(mixture.variances, case['covs'], name='variances')
    assert_close(part(features, mixture), case['scores'], name='scores')


@torch.no_grad()
def test_appearance_empty(model, case):
    part = model.cues['appearance']
    features = part.project(case['s16'])
    mixture = part.fit(features, case['mask'])
    assert_close(mixture.means, case['means'], name='means')
    assert_close(mixture.variances, case['covs'], name='variances')
    assert_close(part(features, mixture), case['scores'], name='scores')
    assert not mixture.means[0, 1].any()


def variant(model, **options):
    part = MODELS.build(dict(type='GaussianAppearance', **options))
    rows = part.num_components
    part.load_state_dict(
        {
            'cov_reg': model.cues['appearance'].cov_reg[:rows],
            **{f'conv_in.{k}': v for k, v in model.cues['appearance'].conv_in.state_dict().items()},
        }
    )
    return part


@torch.no_grad()
def test_appearance_unimodal(model, case):
    part = variant(model, hard_components=case['args']['residual'])
    mixture = part.fit(part.project(case['s16_init']), case['mask'])
    assert_close(part(part.project(case['s16']), mixture), case['scores'], name='scores')


@torch.no_grad()
def test_appearance_no_covest(model, case):
    part = variant(model, estimate_variance=case['args']['covest'])
    mixture = part.fit(part.project(case['s16_init']), case['mask'])
    assert_close(part(part.project(case['s16']), mixture), case['scores'], name='scores')


@torch.no_grad()
def test_mask_propagation(model, case):
    part = model.cues['mask_propagation']
    out = part(
        part.project_current(case['s16']), part.project_reference(case['init_s16']), case['prev_mask'], case['init_mask']
    )
    assert_close(out, case['out'], name='out')


@torch.no_grad()
def test_fusion(model, case):
    fused = model.fusion([case['app'], case['dyn']])
    assert_close(fused, case['fused'], name='fused')
    assert_close(model.fusion.predict(fused), case['coarse'], name='coarse')


@torch.no_grad()
def test_upsampler(model, case):
    out = model.upsampler(case['fused'], model.upsampler.prepare([case['s8'], case['s4']]))
    assert_close(out, case['out'], name='out')


def test_aggregation(case):
    scores = aggregate_objects(case['prob'][:, 0])
    assert_close(scores[1:], case['aggregated'][:, 0], name='aggregated')
    ids = torch.tensor([0, *case['args']['ids']], dtype=torch.uint8)
    np.testing.assert_array_equal(ids[scores.argmax(0)], case['labels'])


class Recorded:
    """A model run over frames ``(T, 3, h, w)`` as the session runs it, with what it made of every predicted frame."""

    @torch.no_grad()
    def __init__(self, model, frames, prompts, mode, geometry=None):
        model.test_cfg = replace(model.test_cfg, update_mask=mode)
        geometry = geometry or FrameGeometry(frames.shape[-2:])
        self.scores, self.prob, self.coarse, self.coarse_up, self.app, self.update = [], [], [], [], [], []
        hooks = [
            model.cues['appearance'].register_forward_hook(lambda m, i, out: self.app.append(out)),
            model.fusion.register_forward_hook(lambda m, i, out: self.coarse.append(m.predict(out))),
            model.upsampler.register_forward_hook(lambda m, i, out: self.prob.append(out.softmax(1)[:, 1])),
        ]
        state = None
        for t, image in enumerate(frames):
            frame = Frame(geometry._pad(image[None], geometry.pad_mode), None, t)
            masks = geometry.masks_to_input(prompts[t]) if t in prompts else None
            if state is None:
                state = model.init_state(frame, masks)
                self.first_mask = state.cues['mask_propagation'].first_mask
                continue
            if masks is not None:
                state = model.add_objects(frame, masks, state)
            scores, state = model.step(frame, state)
            self.scores.append(geometry.to_original(scores))
            self.prob[-1] = geometry.to_original(self.prob[-1])
            self.update.append(state.cues['mask_propagation'].previous_mask)
        self.state = state
        for hook in hooks:
            hook.remove()

    def labels(self, first):
        return torch.stack([first, *(s.argmax(0).to(torch.uint8) for s in self.scores)])


def assert_probabilities(actual, expected, name='prob'):
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= 2e-5, f'{name}: {(actual - expected).abs().max():.3g}'


def assert_labels(actual, expected):
    assert actual.shape == expected.shape
    assert (actual != expected).float().mean() <= 1e-3


def test_e2e_multi(model, case):
    mask = case['mask_frame0']
    run = Recorded(model, case['video'][0], {0: one_hot(mask, [1, 2])}, 'aggregated')
    assert_close(run.first_mask, case['init_mask'], name='init_mask')
    assert_close(torch.stack(run.app, 1), case['app_scores'], name='app_scores')
    assert_close(torch.stack(run.coarse, 1), case['coarse'], name='coarse')
    assert_probabilities(torch.stack(run.prob, 1), case['prob'])
    assert_probabilities(torch.stack([s[1:] for s in run.scores], 1), case['aggregated'], 'aggregated')
    assert_close(torch.stack(run.update, 1), case['update_mask'], name='update_mask')
    assert_labels(run.labels(mask), case['labels'])
    assert_close(run.state.cues['appearance'].means, case['final_means'], name='final_means')
    assert_close(run.state.cues['appearance'].variances, case['final_covs'], name='final_covs')


def test_e2e_single(model, case):
    mask = case['mask_frame0']
    run = Recorded(model, case['video'][0], {0: one_hot(mask, [1])}, 'fine')
    assert_probabilities(torch.cat(run.prob)[:, ::2, ::2], case['prob'])
    assert_close(torch.cat(run.coarse), case['coarse'], name='coarse')
    assert_labels(run.labels(mask), case['labels'])


def test_e2e_coarse_update(model, case):
    run = Recorded(model, case['video'][0], {0: one_hot(case['mask_frame0'], [1])}, 'coarse')
    assert_probabilities(torch.cat(run.prob)[:, ::2, ::2], case['prob'])
    coarse = torch.cat(run.coarse)
    assert_close(coarse, case['coarse'], name='coarse')
    up = torch.nn.functional.interpolate(coarse.log_softmax(1), scale_factor=16, mode='bilinear', align_corners=False)
    assert_close(up[..., ::4, ::4], case['coarse_logprob_up'], name='coarse_logprob_up')


def test_e2e_padding(model, case):
    top, bottom, left, right = case['args']['padding_tblr']
    video, mask = case['video'][0, :3, :, 2:93, 4:155], case['mask_frame0']
    geometry = FrameGeometry(video.shape[-2:], pad=model.test_cfg.pad)
    assert geometry.padding == (left, right, top, bottom)
    run = Recorded(model, video, {0: one_hot(mask, [1, 2])}, 'aggregated', geometry)
    assert_probabilities(torch.stack(run.prob, 1)[..., ::2, ::2], case['prob'])
    assert_labels(run.labels(mask), case['labels'])


def test_e2e_new_object(model, case):
    mask = case['mask_frame0']
    prompts = {0: one_hot(mask, [1]), 2: one_hot(case['mask_frame2'], [2])}
    run = Recorded(model, case['video'][0], prompts, 'aggregated')
    assert_probabilities(torch.stack([p[0] for p in run.prob])[:, ::2, ::2], case['prob_obj1'], 'prob_obj1')
    assert_probabilities(torch.stack([p[1] for p in run.prob[1:]])[:, ::2, ::2], case['prob_obj2'], 'prob_obj2')
    assert_labels(run.labels(mask), case['labels'])


def sample_of(label_maps):
    sample = VOSDataSample(metainfo=dict(object_ids=[1]))
    sample.gt_label_maps = label_maps
    return sample


def assert_loss(model, inputs, label_maps, case):
    losses = model.loss(inputs, [sample_of(m) for m in label_maps])
    values = torch.stack([losses['loss_final'], losses['loss_coarse']])
    assert_close(values, case['losses'], name='losses')
    values.sum().backward()
    parameters = dict(model.named_parameters())
    norms = torch.stack([parameters[name].grad.norm() for name in GRADIENTS])
    for name, actual, expected in zip(GRADIENTS, norms, case['grad_norm'], strict=True):
        assert_close(actual[None], expected[None], rel=1e-3, name=name)


def test_loss(model, case):
    count = case['args']['frames']
    label_maps = case['targets'].clone()
    assert torch.equal(label_maps[0] == 1, case['mask_frame0'] == 1)
    assert_loss(model, case['video'][:, :count], [label_maps], case)
    assert_close(model.cues['appearance'].cov_reg.grad, case['cov_reg_grad'], rel=1e-3, name='cov_reg_grad')


def test_loss_train_mode(model, case):
    model.train()
    video, label_maps = case['video'][:, : case['args']['frames']], case['targets']
    assert_loss(model, torch.cat([video, video.flip(-1)]), [label_maps, label_maps.flip(-1)], case)
    norm = model.backbone.layer4[2].bn3
    assert_close(norm.running_mean[::16], case['running_mean'], name='running_mean')
    assert_close(norm.running_var[::16], case['running_var'], name='running_var')
    assert not model.backbone.bn1.training and norm.num_batches_tracked == case['args']['frames']
