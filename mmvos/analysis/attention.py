"""What a method looks at: the weights of its attention over other frames, or its features of each object, as pictures."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import torch
from torch import Tensor

from mmvos.inference import VOSSession
from mmvos.models.matching import FrameRead, WindowRead
from mmvos.models.segmentors import AGSSVOS
from mmvos.models.segmentors.cosnet import SiameseCoAttentionModel
from mmvos.structures import InputError


@dataclass(frozen=True)
class AttentionMap:
    """Weights with which one place of a frame reads another frame, or how much a feature map holds in each place.

    Attributes:
        part (str): part of the model that reads.
        frame (int): index of the frame that is read.
        weights (np.ndarray): float32 ``(h, w)``, at the part's stride; over all frames that a part reads their sum is 1.
    """

    part: str
    frame: int
    weights: np.ndarray


def attention_maps(
    model: Any, frames: Sequence[np.ndarray], point: tuple[float, float] | None = None, prompt: np.ndarray | None = None
) -> list[AttentionMap]:
    """What a place in the last of some frames reads from the frames before it; of :class:`AGSSVOS`, what its modules make of
    the last frame.

    Args:
        model (BaseVOSModel): a :class:`COSNet` or :class:`COSNetCausal`, or a method that reads labels by
            :class:`WindowRead` or :class:`FrameRead`, such as :class:`RecallVOS`; or an :class:`AGSSVOS`.
        frames (Sequence[np.ndarray]): BGR uint8 ``(H, W, 3)``, two or more of one size.
        point (tuple[float, float] | None): x and y of the place, in pixels; AGSS-VOS needs none.
        prompt (np.ndarray | None): label map uint8 ``(H, W)`` of the first frame, for a method that needs one.

    Returns:
        list[AttentionMap]: one map a part and a frame that it reads. AGSS-VOS: features that all objects share (``agnostic``),
            and for each object its features, its attention, and the shared features times the attention (``visual_1``,
            ``attention_1``, ``specific_1``); mean absolute value of the channels, with the sum 1 (Figure 3 of the paper).

    Raises:
        InputError: a model without such an attention, fewer than two frames, or a place outside the frame.
    """
    if len(frames) < 2:
        raise InputError(f'{len(frames)} frames: expected the frame that looks and one or more before it.')
    if isinstance(model, AGSSVOS):
        return _object_features(model, frames, prompt)
    height, width = frames[0].shape[:2]
    if point is None:
        raise InputError(f'{type(model).__name__}: expected the place that looks.')
    if not (0 <= point[0] < width and 0 <= point[1] < height):
        raise InputError(f'place {point}: outside the frame of {width}x{height} (width x height).')
    if isinstance(model, SiameseCoAttentionModel):
        return _co_attention(model, frames, point)
    if not any(isinstance(part, (WindowRead, FrameRead)) for part in model.modules()):
        raise InputError(f'{type(model).__name__} has no attention that can be drawn; expected COSNet, RecallVOS or AGSS-VOS.')
    return _label_reads(model, frames, point, prompt)


def draw_attention(frame: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A frame with weights over it, from blue (0) to red (the largest); BGR uint8 ``(H, W, 3)``."""
    enlarged = cv2.resize(weights, frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    heat = cv2.applyColorMap((255 * enlarged / max(enlarged.max(), 1e-12)).astype(np.uint8), cv2.COLORMAP_JET)
    return cv2.addWeighted(frame, 0.5, heat, 0.5, 0)


@torch.no_grad()
def _co_attention(model: Any, frames: Sequence[np.ndarray], point: tuple[float, float]) -> list[AttentionMap]:
    session = VOSSession(model)
    view = session._view(frames[0])
    *references, target = (model.extract_feat(view.view(frame, t).image) for t, frame in enumerate(frames))
    row, column = _cell(point, frames[0].shape, target.shape)
    maps = [model.co_attention.attention_maps(target, reference) for reference in references]
    of_cell = [x[0, row * target.shape[-1] + column].view(target.shape[-2:]).cpu().numpy() / len(maps) for x in maps]
    return [AttentionMap('co_attention', t, weights) for t, weights in enumerate(of_cell)]


def _object_features(model: AGSSVOS, frames: Sequence[np.ndarray], prompt: np.ndarray | None) -> list[AttentionMap]:
    session = VOSSession(model)
    made: dict[str, list[Tensor]] = {}

    def recorded(name: str) -> Callable[..., Any]:
        method = getattr(model, name)

        def call(*args: Any) -> Any:
            outputs = method(*args)
            made[name] = list(outputs)
            return outputs

        return call

    for t, frame in enumerate(frames[:-1]):
        session.step(frame, prompt if t == 0 else None)
    with (
        patch.object(model, 'agnostic_features', recorded('agnostic_features')),
        patch.object(model, 'specific_features', recorded('specific_features')),
    ):
        session.step(frames[-1])
    visual, attention = made['specific_features']
    shared = made['agnostic_features'][1][:1] if model.use_iam else attention[:1] * 0
    found = [('agnostic', shared[0])] if model.use_iam else []
    for k, object_id in enumerate(session.object_ids):
        found += [(f'visual_{object_id}', visual[k]), (f'attention_{object_id}', attention[k])]
        found += [(f'specific_{object_id}', shared[0] * attention[k])] if model.use_iam else []
    return [AttentionMap(name, len(frames) - 1, _strength(maps)) for name, maps in found]


def _strength(maps: Tensor) -> np.ndarray:
    """Mean absolute value of the channels of ``(C, h, w)``, with the sum 1."""
    strength = maps.abs().mean(0)
    return (strength / strength.sum().clamp(min=1e-12)).float().cpu().numpy()


def _label_reads(
    model: Any, frames: Sequence[np.ndarray], point: tuple[float, float], prompt: np.ndarray | None
) -> list[AttentionMap]:
    session, found = VOSSession(model), []
    with _recorded_features(model) as features:
        for t, frame in enumerate(frames[:-1]):
            session.step(frame, prompt if t == 0 else None)
        with _recorded_reads(model) as reads:
            session.step(frames[-1])
    for name, part, query, keys in reads:
        weights = _read_weights(part, query, keys, _cell(point, frames[0].shape, query.shape))
        for slot, slot_weights in enumerate(weights):
            slot_keys = keys[:, :, slot] if keys.ndim == 5 else keys
            found.append(AttentionMap(name, _frame_of(slot_keys, features), slot_weights.cpu().numpy()))
    return found


def _read_weights(part: Any, query: Tensor, keys: Tensor, cell: tuple[int, int]) -> Tensor:
    """Weights ``(T, h, w)`` of a cell: a read is linear in the labels, so they are its derivative by the labels."""
    labels = torch.zeros_like(keys[:, :1], requires_grad=True)
    with torch.enable_grad():
        read = part(query, keys, labels)[0, 0, cell[0], cell[1]]
        (weights,) = torch.autograd.grad(read, labels)
    return weights[0, 0].view(-1, *keys.shape[-2:])


def _cell(point: tuple[float, float], shape: Sequence[int], map_shape: Sequence[int]) -> tuple[int, int]:
    """Row and column of a pixel in a map of the whole frame."""
    return int(point[1] * map_shape[-2] / shape[0]), int(point[0] * map_shape[-1] / shape[1])


@contextmanager
def _recorded_features(model: Any) -> Iterator[list[list[Tensor]]]:
    """The features of every frame that is encoded inside."""
    features: list[list[Tensor]] = []
    extract_feat = model.extract_feat

    def extract(images: Tensor) -> Any:
        maps = extract_feat(images)
        features.append([value for value in maps if isinstance(value, Tensor)])
        return maps

    with patch.object(model, 'extract_feat', extract):
        yield features


@contextmanager
def _recorded_reads(model: Any) -> Iterator[list[tuple[str, Any, Tensor, Tensor]]]:
    """Name, part, query and keys of every read inside."""
    reads: list[tuple[str, Any, Tensor, Tensor]] = []
    handles = []
    for name, part in model.named_modules():
        if isinstance(part, (WindowRead, FrameRead)):

            def record(part: Any, inputs: tuple[Tensor, ...], name: str = name) -> None:
                reads.append((name, part, inputs[0].detach(), inputs[1].detach()))

            handles.append(part.register_forward_pre_hook(record))
    try:
        yield reads
    finally:
        for handle in handles:
            handle.remove()


def _frame_of(keys: Tensor, features: Sequence[Sequence[Tensor]]) -> int:
    """Index of the frame whose features are the keys."""
    matches = (t for t, maps in enumerate(features) if any(x.shape == keys.shape and torch.equal(x, keys) for x in maps))
    return next(matches, -1)
