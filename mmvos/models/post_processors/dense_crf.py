"""Fully connected conditional random field (Kraehenbuehl and Koltun, NeurIPS 2011): refines masks along edges."""

from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvos.registry import MODELS

from .base import PostProcessor


def _library() -> ModuleType:
    try:
        import pydensecrf.densecrf as library
    except ImportError as error:
        raise ImportError(
            'The dense CRF needs the package "pydensecrf2": run `pip install pydensecrf2` (it is '
            'compiled while it is installed and needs a C++ compiler), or leave out '
            '`test_cfg.post_process`.'
        ) from error
    return library


def dense_crf(
    probabilities: np.ndarray,
    image: np.ndarray,
    spatial_std: float = 15.0,
    colour_std: float = 7.0,
    bilateral_weight: float = 9.0,
    smooth_std: float = 1.0,
    smooth_weight: float = 5.0,
    iterations: int = 5,
) -> np.ndarray:
    """Mean-field marginals of a dense CRF with a Gaussian and a bilateral kernel and Potts compatibility.

    Args:
        probabilities (np.ndarray): ``(L, H, W)`` of L labels, any scale per label in 0..1; clipped to 1e-5..1.
        image (np.ndarray): RGB uint8 ``(H, W, 3)``. (The library's lattice approximates the kernels, so that the order of
            features - y, x, R, G, B, as in the authors' scripts - shows in a few labels at the border of an object.)
        spatial_std, colour_std (float): standard deviations of the bilateral kernel, pixels and grey levels.
        bilateral_weight (float): weight of the bilateral kernel.
        smooth_std, smooth_weight (float): standard deviation and weight of the Gaussian kernel.
        iterations (int): mean-field steps.

    Returns:
        float32 ``(L, H, W)``, sums to 1 over the labels.

    Raises:
        ImportError: the library is not installed; says which one.
        ValueError: sizes that do not match.
    """
    labels, height, width = probabilities.shape
    if image.shape != (height, width, 3) or image.dtype != np.uint8:
        raise ValueError(
            f'the image is {image.dtype} {image.shape}; expected uint8 {(height, width, 3)}, the size of the probabilities.'
        )
    field = _library().DenseCRF(height * width, labels)
    unary = -np.log(np.clip(probabilities, 1e-5, 1.0)).astype(np.float32).reshape(labels, -1)
    field.setUnaryEnergy(np.ascontiguousarray(unary))
    yx = np.indices((height, width), np.float32).reshape(2, -1)
    rgb = image.transpose(2, 0, 1).reshape(3, -1).astype(np.float32)
    field.addPairwiseEnergy(np.ascontiguousarray(yx / smooth_std, np.float32), compat=smooth_weight)
    bilateral = np.concatenate([yx / spatial_std, rgb / colour_std]).astype(np.float32)
    field.addPairwiseEnergy(bilateral, compat=bilateral_weight)
    return np.asarray(field.inference(iterations), np.float32).reshape(labels, height, width)


@MODELS.register_module()
class DenseCRF(PostProcessor):
    """Dense CRF over the scores of a frame (defaults as in COSNet's post-processing, the middle of its grid).

    Args:
        stretch (bool): with a single object, its probability is first stretched to 0..1 over the frame (unless it is
            constant), as the authors' script does on saved maps. With more objects the scores only get a sum of 1.
        kwargs (dict): arguments of :func:`dense_crf`.
    """

    def __init__(self, stretch: bool = True, **kwargs: Any) -> None:
        _library()  # says at once, not at the first frame, that it is missing
        self.stretch, self.options = stretch, kwargs

    def __call__(self, scores: Tensor, frame: np.ndarray) -> Tensor:
        probabilities = scores.detach().clamp(min=0)
        probabilities = probabilities / probabilities.sum(0, keepdim=True).clamp(min=1e-12)
        if self.stretch and len(scores) == 2:
            foreground = probabilities[1]
            low, high = foreground.min(), foreground.max()
            if high > low:
                foreground = (foreground - low) / (high - low)
            probabilities = torch.stack([1 - foreground, foreground])
        refined = dense_crf(probabilities.double().cpu().numpy(), np.ascontiguousarray(frame[..., ::-1]), **self.options)
        return torch.from_numpy(refined).to(scores.device)
