"""Optical flow that data workers estimate for a model that looks at one frame and its neighbours."""

import numpy as np
import pytest
import torch

from mmvos.datasets.transforms import EstimateFlow, PackVOSInputs


def moving_clip(frame_ids=(3, 4, 5)):
    """Texture that moves 4 pixels to the right per frame."""
    texture = np.kron(np.random.default_rng(0).integers(0, 255, (12, 20)), np.ones((8, 8))).astype(np.uint8)
    start = frame_ids[0]
    frames = [np.repeat(texture[8:72, 40 - 4 * (i - start) : 120 - 4 * (i - start), None], 3, 2) for i in frame_ids]
    label_maps = [np.ones((64, 80), np.uint8)] * 3
    return dict(video_id='v', frame_ids=list(frame_ids), img=frames, gt_seg_map=label_maps)


def test_both_directions_are_drawn_and_point_to_where_the_content_was():
    transform = EstimateFlow(dict(type='DISFlow', preset='medium'))
    found = {}
    for seed in range(8):
        np.random.seed(seed)
        results = transform(moving_clip())
        (key,) = {'flow_bwd', 'flow_fwd'} & results.keys()
        found[key] = results[key]
    assert set(found) == {'flow_bwd', 'flow_fwd'}
    for key, dx in (('flow_bwd', -4), ('flow_fwd', 4)):
        before, middle, after = found[key]
        assert not before.any() and not after.any() and middle.dtype == np.float32
        np.testing.assert_allclose(np.median(middle[8:-8, 16:-16], (0, 1)), (dx, 0), atol=0.3)


@pytest.mark.parametrize('frame_ids, expected', [((4, 4, 5), 'flow_fwd'), ((3, 4, 4), 'flow_bwd'), ((4, 4, 4), 'flow_bwd')])
def test_a_frame_that_stands_for_a_missing_neighbour_is_none(frame_ids, expected):
    transform = EstimateFlow(dict(type='DISFlow', preset='ultrafast'))
    for seed in range(4):
        np.random.seed(seed)
        results = transform(moving_clip(frame_ids))
        assert {'flow_bwd', 'flow_fwd'} & results.keys() == {expected}
        assert results[expected][1].any() == (len(set(frame_ids)) > 1)


def test_the_packed_sample_has_the_flow_as_a_tensor():
    results = EstimateFlow(dict(type='DISFlow', preset='ultrafast'))(moving_clip((4, 4, 5)))
    sample = PackVOSInputs()(results)['data_samples']
    assert sample.flow_fwd.shape == (3, 2, 64, 80) and sample.flow_fwd.dtype == torch.float32 and 'flow_bwd' not in sample
