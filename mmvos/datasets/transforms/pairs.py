"""Pairs of frames from anywhere in a video."""
from typing import List, Optional

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmvos.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SamplePair(BaseTransform):
    """A target frame and N reference frames of the same video, however far apart (COSNet, CVPR 2019, section 3.4).

    Adds ``frame_ids``: the target first, then the references. The target is ``target_frame`` if the item names one
    (``FrameDataset``), else a random labelled frame. The references are distinct labelled frames other than the target;
    a video with fewer gives None, so that another video is taken, or repeats frames where ``allow_repeat``.

    Args:
        num_references: N.
        allow_repeat: see above.
    """

    def __init__(self, num_references: int = 1, allow_repeat: bool = False) -> None:
        if num_references < 1:
            raise ValueError(f'SamplePair: num_references is {num_references}; expected at least 1.')
        self.num_references, self.allow_repeat = num_references, allow_repeat

    @cache_randomness
    def _choose(self, labelled: List[int], target: Optional[int]) -> Optional[List[int]]:
        if target is None:
            target = labelled[np.random.randint(len(labelled))]
        others = [frame for frame in labelled if frame != target]
        if len(others) >= self.num_references:
            chosen = np.random.choice(others, self.num_references, replace=False)
        elif self.allow_repeat:
            chosen = np.random.choice(others or [target], self.num_references)
        else:
            return None
        return [int(target), *(int(frame) for frame in chosen)]

    def transform(self, results: dict) -> Optional[dict]:
        labelled = list(results['labelled'])
        frame_ids = self._choose(labelled, results.get('target_frame')) if labelled else None
        if frame_ids is None:
            return None
        results['frame_ids'] = frame_ids
        return results
