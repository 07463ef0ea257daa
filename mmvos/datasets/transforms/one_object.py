"""Validation on one object of a video."""

import os

from mmcv.transforms import BaseTransform

from mmvos.registry import TRANSFORMS
from mmvos.structures import object_ids_of
from mmvos.videos.label_source import LabelSource, read_annotation


@TRANSFORMS.register_module()
class KeepOneObject(BaseTransform):
    """Test pipeline: keep the object with the lowest id in the video's first prompt, from that frame on.

    A quick validation while training (A-GAME: 32 frames of one object of each held-out video).

    Args:
        num_frames: keep at most so many frames (None: all).
    """

    def __init__(self, num_frames: int | None = None) -> None:
        self.num_frames = num_frames

    def transform(self, results: dict) -> dict:
        first, options = min(results['prompts']), results['label_options']
        chosen = object_ids_of(read_annotation(results['prompts'][first], options=options))[0]
        frames = results['frames'][first:][: self.num_frames]

        def alone(source):
            if isinstance(source, (str, os.PathLike)) and not options.get('binary'):  # read when it is asked for
                return LabelSource(source, table={chosen: chosen}, size_mismatch=options.get('size_mismatch', 'error'))
            label_map = read_annotation(source, options=options)
            return label_map * (label_map == chosen)

        results.update(
            frames=frames,
            prompts={0: alone(results['prompts'][first])},
            eval_frames=None,
            submit_frames=None,
            annotations={
                i - first: alone(source) for i, source in results['annotations'].items() if first <= i < first + len(frames)
            },
            categories={k: v for k, v in results['categories'].items() if k == chosen},
        )
        if results.get('frame_names'):
            results['frame_names'] = results['frame_names'][first : first + len(frames)]
        return results
