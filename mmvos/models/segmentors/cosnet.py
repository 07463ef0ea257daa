"""COSNet: "See More, Know More: Unsupervised Video Object Segmentation with Co-Attention Siamese Networks", CVPR 2019.

A frame is compared with other frames of its video; what is salient in the frame *and* comes back in the others is the
primary object::

    F_a -- embedding --> V_a --+                    +-- Z_a * gate -- [Z_a; V_a] -- target head ----> mask of F_a
           (shared)            +--- co-attention ---+
    F_b -- embedding --> V_b --+                    +-- Z_b * gate -- [Z_b; V_b] -- reference head -> mask of F_b

Training sees pairs (and still images, for the embedding alone); at test a target has N references and only the upper
branch is used.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from mmvos.inference import Frame, OfflineVideo, SessionSettings
from mmvos.registry import MODELS, TASK_UTILS
from mmvos.structures import VOID, InputError, VOSDataSample

from .base import BaseVOSModel, CausalVOSModel, OfflineVOSModel, SharedFeatures

COMBINATIONS = ('summary', 'prediction', 'joint')


class SiameseCoAttentionModel(SharedFeatures, BaseVOSModel):
    """The network and its training; the two subclasses differ in the frames that they compare a target with.

    Args:
        backbone (dict): config of the backbone; with the neck the feature embedding (DeepLabv3).
        neck (dict): config of the neck.
        static_head (dict): config of the head that gives foreground logits from V alone: trained on still images, and the
            model itself for N = 0.
        co_attention (dict): config of a :class:`~mmvos.models.attention.CoAttention`.
        mask_head (dict): config of the head over [Z; V]; built twice, for the target and for the reference.
        losses (list[dict]): configs of the parts ``(logits, target, valid) -> scalar`` whose sum is the loss of a
            prediction.
        combine (str): how several references are combined.

            - ``'summary'``: their gated summaries are averaged (section 3.3).
            - ``'prediction'``: every reference gives a prediction; those are averaged (the released test script).
            - ``'joint'``: one soft-max over the positions of all references (the authors' group model).
        static_weight (float): factor of the loss of a batch of still images.
        static_on_video (float): factor of the static head's loss on video frames (the paper: 0).
        orthogonal_weight (float): lambda of the penalty that keeps P of the symmetric form orthogonal (eq. 4).
        kwargs (dict): keyword arguments of :class:`BaseVOSModel`.
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
        combine: str = 'summary',
        static_weight: float = 0.1,
        static_on_video: float = 0.0,
        orthogonal_weight: float = 1e-4,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if combine not in COMBINATIONS:
            raise InputError(f'{type(self).__name__}: combine is {combine!r}; expected one of {COMBINATIONS}.')
        self.backbone, self.neck = MODELS.build(backbone), MODELS.build(neck)
        self.static_head = MODELS.build(static_head)
        self.co_attention = MODELS.build(co_attention)
        self.target_head, self.reference_head = MODELS.build(mask_head), MODELS.build(mask_head)
        self.losses = nn.ModuleList(MODELS.build(loss) for loss in losses)
        self.combine = combine
        self.static_weight, self.static_on_video = static_weight, static_on_video
        self.orthogonal_weight = orthogonal_weight
        if combine == 'joint':  # only the target is predicted
            self.reference_head.requires_grad_(False)

    def extract_feat(self, images: Tensor) -> Tensor:
        """V, the embedding of normalised images: ``(B, 3, H, W)`` to ``(B, C, h, w)``, stride 8."""
        return self.neck(self.backbone(images))

    def segment_frame(self, target: Tensor, references: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """Scores ``(2, H, W)`` of one frame: background and foreground probability.

        Args:
            target (Tensor): V_a ``(1, C, h, w)``.
            references (Sequence[Tensor]): V_b1..V_bN, each ``(1, C, h, w)``; none: the static head's prediction.
            size (Sequence[int]): ``(H, W)`` of the scores.
        """
        if len(references):
            joint = self.combine == 'joint'
            summaries = self.co_attention.summarise(target, torch.stack(tuple(references), 1), joint=joint)[0]
            if self.combine == 'summary':
                summaries = summaries.mean(0, keepdim=True)
            logits = self.target_head(torch.cat([summaries, target.expand(len(summaries), -1, -1, -1)], 1))
        else:
            logits = self.static_head(target)
        foreground = upsample(logits.float(), size).sigmoid().mean(0)
        return torch.cat([1 - foreground, foreground])

    # Training

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of still images (clips of one frame) or of video frames (target first, then references)."""
        label_maps = torch.stack([sample.gt_label_maps for sample in data_samples])
        if inputs.shape[1] == 1:
            features = self.extract_feat(inputs[:, 0])
            return self._loss_of(self.static_head(features), label_maps[:, 0], 'static', self.static_weight)
        if self.combine != 'joint' and inputs.shape[1] != 2:
            raise InputError(
                f'{type(self).__name__} with combine={self.combine!r} trains on still images (clips of 1 '
                f'frame) and pairs (clips of 2); got clips of {inputs.shape[1]} frames.'
            )
        features = self.extract_feat(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])
        target = features[:, 0]
        if self.combine == 'joint':
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


def upsample(logits: Tensor, size: Sequence[int]) -> Tensor:
    """Logits of another size, bilinear, corners not aligned.

    Args:
        logits (Tensor): ``(B, C, h, w)``, before the sigmoid.
        size (Sequence[int]): new height and width.
    """
    return F.interpolate(logits, tuple(size), mode='bilinear', align_corners=False)


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
    test_cfg: COSNetTestSettings

    def segment(self, video: OfflineVideo) -> Iterator[Tensor]:
        """Scores ``(2, h, w)`` of every frame in order."""
        references: list[list[int]] = [[] for _ in range(len(video))]
        if self.test_cfg.references:
            select = TASK_UTILS.build(self.test_cfg.references)
            references = [select(index, len(video), video.video_id) for index in range(len(video))]
        with EmbeddingCache(self._embed_for_cache, video, references) as cache:
            for index, wanted in enumerate(references):
                target, *others = (self._restore(cache.get(i)) for i in (index, *wanted))
                yield self.segment_frame(target, others, cache.input_shape)
                cache.drop_until(index)

    def _embed_for_cache(self, frame: Frame) -> Tensor:
        features = self.extract_feat(frame.image)
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
        embed (Callable): ``embed(frame)`` gives the embedding ``(1, C, h, w)``.
        video (OfflineVideo): the frames.
        references (list[list[int]]): for every frame, the frames that it is compared with.
    """

    def __init__(self, embed: Callable[[Frame], Tensor], video: OfflineVideo, references: list[list[int]]) -> None:
        self.embed = embed
        self.embeddings: dict[int, Tensor] = {}
        self.largest = 0
        self.last_use: dict[int, int] = {}
        for index, wanted in enumerate(references):  # a dict keeps the order of first use: the order of decoding
            for i in (index, *wanted):
                self.last_use[i] = index
        self._frames: Generator[Frame, None, None] = video.frames(list(self.last_use))
        self._expires: dict[int, list[int]] = {}
        for i, index in self.last_use.items():
            self._expires.setdefault(index, []).append(i)
        self.video, self.peak = video, self._peak(references)
        self.input_shape: tuple[int, ...] = ()

    def _peak(self, references: list[list[int]]) -> int:
        """How many embeddings there will be at once."""
        place = {frame: number for number, frame in enumerate(self.last_use, 1)}
        made = gone = peak = 0
        for index, wanted in enumerate(references):
            made = max(made, *(place[i] for i in (index, *wanted)))
            peak = max(peak, made - gone)
            gone += len(self._expires.get(index, ()))
        return peak

    def __enter__(self) -> 'EmbeddingCache':
        return self

    def __exit__(self, *_: object) -> None:
        self._frames.close()
        self.embeddings.clear()

    def get(self, index: int) -> Tensor:
        """The embedding of a frame."""
        while index not in self.embeddings:
            frame = next(self._frames)
            embedding = self.embed(frame)
            if not self.input_shape:
                self.video.reserve(self.peak * embedding.nbytes, embedding.device)
            self.input_shape = tuple(frame.image.shape[-2:])
            self.embeddings[frame.index] = embedding
        self.largest = max(self.largest, len(self.embeddings))
        return self.embeddings[index]

    def drop_until(self, index: int) -> None:
        """Forget what no frame after ``index`` needs."""
        for i in self._expires.pop(index, ()):
            del self.embeddings[i]


@dataclass
class COSNetState:
    """What is kept of the frames so far.

    Args:
        references (tuple[Tensor, ...]): embeddings ``(1, C, h, w)`` of past frames, oldest first.
        seen (int): how many frames there were.
    """

    references: tuple[Tensor, ...] = ()
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
        super().__post_init__()
        if self.num_references < 0 or self.stride < 1:
            raise InputError(f'num_references is {self.num_references}, stride is {self.stride}; expected at least 0 and 1.')


@MODELS.register_module()
class COSNetCausal(SiameseCoAttentionModel, CausalVOSModel):
    """Compares a frame with N past frames: for live video. The weights are those of :class:`COSNet`.

    The first frame has no past and is given by the static head. Settings: :class:`COSNetCausalTestSettings`.
    """

    TestSettings = COSNetCausalTestSettings
    test_cfg: COSNetCausalTestSettings

    @override
    def init_state(self, frame: Frame, masks: Tensor) -> COSNetState:
        """No frame has been seen."""
        return COSNetState()

    def step(self, frame: Frame, state: COSNetState) -> tuple[Tensor, COSNetState]:
        """Scores ``(2, h, w)``, and the state with the frame's embedding where it becomes a reference."""
        target = self.features_of(frame)
        scores = self.segment_frame(target, state.references, frame.image.shape[-2:])
        references, num = state.references, self.test_cfg.num_references
        if len(references) < num or state.seen % self.test_cfg.stride == 0:
            references = (*references, target)[max(len(references) + 1 - num, 0) :]
        return scores, COSNetState(references, state.seen + 1)
