"""COSNet against carrierlxk/COSNet: embedding, co-attention, fusion, the group model, losses, learning rates, CRF."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from golden import assert_close, fill, load_golden
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvos.converters import convert
from mmvos.inference import FrameGeometry
from mmvos.models import *  # noqa: F401,F403  (registers)
from mmvos.models.attention.co_attention import affinity, attend_chunked, literal_weights, to_map, to_sequence
from mmvos.registry import MODELS

CONFIG = Path(__file__).parents[2] / 'configs' / '_base_' / 'models' / 'cosnet_r101.py'
REL = 1e-4


@pytest.fixture(scope='module')
def golden():
    return load_golden('cosnet')


@pytest.fixture(scope='module')
def model(golden):
    description, _ = golden
    config = Config.fromfile(CONFIG).model
    config.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmvos'):
        network = MODELS.build(config)
    weights = convert(
        'cosnet',
        {'epoch': 1, 'model': {f'module.{k}': v for k, v in fill(description['params'], description['fill_scale']).items()}},
    )
    network.load_state_dict(weights, strict=True)
    return network.eval()


@pytest.fixture(scope='module')
def features(golden, model):
    """V of the target and of the three references."""
    with torch.no_grad():
        return {
            name: model.extract_feat(torch.from_numpy(golden[1][f'in.{name}'])) for name in ('target', 'ref0', 'ref1', 'ref2')
        }


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def check_stats(arrays, key, tensor):
    """Mean, deviation, extremes and a corner of a feature map."""
    stats = torch.stack([tensor.mean(), tensor.std(unbiased=False), tensor.min(), tensor.max()])
    assert_close(stats, arrays[f'{key}.stats'], REL, f'{key}.stats')
    corner = arrays[f'{key}.slice']
    assert_close(tensor[0][tuple(slice(0, n) for n in corner.shape)], corner, REL, f'{key}.slice')


def references(features):
    return torch.stack([features[f'ref{i}'] for i in range(3)], 1)


def test_embedding(golden, model):
    arrays, seen = golden[1], {}
    parts = {
        'conv1': model.backbone.conv1,
        'bn1': model.backbone.bn1,
        'maxpool': model.backbone.maxpool,
        **{f'layer{i}': getattr(model.backbone, f'layer{i}') for i in range(1, 5)},
        'layer5': model.neck,
        'aspp.d1': model.neck.branches[0],
        'aspp.d6': model.neck.branches[1],
        'aspp.d12': model.neck.branches[2],
        'aspp.d18': model.neck.branches[3],
    }

    def keep(name):
        def hook(_, inputs, output):
            if name == 'maxpool':
                seen['relu'] = inputs[0].clone()
            seen[name] = output.clone()

        return hook

    hooks = [part.register_forward_hook(keep(name)) for name, part in parts.items()]
    pooled = model.neck.image_pool.register_forward_hook(
        lambda _, __, output: seen.update({'aspp.pool': output.expand(-1, -1, 13, 21)})
    )
    feature = model.extract_feat(torch.from_numpy(arrays['in.target']))
    for hook in [*hooks, pooled]:
        hook.remove()
    for name, value in seen.items():
        check_stats(arrays, f'enc.{name}', value)
    assert len(seen) == 14
    assert_close(feature, arrays['enc.feature.target'], REL, 'feature')
    scores = model.segment_frame(feature, (), (97, 160))
    assert_close(scores[None, 1:], arrays['enc.saliency.target'], REL, 'saliency')


def test_pair(golden, model, features):
    arrays, attention = golden[1], model.co_attention
    target, reference = features['target'], features['ref0']
    check_stats(arrays, 'pair.feature.ref0', reference)
    query, key = attention.query(target), attention.key(reference)
    whole = affinity(query, key)
    assert_close(whole[0], arrays['pair.affinity'], REL, 'affinity')
    stats = torch.stack([whole.mean(), whole.std(unbiased=False), whole.min(), whole.max()])
    assert_close(stats, arrays['pair.affinity.stats'], REL, 'affinity stats')
    assert_close(attention.attention_maps(target, reference)[0, 100:108], arrays['pair.attn_target.slice'], REL)
    assert_close(literal_weights(key, query)[0, 100:108].t(), arrays['pair.attn_ref.slice'], REL)
    for name, z in (
        ('target', attention.attend(query, key, to_sequence(reference))),
        ('ref', attention.attend(key, query, to_sequence(target))),
    ):
        z = to_map(z, target.shape[-2:])
        check_stats(arrays, f'pair.z_{name}', z)
        assert_close(attention.gate(z).sigmoid(), arrays[f'pair.gate_{name}'], REL, f'gate of the {name}')
    z_target, z_reference = attention(target, reference)
    x = torch.cat([z_target, target], 1)
    stats = torch.stack([x.mean(), x.std(unbiased=False), x.min(), x.max()])
    assert_close(stats, arrays['pair.x_target.stats'], REL, 'x stats')
    assert_close(x[0, [0, 1, 2, 3, 256, 257, 258, 259]], arrays['pair.x_target.slice'], REL, 'x')
    for name, head, z, v in (
        ('target', model.target_head, z_target, target),
        ('ref', model.reference_head, z_reference, reference),
    ):
        logits = head(torch.cat([z, v], 1))
        assert_close(logits, arrays[f'pair.logit_{name}'], REL, f'logits of the {name}')
        probability = torch.nn.functional.interpolate(logits, (97, 160), mode='bilinear').sigmoid()
        assert_close(probability, arrays[f'pair.prob_{name}'], REL, f'probability of the {name}')
    assert_close(model.segment_frame(reference, (), (97, 160))[None, 1:], arrays['pair.saliency_ref'], REL)


def test_fusion(golden, model, features, monkeypatch):
    arrays, target = golden[1], features['target']
    monkeypatch.setattr(model, 'combine', 'prediction')
    for i in range(3):
        single = model.segment_frame(target, references(features)[:, i : i + 1].unbind(1), (97, 160))
        assert_close(single[None, 1:], arrays[f'fusion.prob_ref{i}'], REL, f'reference {i}')
    fused = model.segment_frame(target, references(features).unbind(1), (97, 160))
    assert_close(fused[None, 1:], arrays['fusion.prediction'], REL, 'prediction fusion')
    monkeypatch.setattr(model, 'combine', 'summary')
    z = model.co_attention.summarise(target, references(features)).mean(1)
    check_stats(arrays, 'fusion.summary.z', z)
    assert_close(model.target_head(torch.cat([z, target], 1)), arrays['fusion.summary.logit'], REL)
    fused = model.segment_frame(target, references(features).unbind(1), (97, 160))
    assert_close(fused[None, 1:], arrays['fusion.summary'], REL, 'summary fusion')
    assert_close(fused.sum(0), np.ones((97, 160)), 1e-6)


@pytest.mark.parametrize('double, prefix', [(True, 'group'), (False, 'group.single')])
def test_group(golden, model, features, monkeypatch, double, prefix):
    arrays, target, attention = golden[1], features['target'], model.co_attention
    monkeypatch.setattr(model, 'combine', 'joint')
    monkeypatch.setattr(attention, 'double_softmax', double)
    monkeypatch.setattr(attention, 'chunk_bytes', 3 * 4 * 819 * 50)  # 50 of 273 rows at a time
    joint = torch.cat([features[f'ref{i}'] for i in range(3)], 2)
    z = attention.attend(attention.query(target), attention.key(joint), to_sequence(joint))
    z = to_map(z, target.shape[-2:])
    check_stats(arrays, f'{prefix}.z', z)
    if double:
        assert_close(attention.gate(z).sigmoid(), arrays['group.gate'], REL)
        summary = attention.summarise(target, references(features), joint=True)[:, 0]
        assert_close(model.target_head(torch.cat([summary, target], 1)), arrays['group.logit'], REL)
    scores = model.segment_frame(target, references(features).unbind(1), (97, 160))
    assert_close(scores[None, 1:], arrays[f'{prefix}.prob'], REL)


@pytest.mark.parametrize('double', [False, True])
def test_memory_bounded_attention_is_the_literal_one(model, features, double):
    query, key = model.co_attention.query(features['target']), model.co_attention.key(features['ref0'])
    value = to_sequence(features['ref0'])
    literal = literal_weights(query, key, double) @ value
    for rows in (1, 7, 1000):
        chunked = attend_chunked(query, key, value, double, chunk_bytes=3 * 4 * 273 * rows)
        assert_close(chunked, literal, 1e-5, f'{rows} rows at a time')


def test_losses(golden):
    arrays = golden[1]
    logits, label = torch.from_numpy(arrays['loss.pred']).logit(), torch.from_numpy(arrays['loss.label'])
    code = MODELS.build(dict(type='ForegroundBCELoss', form='code'))(logits, label)
    l1 = MODELS.build(dict(type='MaskL1Loss', loss_weight=0.8))(logits, label)
    paper = MODELS.build(dict(type='ForegroundBCELoss', form='paper'))(logits, label)
    assert_close(code[None], arrays['loss.code_bce'], REL, 'code')
    assert_close(l1[None], 0.8 * arrays['loss.l1'], REL, 'L1')
    assert_close((code + l1)[None], arrays['loss.code_total'], REL, 'total')
    assert_close(paper[None], arrays['loss.balanced_bce'], REL, 'paper')


def test_preprocessing(golden, model):
    """Resize and normalisation as the session does them with the config's settings."""
    arrays = golden[1]
    geometry = FrameGeometry((72, 128), dict(type='FixedSize', height=65, width=97), interpolation=model.test_cfg.interpolation)
    pixels = geometry.to_input(arrays['pre.raw'].astype(np.uint8), torch.device('cpu'))
    assert_close(model.data_preprocessor.normalise(pixels), arrays['pre.out'], 1e-6)


def test_released_map_is_resized_after_the_sigmoid(golden):
    arrays = golden[1]
    resized = torch.nn.functional.interpolate(torch.from_numpy(arrays['post.prob'])[None, None], (21, 33), mode='bilinear')[
        0, 0
    ]
    assert_close(resized, arrays['post.resized'], REL)
    grey = (cv2.resize(arrays['post.prob'], (33, 21)) * 255).astype(np.uint8)
    np.testing.assert_array_equal(grey, arrays['post.png'])


@pytest.mark.parametrize('std', [10, 20])
def test_dense_crf(golden, std):
    pytest.importorskip('pydensecrf.densecrf', reason='the extra "crf" is not installed')
    arrays = golden[1]
    foreground = torch.from_numpy(arrays['crf.png'] / 255)
    crf = MODELS.build(dict(type='DenseCRF', spatial_std=std, bilateral_weight=9))
    refined = crf(torch.stack([1 - foreground, foreground]), arrays['crf.image'][..., ::-1].astype(np.uint8))
    assert_close(refined[1], arrays[f'crf.q_{std}'], REL)
    np.testing.assert_array_equal(refined.argmax(0), arrays[f'crf.map_{std}'])
