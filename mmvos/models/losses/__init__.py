from .foreground_loss import ForegroundBCELoss, MaskL1Loss
from .instance_iou_loss import InstanceIoULoss, hard_iou
from .instance_losses import InstanceBCELoss, StagedLoss, WIDLoss
from .mask_log_likelihood import MaskLogLikelihoodLoss
from .soft_iou_loss import FirstNHungarianAssigner, SoftIoULoss

__all__ = [
    'FirstNHungarianAssigner', 'ForegroundBCELoss', 'InstanceBCELoss', 'InstanceIoULoss', 'MaskL1Loss',
    'MaskLogLikelihoodLoss', 'SoftIoULoss', 'StagedLoss', 'WIDLoss', 'hard_iou'
]
