"""Cached optical flow, and the resize rules of inference for training clips."""

import os
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.registry import DefaultScope

from mmvos.registry import MODELS, TASK_UTILS, TRANSFORMS
from mmvos.structures import InputError, MissingFileError, atomic_path, join_path
from mmvos.videos.storage import stored

from .clip import read_flow
from .geometry import resize_clip

SUFFIXES = ('.npy', '.flo')
_AGAIN = 'Make it again with tools/misc/precompute_flow.py.'


def flow_path(root: str | os.PathLike, video_id: str, frame_from: str, frame_to: str, suffix: str = '.npy') -> str:
    """Where the flow F_{from->to} between two frames of a video is cached; frames go by the stems of their files.

    The pair is in the name, so that flows over other gaps and in the other direction cannot be confused.

    Args:
        root (str | PathLike): folder of the cache.
        video_id (str): name of the video, its folder.
        frame_from, frame_to (str): names of the two frames without suffix; the flow is defined on the pixels of the first.
        suffix (str): ``'.npy'`` or ``'.flo'``.
    """
    return join_path(root, video_id, f'{frame_from}_to_{frame_to}{suffix}')


def write_flow(path: str | os.PathLike, flow: np.ndarray) -> None:
    """Write flow ``(H, W, 2)``; the file appears when it is complete. ``.npy``: float16, ``.flo``: float32."""
    with atomic_path(path) as temporary, open(temporary, 'wb') as file:
        if str(path).endswith('.flo'):
            np.float32(202021.25).tofile(file)
            np.int32(flow.shape[1::-1]).tofile(file)
            flow.astype(np.float32).tofile(file)
        else:
            np.save(file, flow.astype(np.float16))


def check_flow(path: str | os.PathLike, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Read cached flow.

    Args:
        path (str | os.PathLike): ``.npy``, ``.npz`` or ``.flo`` file.
        shape (tuple[int, int] | None): ``(H, W)`` of the frames.

    Returns:
        float32 ``(H, W, 2)``.

    Raises:
        MissingFileError: no such file.
        InputError: not a flow file, cut short, of another size, or with values that are not finite; names the file.
    """
    path = os.fspath(path)
    try:
        flow = read_flow(path)
    except MissingFileError as error:
        raise MissingFileError(f'{path}: cached optical flow not found. Make it with tools/misc/precompute_flow.py.') from error
    if flow.ndim != 3 or flow.shape[2] != 2 or (shape is not None and flow.shape[:2] != tuple(shape)):
        expected = '(H, W, 2)' if shape is None else (*shape, 2)
        raise InputError(f'{path}: the cached flow is {flow.shape}; expected {expected}. {_AGAIN}')
    if not np.isfinite(flow).all():
        raise InputError(f'{path}: the cached flow has values that are not finite. {_AGAIN}')
    return flow


@TRANSFORMS.register_module()
class LoadFlow(BaseTransform):
    """Read the cached flow between the frames of a clip, each to the one before it in the clip.

    Comes right after ``LoadClip``, before any geometric transform. Adds ``flow_bwd``: T arrays float32 ``(H, W, 2)``.
    The flow belongs to the frames as they follow in the clip: for a reversed clip, or one with gaps, the files of those
    pairs are read. See :func:`flow_path` for their names.

    Args:
        root (str): folder of the cache.
        backend_args (dict | None): its storage, as for :class:`~mmvos.datasets.BaseVOSDataset`.
        start (int): index in the clip of the first frame with a flow; the frames before it get zeros (1; 2 where a reference
            frame stands in front).
        suffix (str): ``'.npy'`` or ``'.flo'``.

    Raises:
        InputError: unknown ``suffix``.
    """

    def __init__(self, root: str, start: int = 1, suffix: str = '.npy', backend_args: dict | None = None) -> None:
        if suffix not in SUFFIXES:
            raise InputError(f'suffix is {suffix!r}; expected one of {SUFFIXES}.')
        self.root, self.start, self.suffix = stored(root, backend_args), start, suffix

    def transform(self, results: dict) -> dict:
        frames = results['frames']
        names = results.get('frame_names') or [Path(frames[i]).stem for i in range(len(frames))]
        ids, shape = results['frame_ids'], results['img'][0].shape[:2]
        flows = [np.zeros((*shape, 2), np.float32) for _ in ids[: self.start]]
        for previous, current in zip(ids[self.start - 1 : -1], ids[self.start :], strict=True):
            path = flow_path(self.root, results['video_id'], names[current], names[previous], self.suffix)
            flows.append(check_flow(path, shape))
        results['flow_bwd'] = flows
        return results


@TRANSFORMS.register_module()
class EstimateFlow(BaseTransform):
    """Optical flow of the middle frame of a clip to one of its neighbours, estimated where the clip is made.

    For a model that looks at one frame and its neighbours: the work is shared out over the data workers. Comes after all
    geometric transforms. One of the possible directions is drawn; a frame in place of a missing neighbour (the
    same ``frame_id``) does not count. Adds ``flow_bwd`` or ``flow_fwd``: T arrays float32 ``(H, W, 2)``, zero except for the
    middle one; ``flow_bwd`` of zeros if there is no neighbour.

    Args:
        estimator (dict): config of a flow estimator that needs no GPU, e.g. ``dict(type='DISFlow')``.
    """

    def __init__(self, estimator: dict) -> None:
        self._config = dict(estimator)

    @cached_property
    def estimator(self) -> torch.nn.Module:
        """The estimator, made at first use."""
        with DefaultScope.overwrite_default_scope('mmvos'):
            return MODELS.build(self._config).eval()

    @torch.no_grad()
    def transform(self, results: dict) -> dict:
        ids, target = results['frame_ids'], len(results['frame_ids']) // 2
        neighbours = {
            key: target + step
            for key, step in (('flow_bwd', -1), ('flow_fwd', 1))
            if 0 <= target + step < len(ids) and ids[target + step] != ids[target]
        }
        shape = results['img'][target].shape[:2]
        key = list(neighbours)[np.random.randint(len(neighbours))] if neighbours else 'flow_bwd'
        flows = [np.zeros((*shape, 2), np.float32) for _ in ids]
        if neighbours:
            frames = np.stack([results['img'][i] for i in (target, neighbours[key])])[..., ::-1]  # RGB
            pixels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
            flows[target] = self.estimator(pixels[:1], pixels[1:])[0].permute(1, 2, 0).numpy()
        results[key] = flows
        return results


@TRANSFORMS.register_module()
class ResizeClipByRule(BaseTransform):
    """Resize all frames of a clip as a resize rule of inference says.

    Args:
        rule (dict): config of a rule ``(H, W) -> (h, w)``, e.g. ``dict(type='ShrinkToMultiple')``.
        backend (str): ``'cv2'`` or ``'pillow'`` (averages when it reduces).
    """

    def __init__(self, rule: dict, backend: str = 'cv2') -> None:
        self.rule, self.backend = TASK_UTILS.build(rule), backend

    def transform(self, results: dict) -> dict:
        return resize_clip(results, tuple(self.rule(*results['img'][0].shape[:2])), self.backend)
