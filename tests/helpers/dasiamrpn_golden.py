"""What the golden tests of the two DaSiamRPN models share: a file with its trackers, and one check per kind of case."""

import numpy as np
import pytest
import torch
from golden import assert_close, fill, load_golden

from mmvos.converters import convert
from mmvos.models.trackers import DaSiamRPN
from mmvos.models.trackers.dasiamrpn import anchor_boxes, cosine_window, crop

NETWORKS = {
    'SiamRPNvot': dict(type='SiamRPN', widths=(96, 256, 384, 384, 256), feature_channels=256),
    'SiamRPNBIG': dict(type='SiamRPN', widths=(192, 512, 768, 768, 512), feature_channels=512),
}
STRIDES = {'z_block1': (slice(None), slice(None, None, 24), slice(None, None, 4), slice(None, None, 4))}
EVERY_32ND = (slice(None), slice(None, None, 32))
EVERY_8TH_FEATURE = (slice(None), slice(None, None, 8))


class Golden:
    """One golden file: its arrays, and trackers with its weights."""

    def __init__(self, name):
        self.description, self.arrays = load_golden(name)
        self.cases = {case['name']: case for case in self.description['cases']}
        weights = fill(self.description['params'], self.description['fill_scale'])
        self.weights = convert('dasiamrpn', weights)

    def tracker(self, lr, window_influence, penalty_k, instance_size, adaptive):
        tracker = DaSiamRPN(
            NETWORKS[self.description['model']],
            lr=lr,
            window_influence=window_influence,
            penalty_k=penalty_k,
            instance_size=instance_size,
            small_instance_size=287 if adaptive else None,
        )
        tracker.network.load_state_dict(self.weights, strict=True)
        return tracker

    def __getitem__(self, key):
        return self.arrays[key]

    def __contains__(self, key):
        return key in self.arrays.files


def check_summary(golden, key, value, index):
    value = value.detach().double()
    stats = [value.mean(), value.std(unbiased=False), value.min(), value.max()]
    assert_close(np.array(stats), golden[f'{key}.stats'], 1e-4, f'{key}.stats')
    assert_close(value[index], golden[f'{key}.slice'], 1e-4, f'{key}.slice')


def check_network(golden):
    net = golden.tracker(**golden.cases['track']['cfg']).network
    z, x = (torch.from_numpy(golden[k]).float()[None] for k in ('track.z_crop', 'track.t1.x_crop'))
    with torch.no_grad():
        check_summary(golden, 'net.z_block1', net.trunk[:4](z), STRIDES['z_block1'])
        assert_close(net.trunk(z), golden['net.z_feat'], 1e-4, 'z_feat')
        features = net.trunk(x)
        check_summary(golden, 'net.x_feat', features, EVERY_32ND)
        check_summary(golden, 'net.x_r2', net.search_regression(features), EVERY_32ND)
        check_summary(golden, 'net.x_cls2', net.search_classification(features), EVERY_32ND)
        kernels = net.embed(z)
        for key, value in (('net.r1_kernel', kernels.regression[0]), ('net.cls1_kernel', kernels.classification[0])):
            if key in golden:
                assert_close(value, golden[key], 1e-4, key)
            else:
                check_summary(golden, key, value, EVERY_8TH_FEATURE)
        deltas, scores = net(x, kernels)
    assert_close(deltas, golden['net.delta'], 1e-4, 'delta')
    assert_close(scores, golden['net.score'], 1e-4, 'score')


def check_track(golden, name, frames_key):
    case = golden.cases[name]
    tracker, frames = golden.tracker(**case['cfg']), golden[frames_key]
    cx, cy, w, h = case['init']
    state = tracker.init(frames[0], np.array([[cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]]))
    target = state.targets[0]
    if f'{name}.avg' in golden:
        np.testing.assert_array_equal(target.padding, golden[f'{name}.avg'].astype(np.uint8))
        side = round(float(tracker.exemplar_size / tracker.crop_scale(target)))
        z = crop(frames[0], target.centre, side, 127, target.padding)
        np.testing.assert_array_equal(z.transpose(2, 0, 1), golden[f'{name}.z_crop'])
    for step in range(1, len(frames)):
        prefix, before = f'{name}.t{step}', state.targets[0]
        if f'{prefix}.x_crop' in golden:
            x = tracker.search_crop(frames[step], before)
            np.testing.assert_array_equal(x.transpose(2, 0, 1), golden[f'{prefix}.x_crop'])
            deltas, scores = tracker.network(
                tracker._to_tensor([x]), tracker.network.embed(torch.from_numpy(golden[f'{name}.z_crop']).float()[None])
            )
            assert_close(deltas, golden[f'{prefix}.delta'], 1e-4, f'{prefix}.delta')
            assert_close(scores, golden[f'{prefix}.score'], 1e-4, f'{prefix}.score')
            _, _, penalty, weighted = tracker.rate_proposals(before, deltas[0], scores[0])
            if f'{prefix}.penalty' in golden:
                assert_close(penalty, golden[f'{prefix}.penalty'], 1e-4, f'{prefix}.penalty')
                assert_close(weighted, golden[f'{prefix}.pscore'], 1e-4, f'{prefix}.pscore')
            expected = golden[f'{prefix}.state']
            assert int(weighted.argmax()) == int(expected[5])
            assert tracker.crop_scale(before) == pytest.approx(expected[6], abs=1e-6)
        tracks, state = tracker.update(frames[step], state)
        target, expected = state.targets[0], golden[f'{prefix}.state']
        np.testing.assert_allclose(np.concatenate((target.centre, target.size)), expected[:4], atol=1e-3)
        np.testing.assert_allclose(tracks.scores, expected[4], atol=1e-4)
        half = target.size / 2
        np.testing.assert_allclose(tracks.boxes[0], np.concatenate((target.centre - half, target.centre + half)))


def check_anchors(golden):
    for positions in (19, 21):
        anchors = anchor_boxes((0.33, 0.5, 1, 2, 3), 8, 8, positions)
        np.testing.assert_array_equal(anchors, golden[f'anchor{positions}'])
        window = golden[f'window{positions}']
        np.testing.assert_allclose(cosine_window(5, positions)[: window.size], window.ravel(), atol=1e-6)
