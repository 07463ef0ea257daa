"""Published weights of AGSS-VOS."""

from typing import Any

from .base import StateDict, register_converter, rename
from .flownet2 import convert_flownet2
from .rgmp import decoder_rules, encoder_rules


@register_converter('agss_vos', parts=('encoder.', 'attention.', 'decoder.'), nested=('state_dict',))
def convert_agss_vos(state_dict: dict[str, Any]) -> StateDict:
    """For ``AGSSVOS``.

    A published checkpoint ``{'seg': ..., 'flow': ...}`` as a whole gives the weights of the flow network too, for
    ``flow=dict(type='FlowNet2', variant='C')``; a bare state dict is that of the segmentation network.
    """
    network = state_dict.get('seg', state_dict)
    attention = (r'(?:module\.)?Encoder\.atn\.([024])\.(weight|bias)', r'attention.layers.\1.\2')
    converted = rename(network, [attention, *encoder_rules(), *decoder_rules()])
    if 'flow' in state_dict:
        converted.update({f'flow.{key}': value for key, value in convert_flownet2(state_dict['flow']).items()})
    return converted
