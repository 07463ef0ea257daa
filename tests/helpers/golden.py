"""Golden vectors: outputs of the original implementations for weights that are made from parameter names."""

import json
import os
import zlib
from pathlib import Path

import numpy as np
import torch

GOLDEN_DIR = Path(os.environ.get('MMVOS_GOLDEN_DIR', Path(__file__).parents[1] / 'data' / 'golden'))


def fill_one(name, shape):
    """The float32 array that stands for the parameter ``name``: seeded by the name, scaled by the kind of parameter."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    noise = rng.standard_normal(tuple(int(s) for s in shape))
    leaf = name.rsplit('.', 1)[-1]
    if leaf == 'num_batches_tracked':
        return np.zeros(noise.shape, np.int64)
    if leaf == 'running_var':
        value = 0.5 + rng.random(noise.shape)
    elif leaf == 'weight' and noise.ndim == 1:
        value = 1 + 0.1 * noise
    elif leaf != 'running_mean' and noise.ndim >= 2:
        value = noise * np.sqrt(1 / max(int(np.prod(noise.shape[1:])), 1))
    else:
        value = 0.1 * noise
    return value.astype(np.float32)


def fill(manifest, scale=None):
    """``{name: shape}`` to ``{name: Tensor}``; ``scale`` multiplies the parameters that it names."""
    scale = scale or {}
    return {
        name: torch.from_numpy(
            np.asarray(fill_one(name, shape) * np.float32(scale[name]) if name in scale else fill_one(name, shape))
        )
        for name, shape in manifest.items()
    }


def load_golden(name):
    """The description (json) and the arrays (npz, or None) of one golden file."""
    description = json.loads((GOLDEN_DIR / f'{name}.json').read_text())
    arrays = GOLDEN_DIR / f'{name}.npz'
    return description, np.load(arrays) if arrays.exists() else None


def assert_close(actual, expected, rel=1e-4, name=''):
    """Largest difference at most ``rel`` of the expected tensor's largest magnitude."""
    actual = np.asarray(actual.detach() if isinstance(actual, torch.Tensor) else actual, np.float64)
    expected = np.asarray(expected, np.float64)
    assert actual.shape == expected.shape, f'{name}: shape {actual.shape}, expected {expected.shape}'
    limit = rel * max(np.abs(expected).max(initial=0), 1e-12)
    difference = np.abs(actual - expected).max(initial=0)
    assert difference <= limit, f'{name}: differs by {difference:.3g}, allowed {limit:.3g}'
