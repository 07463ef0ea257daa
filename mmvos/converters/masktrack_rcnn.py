"""MaskTrack R-CNN: checkpoints of the original repository, and of mmdet / mmtracking."""

from .base import StateDict, register_converter, rename

_BOX_CLASS = 'detector.roi_head.bbox_head.fc_cls.'
_BOX_DELTA = 'detector.roi_head.bbox_head.fc_reg.'
_MASK = 'detector.roi_head.mask_head.conv_logits.'


@register_converter('masktrack_rcnn', parts=('detector.backbone.', 'detector.roi_head.', 'track_head.'))
def convert_original(state_dict: StateDict) -> StateDict:
    """The original repository (youtubevos/MaskTrackRCNN): class 0 is the background there, the last one here.

    Its boxes follow other conventions (a box includes its last pixel), so use a config that has them, such as
    ``configs/masktrack_rcnn/masktrack-rcnn-original_r50-fpn_ytvis2019_test-ytvis2019.py``.
    """
    renamed = rename(
        state_dict,
        [
            (r'((?:backbone|neck|rpn_head)\..*)', r'detector.\1'),
            (r'bbox_head\.((?:shared_fcs\.\d+|fc_cls|fc_reg)\.(?:weight|bias))', r'detector.roi_head.bbox_head.\1'),
            (r'(mask_head\..*)', r'detector.roi_head.\1'),
            (r'track_head\.(fcs\.\d+\.(?:weight|bias))', r'track_head.embed_head.\1'),
        ],
    )
    for leaf in ('weight', 'bias'):
        if _BOX_CLASS + leaf in renamed:
            renamed[_BOX_CLASS + leaf] = renamed[_BOX_CLASS + leaf].roll(-1, 0)
        if _BOX_DELTA + leaf in renamed:
            renamed[_BOX_DELTA + leaf] = renamed[_BOX_DELTA + leaf][4:].clone()
        if _MASK + leaf in renamed:
            renamed[_MASK + leaf] = renamed[_MASK + leaf][1:].clone()
    return renamed


@register_converter('masktrack_rcnn_openmmlab', parts=('detector.backbone.', 'detector.roi_head.', 'track_head.'))
def convert_openmmlab(state_dict: StateDict) -> StateDict:
    """mmdet and mmtracking: the same names; the config must set ``final_relu=True`` in the embedding head."""
    return rename(state_dict, [(r'((?:detector|track_head)\..*)', r'\1')])
