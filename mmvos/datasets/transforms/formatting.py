"""The ends of the pipelines."""

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmvos.registry import TRANSFORMS
from mmvos.structures import InputError, VOSDataSample, object_ids_of
from mmvos.videos import FrameArrays, Video


@TRANSFORMS.register_module()
class PackVOSInputs(BaseTransform):
    """End of a training pipeline: ``inputs`` uint8 BGR ``(T, 3, H, W)`` and ``data_samples``, a :class:`VOSDataSample`.

    Args:
        extra_keys (Sequence[str]): per-frame lists of arrays that are stacked to ``(T, ...)`` tensors of the sample under their
            own names; ``flow_bwd`` and ``flow_fwd`` (``(H, W, 2)`` each, become ``(T, 2, H, W)``) are taken whenever they are
            there.
        meta_keys (Sequence[str]): further entries for the sample's metainfo.
    """

    def __init__(self, extra_keys: Sequence[str] = (), meta_keys: Sequence[str] = ()) -> None:
        self.extra_keys, self.meta_keys = tuple(extra_keys), tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        images = np.stack(results['img'])
        if images.dtype != np.uint8:  # photometric transforms of mmdet give floats
            images = np.clip(np.rint(images), 0, 255).astype(np.uint8)
        sample = VOSDataSample()
        if 'gt_seg_map' in results:
            label_maps = np.ascontiguousarray(np.stack(results['gt_seg_map']), np.uint8)
            if label_maps.shape[1:] != images.shape[1:3]:
                raise InputError(
                    f'{results.get("video_id")}: label maps are {label_maps.shape[1:]}, frames are '
                    f'{images.shape[1:3]} after the transforms; use transforms that change both.'
                )
            sample.gt_label_maps = torch.from_numpy(label_maps)
            object_ids = results.get('object_ids') or object_ids_of(label_maps)
            sample.set_metainfo(dict(object_ids=[int(i) for i in object_ids]))
        for key in ('flow_bwd', 'flow_fwd'):
            if key in results:
                flow = np.stack(results[key]).astype(np.float32, copy=False)
                setattr(sample, key, torch.from_numpy(np.ascontiguousarray(flow.transpose(0, 3, 1, 2))))
        for key in self.extra_keys:
            setattr(sample, key, torch.from_numpy(np.ascontiguousarray(np.stack(results[key]))))
        meta = dict(
            video_id=results['video_id'],
            frame_ids=list(results['frame_ids']),
            img_shape=images.shape[1:3],
            ori_shape=results.get('ori_shape', images.shape[1:3]),
        )
        meta.update({key: results[key] for key in self.meta_keys})
        sample.set_metainfo(meta)
        return dict(inputs=torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))), data_samples=sample)


@TRANSFORMS.register_module()
class PackVideo(BaseTransform):
    """End of a test pipeline: ``inputs`` is a :class:`Video`, whose frames are decoded when they are asked for.

    Args:
        prefetch (int): how many frames a background thread decodes ahead.
        max_frames (int): keep only the first frames (for a quick validation).
        meta_keys (Sequence[str]): entries of the video that its results carry, where it has them.
    """

    META_KEYS = ('annotations', 'eval_frames', 'submit_frames', 'prompt_frames', 'object_frames', 'categories', 'group')

    def __init__(self, prefetch: int = 4, max_frames: int = 0, meta_keys: Sequence[str] = META_KEYS) -> None:
        self.prefetch, self.max_frames, self.meta_keys = prefetch, max_frames, tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        frames = results['frames']
        count = min(len(frames), self.max_frames or len(frames))
        metainfo = {key: results[key] for key in self.meta_keys if results.get(key) is not None}
        prompts = {i: prompt for i, prompt in results['prompts'].items() if i < count}
        common = dict(video_id=results['video_id'], prompts=prompts, metainfo=metainfo, prefetch=self.prefetch)
        if isinstance(frames[0], np.ndarray):
            return dict(inputs=FrameArrays(frames[:count], **common))
        names = results.get('frame_names')
        return dict(inputs=Video(frames[:count], frame_names=names and names[:count], **common))
