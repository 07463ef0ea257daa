from .foreground_loss import ForegroundBCELoss, MaskL1Loss
from .instance_losses import InstanceBCELoss, StagedLoss, WIDLoss
from .mask_log_likelihood import MaskLogLikelihoodLoss
from .soft_iou_loss import FirstNHungarianAssigner, SoftIoULoss

__all__ = [
    'FirstNHungarianAssigner', 'ForegroundBCELoss', 'InstanceBCELoss', 'MaskL1Loss', 'MaskLogLikelihoodLoss',
    'SoftIoULoss', 'StagedLoss', 'WIDLoss'
]
