from .foreground_loss import ForegroundBCELoss, MaskL1Loss
from .instance_losses import InstanceBCELoss, StagedLoss, WIDLoss
from .mask_log_likelihood import MaskLogLikelihoodLoss

__all__ = ['ForegroundBCELoss', 'InstanceBCELoss', 'MaskL1Loss', 'MaskLogLikelihoodLoss', 'StagedLoss', 'WIDLoss']
