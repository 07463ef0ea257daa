"""WID loss against an independent computation in float64 from equation 1."""

import numpy as np
import pytest
import torch
from golden import load_golden

from mmvos.models.losses import InstanceBCELoss, WIDLoss
from mmvos.models.losses.instance_losses import pairwise_dice, wid_terms

DESCRIPTION, ARRAYS = load_golden('wid_loss')
CASES = {case['name']: case for case in DESCRIPTION['cases']}
VARIANTS = {
    'wid': {},
    'wid_squared': dict(squared=True),
    'wid_mean': dict(reduction='mean'),
    'wid_empty_ignore_absent0': dict(empty='ignore', absent_weight=0.0),
    'dice_loss': dict(use_alpha=False, overlap_weight=0.0),
    'no_overlap': dict(overlap_weight=0.0),
    'no_alpha': dict(use_alpha=False),
}


def inputs(name):
    p, g = (torch.from_numpy(ARRAYS[f'{name}.{key}']).double()[None] for key in 'pg')
    return p, g, torch.from_numpy(ARRAYS[f'{name}.valid']).bool()[None]


@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('name', CASES)
def test_value(name, variant):
    loss = WIDLoss(**VARIANTS[variant]).from_probabilities(*inputs(name))
    assert loss.item() == pytest.approx(CASES[name]['values'][variant], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize('name', CASES)
def test_terms(name):
    p, g, valid = inputs(name)
    terms = wid_terms(p, g, valid)
    for part in ('data', 'overlap', 'absent'):
        assert getattr(terms, part)[0].item() == pytest.approx(CASES[name]['values'][part], rel=1e-5, abs=1e-7)
    present, visible = valid[0].numpy(), (valid & g.flatten(2).any(2))[0].numpy()
    np.testing.assert_allclose(np.where(visible, terms.dice[0], -1), ARRAYS[f'{name}.dice'], atol=1e-5)
    alpha = 1 - g.flatten(2).mean(-1)[0].numpy()
    np.testing.assert_allclose(np.where(present, alpha, -1), ARRAYS[f'{name}.alpha'], atol=1e-5)
    pairs = present[:, None] & present[None] & ~np.eye(len(present), dtype=bool)
    expected = ARRAYS[f'{name}.overlap_matrix']
    overlap = pairwise_dice(p.flatten(2), p.flatten(2))[0].numpy()
    np.testing.assert_allclose(overlap[pairs], expected[pairs], atol=1e-5)


@pytest.mark.parametrize('name', [n for n in CASES if f'{n}.grad' in ARRAYS.files])
def test_gradient(name):
    p, g, valid = inputs(name)
    p.requires_grad_()
    WIDLoss().from_probabilities(p, g, valid).backward()
    np.testing.assert_allclose(p.grad[0], ARRAYS[f'{name}.grad'], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('name', CASES)
def test_bce(name):
    p, g, valid = inputs(name)
    logits = torch.logit(p.clamp(1e-7, 1 - 1e-7))
    loss = InstanceBCELoss(channels='valid')(logits, g, valid)
    assert loss.item() == pytest.approx(CASES[name]['values']['bce'], rel=1e-5, abs=1e-9)


def test_logits_and_probabilities_agree():
    p, g, valid = inputs('six_channels')
    loss = WIDLoss()(torch.logit(p), g, valid)
    assert loss.item() == pytest.approx(CASES['six_channels']['values']['wid'], rel=1e-5)


def test_every_array_is_used():
    keys = {'p', 'g', 'valid', 'dice', 'alpha', 'overlap_matrix', 'grad'}
    assert set(ARRAYS.files) <= {f'{n}.{key}' for n in CASES for key in keys}
