"""imatge-upc/rsis: ``encoder.pt`` and ``decoder.pt``."""

import torch

from .base import StateDict, register_converter, rename
from .rvos import join_parts, recurrent_decoder_rules


@register_converter('rsis', parts=('backbone.', 'neck.', 'decoder.', 'head.'))
def convert_rsis(checkpoint: dict) -> StateDict:
    """Files of PyTorch 0.2 lack the batch norms' counters, which are set to 0."""
    rules = recurrent_decoder_rules((1, 2, 3, 4, 5))
    rules.append((r'decoder\.fc_(class|stop)\.(weight|bias)', r'head.fc_\1.\2'))
    weights = rename(join_parts(checkpoint), rules, (r'encoder\.base\.fc\..*',))
    for key in [k for k in weights if k.endswith('.running_mean')]:
        weights.setdefault(key.replace('running_mean', 'num_batches_tracked'), torch.tensor(0))
    return weights
