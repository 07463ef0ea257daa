"""Clips made from a single frame."""

import numpy as np
import torch
import torch.nn.functional as F

import mmvos.datasets  # noqa: F401  (registers)
import mmvos.engine  # noqa: F401  (registers)
from mmvos.datasets.transforms.first_frame_synthesis import FirstFrameSynthesis

# Synthesis


def picture(seed=0):
    """A smooth textured frame with two objects."""
    rng = np.random.default_rng(seed)
    noise = F.interpolate(torch.from_numpy(rng.random((1, 3, 15, 20))), (120, 160), mode='bicubic').clamp(0, 1)
    frame = (255 * noise[0].permute(1, 2, 0).numpy()).astype(np.uint8)
    label_map = np.zeros((120, 160), np.uint8)
    label_map[20:60, 20:70] = 4
    label_map[70:105, 90:140] = 9
    return frame, label_map


def test_dreams_keep_sizes_and_ids():
    frame, label_map = picture()
    dream, rng = FirstFrameSynthesis(clip_len=3, min_size=20), np.random.default_rng(0)
    for _ in range(10):
        clip = dream(frame, label_map, rng)
        assert len(clip.frames) == len(clip.label_maps) == len(clip.flows_bwd) == 3
        assert clip.frames[0].shape == frame.shape and clip.frames[0].dtype == np.uint8
        assert set(np.unique(clip.label_maps)) <= {0, 4, 9}
        assert len(set(np.unique(clip.label_maps[0])) - {0}) >= 1


def test_identity_reproduces_the_frame():
    frame, label_map = picture()
    clip = FirstFrameSynthesis(identity_prob=1.0)(frame, label_map, np.random.default_rng(0))
    np.testing.assert_array_equal(clip.label_maps[0], label_map)
    np.testing.assert_array_equal(clip.frames[0], frame)


def test_flow_carries_the_previous_frame_to_the_next():
    import cv2

    frame, label_map = picture()
    dream, rng = FirstFrameSynthesis(clip_len=2, min_size=20), np.random.default_rng(1)
    errors, same_object = [], []
    for _ in range(10):
        clip = dream(frame, label_map, rng)
        (old, new), (old_labels, labels), flow = clip.frames, clip.label_maps, clip.flows_bwd[1]
        y, x = np.mgrid[:120, :160].astype(np.float32)
        u, v = x + flow[..., 0], y + flow[..., 1]
        inside = (u > 0) & (v > 0) & (u < 159) & (v < 119)
        source = cv2.remap(old_labels, u, v, cv2.INTER_NEAREST)
        carried = cv2.remap(old, u, v, cv2.INTER_LINEAR)

        def interior(label):  # three pixels away from every border between layers
            kernel = np.ones((7, 7), np.uint8)
            return cv2.dilate(label, kernel) == cv2.erode(label, kernel)

        was_interior = cv2.remap(interior(old_labels).astype(np.uint8), u, v, cv2.INTER_NEAREST) > 0
        plain = inside & (source == labels) & interior(labels) & was_interior
        errors.append(np.abs(carried.astype(int) - new)[plain].mean())
        objects = (labels > 0) & inside
        same_object.append((source == labels)[objects].mean() if objects.any() else 1)
    assert np.mean(errors) < 2
    assert np.mean(same_object) > 0.97
