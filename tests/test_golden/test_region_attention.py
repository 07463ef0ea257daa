"""Region attention, mask warp and state warp, against an independent computation."""

import numpy as np
import torch
from golden import assert_close, load_golden

from mmvos.models.attention.region_attention import RegionAttention
from mmvos.models.flow.roi_warp import warp_roi_state
from mmvos.models.flow.warp import warp
from mmvos.structures import boxes_of_masks, enlarge_boxes

DESCRIPTION, ARRAYS = load_golden('region_attention')
CASES = {c['name']: c for c in DESCRIPTION['cases']}


def inputs(name):
    return {k: torch.from_numpy(np.asarray(ARRAYS[v])).float() for k, v in CASES[name]['inputs'].items()}


def expected(name):
    return {k: ARRAYS[v] for k, v in CASES[name]['outputs'].items()}


def test_every_case_has_a_test():
    assert set(CASES) == {'attention', 'mask_warp', 'state_warp'}


def test_attention():
    given, wanted = inputs('attention'), expected('attention')
    for scale, key in (('none', 'enhanced'), ('area', 'enhanced_area')):
        part = RegionAttention(DESCRIPTION['hyper']['d'], scale=scale)
        part.conv.weight.data = given['weight'].view_as(part.conv.weight)
        part.conv.bias.data = given['bias'].view_as(part.conv.bias)
        logits, weights = part.conv(given['h_warp']), part.weights(given['h_warp'])
        assert_close(logits.reshape(wanted['logits'].shape), wanted['logits'], name='logits')
        assert_close(weights.reshape(wanted['attention'].shape), wanted['attention'], name='attention')
        assert_close(part(given['h_warp'], given['h']), wanted[key], name=key)


def test_mask_warp():
    given, wanted = inputs('mask_warp'), expected('mask_warp')
    mask, flow = given['mask'], given['flow'][None]
    warped = warp(mask[None, None], flow)[0, 0]
    assert_close(warped, wanted['warped'], name='warped')
    boxes = boxes_of_masks((warped >= 0.5)[None])
    assert_close(boxes[0], wanted['box'], name='box')
    assert_close(enlarge_boxes(boxes, 0.15, mask.shape)[0], wanted['box_enlarged'], name='box_enlarged')


def test_state_warp():
    given, wanted = inputs('state_warp'), expected('state_warp')
    single = given['h_prev'].dim() == 3
    state = given['h_prev'][None] if single else given['h_prev']
    flow = given['flow'].view(1, 2, *given['flow'].shape[-2:])
    out = warp_roi_state(state, given['box_prev'].view(-1, 4), given['box_cur'].view(-1, 4), flow)
    assert_close(out[0] if single else out, wanted['h_warp'], name='h_warp')
