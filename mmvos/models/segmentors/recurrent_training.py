"""Steps of inference, and training through a clip in one graph: what A-GAME and MatchVOS have in common."""

from abc import abstractmethod
from collections.abc import Callable, ItemsView, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar, cast

import torch
import torch.nn.functional as F
from mmengine.model import ModuleDict
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmvos.inference import Frame, SessionSettings
from mmvos.registry import MODELS
from mmvos.structures import VOID, InputError, VOSDataSample
from mmvos.utils.checkpoint import rename_weights

from ..cues.object_cue import ObjectCue, mask_pair, pool_masks
from ..heads import aggregate_objects
from .base import CausalVOSModel, SharedFeatures

Result = TypeVar('Result')


class FrameFeatures(NamedTuple):
    """What a frame gives to all objects; batch 1 at inference, one row per object in training.

    ``cues``: what each cue prepares of the backbone's coarsest map; ``skips``: the finer maps, ready for the upsampler;
    ``size``: ``(h, w)`` of the coarsest map; ``image_size``: ``(H, W)``.
    """

    cues: dict[str, tuple[Tensor, ...]]
    skips: list[Tensor]
    size: Sequence[int]
    image_size: Sequence[int]

    def of(self, owner: Tensor) -> 'FrameFeatures':
        """One row per object; ``owner`` ``(N,)``: row of each object's clip."""
        cues = {name: tuple(m[owner] for m in maps) for name, maps in self.cues.items()}
        return self._replace(cues=cues, skips=[m[owner] for m in self.skips])


@dataclass(frozen=True)
class MaskPrediction:
    """What is predicted of N objects: ``final`` logits (background, object) ``(N, 2, H, W)``; ``fused``, the map ``(N, C, h,
    w)`` that the coarse logits come from.
    """

    final: Tensor
    fused: Tensor


@dataclass(frozen=True)
class MaskUpdateSettings(SessionSettings):
    """Settings of inference.

    Args:
        update_mask (str): mask that renews the state: ``'aggregated'`` (pooled, after objects have been aggregated),
            ``'fine'`` (pooled, before) or ``'coarse'``.
    """

    update_mask: Literal['aggregated', 'fine', 'coarse'] = 'aggregated'


class RecurrentlyTrainedModel(SharedFeatures, CausalVOSModel):
    """Segments every object on its own, all as one batch, and learns from whole clips with gradients through time.

    Objects meet only where their probabilities are aggregated. After each frame the state is renewed from the objects'
    masks in it: coarse, final, or aggregated.

    Args:
        backbone (dict): config of the backbone; it gives maps finest first.
        cues (dict[str, dict | None]): configs of what is known of each object (``ObjectCue``), by name (None: left out).
        fusion (dict): config of the part that merges the cues of an object and predicts its coarse mask
            (``CoarseMaskHead``).
        upsampler (dict): config of the part that brings it to the image's size (``SkipUpsampler``).
        neck (dict): config of a part between the backbone's maps and the rest (default: none).
        loss_final, loss_coarse (dict | None): configs of the losses of the final and the coarse masks (None: no such loss).
        train_update_mask (str): which mask renews the state in training: ``'coarse'``, or ``'fine'``, the pooled final one.
        background (str): how the background's probability comes from the objects' (see :func:`aggregate_objects`).
        with_cp (bool): recompute each frame's heads in the backward pass instead of keeping their activations.
        kwargs (dict): arguments of :class:`CausalVOSModel`.
    """

    TestSettings = MaskUpdateSettings
    test_cfg: MaskUpdateSettings
    #: how names of parameters in older checkpoints begin, and how they begin today
    renamed_weights = {'appearance.': 'cues.appearance.', 'mask_propagation.': 'cues.mask_propagation.'}

    def __init__(
        self,
        *,
        backbone: dict,
        cues: dict[str, dict | None],
        fusion: dict,
        upsampler: dict,
        neck: dict | None = None,
        loss_final: dict | None = None,
        loss_coarse: dict | None = None,
        train_update_mask: str = 'coarse',
        background: str = 'min',
        with_cp: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if train_update_mask not in ('coarse', 'fine'):
            raise InputError(f"{type(self).__name__}: train_update_mask is {train_update_mask!r}; expected 'coarse' or 'fine'.")
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else nn.Identity()
        self.cues = ModuleDict({name: MODELS.build(cue) for name, cue in cues.items() if cue})
        self.fusion = MODELS.build(fusion)
        self.upsampler = MODELS.build(upsampler)
        losses = dict(loss_final=loss_final, loss_coarse=loss_coarse)
        self.losses = ModuleDict({name: MODELS.build(loss) for name, loss in losses.items() if loss})
        self.train_update_mask, self.background, self.with_cp = train_update_mask, background, with_cp

    @property
    def named_cues(self) -> ItemsView[str, ObjectCue]:
        """The cues, by their names."""
        return cast(ItemsView[str, ObjectCue], self.cues.items())

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        rename_weights(state_dict, self.renamed_weights, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)

    # One frame

    def extract_feat(self, images: Tensor) -> Any:
        return self.prepare(images, self.backbone(images))

    @abstractmethod
    def prepare(self, images: Tensor, maps: Sequence[Tensor]) -> Any:
        """All that is computed once per frame, of images ``(B, 3, H, W)`` and the backbone's maps, finest first.

        A named tuple with ``size``, the coarse map's ``(h, w)``, and ``of(owner)``: the same with a row for every object;
        ``owner`` ``(N,)`` is the image of each.
        """

    @abstractmethod
    def start(self, features: Any, masks: Tensor, counts: Sequence[int]) -> Any:
        """The state of N objects with masks ``(N, H, W)``; ``counts`` of them are in each image."""

    @abstractmethod
    def predict(self, features: Any, state: Any) -> MaskPrediction:
        """Every object's own masks in a frame."""

    @abstractmethod
    def renew(self, features: Any, prediction: Any, masks: Tensor, scores: Sequence[Tensor], state: Any) -> Any:
        """The state after a frame.

        Args:
            features (Any): features of the frame.
            prediction (Any): what was predicted in it.
            masks (Tensor): masks (background, object) ``(N, 2, h, w)`` that renew the state.
            scores (Sequence[Tensor]): for each image, aggregated probabilities ``(n + 1, H, W)`` of its n objects.
            state (Any): state before the frame.
        """

    def recomputed(self, function: Callable[..., Result], *args: Any) -> Result:
        """``function(*args)``; with ``with_cp``, its activations are made once more in the backward pass."""
        if self.with_cp and torch.is_grad_enabled():
            return checkpoint(function, *args, use_reentrant=False)
        return function(*args)

    def renewing_masks(
        self, mode: str, prediction: MaskPrediction, foreground: Tensor, aggregated: Tensor, size: Sequence[int]
    ) -> Tensor:
        """Masks (background, object) ``(N, 2, h, w)`` that renew the state: predicted coarse, or pooled from the final
        probabilities ``(N, H, W)`` before or after aggregation.
        """
        if mode == 'coarse':
            return self.fusion.predict(prediction.fused).float().softmax(1)
        return pool_masks(aggregated if mode == 'aggregated' else foreground, size)

    # Inference

    def init_state(self, frame: Frame, masks: Tensor) -> Any:
        return self.start(self.features_of(frame), masks, [len(masks)])

    def step(self, frame: Frame, state: Any) -> tuple[Tensor, Any]:
        """Probabilities ``(N + 1, h, w)`` after aggregation, and the renewed state."""
        features = self.features_of(frame)
        prediction = self.predict(features, state)
        foreground = prediction.final.float().softmax(1)[:, 1]
        scores = aggregate_objects(foreground, self.background)
        masks = self.renewing_masks(self.test_cfg.update_mask, prediction, foreground, scores[1:], features.size)
        return scores, self.renew(features, prediction, masks, [scores], state)

    # Training

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Losses of the recurrence over clips ``(B, T, 3, H, W)``; the first frame's masks are given.

        Every id in a sample's ``object_ids`` is segmented on its own, in one batch over all clips. The given frame is
        part of the means, with the log of its true mask.
        """
        inputs, prompts, targets, owner = self._objects(inputs, data_samples)
        counts, size = owner.bincount().tolist(), inputs.shape[-2:]
        known = mask_pair(prompts).clamp(1e-7, 1 - 1e-7).log()
        log_probs: dict[str, list[Tensor]] = dict(loss_final=[known], loss_coarse=[known])
        frames = self._clip_features(inputs)
        state = self.start(next(frames).of(owner), prompts, counts)
        for features in frames:
            features = features.of(owner)
            prediction = self.predict(features, state)
            final = prediction.final.float().log_softmax(1)
            coarse = self.fusion.predict(prediction.fused).float()
            coarse_log = F.interpolate(coarse.log_softmax(1), size, mode='bilinear', align_corners=False)
            log_probs['loss_final'].append(final)
            log_probs['loss_coarse'].append(coarse_log)
            foreground = final[:, 1].exp()
            scores = [aggregate_objects(f, self.background) for f in foreground.detach().split(counts)]
            masks = coarse.softmax(1) if self.train_update_mask == 'coarse' else pool_masks(foreground, features.size)
            state = self.renew(features, prediction, masks, scores, state)
        return {
            name: loss(torch.stack(log_probs[name], 1).flatten(0, 1), targets.flatten(0, 1))
            for name, loss in self.losses.items()
        }

    def _clip_features(self, inputs: Tensor) -> Iterator[Any]:
        """Features of each time step of clips ``(B, T, 3, H, W)``.

        A backbone that learns sees one time step at a time, so that its batch norms do; a frozen one sees all at once.
        """
        if any(p.requires_grad for p in self.backbone.parameters()):
            for t in range(inputs.shape[1]):
                yield self.extract_feat(inputs[:, t])
            return
        with torch.no_grad():
            images = inputs.flatten(0, 1).contiguous(memory_format=self.data_preprocessor.memory_format)
            maps = [m.unflatten(0, inputs.shape[:2]) for m in self.backbone(images)]
        for t in range(inputs.shape[1]):
            yield self.prepare(inputs[:, t], [m[:, t] for m in maps])

    @staticmethod
    def _objects(inputs: Tensor, data_samples: list[VOSDataSample]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The clips that have objects, first masks ``(N, H, W)`` 0/1, targets ``(N, T, H, W)`` 0/1/255, and the clip of each
        object ``(N,)``.
        """
        used = [clip for clip, sample in enumerate(data_samples) if len(sample.object_ids)]
        if not used:
            raise InputError('no clip of the batch has an object; let the pipeline choose clips that have one.')
        targets, owner = [], []
        for row, clip in enumerate(used):
            label_maps = data_samples[clip].gt_label_maps.long()
            for object_id in data_samples[clip].object_ids:
                targets.append((label_maps == object_id).long().masked_fill_(label_maps == VOID, VOID))
                owner.append(row)
        stacked = torch.stack(targets)
        prompts = (stacked[:, 0] == 1).float()
        return inputs[used], prompts, stacked, torch.tensor(owner, device=stacked.device)
