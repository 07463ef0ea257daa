"""COSNet: "See More, Know More: Unsupervised Video Object Segmentation with Co-Attention Siamese Networks", CVPR 2019.

A frame is compared with other frames of its video; what is salient in the frame *and* comes back in the others is the
primary object::

    F_a -- embedding --> V_a --+                    +-- Z_a * gate -- [Z_a; V_a] -- target head ----> mask of F_a
           (shared)            +--- co-attention ---+
    F_b -- embedding --> V_b --+                    +-- Z_b * gate -- [Z_b; V_b] -- reference head -> mask of F_b

Training sees pairs (and still images, for the embedding alone); at test a target has N references and only the upper
branch is used.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.inference import Frame, OfflineVideo, SessionSettings
from mmvos.registry import MODELS, TASK_UTILS
from mmvos.structures import VOID, InputError, VOSDataSample

from .base import BaseVOSModel, CausalVOSModel, OfflineVOSModel

FUSIONS = ('summary', 'prediction', 'joint')


class SiameseCoAttentionModel(BaseVOSModel):
    """The network and its training; the two subclasses differ in the frames that they compare a target with.

    Args:
        backbone, neck: the feature embedding (DeepLabv3).
        static_head: foreground logits from V alone: trained on still images, and the model itself for N = 0.
        co_attention: see :class:`~mmvos.models.attention.CoAttention`.
        mask_head: built twice, for the target and for the reference; sees [Z; V].
        losses: configs of the parts ``(logits, target, valid) -> scalar`` whose sum is the loss of a prediction.
        fusion: of several references.

            - ``'summary'``: their gated summaries are averaged (section 3.3).
            - ``'prediction'``: every reference gives a prediction; those are averaged (the released test script).
            - ``'joint'``: one soft-max over the positions of all references (the authors' group model).
        static_weight: factor of the loss of a batch of still images.
        static_on_video: factor of the static head's loss on video frames (the paper: 0).
        orthogonal_weight: lambda of the penalty that keeps P of the symmetric form orthogonal (eq. 4).
    """

    prompted = False

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        static_head: dict,
        co_attention: dict,
        mask_head: dict,
        losses: list[dict],
        fusion: str = 'summary',
        static_weight: float = 0.1,
        static_on_video: float = 0.0,
        orthogonal_weight: float = 1e-4,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if fusion not in FUSIONS:
            raise ValueError(f'{type(self).__name__}: fusion is {fusion!r}; expected one of {FUSIONS}.')
        self.backbone, self.neck = MODELS.build(backbone), MODELS.build(neck)
        self.static_head = MODELS.build(static_head)
        self.co_attention = MODELS.build(co_attention)
        self.target_head, self.reference_head = MODELS.build(mask_head), MODELS.build(mask_head)
        self.losses = nn.ModuleList(MODELS.build(loss) for loss in losses)
        self.fusion = fusion
        self.static_weight, self.static_on_video = static_weight, static_on_video
        self.orthogonal_weight = orthogonal_weight
        if fusion == 'joint':  # only the target is predicted
            self.reference_head.requires_grad_(False)

    # ---- the network

    def embed(self, images: Tensor) -> Tensor:
        """V of normalised images: ``(B, 3, H, W)`` to ``(B, C, h, w)``, stride 8."""
        return self.neck(self.backbone(images))

    def segment_frame(self, target: Tensor, references: Tensor | None, size) -> Tensor:
        """Scores ``(2, H, W)`` of one frame: background and foreground probability.

        Args:
            target: V_a ``(1, C, h, w)``.
            references: V_b1..V_bN ``(1, N, C, h, w)``; None: the static head (N = 0).
            size: ``(H, W)`` of the scores.
        """
        if references is None:
            logits = self.static_head(target)
        else:
            summaries = self.co_attention.summarise(target, references, joint=self.fusion == 'joint')[0]
            if self.fusion == 'summary':
                summaries = summaries.mean(0, keepdim=True)
            logits = self.target_head(torch.cat([summaries, target.expand(len(summaries), -1, -1, -1)], 1))
        foreground = upsample(logits.float(), size).sigmoid().mean(0)
        return torch.cat([1 - foreground, foreground])

    # ---- training

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of still images (clips of one frame) or of video frames (target first, then references)."""
        label_maps = torch.stack([sample.gt_label_maps for sample in data_samples])
        if inputs.shape[1] == 1:
            features = self.embed(inputs[:, 0])
            return self._loss_of(self.static_head(features), label_maps[:, 0], 'static', self.static_weight)
        if self.fusion != 'joint' and inputs.shape[1] != 2:
            raise ValueError(
                f'{type(self).__name__} with fusion={self.fusion!r} trains on still images (clips of 1 '
                f'frame) and pairs (clips of 2); got clips of {inputs.shape[1]} frames.'
            )
        features = self.embed(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])
        target = features[:, 0]
        if self.fusion == 'joint':
            summary = self.co_attention.summarise(target, features[:, 1:], joint=True)[:, 0]
            branches = [('target', self.target_head, summary, 0)]
        else:
            z_target, z_reference = self.co_attention(target, features[:, 1])
            branches = [('target', self.target_head, z_target, 0), ('reference', self.reference_head, z_reference, 1)]
        losses = {}
        for name, head, summary, index in branches:
            logits = head(torch.cat([summary, features[:, index]], 1))
            losses.update(self._loss_of(logits, label_maps[:, index], name))
        if self.static_on_video:
            logits = self.static_head(features.flatten(0, 1))
            losses.update(self._loss_of(logits, label_maps.flatten(0, 1), 'static', self.static_on_video))
        penalty = self.co_attention.penalty()
        if penalty is not None:
            losses['loss_orthogonal'] = self.orthogonal_weight * penalty
        return losses

    def _loss_of(self, logits: Tensor, label_maps: Tensor, name: str, weight: float = 1.0) -> dict[str, Tensor]:
        """Losses of logits ``(B, 1, h, w)``, brought to the size of label maps ``(B, H, W)``: every object counts."""
        logits = upsample(logits.float(), label_maps.shape[-2:])[:, 0]
        valid = label_maps != VOID
        target = ((label_maps > 0) & valid).to(logits.dtype)
        return {f'loss_{name}_{i}': weight * loss(logits, target, valid) for i, loss in enumerate(self.losses)}


def upsample(logits: Tensor, size) -> Tensor:
    """Bilinear, before the sigmoid."""
    return F.interpolate(logits, size, mode='bilinear', align_corners=False)


@dataclass(frozen=True)
class COSNetTestSettings(SessionSettings):
    """Settings of the offline model.

    Args:
        references (dict | None): config of the selection (``UniformReferences``, ``RandomReferences``,
            ``LocalReferences``), or None for frame-by-frame saliency (N = 0).
        cache_dtype (str | None): ``'float16'`` halves what is kept of a frame; None: as computed.
        cache_on_cpu (bool): keep embeddings in main memory.
    """

    references: dict[str, Any] | None = field(default_factory=lambda: dict(type='UniformReferences', num=5))
    cache_dtype: Literal['float16', 'bfloat16'] | None = None
    cache_on_cpu: bool = False


@MODELS.register_module()
class COSNet(SiameseCoAttentionModel, OfflineVOSModel):
    """Compares every frame with N frames of the whole video.

    Every frame is embedded once. An embedding (3.7 MB in float32 for a 473x473 input) is kept until the last frame that
    needs it has been segmented: N + 1 of them at a time for uniform and local references, up to all frames of the video
    for random ones. Settings: :class:`COSNetTestSettings`.
    """

    TestSettings = COSNetTestSettings

    def segment(self, video: OfflineVideo) -> Iterator[Tensor]:
        """Scores ``(2, h, w)`` of every frame in order."""
        config = self.test_cfg.references
        select = TASK_UTILS.build(config) if config else None
        num_frames = len(video)
        references = [select(t, num_frames, video.video_id) if select else [] for t in range(num_frames)]
        with EmbeddingCache(self._embed_for_cache, video, references) as cache:
            for index, wanted in enumerate(references):
                target = cache.get(index)
                others = torch.stack([self._restore(cache.get(i)) for i in wanted], 1) if wanted else None
                yield self.segment_frame(self._restore(target), others, cache.input_shape)
                cache.drop_until(index)

    def _embed_for_cache(self, frame: Frame) -> Tensor:
        features = self.embed(frame.image)
        if self.test_cfg.cache_dtype:
            features = features.to(getattr(torch, self.test_cfg.cache_dtype))
        return features.cpu() if self.test_cfg.cache_on_cpu else features

    def _restore(self, features: Tensor) -> Tensor:
        parameter = self.target_head.classifier.weight
        dtype = parameter.dtype if self.test_cfg.cache_dtype else features.dtype
        return features.to(parameter.device, dtype)


class EmbeddingCache:
    """Embeds every frame once, when it is first needed, and forgets it after its last use.

    Args:
        embed: ``Frame -> (1, C, h, w)``.
        video: the frames.
        references: for every frame, the frames that it is compared with.
    """

    def __init__(self, embed: Callable[[Frame], Tensor], video: OfflineVideo, references: list[list[int]]) -> None:
        self.embed = embed
        self.embeddings: dict[int, Tensor] = {}
        self.largest = 0
        self.last_use: dict[int, int] = {}
        for index, wanted in enumerate(references):  # a dict keeps the order of first use: the order of decoding
            for i in (index, *wanted):
                self.last_use[i] = index
        self._frames = video.frames(list(self.last_use))
        self._expires: dict[int, list[int]] = {}
        for i, index in self.last_use.items():
            self._expires.setdefault(index, []).append(i)
        self.input_shape = None

    def __enter__(self) -> 'EmbeddingCache':
        return self

    def __exit__(self, *_) -> None:
        self._frames.close()
        self.embeddings.clear()

    def get(self, index: int) -> Tensor:
        """The embedding of a frame."""
        while index not in self.embeddings:
            frame = next(self._frames)
            self.input_shape = tuple(frame.image.shape[-2:])
            self.embeddings[frame.index] = self.embed(frame)
        self.largest = max(self.largest, len(self.embeddings))
        return self.embeddings[index]

    def drop_until(self, index: int) -> None:
        """Forget what no frame after ``index`` needs."""
        for i in self._expires.pop(index, ()):
            del self.embeddings[i]


@dataclass
class COSNetState:
    """``references``: embeddings ``(C, h, w)`` of past frames, oldest first; ``seen``: how many frames there were."""

    references: deque[Tensor] = field(default_factory=deque)
    seen: int = 0


@dataclass(frozen=True)
class COSNetCausalTestSettings(SessionSettings):
    """Settings of the causal model.

    Args:
        num_references (int): N; at most that many embeddings are kept.
        stride (int): every how many frames a frame becomes a reference; it replaces the oldest one. The first frames
            become references at once until there are N.
    """

    num_references: int = 5
    stride: int = 5

    def __post_init__(self) -> None:
        if self.num_references < 0 or self.stride < 1:
            raise InputError(f'num_references is {self.num_references}, stride is {self.stride}; expected at least 0 and 1.')


@MODELS.register_module()
class COSNetCausal(SiameseCoAttentionModel, CausalVOSModel):
    """Compares a frame with N past frames: for live video. The weights are those of :class:`COSNet`.

    The first frame has no past and is given by the static head. Settings: :class:`COSNetCausalTestSettings`.
    """

    TestSettings = COSNetCausalTestSettings

    def init_state(self, frame: Frame, masks: Tensor | None) -> COSNetState:
        return COSNetState(deque(maxlen=self.test_cfg.num_references))

    def step(self, frame: Frame, state: COSNetState):
        target = self.embed(frame.image)
        others = torch.stack(tuple(state.references), 0)[None] if state.references else None
        scores = self.segment_frame(target, others, frame.image.shape[-2:])
        references = state.references.copy()
        filling = len(references) < (references.maxlen or 0)
        if filling or state.seen % self.test_cfg.stride == 0:
            references.append(target[0])
        return scores, COSNetState(references, state.seen + 1)
