"""DyeNet: re-identification finds objects anywhere in a video, attention-aware propagation carries them from there.

Li and Loy, "Video Object Segmentation with Joint Re-identification and Attention-Aware Mask Propagation", ECCV 2018. Offline:
the whole video must be there. This file has the networks and their losses; ``dyenet_search.py`` has the search through a video,
with ``dyenet_reid.py`` (re-identification) and ``dyenet_sweep.py`` (propagation).
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvos.inference import OfflineVideo
from mmvos.registry import MODELS
from mmvos.structures import InputError, VOSDataSample, boxes_of_masks, enlarge_boxes, has_area, one_hot
from mmvos.structures.roi_grid import box_targets, paste, roi_features

from ..flow.warp import warp
from ..losses.oim_loss import IGNORED, UNLABELLED
from .base import OfflineVOSModel, SharedFeatures
from .dyenet_search import TrackletSearch
from .dyenet_settings import SearchSettings

PARTS = ('rpn', 'reid', 're_mp')


@dataclass(frozen=True)
class DyeNetTrainSettings:
    """Settings of DyeNet's training.

    Args:
        reid_rois (int): RoIs of a frame for Re-ID.
        reid_positives (int): most of them that show an object.
        positive_iou (float): a RoI shows an object if it overlaps its tight box by at least this IoU.
        negative_iou (float): a RoI shows none if it overlaps every object by less.
        re_mp_instances (int): most objects of a clip that Re-MP carries.
        jitter (float): by how much boxes are shifted, as a share of their size, and scaled.
        proposals (int): most proposals of a frame.
        unnumbered_rows (int | None): rows of the table of identities, its last ones, for objects without a number (None: all),
            see :meth:`DyeNet.identities`.
    """

    reid_rois: int = 16
    reid_positives: int = 8
    positive_iou: float = 0.5
    negative_iou: float = 0.3
    re_mp_instances: int = 4
    jitter: float = 0.1
    proposals: int = 50
    unnumbered_rows: int | None = None


class _RoISamples(NamedTuple):
    """RoIs of a clip: boxes ``(R, 4)``, their frames ``(R,)``, identity labels ``(R,)`` and objects ``(R,)`` (-1: none)."""

    boxes: Tensor
    frames: Tensor
    labels: Tensor
    objects: Tensor


@MODELS.register_module()
class DyeNet(SharedFeatures, OfflineVOSModel):
    """Re-identification (Re-ID) and recurrent mask propagation (Re-MP), taking turns until nothing new is found.

    Args:
        backbone (dict): config of N_feat; its last map is used, of ``stride`` pixels a cell.
        flow (dict): config of the optical flow estimator, which is not trained.
        rpn_head (dict): config of the class-agnostic proposals, ``mmdet.RPNHead``.
        reid_head (dict): config of the Re-ID module.
        re_mp_head (dict): config of the Re-MP module (without ``attention``: an ablation).
        loss_reid (dict): config of the OIM loss.
        roi_size (int): m.
        stride (int): pixels per cell of the features.
        parts (Sequence[str]): what :meth:`loss` trains, of ``'rpn'``, ``'reid'`` and ``'re_mp'``; ``'dyenet'`` stands for the
            last two. The RPN beside one of these follows the features as they change, without a gradient into them; left out,
            it is frozen, and the features should not be trained.
        mask_weight (float): lambda, weight of the two segmentation losses.
        neck (dict | None): config of what makes one map of the backbone's maps; its last output is used (None: none).
        train_cfg (dict | None): a :class:`DyeNetTrainSettings`.
        test_cfg (dict | None): settings of the session and of the search, a :class:`SearchSettings`.

    Raises:
        InputError: a part or a setting that is not known.
    """

    prompted = True
    TestSettings = SearchSettings
    TrainSettings = DyeNetTrainSettings
    test_cfg: SearchSettings
    train_cfg: DyeNetTrainSettings

    def __init__(
        self,
        backbone: dict,
        flow: dict,
        rpn_head: dict,
        reid_head: dict,
        re_mp_head: dict,
        loss_reid: dict,
        roi_size: int = 28,
        stride: int = 8,
        parts: Sequence[str] = ('dyenet',),
        mask_weight: float = 1.0,
        neck: dict | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.parts = {name for part in parts for name in (('reid', 're_mp') if part == 'dyenet' else (part,))}
        if not self.parts or self.parts - set(PARTS):
            raise InputError(f"DyeNet: parts is {tuple(parts)}; expected some of {PARTS}, or 'dyenet' for the last two.")
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else nn.Identity()
        self.flow = MODELS.build(flow)
        self.rpn_head = MODELS.build(rpn_head)
        self.reid_head = MODELS.build(reid_head)
        self.re_mp_head = MODELS.build(re_mp_head)
        self.loss_reid = MODELS.build(loss_reid)
        self.roi_size, self.stride, self.mask_weight = roi_size, stride, mask_weight
        self._re_mp_boxes_from: Literal['gt', 'predicted'] = 'gt'
        self._given_rows: dict[tuple[str, int], int] = {}
        self.flow.requires_grad_(False)
        for name, part in zip(PARTS, (self.rpn_head, self.reid_head, self.re_mp_head), strict=True):
            if name not in self.parts:
                part.requires_grad_(False)

    # Both training and inference

    def extract_feat(self, images: Tensor) -> Tensor:
        """N_feat: ``(T, 3, H, W)`` to ``(T, C, ceil(H / stride), ceil(W / stride))``."""
        return self.neck(self.backbone(images.contiguous(memory_format=self.data_preprocessor.memory_format)))[-1]

    def rois(self, features: Tensor, boxes: Tensor, frames: Tensor | None = None) -> Tensor:
        """Features ``(N, C, m, m)`` of boxes.

        Args:
            features (Tensor): maps ``(T, C, h, w)``.
            boxes (Tensor): ``(N, 4)``, in pixels of the input.
            frames (Tensor | None): position in ``features`` of each box, ``(N,)``; None: the first.
        """
        frames = boxes.new_zeros(len(boxes)) if frames is None else frames
        return roi_features(features, boxes, frames, self.roi_size, self.stride)

    def proposals(self, features: Tensor, shape: tuple[int, int], count: int) -> list[Tensor]:
        """Boxes ``(<= count, 4)`` for each frame, the most likely first.

        Args:
            features (Tensor): maps ``(T, C, h, w)``.
            shape (tuple[int, int]): ``(H, W)`` of the frames.
            count (int): most boxes per frame.
        """
        samples = [DetDataSample(metainfo=dict(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0))) for _ in features]
        with torch.no_grad():
            found = self.rpn_head.predict((features.detach(),), samples, rescale=False)
        return [instances.bboxes[:count] for instances in found]

    # Inference (section 3.4)

    def segment(self, video: OfflineVideo) -> Iterator[Tensor]:
        search = TrackletSearch(self, video, self.test_cfg)
        tubes = search.run()
        video.report.update(search.report(tubes))
        for frame in range(len(video)):
            yield search.compose(tubes, frame)

    def box_masks(self, features: Tensor, boxes: Tensor, shape: tuple[int, int]) -> Tensor:
        """Masks of the main objects of boxes: bool ``(N, H, W)``.

        Args:
            features (Tensor): maps ``(1, C, h, w)`` of the frame.
            boxes (Tensor): ``(N, 4)``, in pixels of the input.
            shape (tuple[int, int]): ``(H, W)`` of the frame.
        """
        boxes = boxes.to(features.device)
        probabilities = self.reid_head.masks(self.rois(features, boxes)).sigmoid()
        return paste(probabilities, boxes, (0, 0, shape[1], shape[0])) >= 0.5

    # Training (section 3.5)

    @property
    def re_mp_boxes_from(self) -> Literal['gt', 'predicted']:
        """Whose mask of the frame before gives Re-MP its box in training: the annotated or the predicted one. A curriculum may
        change it."""
        return self._re_mp_boxes_from

    @re_mp_boxes_from.setter
    def re_mp_boxes_from(self, source: Literal['gt', 'predicted']) -> None:
        if source not in ('gt', 'predicted'):
            raise InputError(f"DyeNet: re_mp_boxes_from is {source!r}; expected 'gt' or 'predicted'.")
        self._re_mp_boxes_from = source

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        losses: dict[str, list[Tensor]] = {}
        embeddings, labels = [], []
        for clip, sample in zip(inputs, data_samples, strict=True):
            if not sample.object_ids:
                raise InputError(f'{sample.video_id}: no object in a clip; let the pipeline choose clips that have one.')
            features = self.extract_feat(clip)
            masks = one_hot(sample.gt_label_maps, sample.object_ids)  # (K, T, H, W)
            found: dict[str, Tensor] = {}
            if 'rpn' in self.parts:
                found.update(self._loss_rpn(features if self.parts == {'rpn'} else features.detach(), masks))
            if 'reid' in self.parts:
                samples = self._sample_rois(features, masks, self.identities(sample))
                rois = self.rois(features, samples.boxes, samples.frames)
                embeddings.append(self.reid_head.embeddings(rois))
                labels.append(samples.labels)
                found.update(loss_mask=self._loss_mask(rois, masks, samples))
            if 're_mp' in self.parts:
                found.update(self._loss_re_mp(clip, features, masks, sample))
            for name, value in found.items():
                losses.setdefault(name, []).append(value)
        means = {name: torch.stack(values).mean() for name, values in losses.items()}
        if embeddings:  # the table of identities sees the whole batch at once
            means['loss_reid'] = self.loss_reid(torch.cat(embeddings), torch.cat(labels))
        return means

    def begin_online_training(self, objects: Sequence[tuple[str, int]]) -> None:
        """Give every object ``(video id, object id)`` of a test set an identity of its own: an empty row of the OIM table."""
        rows = len(self.loss_reid.lookup)  # those of an earlier test are gone with its weights
        self._given_rows = {key: row for key, row in self._given_rows.items() if row < rows}
        new = sorted(set(objects) - set(self._given_rows))
        first = self.loss_reid.add_identities(len(new))
        self._given_rows.update((key, first + k) for k, key in enumerate(new))

    def identities(self, sample: VOSDataSample) -> Tensor:
        """Row of the table of identities of each object of a clip, ``(K,)``.

        As the sample says (``identities``); for an object of :meth:`begin_online_training`, its own row; else drawn from the
        video's name and the object's id, among the last ``unnumbered_rows`` rows: for endless procedural clips, which have more
        objects than any table has rows. The result does not depend on the order in which objects come.

        Raises:
            InputError: a number that the table does not have.
        """
        numbered, total = sample.get('identities') or {}, self.loss_reid.num_trained
        free = total if self.train_cfg.unnumbered_rows is None else self.train_cfg.unnumbered_rows
        rows = []
        for object_id in sample.object_ids:
            key = (sample.video_id, object_id)
            drawn = total - free + zlib.crc32(f'{sample.video_id}/{object_id}'.encode()) % max(free, 1)
            rows.append(numbered.get(object_id, self._given_rows.get(key, drawn)))
        if rows and max(rows) >= len(self.loss_reid.lookup):
            raise InputError(
                f'{sample.video_id}: identity {max(rows)}, but the loss has {len(self.loss_reid.lookup)} rows; raise '
                'num_identities of loss_reid.'
            )
        return torch.tensor(rows, device=sample.gt_label_maps.device)

    def _loss_rpn(self, features: Tensor, masks: Tensor) -> dict[str, Tensor]:
        samples, shape = [], tuple(masks.shape[-2:])
        for t in range(masks.shape[1]):
            boxes = boxes_of_masks(masks[:, t])
            boxes = boxes[has_area(boxes)]
            sample = DetDataSample(metainfo=dict(img_shape=shape, pad_shape=shape, batch_input_shape=shape))
            sample.gt_instances = InstanceData(bboxes=boxes, labels=boxes.new_zeros(len(boxes), dtype=torch.long))
            samples.append(sample)
        found: dict[str, Any] = self.rpn_head.loss((features,), samples)
        return {name: torch.stack(value).sum() if isinstance(value, list) else value for name, value in found.items()}

    def _loss_mask(self, rois: Tensor, masks: Tensor, samples: _RoISamples) -> Tensor:
        positive = samples.objects >= 0
        targets = masks[samples.objects[positive], samples.frames[positive]]
        targets = box_targets(targets, samples.boxes[positive], self.roi_size)
        return self.mask_weight * self.reid_head.loss_masks(rois[positive], targets)

    def _sample_rois(self, features: Tensor, masks: Tensor, identities: Tensor) -> _RoISamples:
        """RoIs of a clip for Re-ID."""
        settings, shape = self.train_cfg, (masks.shape[-2], masks.shape[-1])
        chosen = []
        for t, proposals in enumerate(self.proposals(features, shape, settings.proposals)):
            given = boxes_of_masks(masks[:, t])
            owners = has_area(given).nonzero()[:, 0]
            given = given[owners]
            candidates = torch.cat([given, self._jitter(given, shape), proposals])
            candidates = candidates[((candidates[:, 2:] - candidates[:, :2]) >= 2).all(1)]
            overlaps = bbox_overlaps(candidates, given) if len(given) else candidates.new_zeros(len(candidates), 1)
            best, owner = overlaps.max(1)
            positive = (best >= settings.positive_iou).nonzero()[: settings.reid_positives, 0]
            negative = (best < settings.negative_iou).nonzero()[: settings.reid_rois - len(positive), 0]
            objects = owners[owner[positive]] if len(positive) else owners[:0]
            for rows, shown in ((positive, objects), (negative, negative.new_full((len(negative),), IGNORED))):
                labels = identities[shown] if rows is positive else shown.new_full((len(rows),), UNLABELLED)
                chosen.append((candidates[rows], shown.new_full((len(rows),), t), labels, shown))
        return _RoISamples(*(torch.cat(parts) for parts in zip(*chosen, strict=True)))

    def _jitter(self, boxes: Tensor, shape: tuple[int, int]) -> Tensor:
        amount = self.train_cfg.jitter
        size = boxes[:, 2:] - boxes[:, :2]
        centre = (boxes[:, 2:] + boxes[:, :2]) / 2 + size * torch.empty_like(size).uniform_(-amount, amount)
        half = size / 2 * torch.empty_like(size).uniform_(1 - amount, 1 + amount)
        return enlarge_boxes(torch.cat([centre - half, centre + half], 1), 0.0, shape)

    def _loss_re_mp(self, clip: Tensor, features: Tensor, masks: Tensor, sample: VOSDataSample) -> dict[str, Tensor]:
        present = (masks[:, 0] > 0).flatten(1).any(1)
        if not present.any():  # nothing to start from
            return dict(loss_re_mp=features.sum() * 0)
        masks = masks[present][: self.train_cfg.re_mp_instances]
        shape, enlarge = (masks.shape[-2], masks.shape[-1]), self.test_cfg.enlarge
        boxes = enlarge_boxes(boxes_of_masks(masks[:, 0]), enlarge, shape)
        state = self.re_mp_head.init_state(self.rois(features[:1], boxes), box_targets(masks[:, 0], boxes, self.roi_size))
        previous, losses = masks[:, 0], []
        for t in range(1, len(clip)):
            flow = self._clip_flow(clip, t, sample)
            source = masks[:, t - 1] if self.re_mp_boxes_from == 'gt' else previous
            warped = boxes_of_masks(warp(source[:, None], flow)[:, 0] >= 0.5)
            moved = self._jitter(enlarge_boxes(warped, enlarge, shape), shape)
            new_boxes = torch.where(has_area(warped)[:, None], moved, boxes)  # an object that is not seen keeps its box
            logits, state = self.re_mp_head(state.warped(boxes, new_boxes, flow), self.rois(features[t : t + 1], new_boxes))
            boxes = new_boxes
            losses.append(F.binary_cross_entropy_with_logits(logits, box_targets(masks[:, t], boxes, self.roi_size)))
            predicted = paste(logits.detach().sigmoid(), boxes, (0, 0, shape[1], shape[0])) >= 0.5
            agrees = _mask_iou(predicted, masks[:, t] > 0) >= 0.3
            previous = torch.where(agrees[:, None, None], predicted.float(), masks[:, t])
        return dict(loss_re_mp=self.mask_weight * torch.stack(losses).mean())

    def _clip_flow(self, clip: Tensor, t: int, sample: VOSDataSample) -> Tensor:
        """Flow ``(1, 2, H, W)`` of frame t of a clip into the frame before."""
        if 'flow_bwd' in sample:
            return sample.flow_bwd[t : t + 1]
        pixels = self.data_preprocessor.pixels(clip[t - 1 : t + 1])
        with torch.no_grad():
            return self.flow(pixels[1:], pixels[:1])


def _mask_iou(first: Tensor, second: Tensor) -> Tensor:
    """IoU of bool masks ``(N, H, W)``, pair by pair; 1 where both are empty."""
    union = (first | second).flatten(1).sum(1)
    return torch.where(union > 0, (first & second).flatten(1).sum(1) / union.clamp(min=1), 1.0)
