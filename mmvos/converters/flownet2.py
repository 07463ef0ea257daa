"""Official FlowNet 2.0 checkpoints (NVIDIA's PyTorch implementation)."""

from .base import StateDict, register_converter, rename

_LAYER = r'(?:conv|deconv|inter_conv|predict_flow|upsampled_flow)[\w.]*\.(?:weight|bias)'


@register_converter('flownet2', parts=('flownet',), nested=('state_dict', 'flow'))
def convert_flownet2(state_dict: StateDict) -> StateDict:
    """For ``FlowNet2(variant)``; the variant follows from the file.

    The stacks keep their names. A single network's file has no prefix; which one it is shows in layers that only C
    (``conv_redir``) or SD (``inter_conv5``) have.
    """
    if any('.conv4.' in key for key in state_dict):
        return rename(state_dict, [(rf'((?:flownetc|flownets_[12d]|flownetfusion)\.{_LAYER})', r'\1')])
    layers = {key.split('.')[0] for key in state_dict}
    name = 'flownetc' if 'conv_redir' in layers else 'flownets_d' if 'inter_conv5' in layers else 'flownets'
    return rename(state_dict, [(rf'({_LAYER})', rf'{name}.\1')])
