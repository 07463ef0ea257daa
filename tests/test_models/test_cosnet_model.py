"""COSNet's parts and inference: forms of co-attention, memory bound, reference frames, caching, causal use, streams, CRF."""

import builtins
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvos.inference import InferenceSession
from mmvos.models.attention.co_attention import to_sequence
from mmvos.models.segmentors.cosnet import EmbeddingCache
from mmvos.registry import MODELS, TASK_UTILS
from mmvos.structures import VOSDataSample
from mmvos.videos import FrameArrays

CONFIGS = Path(__file__).parents[2] / 'configs' / 'cosnet'


def build(name='cosnet_mini_synthvos.py', **test_cfg):
    torch.manual_seed(0)
    cfg = Config.fromfile(CONFIGS / name).model
    cfg.test_cfg.update(resize=dict(type='FixedSize', height=48, width=64), **test_cfg)
    model = MODELS.build(cfg)
    model.init_weights()
    with torch.no_grad():  # heads away from zero, so that masks differ from frame to frame
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


def frames(number, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 255, (40, 50, 3), dtype=np.uint8) for _ in range(number)]


def scores_of(model, images, video_id='video'):
    model.test_cfg = replace(model.test_cfg, keep_scores=True)
    return torch.stack([r.pred_scores for r in InferenceSession(model).run(FrameArrays(images, video_id=video_id))])


# Reference frames


def test_reference_frames():
    def pick(name, target, total, **options):
        return TASK_UTILS.build(dict(type=name, **options))(target, total, 'v')

    assert pick('UniformReferences', 50, 100, num=5) == [10, 30, 70, 90]  # the target is one of the five
    assert pick('UniformReferences', 49, 100, num=5) == [10, 30, 50, 70, 90]
    assert pick('UniformReferences', 2, 5, num=5) == [0, 1, 3, 4]
    assert pick('UniformReferences', 0, 1, num=5) == [0]
    assert pick('LocalReferences', 10, 100, num=4) == [8, 9, 11, 12]
    assert pick('LocalReferences', 0, 100, num=3) == [1, 2, 3]
    assert pick('LocalReferences', 99, 100, num=3) == [96, 97, 98]
    assert pick('LocalReferences', 0, 1, num=3) == [0]
    drawn = pick('RandomReferences', 3, 40, num=5)
    assert drawn == pick('RandomReferences', 3, 40, num=5) != pick('RandomReferences', 4, 40, num=5)
    assert len(set(drawn)) == 5 and 3 not in drawn
    assert any(3 in pick('RandomReferences', 3, 40, num=30, include_target=True, seed=s) for s in range(5))
    with pytest.raises(ValueError, match='at least 1'):
        pick('LocalReferences', 0, 9, num=0)


@pytest.mark.parametrize(
    'references',
    [dict(type='UniformReferences', num=3), dict(type='RandomReferences', num=3), dict(type='LocalReferences', num=3), None],
    ids=str,
)
@pytest.mark.parametrize('combine', ['summary', 'prediction', 'joint'])
def test_a_frame_depends_on_its_references_only_and_is_embedded_once(references, combine, monkeypatch):
    model, images = build(references=references), frames(9)
    model.combine = combine
    embedded = []
    monkeypatch.setattr(model, 'extract_feat', lambda x, embed=model.extract_feat: embedded.append(1) or embed(x))
    scores = scores_of(model, images)
    assert len(embedded) == 9 and scores.shape == (9, 2, 40, 50)
    torch.testing.assert_close(scores.sum(1), torch.ones(9, 40, 50))
    select = TASK_UTILS.build(references) if references else None
    wanted = select(4, 9, 'video') if select else []
    changed = [image if t == 4 or t in wanted else 255 - image for t, image in enumerate(images)]
    torch.testing.assert_close(scores_of(model, changed)[4], scores[4])
    if wanted:
        changed[wanted[0]] = 255 - changed[wanted[0]]
        assert (scores_of(model, changed)[4] - scores[4]).abs().max() > 1e-6


@pytest.mark.parametrize('references, most', [('UniformReferences', 5), ('LocalReferences', 6)])
def test_embeddings_kept_do_not_grow_with_the_video(references, most, monkeypatch):
    model, sizes = build(references=dict(type=references, num=4)), []
    get = EmbeddingCache.get

    def counted(cache, index):
        value = get(cache, index)
        sizes.append(len(cache.embeddings))
        return value

    monkeypatch.setattr(EmbeddingCache, 'get', counted)
    scores_of(model, frames(30))
    assert max(sizes) <= most


def test_half_precision_cache_changes_little():
    model, images = build(), frames(6)
    full = scores_of(model, images)
    model.test_cfg = replace(model.test_cfg, cache_dtype='float16', cache_on_cpu=True)
    assert 0 < (scores_of(model, images) - full).abs().max() < 0.02


# Live video


def test_the_old_key_of_the_combination_still_works():
    cfg = Config.fromfile(CONFIGS / 'cosnet_mini_synthvos.py').model
    cfg.fusion = 'prediction'  # after the base config's own key, as in a config that inherits from it
    with pytest.warns(DeprecationWarning, match="'fusion' is called 'combine'"):
        assert MODELS.build(cfg).combine == 'prediction'


def causal(**test_cfg):
    cfg = Config.fromfile(CONFIGS / 'cosnet_mini_synthvos.py').model
    cfg.type = 'COSNetCausal'
    cfg.test_cfg = dict(resize=dict(type='FixedSize', height=48, width=64), keep_scores=True, **test_cfg)
    model = MODELS.build(cfg)
    model.load_state_dict(build().state_dict())
    return model.eval()


def test_causal_variant_looks_back_only_and_is_bounded():
    model, images = causal(num_references=3, stride=4), frames(12)
    session = InferenceSession(model)
    scores, kept = [], []
    for image in images:
        scores.append(session.step(image).pred_scores)
        kept.append(len(session.state.references))
    assert kept[:3] == [1, 2, 3] and max(kept) == 3
    prefix = scores_of(model, images[:6])  # what comes later does not matter
    torch.testing.assert_close(torch.stack(scores[:6]), prefix)
    other = scores_of(model, [255 - images[0]] + images[1:6])  # what came before does
    assert (other[1] - prefix[1]).abs().max() > 1e-6


def test_causal_first_frame_is_the_static_head_and_prompts_are_ignored():
    model, images = causal(), frames(2)
    label_map = np.zeros((40, 50), np.uint8)
    label_map[5:20, 5:20] = 7
    session = InferenceSession(model)
    results = [session.step(images[0], label_map), session.step(images[1])]
    assert [r.object_ids for r in results] == [[1], [1]] and 7 not in results[0].pred_label_map
    static = scores_of(build(references=None), images[:1])
    torch.testing.assert_close(results[0].pred_scores, static[0])


# Training


def clip(length, value=1):
    label_maps = torch.zeros(length, 48, 64, dtype=torch.uint8)
    label_maps[:, 10:30, 10:30] = value
    return VOSDataSample(gt_label_maps=label_maps)


def with_gradient(model):
    return {name.split('.')[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}


def test_still_images_train_the_embedding_and_its_head_alone():
    model = build().train()
    losses = model.loss(torch.randn(2, 1, 3, 48, 64), [clip(1), clip(1)])
    sum(losses.values()).backward()
    assert with_gradient(model) == {'backbone', 'neck', 'static_head'}
    model.zero_grad()
    model.static_on_video = 0
    sum(model.loss(torch.randn(2, 2, 3, 48, 64), [clip(2), clip(2)]).values()).backward()
    assert with_gradient(model) == {'backbone', 'neck', 'co_attention', 'target_head', 'reference_head'}
    with pytest.raises(ValueError, match='clips of 3 frames'):
        model.loss(torch.randn(2, 3, 3, 48, 64), [clip(3), clip(3)])


def test_group_training_predicts_the_target_alone():
    cfg = Config.fromfile(CONFIGS / 'cosnet_mini_synthvos.py').model
    cfg.update(combine='joint', static_on_video=0)
    cfg.co_attention.double_softmax = True
    model = MODELS.build(cfg)
    losses = model.loss(torch.randn(2, 3, 3, 48, 64), [clip(3), clip(3)])
    sum(losses.values()).backward()
    assert with_gradient(model) == {'backbone', 'neck', 'co_attention', 'target_head'}
    assert not any(p.requires_grad for p in model.reference_head.parameters())


def test_void_and_object_ids_in_the_loss():
    loss = MODELS.build(dict(type='ForegroundBCELoss'))
    logits, target, valid = torch.randn(1, 8, 8), torch.zeros(1, 8, 8), torch.ones(1, 8, 8)
    target[:, :4], valid[:, :, 6:] = 1, 0
    torch.testing.assert_close(loss(logits, target, valid), loss(logits[..., :6], target[..., :6]))
    assert torch.isfinite(loss(logits, torch.zeros_like(target)))
    code = MODELS.build(dict(type='ForegroundBCELoss', form='code'))
    assert torch.isfinite(code(logits, torch.zeros_like(target)))
    model = build()
    a, b = (model.loss(torch.zeros(1, 1, 3, 48, 64), [clip(1, value)]) for value in (1, 5))
    assert a == b


# Post-processing


def test_session_refines_scores_of_any_model():
    pytest.importorskip('pydensecrf.densecrf', reason='the extra "crf" is not installed')
    model, image = build(references=None, post_process=dict(type='DenseCRF')), frames(1)[0]
    scores = scores_of(model, [image])[0]
    torch.testing.assert_close(scores.sum(0), torch.ones(40, 50), rtol=0, atol=1e-4)
    crf = MODELS.build(dict(type='DenseCRF'))
    plain = torch.stack([torch.full((40, 50), 0.5)] * 2)
    assert torch.isfinite(crf(plain, image)).all()  # a constant map cannot be stretched
    three = crf(torch.rand(3, 40, 50), image)
    assert three.shape == (3, 40, 50)
    with pytest.raises(ValueError, match='size of the probabilities'):
        crf(plain, image[:20])


def test_missing_crf_library_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith('pydensecrf'):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without)
    with pytest.raises(ImportError, match='pip install pydensecrf2'):
        InferenceSession(build(post_process=dict(type='DenseCRF')))


def test_pairs_are_distinct_and_start_with_the_target():
    from mmvos.registry import TRANSFORMS

    pair = TRANSFORMS.build(dict(type='SamplePair', num_references=2))
    for _ in range(20):
        ids = pair(dict(labelled=[2, 4, 7, 9], target_frame=4))['frame_ids']
        assert ids[0] == 4 and len(set(ids)) == 3 and set(ids) <= {2, 4, 7, 9}
    assert pair(dict(labelled=[2, 4])) is None
    assert len(TRANSFORMS.build(dict(type='SamplePair', allow_repeat=True))(dict(labelled=[3]))['frame_ids']) == 2


def test_crop_flip_resize_moves_masks_with_pixels():
    from mmvos.registry import TRANSFORMS

    transform = TRANSFORMS.build(dict(type='CropFlipResize', size=(40, 60), crop=0.9, flip_prob=0.5))
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:30, 5:25] = 255
    np.random.seed(0)
    windows = set()
    for _ in range(10):
        out = transform(dict(img=[image, image], gt_seg_map=[(image[..., 0] > 0).astype(np.uint8)] * 2))
        for pixels, label_map in zip(out['img'], out['gt_seg_map'], strict=True):
            assert pixels.shape == (40, 60, 3)
            assert ((pixels[..., 0] > 127) != label_map).mean() < 0.01
            windows.add(label_map.tobytes())
    assert len(windows) > 5


def test_chunked_backend_gives_the_same_model():
    model = build()
    fused = scores_of(model, frames(4))
    model.co_attention.backend, model.co_attention.chunk_bytes = 'chunked', 1
    torch.testing.assert_close(scores_of(model, frames(4)), fused, rtol=1e-4, atol=1e-5)
    assert to_sequence(torch.zeros(1, 2, 3, 4)).shape == (1, 12, 2)


def test_benchmark_of_references_writes_table_and_plot(tmp_path, monkeypatch, capsys):
    tool = CONFIGS.parents[1] / 'tools' / 'analysis_tools' / 'benchmark_references.py'
    monkeypatch.setattr(
        sys,
        'argv',
        [
            str(tool),
            str(CONFIGS / 'cosnet_mini_synthvos.py'),
            '--references',
            '0',
            '2',
            '--repeats',
            '1',
            '--device',
            'cpu',
            '--out',
            str(tmp_path),
        ],
    )
    runpy.run_path(str(tool), run_name='__main__')
    assert capsys.readouterr().out.count('| literal |') == 2
    assert all((tmp_path / f'references.{suffix}').stat().st_size > 100 for suffix in ('md', 'csv', 'png'))
