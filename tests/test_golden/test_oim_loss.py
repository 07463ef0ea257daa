"""OIM loss, its gradient, and both tables after the update, against an independent computation."""

import pytest
import torch
import torch.nn.functional as F
from golden import assert_close, load_golden

from mmvos.models.losses.oim_loss import OIMLoss

DESCRIPTION, ARRAYS = load_golden('oim_loss')


def tensor(name):
    return torch.from_numpy(ARRAYS[name])


@pytest.mark.parametrize('case', DESCRIPTION['cases'], ids=lambda c: c['name'])
@pytest.mark.parametrize('renorm', [True, False])
def test_case(case, renorm):
    inputs, outputs = case['inputs'], case['outputs']
    hyper = DESCRIPTION['hyper']
    loss = OIMLoss(hyper['num_ids'], hyper['queue_size'], hyper['feat_dim'], hyper['temperature'], hyper['momentum'], renorm)
    loss.lookup.copy_(tensor(inputs['lut']))
    loss.queue.copy_(tensor(inputs['queue']))
    loss.pointer.fill_(int(ARRAYS[inputs['ptr']]))
    raw = tensor(inputs['raw']).requires_grad_()
    features = F.normalize(raw, dim=1)
    features.retain_grad()
    logits = loss.logits(features)
    value = loss(features, tensor(inputs['labels']).long())
    value.backward()
    actual = dict(
        feat=features,
        logits=logits,
        prob=logits.softmax(1),
        loss=value,
        grad_feat=features.grad,
        grad_raw=raw.grad,
        queue_after=loss.queue,
        ptr_after=loss.pointer[0],
    )
    actual['lut_after' if renorm else 'lut_after_no_renorm'] = loss.lookup
    checked = 0
    for key, name in outputs.items():
        if key not in actual:  # the other renorm setting's table
            assert key.startswith('lut_after')
            continue
        expected = ARRAYS[name]
        assert_close(actual[key].reshape(expected.shape), expected, rel=1e-4, name=key)
        checked += 1
    assert checked >= len(outputs) - 1
