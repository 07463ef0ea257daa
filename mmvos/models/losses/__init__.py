from .foreground_loss import ForegroundBCELoss, MaskL1Loss
from .instance_iou_loss import InstanceIoULoss, hard_iou
from .instance_losses import InstanceBCELoss, StagedLoss, WIDLoss
from .label_map_loss import BalancedLabelLoss, LabelMapLoss
from .mask_log_likelihood import MaskLogLikelihoodLoss
from .oim_loss import OIMLoss
from .sequence_loss import RISLoss, RSISLoss
from .soft_iou_loss import FirstNHungarianAssigner, SoftIoULoss

__all__ = [
    'BalancedLabelLoss',
    'FirstNHungarianAssigner',
    'ForegroundBCELoss',
    'InstanceBCELoss',
    'InstanceIoULoss',
    'LabelMapLoss',
    'MaskL1Loss',
    'MaskLogLikelihoodLoss',
    'OIMLoss',
    'RISLoss',
    'RSISLoss',
    'SoftIoULoss',
    'StagedLoss',
    'WIDLoss',
    'hard_iou',
]
