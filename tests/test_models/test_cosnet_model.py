"""COSNet's parts and inference: forms of co-attention, memory bound, reference frames, caching, causal use, streams, CRF."""

import builtins
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from golden import load_golden
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS

from mmvos.datasets import AlternatingDatasets
from mmvos.datasets.samplers import AlternatingBatchSampler, AlternatingSampler
from mmvos.engine.hooks import AlternatingLRHook
from mmvos.inference import InferenceSession
from mmvos.models.attention.co_attention import attend, attend_chunked, literal_weights, to_sequence
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


# ---- co-attention


@pytest.mark.parametrize(
    'options',
    [dict(form='vanilla'), dict(form='symmetric'), dict(form='channel'), dict(form='symmetric', orthogonal='exact')],
    ids=str,
)
def test_every_form_equals_its_literal_affinity(options):
    torch.manual_seed(1)
    part = MODELS.build(dict(type='CoAttention', channels=6, **options))
    a, b = torch.randn(2, 6, 4, 5), torch.randn(2, 6, 4, 5)
    weight = part.linear.weight
    if options['form'] == 'vanilla':
        literal = torch.einsum('bci,cd,bdj->bij', b.flatten(2), weight, a.flatten(2))
    elif options['form'] == 'symmetric':
        p = torch.einsum('dc,bci->bdi', weight, b.flatten(2)), torch.einsum('dc,bci->bdi', weight, a.flatten(2))
        literal = torch.einsum('bdi,d,bdj->bij', p[0], part.diagonal, p[1])
    else:
        wa, wb = ((part.linear(x.mean((2, 3)))).sigmoid()[..., None] for x in (a, b))
        literal = torch.einsum('bci,bcj->bij', wb * b.flatten(2), wa * a.flatten(2))
    # eqs. 6, 7: column i of Z_a averages V_b by the soft-max of S over the positions of the reference
    z_a = torch.einsum('bci,bij->bcj', b.flatten(2), literal.softmax(1)).unflatten(2, (4, 5))
    z_b = torch.einsum('bcj,bij->bci', a.flatten(2), literal.softmax(2)).unflatten(2, (4, 5))
    expected = [z * torch.einsum('c,bchw->bhw', part.gate.weight[0, :, 0, 0], z)[:, None].sigmoid() for z in (z_a, z_b)]
    for z, e in zip(part(a, b), expected, strict=True):
        torch.testing.assert_close(z, e, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(part.summarise(a, b[:, None])[:, 0], expected[0], rtol=1e-4, atol=1e-5)


def test_symmetric_affinity_serves_both_directions():
    part = MODELS.build(dict(type='CoAttention', channels=6, form='symmetric'))
    a, b = torch.randn(1, 6, 3, 4), torch.randn(1, 6, 3, 4)
    ab, ba = part.query(a) @ part.key(b).transpose(1, 2), part.query(b) @ part.key(a).transpose(1, 2)
    torch.testing.assert_close(ab, ba.transpose(1, 2))
    assert part.penalty().item() < 1e-6  # starts orthogonal
    part.linear.weight.data.mul_(2)
    assert part.penalty().item() == pytest.approx(6 * 9, rel=1e-4)


@pytest.mark.parametrize('double', [False, True])
def test_chunked_attention_is_exact_forward_and_backward(double):
    torch.manual_seed(2)
    q, k, v = (torch.randn(2, n, 8, dtype=torch.float64, requires_grad=True) for n in (37, 53, 53))
    out = attend_chunked(q, k, v, double, chunk_bytes=3 * 8 * 2 * 53 * 5)  # 5 rows at a time
    literal = literal_weights(q, k, double) @ v
    torch.testing.assert_close(out, literal, rtol=1e-12, atol=1e-12)
    probe = torch.randn_like(out)
    for x, y in zip(
        torch.autograd.grad((out * probe).sum(), (q, k, v)),
        torch.autograd.grad((literal * probe).sum(), (q, k, v)),
        strict=True,
    ):
        torch.testing.assert_close(x, y, rtol=1e-10, atol=1e-10)
    if not double:
        torch.testing.assert_close(attend(q, k, v), literal, rtol=1e-12, atol=1e-12)


def largest_tensor(step):
    """Elements of the largest tensor that any operation of ``step()`` returns."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for x in out if isinstance(out, (tuple, list)) else (out,):
                if isinstance(x, torch.Tensor):
                    Largest.numel = max(Largest.numel, x.numel())
            return out

    with Largest():
        step()
    return Largest.numel


def test_chunked_attention_keeps_its_memory_bound():
    """Forward and backward hold a chunk of the affinity, not the affinity."""
    q, k, v = (torch.randn(1, 400, 4, requires_grad=True) for _ in range(3))
    largest = largest_tensor(lambda: attend_chunked(q, k, v, True, chunk_bytes=3 * 4 * 400 * 20).sum().backward())
    assert 400 * 20 <= largest < 400 * 400 / 10
    assert largest_tensor(lambda: literal_weights(q, k, True) @ v) == 400 * 400


@pytest.mark.parametrize('training', [False, True])
def test_fused_attention_does_not_store_the_affinity(training):
    part = MODELS.build(dict(type='CoAttention', channels=16)).requires_grad_(training)
    a, b = torch.randn(1, 16, 20, 20, requires_grad=training), torch.randn(1, 16, 20, 20)

    def step():
        out = sum(z.sum() for z in part(a, b)) + part.summarise(a, b[:, None].expand(-1, 2, -1, -1, -1)).sum()
        if training:
            out.backward()

    assert largest_tensor(step) < 400 * 400 / 2


# ---- reference frames


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


# ---- live video


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


# ---- training


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


class Numbers(torch.utils.data.Dataset):
    """Items that are their own index."""

    def __init__(self, first, size):
        self.first, self.size = first, size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return dict(inputs=self.first + index, data_samples=VOSDataSample())


def test_batches_alternate_by_one_counter_over_epochs():
    data = AlternatingDatasets(dict(video=[Numbers(100, 5), Numbers(200, 4)], still=Numbers(0, 7)))
    assert len(data) == 16 and data[6]['inputs'] == 201 and data[6]['data_samples'].stream == 'video'
    sampler = AlternatingSampler(data, seed=3)
    batches = AlternatingBatchSampler(sampler, 2, ('still', 'video', 'video'), num_batches=4)
    streams, drawn = [], dict(still=[], video=[])
    for epoch in range(6):
        sampler.set_epoch(epoch)
        for batch in batches:
            names = {data[i]['data_samples'].stream for i in batch}
            assert len(names) == 1
            streams += names
            drawn[streams[-1]] += batch
    assert streams == ['still', 'video', 'video'] * 8  # 4 batches an epoch are no multiple of 3
    assert sorted(drawn['still'][:7]) == sorted(drawn['still'][7:14]) == list(range(9, 16))
    assert sorted(drawn['video'][:9]) == sorted(drawn['video'][9:18]) == list(range(9))
    with pytest.raises(ValueError, match='may only name the'):
        AlternatingBatchSampler(sampler, 2, ('stil', 'video'))


def test_ranks_share_a_batch_without_overlap():
    data = AlternatingDatasets(dict(video=Numbers(0, 12)))
    seen = []
    for rank in range(3):
        batches = AlternatingBatchSampler(AlternatingSampler(data, seed=0), 2, ('video',), num_batches=2)
        batches.rank, batches.world_size = rank, 3
        seen += [i for batch in batches for i in batch]
    assert sorted(seen) == list(range(12))


def test_learning_rates_of_the_recipe_are_the_original_ones():
    """Every row of the original's table: rates by the *global* step, which is the one counter here."""
    cfg = Config.fromfile(CONFIGS / 'cosnet_r101_davis2016-saliency.py')
    parts = ('backbone', 'neck', 'static_head', 'co_attention', 'target_head', 'reference_head')
    model = torch.nn.ModuleDict({name: torch.nn.Linear(1, 1, bias=False) for name in parts})
    optim = build_optim_wrapper(model, cfg.optim_wrapper)
    for scheduler in cfg.param_scheduler:  # all by iteration here: 130 of them an epoch
        if scheduler.get('by_epoch'):
            scheduler.milestones = [m * 130 for m in scheduler.milestones]
    schedulers = [PARAM_SCHEDULERS.build(dict(s, optimizer=optim, by_epoch=False)) for s in cfg.param_scheduler]
    hook = AlternatingLRHook(next(h for h in cfg.custom_hooks if h.type == 'AlternatingLRHook').lr_mult)
    runner = type('Runner', (), dict(model=model, optim_wrapper=optim))
    hook.before_train(runner)
    names = {id(p): n for n, p in model.named_parameters()}
    pattern = cfg.train_dataloader.batch_sampler.pattern
    rates = []
    for step in range(60 * 130):
        batch = dict(data_samples=[dict(stream=pattern[step % 3])])
        hook.before_train_iter(runner, step, batch)
        by_name = {names[id(g['params'][0])].split('.')[0]: g['lr'] for g in optim.optimizer.param_groups}
        assert by_name['neck'] == by_name['static_head'] == by_name['backbone']
        rates.append((by_name['backbone'], by_name['co_attention'], by_name['target_head']))
        hook.after_train_iter(runner, step, batch)
        optim.step()  # without gradients nothing moves
        for scheduler in schedulers:
            scheduler.step()
    for epoch, iteration, _, embedding, rest in load_golden('cosnet')[1]['lr.table']:
        rate = rates[int(epoch) * 130 + int(iteration)]
        assert rate == pytest.approx((embedding, rest, rest), rel=1e-6)


# ---- post-processing


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
