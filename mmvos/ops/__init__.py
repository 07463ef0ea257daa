"""Operations that mmcv compiles, in plain torch: what stands in for them is :mod:`mmvos._mmcv_ext`."""

from .nms import nms
from .roi_align import roi_align

__all__ = ['nms', 'roi_align']
