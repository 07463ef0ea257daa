"""Spatio-temporal attention against an independent implementation of the paper's equations."""

import pytest
import torch
from golden import assert_close, fill, load_golden

from mmvos.models.attention import SpatioTemporalAttention

DESCRIPTION, ARRAYS = load_golden('sta_module')
CASES = {case['name']: case for case in DESCRIPTION['cases']}


def build(case, **options):
    config = DESCRIPTION['config']
    module = SpatioTemporalAttention(
        config['channels'],
        config['inner_channels'],
        value_from=case['options']['value'],
        softmax_over=case['options']['axis'],
        scale=config['scale'],
        **options,
    )
    weights = fill(DESCRIPTION['params'])
    weights.update({name: torch.tensor(value) for name, value in DESCRIPTION['overrides'].items()})
    module.load_state_dict(weights, strict=True)
    return module


def read(case):
    arrays = {name: torch.from_numpy(ARRAYS[name]) for name in [case['inputs']['x1'], *case['inputs']['memory']]}
    return arrays[case['inputs']['x1']], [arrays[name] for name in case['inputs']['memory']]


@pytest.mark.parametrize('name', CASES)
def test_fused_attention(name):
    case = CASES[name]
    module = build(case)
    x, memory = read(case)
    with torch.no_grad():
        assert_close(module.attention(x, memory), ARRAYS[case['outputs']['attention']], name='attention')
        assert_close(module(x, memory), ARRAYS[case['outputs']['sta']], name='sta')


@pytest.mark.parametrize('name', CASES)
def test_literal_equations(name):
    case = CASES[name]
    literal = build(case).literal(*read(case))
    for output, array in case['outputs'].items():
        assert_close(literal[output], ARRAYS[array], name=output)


def test_chunks_of_the_other_softmax_axis_add_up():
    case = CASES['softmax_current']
    module = build(case, chunk=7)
    with torch.no_grad():
        assert_close(module(*read(case)), ARRAYS[case['outputs']['sta']])
