"""AGSS-VOS against the original implementation."""

import numpy as np
import pytest
import torch
from golden import assert_close, fill, load_golden

from mmvos.converters import convert
from mmvos.inference import InferenceSession
from mmvos.models.flow import FlowEstimator, warp
from mmvos.models.heads import aggregate_objects
from mmvos.models.losses import InstanceIoULoss, hard_iou
from mmvos.registry import MODELS

DESCRIPTION, ARRAYS = load_golden('agss_vos')


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


def tensor(name):
    return torch.from_numpy(ARRAYS[name])


@pytest.fixture(scope='module')
def model():
    model = MODELS.build(
        dict(
            type='AGSSVOS',
            encoder=dict(type='MaskedResNet', depth=50),
            decoder=dict(type='PropagationDecoder'),
            attention=dict(type='AttentionGenerator'),
            loss_mask=dict(type='InstanceIoULoss'),
            flow=dict(type='ZeroFlow'),
            warp_grid='legacy',
            test_cfg=dict(upsample='labels', keep_scores=True),
        )
    )
    state = convert('agss_vos', fill(DESCRIPTION['params'], DESCRIPTION['fill_scale']))
    model.load_state_dict(state, strict=True)
    return model.eval()


def image(model, name):
    return model.data_preprocessor.normalise(tensor(name).permute(2, 0, 1)[None].float())


def record(modules):
    """Outputs of modules by name, one list per name, in the order of the calls."""
    outputs = {name: [] for name in modules}
    handles = [
        module.register_forward_hook(lambda _, __, out, name=name: outputs[name].append(out.clone()))
        for name, module in modules.items()
    ]
    return outputs, handles


@torch.no_grad()
def test_reference(model):
    encoder = model.encoder
    outputs, handles = record(
        {
            'conv1': encoder.conv1,
            'conv1_p': encoder.conv1_p,
            'res2': encoder.layer1,
            'res3': encoder.layer2,
            'res4': encoder.layer3,
        }
    )
    reference = model.encode_reference(image(model, 'img0'), tensor('mask0'))
    [handle.remove() for handle in handles]
    check('ref_r5', reference)
    for name, values in outputs.items():
        check(f'ref.enc.{name}', values[0])


@torch.no_grad()
def test_three_objects(model):
    decoder, encoder = model.decoder, model.encoder
    outputs, handles = record(
        {
            't3.r2': encoder.layer1,
            't3.r3': encoder.layer2,
            't3.r4': encoder.layer3,
            't3.r5': encoder.layer4,
            't3.instance_attention': model.attention,
            't3.gc': decoder.global_conv,
            't3.m5': decoder.refine5,
            't3.m4': decoder.refine4,
            't3.m3': decoder.refine3,
            't3.m2': decoder.refine2,
            't3.logits_quarter': decoder.predict2,
        }
    )
    normalised = model.segment(image(model, 'img1'), tensor('warped1'), [tensor('ref_r5')], [3])
    [handle.remove() for handle in handles]
    outputs['t3.r2'], outputs['t3.instance_visual'] = outputs['t3.r2'][:1], outputs['t3.r2'][1:]
    for name, values in outputs.items():
        assert len(values) == 1, name
        check(name, values[0])
    raw = decoder.probability(outputs['t3.logits_quarter'][0])
    check('t3.raw', raw[:, None])
    check('t3.p', normalised[:, None])
    check('t3.bg', aggregate_objects(raw)[:1, None])


@torch.no_grad()
def test_one_object(model):
    reference = model.encode_reference(image(model, 'img0'), tensor('mask0')[:1])
    check('one.ref_r5', reference)
    check('one.p', model.segment(image(model, 'img1'), tensor('warped1')[:1], [reference], [1])[:, None])


def test_normalise():
    probabilities = tensor('norm.logits').softmax(1)[:, 1]
    check('norm.p', aggregate_objects(probabilities)[1:, None])


def test_warp():
    mask, flow = tensor('warp.mask').transpose(0, 1), tensor('warp.flow').permute(2, 0, 1)[None]
    check('warp.legacy', warp(mask, flow, grid='legacy').transpose(0, 1))
    check('warp.exact', warp(mask, flow, grid='exact').transpose(0, 1))


def test_loss():
    prediction, label = tensor('loss.pred')[:, 0], tensor('loss.label')[:, 0]
    masks, valid = label == 1, label != 255
    for form in ('minmax', 'product'):
        check(f'loss.{form}', InstanceIoULoss(form)(prediction, masks, valid))
    iou = torch.cat([hard_iou(p[None], m[None].float(), v) for p, m, v in zip(prediction, masks, valid, strict=True)])
    check('loss.iou_hard', iou)


class GivenFlow(FlowEstimator):
    """Plays back the flow of the golden file."""

    def __init__(self):
        super().__init__()
        self.index = 0

    def estimate(self, frames_from, frames_to):
        self.index += 1
        return tensor('loop.flows')[self.index].permute(2, 0, 1)[None]


def test_loop(model):
    """Five frames through the session, an object that comes late and one that is given up."""
    flow, model.flow, model.drop_vanished = model.flow, GivenFlow(), True
    frames, masks, stored = ARRAYS['loop.frames'], ARRAYS['loop.masks'], ARRAYS['loop.scores']
    first = (masks[0] + 2 * masks[1]).astype(np.uint8)
    late = (3 * masks[2]).astype(np.uint8)
    session = InferenceSession(model)
    for index, frame in enumerate(frames):
        prompt = {0: first, 2: late}.get(index)
        result = session.step(np.ascontiguousarray(frame[..., ::-1]), prompt)
        scores = session.state.probabilities
        assert_close(scores, stored[index][: len(scores)], name=f'scores of frame {index}')
        assert not stored[index][len(scores) :].any()
        best = np.sort(np.concatenate([np.full((1, *frame.shape[:2]), 0.5), stored[index]]), axis=0)
        clear = best[-1] - best[-2] > 1e-3
        assert clear.mean() > 0.5
        np.testing.assert_array_equal(result.pred_label_map[clear], ARRAYS['loop.labels'][index][clear])
    model.flow, model.drop_vanished = flow, False
