"""Validation on one object of a video."""

from mmcv.transforms import BaseTransform

from mmvos.registry import TRANSFORMS
from mmvos.structures import object_ids_of
from mmvos.videos import LabelSource


@TRANSFORMS.register_module()
class KeepOneObject(BaseTransform):
    """Test pipeline: keep the object with the lowest id in the video's first prompt, from that frame on.

    A quick validation while training (A-GAME: 32 frames of one object of each held-out video).

    Args:
        num_frames (int | None): keep at most so many frames (None: all).
    """

    def __init__(self, num_frames: int | None = None) -> None:
        self.num_frames = num_frames

    def transform(self, results: dict) -> dict:
        first = min(results['prompts'])
        chosen = object_ids_of(LabelSource.of(results['prompts'][first]).read())[0]
        frames = results['frames'][first:][: self.num_frames]

        results.update(
            frames=frames,
            prompts={0: LabelSource.of(results['prompts'][first]).only([chosen])},
            eval_frames=None,
            submit_frames=None,
            annotations={
                i - first: LabelSource.of(source).only([chosen])
                for i, source in results['annotations'].items()
                if first <= i < first + len(frames)
            },
            categories={k: v for k, v in results['categories'].items() if k == chosen},
        )
        if results.get('frame_names'):
            results['frame_names'] = results['frame_names'][first : first + len(frames)]
        return results
