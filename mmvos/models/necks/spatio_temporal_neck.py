"""A neck around any detector's neck, with spatio-temporal attention on the way to the heads."""

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvos.registry import MODELS
from mmvos.structures import InputError

Maps = tuple[Tensor, ...]


@MODELS.register_module()
class SpatioTemporalNeck(BaseModule):
    """Wraps the neck of a two-stage detector: ``neck=dict(type='mmvos.SpatioTemporalNeck', neck=dict(...), ...)``.

    A video model calls :meth:`features`, keeps :meth:`kept` of its result for later frames, and calls :meth:`enhance`
    with what it kept of earlier ones; the neck itself keeps nothing. A detector of still images calls the neck as
    ever; every image is then a first frame.

    Weights of a detector with the plain neck load into the wrapped one.

    Args:
        neck (dict | None): config of the wrapped neck (None: the backbone's maps go to the heads).
        channels (int | Sequence[int]): channels of the maps at each of ``levels`` (one number if all are equal).
        levels (Sequence[int]): indices of the maps that attend, among the neck's outputs (``position='neck'``) or its inputs.
        position (str): ``'neck'``: between the neck and the heads; ``'backbone'``: between the backbone and the neck.
        attention (dict | None): config of the attention; one is built per level.
        first_frame (str): a frame without earlier ones is its own memory (``'self'``), or passes unchanged (``'skip'``).
        init_cfg (dict | list | None): config of the weights' initialisation.

    Raises:
        InputError: unknown ``position`` or ``first_frame``, or another number of ``channels`` than of levels.
    """

    def __init__(
        self,
        neck: dict | None = None,
        channels: int | Sequence[int] = 256,
        levels: Sequence[int] = (1, 2, 3, 4),
        position: str = 'neck',
        attention: dict | None = None,
        first_frame: str = 'self',
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if position not in ('neck', 'backbone'):
            raise InputError(f"position is {position!r}; expected 'neck' or 'backbone'.")
        if first_frame not in ('self', 'skip'):
            raise InputError(f"first_frame is {first_frame!r}; expected 'self' or 'skip'.")
        channels = [channels] * len(levels) if isinstance(channels, int) else list(channels)
        if len(channels) != len(levels):
            raise InputError(f'{len(channels)} numbers of channels for the {len(levels)} levels {tuple(levels)}.')
        self.levels, self.position, self.first_frame = tuple(levels), position, first_frame
        self.neck = MODELS.build(neck) if neck else nn.Identity()
        attention = dict(attention or {})
        attention.setdefault('type', 'mmvos.SpatioTemporalAttention')
        self.attentions = nn.ModuleList(MODELS.build(dict(attention, channels=c)) for c in channels)
        self._register_load_state_dict_pre_hook(self._accept_plain_neck)

    def features(self, inputs: Sequence[Tensor]) -> Maps:
        """The maps that attend, before they do: ``(N, C, h, w)`` each.

        Args:
            inputs (Sequence[Tensor]): maps of the backbone, ``(N, C, h, w)``.
        """
        return tuple(self.neck(inputs)) if self.position == 'neck' else tuple(inputs)

    def kept(self, maps: Maps) -> Maps:
        """The maps ``(N, C, h, w)`` that later frames need of :meth:`features`."""
        return tuple(maps[level] for level in self.levels)

    def enhance(self, maps: Maps, memory: Sequence[Maps] = ()) -> Maps:
        """The maps for the heads, ``(N, C, h, w)`` each.

        Args:
            maps (Maps): results of :meth:`features`, ``(N, c, h, w)`` each.
            memory (Sequence[Maps]): results of :meth:`kept`, ``(N, c, h, w)``, one per earlier frame (oldest first);
                empty for a first frame.
        """
        enhanced = list(maps)
        if memory or self.first_frame == 'self':
            for i, (level, attention) in enumerate(zip(self.levels, self.attentions, strict=True)):
                earlier = [kept[i] for kept in memory] or [maps[level]]
                enhanced[level] = attention(maps[level], earlier)
        return tuple(enhanced) if self.position == 'neck' else tuple(self.neck(tuple(enhanced)))

    def forward(self, inputs: Sequence[Tensor]) -> Maps:
        """The maps ``(N, C, h, w)`` of images, called as the wrapped neck is; an image has no memory."""
        return self.enhance(self.features(inputs))

    def _accept_plain_neck(self, state_dict: dict, prefix: str, *_: Any) -> None:
        own = (f'{prefix}neck.', f'{prefix}attentions.')
        for key in [k for k in state_dict if k.startswith(prefix) and not k.startswith(own)]:
            state_dict[f'{prefix}neck.{key[len(prefix) :]}'] = state_dict.pop(key)
