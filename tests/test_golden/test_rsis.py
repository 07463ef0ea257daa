"""RSIS against the original: encoder, decoder and heads, inference, losses."""

import numpy as np
import pytest
import torch
from golden import assert_close, fill, load_golden

from mmvos.converters import CONVERTERS
from mmvos.models.losses import FirstNHungarianAssigner
from mmvos.models.losses.sequence_loss import InstanceTargets, class_cost, stop_cost
from mmvos.registry import MODELS

DESCRIPTION, ARRAYS = load_golden('rsis')
WEIGHTS = fill(DESCRIPTION['params'], DESCRIPTION['fill_scale'])
CASES = {c['name']: c['outputs'] for c in DESCRIPTION['cases']}


def stats(x):
    return torch.stack([x.mean(), x.std(correction=0), x.min(), x.max()])


@pytest.fixture(scope='module', autouse=True)
def no_grad():
    with torch.no_grad():
        yield


@pytest.fixture(scope='module')
def model():
    net = MODELS.build(
        dict(
            type='RSIS',
            backbone=dict(type='StemResNet', depth=101),
            neck=dict(type='SkipNeck', in_channels=(64, 256, 512, 1024, 2048), out_channels=(16, 32, 64, 128, 128)),
            decoder=dict(type='RecurrentDecoder', skip_channels=(128, 128, 64, 32, 16), hidden_channels=(128, 64, 32, 16, 8)),
            head=dict(type='PooledStateHead', in_channels=248, num_classes=21),
            criterion=dict(type='RSISLoss', class_weight=0.1, stop_weight=0.5),
            max_steps=5,
        )
    )
    net.load_state_dict(CONVERTERS['rsis'](WEIGHTS), strict=True)
    return net.eval()


@pytest.fixture(scope='module')
def images():
    return torch.from_numpy(ARRAYS['in.images'])


def test_files_of_old_pytorch_have_no_counters(model):
    old = {k: v for k, v in WEIGHTS.items() if 'num_batches_tracked' not in k}
    assert CONVERTERS['rsis'](old).keys() == model.state_dict().keys()


def test_encoder(model, images):
    found = {f'x{i + 1}': x for i, x in enumerate(model.backbone(images))}
    found.update({f'skip{5 - i}': s for i, s in enumerate(model.extract_feat(images))})
    for key, array in CASES['encoder'].items():
        name, kind = key.split('_')
        x = found[name]
        part = x[0, :8, :4, :4] if name.startswith('x') else x[0, :8]
        assert_close(stats(x) if kind == 'stats' else part, ARRAYS[array], name=key)


def test_decoder(model, images):
    skips, states, found = model.extract_feat(images), None, {}
    for step in range(2):
        output, states = model.decoder(skips, states)
        reading = model.head([s.h for s in states])
        found[f'step{step}.mask_logits_ds2'] = output[..., ::2, ::2]
        found[f'step{step}.class_probs'] = reading.classes.softmax(-1)
        found[f'step{step}.stop_logit'] = reading.stop
        for level, state in enumerate(states):
            found[f'step{step}.h{level}_stats'], found[f'step{step}.c{level}_stats'] = stats(state.h), stats(state.c)
            found[f'step{step}.h{level}_slice'] = state.h[0, :8]
    for key, array in CASES['decoder'].items():
        assert_close(found[key], ARRAYS[array], name=key)


def test_inference(model, images):
    sequence, outputs = model.unroll(images, 3), CASES['inference']
    assert_close(sequence.masks.unflatten(-1, (64, 64))[..., ::2, ::2], ARRAYS[outputs['masks_ds2']], name='masks')
    assert_close(sequence.classes.softmax(-1), ARRAYS[outputs['classes']], name='classes')
    assert_close(sequence.stop.sigmoid()[..., None], ARRAYS[outputs['stop']], name='stop')


def test_training_losses(model, images):
    targets = InstanceTargets(
        torch.from_numpy(ARRAYS['tr.masks']).float().flatten(2),
        torch.from_numpy(ARRAYS['tr.sw']).bool(),
        torch.from_numpy(ARRAYS['tr.cls']),
    )
    steps = min(model.max_steps, int(targets.valid.sum(1).max()) + model.extra_steps)
    assert steps == 4
    sequence = model.unroll(images, steps)
    losses = model.criterion(sequence, targets)
    order, _ = FirstNHungarianAssigner()(sequence.masks, targets.masks, targets.valid)
    classes = torch.where(order >= 0, targets.classes.gather(1, order.clamp(min=0)), 0)
    np.testing.assert_array_equal(classes, ARRAYS['tr.pcls'])
    parts = [losses['loss_mask'], losses['loss_stop'] / 0.5, losses['loss_class'] / 0.1]
    assert_close(torch.stack([sum(losses.values()), *parts]), ARRAYS['tr.losses'], name='losses')


def test_class_and_stop_loss():
    probabilities, target, logits, aim = (torch.from_numpy(ARRAYS[k]) for k in ('ls.p', 'ls.t', 'ls.s', 'ls.st'))
    assert_close(class_cost(probabilities.log(), target[:, 0]), ARRAYS['ls.nll'], name='class')
    assert_close(stop_cost(logits, aim), ARRAYS['ls.bce'], name='stop')
