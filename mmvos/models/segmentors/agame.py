"""A-GAME: a generative appearance model inside a causal segmentation network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from typing_extensions import override

from mmvos.inference import Frame
from mmvos.registry import MODELS
from mmvos.structures import InputError, join_objects

from ..cues.object_cue import pool_masks
from .recurrent_training import FrameFeatures, MaskPrediction, RecurrentlyTrainedModel


@dataclass
class AGAMEState:
    """The states of the cues, by their names. Constant in size: nothing grows with the length of the video."""

    cues: dict[str, Any]


@MODELS.register_module()
class AGAME(RecurrentlyTrainedModel):
    """Johnander et al., "A Generative Appearance Model for End-to-end Video Object Segmentation", CVPR 2019.

    Two cues know an object: the appearance module scores the frame under four Gaussians of the object, the mask propagation
    encodes where the object was. Both are fused to a coarse mask, and that is refined with finer features. Then the
    Gaussians and the previous mask are renewed from the mask.

    Args:
        appearance (dict | None): config of the appearance module (``GaussianAppearance``); None: the ablation without it.
        mask_propagation (dict | None): config of the mask-propagation module (``MaskPropagation``); None: the ablation
            without it.
        matching (None): not an argument of this class; refused with a message that names ``MatchVOS``.
        kwargs (dict): arguments of :class:`RecurrentlyTrainedModel`; of the backbone's maps, the last is the coarse one, the
            others are skips. ``test_cfg`` is a :class:`MaskUpdateSettings`.

    Raises:
        InputError: neither module, or ``matching``.
    """

    add_objects_first = True

    def __init__(
        self, *, appearance: dict | None = None, mask_propagation: dict | None = None, matching: Any = None, **kwargs: Any
    ) -> None:
        if matching is not None:
            raise InputError("AGAME has no argument 'matching': A-GAME's parts on top of label matching are type='MatchVOS'.")
        super().__init__(cues=dict(appearance=appearance, mask_propagation=mask_propagation), **kwargs)
        if not self.cues:
            raise InputError('A-GAME needs the appearance module, the mask propagation, or both.')

    # One frame

    def prepare(self, images: Tensor, maps: Sequence[Tensor]) -> FrameFeatures:
        *skips, deep = self.neck(maps)
        cues = {name: cue.prepare(deep) for name, cue in self.named_cues}
        return FrameFeatures(cues, self.upsampler.prepare(skips[::-1]), deep.shape[-2:], images.shape[-2:])

    @override
    def start(self, features: FrameFeatures, masks: Tensor, counts: Sequence[int]) -> AGAMEState:
        shares = pool_masks(masks, features.size)
        return AGAMEState({name: cue.start(features.cues[name], shares) for name, cue in self.named_cues})

    def predict(self, features: FrameFeatures, state: AGAMEState) -> MaskPrediction:
        return self.recomputed(self._predict, features, state)

    def _predict(self, features: FrameFeatures, state: AGAMEState) -> MaskPrediction:
        fused = self.fusion([cue.read(features.cues[name], state.cues[name]) for name, cue in self.named_cues])
        return MaskPrediction(self.upsampler(fused, features.skips, features.image_size), fused)

    @override
    def renew(
        self, features: FrameFeatures, prediction: MaskPrediction, masks: Tensor, scores: Sequence[Tensor], state: AGAMEState
    ) -> AGAMEState:
        return AGAMEState({name: cue.renew(features.cues[name], masks, state.cues[name]) for name, cue in self.named_cues})

    # Inference

    def add_objects(self, frame: Frame, masks: Tensor, state: AGAMEState) -> AGAMEState:
        return join_objects(state, self.init_state(frame, masks))
