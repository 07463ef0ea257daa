"""FlowNet2 family against the official implementation."""

import numpy as np
import pytest
import torch
from golden import assert_close, fill, load_golden

from mmvos.converters import convert
from mmvos.models.flow import FlowNet2, correlation, warp

DESCRIPTION, ARRAYS = load_golden('flownet2')
CASES = {case['name']: case for case in DESCRIPTION['cases']}


def check(key, tensor):
    """Compare with an array stored whole, or with the summary and the first channels of one."""
    if key in ARRAYS:
        return assert_close(tensor, ARRAYS[key], name=key)
    tensor = tensor.double()
    limit = 1e-4 * tensor.abs().max().item()
    stats = [tensor.mean(), tensor.std(correction=0), tensor.min(), tensor.max()]
    np.testing.assert_allclose([s.item() for s in stats], ARRAYS[f'{key}.stats'], rtol=0, atol=limit, err_msg=key)
    stored = ARRAYS[f'{key}.slice']
    np.testing.assert_allclose(tensor[:, : stored.shape[1]].numpy(), stored, rtol=0, atol=limit, err_msg=key)
    return None


def frames():
    return (torch.from_numpy(ARRAYS[name]).permute(2, 0, 1)[None].float() for name in ('image0', 'image1'))


def build(variant, case):
    params = case.get('params', DESCRIPTION['params'])
    scale = case.get('fill_scale', DESCRIPTION['fill_scale'])
    model = FlowNet2(variant)
    model.load_state_dict(convert('flownet2', fill(params, scale)), strict=True)
    return model


def record(module, names):
    """Outputs of submodules, by call."""
    outputs = {name: [] for name in names}
    for name in names:
        module.get_submodule(name).register_forward_hook(lambda _, __, out, name=name: outputs[name].append(out.clone()))
    return outputs


def test_correlation():
    a, b = (torch.from_numpy(ARRAYS[name]) for name in ('corr.a', 'corr.b'))
    assert_close(correlation(a, b), ARRAYS['corr.out'], name='corr.out')


def test_resample2d():
    image, flow = (torch.from_numpy(ARRAYS[name]) for name in ('res.image', 'res.flow'))
    warped = warp(image, flow, padding_mode='border')
    assert_close(warped, ARRAYS['res.out'], name='res.out')


def test_channelnorm():
    image = torch.from_numpy(ARRAYS['res.image'])
    assert_close(torch.linalg.vector_norm(image, dim=1, keepdim=True), ARRAYS['res.norm'], name='res.norm')


@torch.no_grad()
@pytest.mark.parametrize('variant', ['C', 'S', 'SD'])
def test_single_network(variant, monkeypatch):
    name = f'FlowNet2{variant}'
    model = build(variant, CASES[name])
    network = getattr(model, model.STACKS[variant][0])
    layers = [key for key in CASES[name]['outputs'] if not key.startswith(('flow', 'conv3_image')) and key != 'corr']
    outputs = record(network, [*layers, *(['conv3'] if variant == 'C' else [])])
    flows = {}
    decode = network.flows
    monkeypatch.setattr(network, 'flows', lambda *x: flows.setdefault('all', decode(*x)))
    matches = {}
    monkeypatch.setattr('mmvos.models.flow.flownet2.correlation', lambda a, b: matches.setdefault('corr', correlation(a, b)))
    flow = model(*frames())
    expected = CASES[name]['outputs']
    for key in layers:
        check(f'{name}.{key}', outputs[key][0])
    for level, value in zip((6, 5, 4, 3, 2), flows['all'], strict=True):
        check(f'{name}.flow{level}', value)
    if variant == 'C':
        check(f'{name}.conv3_image0', outputs['conv3'][0])
        check(f'{name}.conv3_image1', outputs['conv3'][1])
        check(f'{name}.corr', matches['corr'])
    check(f'{name}.flow', flow)
    compared = set(layers) | {f'flow{level}' for level in (6, 5, 4, 3, 2)} | {'flow'}
    assert set(expected) == compared | ({'conv3_image0', 'conv3_image1', 'corr'} if variant == 'C' else set())


@torch.no_grad()
def test_full_network(monkeypatch):
    model = build('2', CASES['FlowNet2'])
    guesses = []
    explain = model._explain
    monkeypatch.setattr(model, '_explain', lambda *x: guesses.append(explain(*x)) or guesses[-1])
    fusion = {}
    model.flownetfusion.register_forward_pre_hook(lambda _, inputs: fusion.update(input=inputs[0].clone()))
    flow = model(*frames())
    flow_c, flow_cs, flow_css, flow_sd = guesses
    check('FlowNet2.upsample1', flow_c.flow)
    check('FlowNet2.resample1', flow_c.warped)
    check('FlowNet2.upsample2', flow_cs.flow)
    check('FlowNet2.upsample4', flow_css.flow[..., ::4, ::4])
    check('FlowNet2.upsample3', flow_sd.flow[..., ::4, ::4])
    # the input of the fusion is stored at every fourth pixel, its summary is of all pixels
    stored, stats = ARRAYS['FlowNet2.fusion_input.slice'], ARRAYS['FlowNet2.fusion_input.stats']
    assert_close(fusion['input'][..., ::4, ::4], stored, name='fusion_input')
    whole = fusion['input'].double()
    assert_close([whole.mean(), whole.std(correction=0), whole.min(), whole.max()], stats, name='fusion_input.stats')
    check('FlowNet2.flow', flow)
    assert flow.shape == (1, 2, 64, 128)


def test_number_of_parameters():
    counts = {name: sum(p.numel() for p in FlowNet2(name).parameters()) for name in ('C', 'S', 'SD', '2')}
    assert counts == {'C': 39_175_298, 'S': 38_676_506, 'SD': 45_371_666, '2': 162_518_834}
