"""RGMP against the original implementation."""

import numpy as np
import pytest
import torch
from golden import assert_close, fill, load_golden

from mmvos.converters import convert
from mmvos.inference import InferenceSession
from mmvos.registry import MODELS

DESCRIPTION, ARRAYS = load_golden('rgmp')


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


@pytest.fixture(scope='module')
def model():
    model = MODELS.build(
        dict(
            type='RGMP',
            encoder=dict(type='MaskedResNet', depth=50),
            decoder=dict(type='PropagationDecoder', align_corners=True, auxiliary=True),
            test_cfg=dict(pad=dict(type='PadToMultiple', divisor=32, always=True, front='floor'), keep_scores=True),
        )
    )
    weights = fill(DESCRIPTION['params'], DESCRIPTION['fill_scale'])
    for name, value in DESCRIPTION['constants'].items():  # buffers of the original encoder
        weights[name] = torch.tensor(value).view(1, 3, 1, 1)
        stored = model.data_preprocessor.mean if name.endswith('mean') else model.data_preprocessor.std
        assert_close(stored.flatten() / 255, value, name=name)
    model.load_state_dict(convert('rgmp', weights), strict=True)
    return model.eval()


@torch.no_grad()
@pytest.mark.parametrize('align_corners', [True, False])
def test_one_object(model, align_corners):
    switched = [model.decoder, model.decoder.refine4, model.decoder.refine3, model.decoder.refine2]
    for part in switched:
        part.align_corners = align_corners
    images = model.data_preprocessor.normalise(torch.from_numpy(ARRAYS['frames']).permute(0, 3, 1, 2).float())
    reference = model.encode_reference(images[:1], torch.from_numpy(ARRAYS['masks0'][:1]))
    features = model.encoder(images[1:2], torch.from_numpy(ARRAYS['prev'])[:, None])
    decoder, outputs = model.decoder, {}
    handles = []
    for name, module in dict(GC=decoder.global_conv, RF4=decoder.refine4, RF3=decoder.refine3, RF2=decoder.refine2).items():
        handles.append(module.register_forward_hook(lambda _, __, out, name=name: outputs.update({name: out})))
    logits = decoder(features, reference)
    [handle.remove() for handle in handles]
    case = f'ac{int(align_corners)}'
    if align_corners:  # the encoder has no enlargement; stored once
        check('ref_r5', reference)
        for name, value in zip(('r2', 'r3', 'r4', 'r5'), features, strict=True):
            check(name, value)
    for name, value in outputs.items():
        check(f'{case}.{name}', value)
    for level, value in zip((2, 3, 4, 5), logits, strict=True):
        check(f'{case}.logits{level}', value)
    check(
        f'{case}.logits',
        torch.nn.functional.interpolate(logits[0], scale_factor=4, mode='bilinear', align_corners=align_corners),
    )
    check(f'{case}.prob', decoder.probability(logits[0]))
    for part in switched:
        part.align_corners = True


@pytest.mark.parametrize('count', [1, 2])
def test_video(model, count):
    """Three frames through the session: padding, three scales, propagation, the pass for the background."""
    session = InferenceSession(model)
    prompt = sum((i + 1) * ARRAYS['masks0'][i] for i in range(count)).astype(np.uint8)
    stored = ARRAYS['so.prob' if count == 1 else 'mo.prob']
    for index, frame in enumerate(ARRAYS['frames']):
        result = session.step(np.ascontiguousarray(frame[..., ::-1]), prompt if index == 0 else None)
        if index == 0:
            continue
        if count == 1:
            assert_close(result.pred_scores[1], stored[0, index], name=f'frame {index}')
        else:
            assert_close(result.pred_scores, stored[:, index], name=f'frame {index}')
            best = np.sort(stored[:, index], axis=0)
            clear = best[-1] - best[-2] > 1e-3  # scores agree to 1e-4: a tie may fall either way
            assert clear.mean() > 0.9
            np.testing.assert_array_equal(result.pred_label_map[clear], ARRAYS['mo.labels'][index][clear])
