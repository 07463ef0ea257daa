"""Unit flow against an independent computation from the definition."""

import numpy as np
import pytest
import torch
from golden import load_golden

from mmvos.models.flow import unit_flow

DESCRIPTION, ARRAYS = load_golden('unit_flow')


@pytest.mark.parametrize('magnitude', ['max', 'diag', 'clip'])
@pytest.mark.parametrize('case', [case['name'] for case in DESCRIPTION['cases']])
def test_case(case, magnitude):
    flow = torch.from_numpy(ARRAYS[f'{case}.flow'])
    for field in (flow, flow.double()):
        out = unit_flow(field[None], magnitude)[0]
        np.testing.assert_allclose(out, ARRAYS[f'{case}.{magnitude}'], atol=1e-6)


def test_flip_negates_the_horizontal_direction():
    out = unit_flow(torch.from_numpy(ARRAYS['mixed.flow']))
    flipped = unit_flow(torch.from_numpy(ARRAYS['mixed_flipped.flow']))
    torch.testing.assert_close(flipped, out.flip(-1) * torch.tensor([-1.0, 1, 1]).view(3, 1, 1))


def test_every_array_is_compared():
    names = [case['name'] for case in DESCRIPTION['cases']]
    assert set(ARRAYS.files) == {f'{n}.{key}' for n in names for key in ('flow', 'max', 'diag', 'clip')}
