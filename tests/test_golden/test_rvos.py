"""RVOS against the original: cells, encoder, decoder, clips, losses, matching, augmentation, assembling."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from golden import assert_close, fill, load_golden

from mmvos.converters import CONVERTERS, convert
from mmvos.datasets.transforms.rvos import affine_matrix, apply_affine
from mmvos.inference import Frame, VOSSession
from mmvos.models.heads.conv_lstm import CellState, ConvLSTMCell
from mmvos.models.losses import FirstNHungarianAssigner, SoftIoULoss
from mmvos.models.losses.soft_iou_loss import pairwise_soft_iou_cost, soft_iou_cost
from mmvos.registry import MODELS
from mmvos.structures import InputError

DESCRIPTION, ARRAYS = load_golden('rvos')
WEIGHTS = fill(DESCRIPTION['params'], DESCRIPTION['fill_scale'])
CASES = {c['name']: c['outputs'] for c in DESCRIPTION['cases']}


def stats(x):
    x = x.detach()
    return torch.stack([x.mean(), x.std(correction=0), x.min(), x.max()])


def tensor(name):
    return torch.from_numpy(ARRAYS[name])


def weights_of(decoder):
    parts = {'encoder.': 'encoder.', f'{decoder}.': 'decoder.'}
    original = {parts[p] + k[len(p) :]: v for k, v in WEIGHTS.items() for p in parts if k.startswith(p)}
    return CONVERTERS['rvos'](original)


def model(one_shot):
    net = MODELS.build(
        dict(
            type='RVOS',
            backbone=dict(type='mmdet.ResNet', depth=101),
            neck=dict(type='SkipNeck', in_channels=(256, 512, 1024, 2048), out_channels=(32, 64, 128, 128)),
            decoder=dict(type='RecurrentDecoder', skip_channels=(128, 128, 64, 32), hidden_channels=(128, 64, 32, 16)),
            mask_pyramid=dict(type='MaskPyramid') if one_shot else None,
            test_cfg=dict(num_slots=2),
        )
    )
    net.load_state_dict(weights_of('decoder_mask' if one_shot else 'decoder'), strict=True)
    return net.eval()


@pytest.fixture(scope='module', autouse=True)
def no_grad():
    with torch.no_grad():
        yield


@pytest.fixture(scope='module')
def zero_shot():
    return model(False)


@pytest.fixture(scope='module')
def one_shot():
    return model(True)


def switch(net, variant):
    """The same network as another variant: the weights have the same shapes."""
    net.spatial_recurrence, net.temporal_recurrence = variant != 'T', variant != 'S'
    return net


@pytest.mark.parametrize('inputs', ['none', 'spatial', 'temporal', 'both'])
@pytest.mark.parametrize('name', ['cell', 'cell_mask'])
def test_cell(name, inputs):
    cell = ConvLSTMCell(6, 4, mask_input=name == 'cell_mask', temporal=True)
    cell.load_state_dict({f'gates.{k}': WEIGHTS[f'{name}.Gates.{k}'] for k in ('weight', 'bias')})
    state = None
    if inputs in ('spatial', 'both'):
        state = CellState(tensor('cell.in.h_spatial'), tensor('cell.in.c_spatial'))
    temporal = tensor('cell.in.h_temporal') if inputs in ('temporal', 'both') else None
    new = cell(tensor('cell.in.x'), state, temporal, tensor('cell.in.mask'))
    outputs = CASES[f'convlstm_cell_{inputs}']
    assert_close(new.h, ARRAYS[outputs[f'{name}.h']], name='h')
    assert_close(new.c, ARRAYS[outputs[f'{name}.c']], name='c')


def test_encoder(zero_shot):
    frames, outputs = tensor('in.frames'), CASES['encoder']
    stem = MODELS.build(dict(type='StemResNet', depth=101))
    stem.eval()
    stem.load_state_dict(zero_shot.backbone.state_dict())
    found = {f'x{i + 1}': x for i, x in enumerate(stem(frames))}
    found.update({f'skip{5 - i}': s for i, s in enumerate(zero_shot.extract_feat(frames))})
    for key, array in outputs.items():
        name, _, kind = key.partition('_')
        x = found[name]
        if kind == 'stats':
            actual = stats(x)
        elif kind == '':
            actual = x[:1]
        else:
            actual = x[0, :8, :4, :4] if name.startswith('x') else x[0, :8]
        assert_close(actual, ARRAYS[array], name=key)


@pytest.mark.parametrize('case', ['decoder_frame0', 'decoder_mask_frame0'])
def test_decoder(case, zero_shot, one_shot):
    net = one_shot if case == 'decoder_mask_frame0' else zero_shot
    skips, states = net.extract_feat(tensor('in.frames')[:1]), None
    found = {}
    for number in range(2):
        pyramid = net.mask_pyramid(tensor('in.masks0')[number][None, None]) if net.one_shot else None
        logits, states = net.decoder(skips, states, None, pyramid)
        found[f'obj{number}.half_res_logits'] = logits
        for level, state in enumerate(states):
            for kind, value in zip('hc', state, strict=True):
                found[f'obj{number}.{kind}_l{level}_stats'] = stats(value)
                found[f'obj{number}.{kind}_l{level}'] = value[:, :16]
            if number == 0 and pyramid:
                found[f'mask_pyramid_l{level}'] = pyramid[level]
    for key, array in CASES[case].items():
        assert_close(found[key], ARRAYS[array], name=key)


def run(net, frames, masks):
    """Probabilities ``(T, N, H, W)`` and the states handed on, through the interface that the session uses."""
    state, probabilities, handed = None, [], []

    def remember(arguments, output):
        handed.append(output[1])
        return output

    decode = net.decode
    net.decode = lambda *args: remember(args, decode(*args))
    try:
        for index, image in enumerate(frames):
            frame = Frame(image[None], image[None], index)
            if state is None:
                state = net.init_state(frame, masks if net.one_shot else masks[:0])
            scores, state = net.step(frame, state)
            probabilities.append(scores[1:])
    finally:
        del net.decode
    return torch.stack(probabilities), handed


@pytest.mark.parametrize('variant', ['ST', 'T', 'S'])
@pytest.mark.parametrize('mode', ['zero_shot', 'one_shot'])
def test_clip(mode, variant, zero_shot, one_shot):
    net = switch(one_shot if mode == 'one_shot' else zero_shot, variant)
    probabilities, handed = run(net, tensor('in.frames'), tensor('in.masks0'))
    switch(net, 'ST')
    outputs = dict(CASES[f'{mode}_{variant}'])
    if 'probabilities' in outputs:
        assert_close(probabilities, ARRAYS[outputs.pop('probabilities')], name='probabilities')
    else:
        assert_close(probabilities[..., ::4, ::4], ARRAYS[outputs.pop('probabilities_ds4')], name='probabilities')
    assert len(outputs) == 6
    for key, array in outputs.items():
        _, frame, number = key.split('.')
        levels = torch.stack([stats(h[0, int(number[1:])]) for h in handed[int(frame[1:])]])
        assert_close(levels, ARRAYS[array], name=key)


def test_odd_size(one_shot):
    probabilities, _ = run(one_shot, tensor('odd.frames'), tensor('odd.masks'))
    assert_close(probabilities[..., ::2, ::2], ARRAYS[CASES['one_shot_ST_odd_size']['probabilities_ds2']])


def test_soft_iou_loss():
    target, logits, valid = tensor('loss.target'), tensor('loss.logits').requires_grad_(), tensor('loss.valid')[:, 0]
    loss_mask, outputs = SoftIoULoss(), CASES['soft_iou_loss']
    with torch.enable_grad():
        loss = loss_mask(logits, target, valid)
        (gradient,) = torch.autograd.grad(loss, logits)
    assert_close(soft_iou_cost(logits.sigmoid(), target), ARRAYS[outputs['cost']], name='cost')
    assert_close(loss[None], ARRAYS[outputs['loss']], name='loss')
    assert_close(loss_mask(logits, target, valid * 0)[None], ARRAYS[outputs['loss_all_invalid']], name='all invalid')
    assert_close(gradient, ARRAYS[outputs['grad']], name='gradient')
    assert (gradient[2] == 0).all()  # the empty target


def test_hungarian_matching():
    gt, logits, valid = tensor('match.gt'), tensor('match.pred'), tensor('match.valid')
    outputs = CASES['hungarian_matching']
    permutation, costs = FirstNHungarianAssigner()(logits.sigmoid(), gt, valid)
    assert_close(pairwise_soft_iou_cost(logits.sigmoid(), gt), ARRAYS[outputs['cost']], name='cost')
    assert_close(costs, ARRAYS[outputs['masked_cost']], name='masked cost')
    counted = valid.bool()
    assert (permutation[counted] == tensor(outputs['permutation'])[counted]).all()
    assert (permutation[~counted] == -1).all()
    matched = gt.gather(1, permutation.clamp(min=0)[..., None].expand_as(gt))
    assert_close(SoftIoULoss()(logits, matched, counted)[None], ARRAYS[outputs['loss']], name='loss')


@pytest.mark.parametrize('case', ['train_zero_shot', 'train_one_shot_gt_mask', 'train_one_shot_inferred_mask'])
def test_training_clip(case, zero_shot, one_shot):
    net, outputs = (zero_shot if case == 'train_zero_shot' else one_shot), CASES[case]
    net.inferred_mask_prob = float(case == 'train_one_shot_inferred_mask')
    frames, valid = tensor('clip.frames'), tensor('clip.valid')
    targets = tensor('clip.gt').float().unflatten(-1, frames.shape[-2:])
    valid = valid[:, None].expand(-1, targets.shape[1], -1).bool()
    losses = [net.clip_loss(frames[:, : t + 1], targets[:, : t + 1], valid[:, : t + 1]) for t in range(2)]
    net.inferred_mask_prob = 0.0
    sums = [loss for loss, _ in losses]
    expected = ARRAYS[outputs['accumulated_and_frame_loss']]
    assert_close(torch.stack([torch.stack(sums), torch.stack([sums[0], sums[1] - sums[0]])], 1), expected, name='loss')
    probabilities = torch.stack(losses[1][1])
    assert_close(probabilities[..., ::4, ::4], ARRAYS[outputs['probabilities_ds4']], name='probabilities')
    if 'permutation' in outputs:
        order, _ = net.assigner(losses[0][1][0].flatten(2), targets[:, 0].flatten(2), valid[:, 0])
        counted = valid[:, 0]
        assert (order[counted] == tensor(outputs['permutation'])[counted]).all()


def test_affine_augmentation():
    image, outputs = ARRAYS['aff.img'].transpose(1, 2, 0), CASES['affine_augmentation']
    matrix = affine_matrix(image.shape[:2], 7.0, (0.05, -0.08), 0.1, (0.8, 1.2))
    assert_close(matrix, ARRAYS[outputs['matrix']], name='matrix')
    assert_close(apply_affine(image, matrix, 'nearest').transpose(2, 0, 1), ARRAYS[outputs['image']], name='image')


@pytest.mark.parametrize('case, slots', [('assemble_zero_shot', 10), ('assemble_one_shot', 3)])
def test_assembling(case, slots, zero_shot, one_shot, monkeypatch):
    """The masks of all slots to label maps, through the session; the network is replaced by what its slots show."""
    masks, expected = ARRAYS[f'{case}.masks'][:, :slots], ARRAYS[f'{case}.labels']
    height, width = masks.shape[-2:]
    net = zero_shot if case == 'assemble_zero_shot' else one_shot
    shown = iter(20.0 * torch.from_numpy(masks)[:, None] - 10)
    monkeypatch.setattr(net, 'prompted', True)
    monkeypatch.setattr(net, 'extract_feat', lambda images: [images])
    monkeypatch.setattr(net, 'decode', lambda *_: (next(shown), []))
    size = dict(type='FixedSize', height=height, width=width)
    settings = replace(net.test_cfg, resize=size, num_slots=slots, merge='paint', upsample='labels')
    monkeypatch.setattr(net, 'test_cfg', settings)
    session = VOSSession(net)
    annotations = {0: ARRAYS[f'{case}.ann0'], 2: ARRAYS[f'{case}.ann2']}
    for t, label_map in enumerate(expected):
        prompt = annotations.get(t)
        if prompt is not None:  # an annotation also shows objects that began earlier
            prompt = np.where(np.isin(prompt, session.object_ids), 0, prompt).astype(np.uint8)
        result = session.step(np.zeros((*label_map.shape, 3), np.uint8), prompt)
        np.testing.assert_array_equal(result.pred_label_map, label_map, err_msg=f'frame {t}')


def test_the_two_files_of_a_checkpoint_in_one():
    parts = {
        p: {f'module.{k.removeprefix(f"{p}.")}': v for k, v in WEIGHTS.items() if k.startswith(f'{p}.')}
        for p in ('encoder', 'decoder')
    }
    parts['encoder']['base.fc.bias'] = parts['decoder']['fc_stop.bias'] = torch.zeros(1)  # leftovers of the original
    converted = convert('rvos', parts)
    expected = weights_of('decoder')
    assert converted.keys() == expected.keys() and all(torch.equal(converted[k], expected[k]) for k in expected)
    with pytest.raises(InputError, match='weights of decoder.pt are missing'):
        convert('rvos', {k: v for k, v in WEIGHTS.items() if k.startswith('encoder.')})
