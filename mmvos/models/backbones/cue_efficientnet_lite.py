"""EfficientNet-Lite that sees further cues beside the colours."""

from typing import Any

from mmcv.cnn import build_conv_layer

from mmvos.registry import MODELS

from .cue_input import CueInput, check_cues
from .efficientnet_lite import SAME, EfficientNetLite


@MODELS.register_module()
class CueEfficientNetLite(CueInput, EfficientNetLite):
    """EfficientNet-Lite with input cues, as :class:`CueResNet` is a ResNet with them.

    Args:
        cues (dict[str, int]): ``{cue: channels}``, see :meth:`CueInput.set_cues`.
        pretrained (bool | str): as for :class:`EfficientNetLite`; further cues get the mean over the colours.
        kwargs (dict): its other arguments; by default one level for each stride from 2 to 32.
    """

    first_weight = 'stem.conv.weight'

    def __init__(self, cues: dict[str, int], pretrained: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**{'out_indices': (1, 2, 3, 5, 7), **kwargs})
        conv = self.stem.conv
        channels = sum(check_cues(cues).values())
        self.stem.conv = build_conv_layer(
            SAME, channels, conv.out_channels, conv.kernel_size[0], stride=conv.stride[0], bias=False
        )
        self.set_cues(cues)
        self._read_pretrained(pretrained)  # now that the stem has its cues
        self._freeze()
