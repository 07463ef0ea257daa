"""DyeNet: re-identification finds objects anywhere in the video, attention-aware propagation carries them from there.

Li and Loy, "Video Object Segmentation with Joint Re-identification and Attention-Aware Mask Propagation", ECCV 2018. Offline:
the whole video must be there.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from mmcv.ops import roi_align
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor

from mmvos.inference import OfflineVideo, SessionSettings
from mmvos.inference.bounded_store import BoundedStore, RecordStore
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample, boxes_of_masks, enlarge_boxes, one_hot

from ..flow.warp import warp
from ..heads.re_mp_head import RoIState
from ..heads.reid_head import box_shares, box_targets
from ..losses.oim_loss import IGNORED, UNLABELLED
from ..trackers.tracklets import Tracklet, link_tracklets
from .base import OfflineVOSModel


class Candidate(NamedTuple):
    """A possible starting point: a proposal, or a given mask (``box`` is None, ``mask`` is not)."""

    frame: int
    instance: int
    similarity: float
    box: Tensor | None = None
    mask: Tensor | None = None


@dataclass(frozen=True)
class TemplateExpansion:
    """When a prediction becomes a further template of its object."""

    min_confidence: float = 0.8
    max_similarity: float = 0.95
    min_gap: int = 5
    per_round: int = 5
    in_all: int = 20


@dataclass(frozen=True)
class DyeNetTestSettings(SessionSettings):
    """Settings of DyeNet's inference; see :class:`DyeNet`."""

    use_reid: bool = True
    reid_thr: float = 0.7
    max_rounds: int = 10
    skip_iou: float = 0.7
    link: dict[str, Any] = field(default_factory=dict)
    enlarge: float = 0.15
    min_area_ratio: float = 0.1
    min_area: int = 64
    min_box_side: int = 4
    max_proposals: int = 100
    memory_mb: float = 4096
    max_tracklets: int | None = None
    expand_templates: TemplateExpansion | None = TemplateExpansion()


@dataclass(frozen=True)
class DyeNetTrainSettings:
    """Settings of DyeNet's training; see :class:`DyeNet`."""

    reid_rois: int = 16
    reid_positives: int = 8
    positive_iou: float = 0.5
    negative_iou: float = 0.3
    re_mp_instances: int = 4
    jitter: float = 0.1
    proposals: int = 50
    unnumbered_rows: int | None = None


@MODELS.register_module()
class DyeNet(OfflineVOSModel):
    """Re-ID and Re-MP, taking turns until nothing new is found.

    Args:
        backbone: N_feat; its last map is used, ``stride`` pixels a cell.
        neck: makes the map of the backbone's maps (its last output is used), e.g. ``LevelConcat`` (None: none).
        flow: optical flow estimator (not trained).
        rpn_head: ``mmdet.RPNHead`` config: class-agnostic proposals.
        reid_head, re_mp_head: configs of the two modules (``re_mp_head`` without ``attention`` is an ablation).
        loss_reid: config of the OIM loss.
        roi_size: m.
        parts: what :meth:`loss` trains, of ``'rpn'``, ``'reid'`` and ``'re_mp'``; ``'dyenet'`` stands for the last two. With
            one of these, the RPN reads features without a gradient.
        mask_weight: lambda, weight of the two segmentation losses.
        train_cfg: ``reid_rois`` (per frame), ``reid_positives``, ``positive_iou``, ``negative_iou``, ``re_mp_instances``,
            ``jitter`` (of boxes), ``proposals`` (per frame), ``unnumbered_rows`` (see :meth:`_identities`).
        test_cfg: besides the session's: ``use_reid`` (False: only propagation of the given masks), ``reid_thr`` (rho),
            ``max_rounds``, ``expand_templates`` (None: off, else thresholds), ``skip_iou``, ``link`` (settings of linking),
            ``max_tracklets`` (per object; past it, starting points of the object are dropped, the least similar of a round;
            None: all are propagated), ``enlarge`` (of Re-MP's boxes per side), ``min_area_ratio``, ``min_area``,
            ``min_box_side``, ``max_proposals``,
            ``memory_mb`` (bound of what is kept of a video: features, flow, and the masks of tracklets, which go to a
            temporary file beyond it).
    """

    prompted = True
    TestSettings = DyeNetTestSettings
    TrainSettings = DyeNetTrainSettings

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
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        chosen = {name for part in parts for name in (('reid', 're_mp') if part == 'dyenet' else (part,))}
        if not chosen or chosen - {'rpn', 'reid', 're_mp'}:
            raise ValueError(f"parts is {tuple(parts)}; expected some of 'rpn', 'reid', 're_mp', or 'dyenet' for the last two.")
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else None
        self.flow = MODELS.build(flow)
        self.rpn_head = MODELS.build(rpn_head)
        self.reid_head = MODELS.build(reid_head)
        self.re_mp_head = MODELS.build(re_mp_head)
        self.loss_reid = MODELS.build(loss_reid)
        self.roi_size, self.stride, self.parts, self.mask_weight = roi_size, stride, chosen, mask_weight
        #: 'gt' or 'predicted': whose mask of the frame before gives Re-MP its box in training; a curriculum may change it
        self.re_mp_boxes_from = 'gt'
        self.flow.requires_grad_(False)
        for name, part in (('rpn', self.rpn_head), ('reid', self.reid_head), ('re_mp', self.re_mp_head)):
            if name not in self.parts:
                part.requires_grad_(False)
        self.report: dict[str, Any] = {}

    def setting(self, name: str) -> Any:
        """A setting of the test, by its default or as ``test_cfg`` has it."""
        return getattr(self.test_cfg, name)

    # -- parts of both training and test ---------------------------------------------------------------------------

    def features(self, images: Tensor) -> Tensor:
        """N_feat: ``(T, 3, H, W)`` to ``(T, C, ceil(H / stride), ceil(W / stride))``."""
        maps = self.backbone(images.contiguous(memory_format=self.data_preprocessor.memory_format))
        return maps[-1] if self.neck is None else self.neck(maps)[-1]

    def rois(self, features: Tensor, boxes: Tensor, batch_indices: Tensor | None = None) -> Tensor:
        """RoIAlign: boxes ``(N, 4)`` of features ``(T, C, h, w)`` to ``(N, C, m, m)``."""
        if batch_indices is None:
            batch_indices = boxes.new_zeros(len(boxes))
        rois = torch.cat([batch_indices[:, None].to(boxes.dtype), boxes], dim=1)
        # roi_align reads any other memory layout wrongly, without an error
        features = features.float().contiguous()
        return roi_align(features, rois, (self.roi_size,) * 2, 1 / self.stride, 0, 'avg', True)

    def proposals(self, features: Tensor, shape: tuple[int, int], count: int) -> list[Tensor]:
        """Boxes ``(<= count, 4)`` of each frame, the most likely first."""
        samples = [DetDataSample(metainfo=dict(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0))) for _ in features]
        with torch.no_grad():
            found = self.rpn_head.predict((features.detach(),), samples, rescale=False)
        return [instances.bboxes[:count] for instances in found]

    # -- inference (section 3.4) -----------------------------------------------------------------------------------

    def segment(self, video: OfflineVideo) -> Iterator[Tensor]:
        run = _Run(self, video)
        tubes = run.find_tubes()
        self.report = run.report(tubes)
        for index in range(len(video)):
            yield run.compose(tubes, index)

    # -- training (section 3.5) ------------------------------------------------------------------------------------

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        losses: dict[str, list[Tensor]] = {}
        for clip, sample in zip(inputs, data_samples):
            features = self.features(clip)
            masks = one_hot(sample.gt_label_maps, sample.object_ids)  # (K, T, H, W)
            found: dict[str, Any] = {}
            if 'rpn' in self.parts:
                own = features if self.parts == {'rpn'} else features.detach()
                found.update(self._loss_rpn(own, masks))
            if 'reid' in self.parts:
                found.update(self._loss_reid(features, masks, self._identities(sample)))
            if 're_mp' in self.parts:
                found.update(self._loss_re_mp(clip, features, masks, sample))
            for name, value in found.items():
                losses.setdefault(name, []).append(sum(value) if isinstance(value, list) else value)
        return {name: torch.stack(values).mean() for name, values in losses.items()}

    def _identities(self, sample: VOSDataSample) -> Tensor:
        """Row of the lookup table of each object: as the sample says (``identities``), else drawn from the video's name and the
        object's id, among the last ``unnumbered_rows`` rows (None: all). Objects that online training brings, or clips of a
        data set without numbers, thus keep clear of the rows of numbered objects, and the result does not depend on the order
        in which they come."""
        known, total = sample.get('identities') or {}, len(self.loss_reid.lookup)
        free = total if self.train_cfg.unnumbered_rows is None else self.train_cfg.unnumbered_rows
        rows = [
            known[i] if i in known else total - free + zlib.crc32(f'{sample.video_id}/{i}'.encode()) % free
            for i in sample.object_ids
        ]
        if rows and max(rows) >= total:
            raise ValueError(
                f'{sample.video_id}: identity {max(rows)}, but the loss has {total} rows; raise num_identities of loss_reid.'
            )
        return torch.tensor(rows, device=sample.gt_label_maps.device)

    def _loss_rpn(self, features: Tensor, masks: Tensor) -> dict[str, Any]:
        samples = []
        for t in range(masks.shape[1]):
            boxes, present = tight_boxes(masks[:, t] > 0)
            shape = tuple(masks.shape[-2:])
            sample = DetDataSample(metainfo=dict(img_shape=shape, pad_shape=shape, batch_input_shape=shape))
            boxes = boxes[present]
            sample.gt_instances = InstanceData(bboxes=boxes, labels=boxes.new_zeros(len(boxes), dtype=torch.long))
            samples.append(sample)
        return self.rpn_head.loss((features,), samples)

    def _loss_reid(self, features: Tensor, masks: Tensor, identities: Tensor) -> dict[str, Tensor]:
        boxes, frames, labels, objects = self._sample_rois(features, masks, identities)
        rois = self.rois(features, boxes, frames)
        positive = objects >= 0
        targets = masks[objects[positive], frames[positive].long()]
        targets = box_targets(targets, boxes[positive], self.roi_size)
        embeddings = self.reid_head.embeddings(rois)
        losses = dict(loss_reid=self.loss_reid(embeddings, labels))
        losses.update(self.reid_head.loss_masks(rois[positive], targets))
        losses['loss_mask'] = self.mask_weight * losses['loss_mask']
        return losses

    def _sample_rois(self, features: Tensor, masks: Tensor, identities: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """RoIs of a clip: boxes ``(R, 4)``, their frames, identity labels, and objects (-1: none)."""
        cfg, shape = self.train_cfg, tuple(masks.shape[-2:])
        proposals = self.proposals(features, shape, cfg.proposals)
        chosen: list[tuple[Tensor, int, Tensor, Tensor]] = []
        for t, candidates in enumerate(proposals):
            given, present = tight_boxes(masks[:, t] > 0)
            given, owners = given[present], present.nonzero()[:, 0]
            jittered = self._jitter(given, shape)
            candidates = torch.cat([given, jittered, candidates])
            sides = candidates[:, 2:] - candidates[:, :2]
            candidates = candidates[(sides >= 2).all(1)]
            overlaps = bbox_overlaps(candidates, given) if len(given) else candidates.new_zeros(len(candidates), 1)
            best, owner = overlaps.max(1)
            positive = (best >= cfg.positive_iou).nonzero()[: cfg.reid_positives, 0]
            negative = (best < cfg.negative_iou).nonzero()[: cfg.reid_rois - len(positive), 0]
            if len(positive):
                of = owners[owner[positive]]
                chosen.append((candidates[positive], t, identities[of], of))
            none = identities.new_full((len(negative),), UNLABELLED)
            chosen.append((candidates[negative], t, none, none.new_full((len(negative),), IGNORED)))
        boxes = torch.cat([c[0] for c in chosen])
        frames = torch.cat([c[0].new_full((len(c[0]),), c[1]) for c in chosen])
        return boxes, frames, torch.cat([c[2] for c in chosen]), torch.cat([c[3] for c in chosen])

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
        shape, enlarge = tuple(masks.shape[-2:]), self.setting('enlarge')
        boxes = enlarge_boxes(tight_boxes(masks[:, 0] > 0)[0], enlarge, shape)
        starts = box_targets(masks[:, 0], boxes, self.roi_size)
        state = self.re_mp_head.init_state(self.rois(features[:1], boxes), starts)
        previous, losses = masks[:, 0], []
        for t in range(1, len(clip)):
            flow = self._clip_flow(clip, t, sample)
            source = masks[:, t - 1] if self.re_mp_boxes_from == 'gt' else previous
            warped, seen = tight_boxes(warp(source[:, None], flow)[:, 0] >= 0.5)
            # an object that is not seen keeps its box
            new_boxes = torch.where(seen[:, None], self._jitter(enlarge_boxes(warped, enlarge, shape), shape), boxes)
            carried = state.warped(boxes, new_boxes, flow)
            logits, state = self.re_mp_head(carried, self.rois(features[t : t + 1], new_boxes))
            targets = box_targets(masks[:, t], new_boxes, self.roi_size)
            losses.append(F.binary_cross_entropy_with_logits(logits, targets))
            boxes = new_boxes
            predicted = paste(logits.detach().sigmoid(), boxes, shape) >= 0.5
            agree = _mask_iou(predicted, masks[:, t] > 0) >= 0.3
            previous = torch.where(agree[:, None, None], predicted.float(), masks[:, t])
        return dict(loss_re_mp=self.mask_weight * torch.stack(losses).mean())

    def _clip_flow(self, clip: Tensor, t: int, sample: VOSDataSample) -> Tensor:
        if 'flow_bwd' in sample:
            return sample.flow_bwd[t : t + 1]
        pixels = self.data_preprocessor.pixels(clip[t - 1 : t + 1])
        with torch.no_grad():
            return self.flow(pixels[1:], pixels[:1])


class _Run:
    """One video's way through DyeNet: what is known of its frames, templates and tracklets."""

    def __init__(self, model: DyeNet, video: OfflineVideo) -> None:
        self.model, self.video, self.cfg = model, video, model.setting
        first = video[0]
        self.shape, self.device = tuple(first.image.shape[-2:]), first.image.device
        memory, name = self.cfg('memory_mb'), f'DyeNet, {video.video_id}'
        self.features = BoundedStore(lambda f: model.features(video[f].image), 0.65 * memory, f'{name}: features')
        self.flows = BoundedStore(self._flow, 0.25 * memory, f'{name}: flow')
        # an object's mask in a frame: probabilities on the grid of a box
        region = np.dtype([('box', np.float32, 4), ('probabilities', np.float16, (model.roi_size,) * 2)])
        self.regions = RecordStore(region, 0.1 * memory, f'{name}: masks of tracklets')
        self.given: list[tuple[int, Tensor]] = []  # (frame, mask) of every object
        for frame in sorted(video.prompts):
            self.given += [(frame, mask > 0.5) for mask in video.prompts[frame]]
        # of all proposals, on the CPU
        self.boxes: dict[int, Tensor] = {}
        self.embeddings: dict[int, Tensor] = {}
        self.tracklets: list[Tracklet] = []
        self.templates: list[list[Tensor]] = []
        self.template_frames: list[list[int]] = []
        self.rounds: list[dict] = []
        self.dropped = 0  # starting points beyond max_tracklets
        self._count = [0] * len(self.given)  # tracklets of every object
        self.decisions: list[Any] = []

    def _flow(self, pair: tuple[int, int]) -> Tensor:
        source, target = pair
        return self.model.flow(self.video[source].pixels, self.video[target].pixels)

    def find_tubes(self) -> list[dict[int, Tracklet]]:
        """Rounds of re-identification and propagation until nothing new is found."""
        for frame, mask in self.given:
            self.templates.append([self._embed(frame, tight_boxes(mask[None])[0])[0]])
            self.template_frames.append([frame])
        if self.cfg('use_reid'):
            self._look_at_all_frames()
        rounds = self.cfg('max_rounds') if self.cfg('use_reid') else 1
        for number in range(rounds):
            candidates = self._starting_points() if self.cfg('use_reid') else []
            if number == 0:
                candidates += [Candidate(f, k, 1.0, mask=mask) for k, (f, mask) in enumerate(self.given)]
            candidates = rank_candidates(candidates, self.cfg('reid_thr'))
            added = self._grow(candidates)
            tubes = self._link()
            expanded = self._expand_templates(tubes) if added and self.cfg('use_reid') else 0
            self.rounds.append(dict(starting_points=len(candidates), new_tracklets=added, new_templates=expanded))
            if not added or not expanded:
                break
        return tubes

    def _look_at_all_frames(self) -> None:
        """Proposals and their embeddings, once per video: they do not change from round to round."""
        for frame in range(len(self.video)):
            features = self.features[frame]
            boxes = self.model.proposals(features, self.shape, self.cfg('max_proposals'))[0]
            sides = boxes[:, 2:] - boxes[:, :2]
            boxes = boxes[(sides >= self.cfg('min_box_side')).all(1)]
            self.boxes[frame], self.embeddings[frame] = boxes.cpu(), self._embed(frame, boxes).cpu()

    def _embed(self, frame: int, boxes: Tensor) -> Tensor:
        if not len(boxes):
            return boxes.new_zeros(0, self.model.reid_head.embed.out_features)
        return self.model.reid_head.embeddings(self.model.rois(self.features[frame], boxes))

    def _starting_points(self) -> list[Candidate]:
        """For every frame and object the proposal that looks most like it, among those that look like no other object."""
        found = []
        templates = [torch.stack(t).cpu() for t in self.templates]
        for frame, embeddings in self.embeddings.items():
            if not len(embeddings):
                continue
            similarity = torch.stack([(embeddings @ t.t()).amax(1) for t in templates], dim=1)  # (boxes, K)
            best = similarity.argmax(1)
            for k, (first, _) in enumerate(self.given):
                own = torch.where(best == k, similarity[:, k], similarity.new_tensor(-1.0))
                score, index = own.max(0)
                if frame > first:
                    found.append(Candidate(frame, k, float(score), box=self.boxes[frame][index]))
        return found

    def _grow(self, candidates: list[Candidate]) -> int:
        """Propagate starting points in order, unless a tracklet has the place already; how many were new."""
        waiting, added, limit = [], 0, self.cfg('max_tracklets')

        def flush():
            if waiting:
                self._propagate(waiting)
                waiting.clear()

        for candidate in candidates:
            mask = candidate.mask
            if mask is None and limit is not None and self._count[candidate.instance] >= limit:
                self.dropped += 1
                continue
            if waiting and (mask is None or candidate.frame != waiting[0][0].start_frame):
                flush()  # given masks of one frame travel together, everything else alone
            if mask is None:
                mask = self._mask_of(candidate)
                if int(mask.sum()) < self.cfg('min_area'):
                    continue
            if self._is_taken(candidate.frame, mask):
                continue
            self._count[candidate.instance] += 1
            tracklet = Tracklet(len(self.tracklets), candidate.instance, candidate.similarity, candidate.frame)
            self.tracklets.append(tracklet)
            waiting.append((tracklet, mask))
            added += 1
            if candidate.mask is None:
                flush()
        flush()
        return added

    def _is_taken(self, frame: int, mask: Tensor) -> bool:
        there = [self.mask(t, frame) for t in self.tracklets if frame in t.regions]
        return any(_mask_iou(other[None], mask[None])[0] >= self.cfg('skip_iou') for other in there)

    def _mask_of(self, candidate: Candidate) -> Tensor:
        box = candidate.box[None].to(self.device)
        logits = self.model.reid_head.masks(self.model.rois(self.features[candidate.frame], box))
        return paste(logits.sigmoid(), box, self.shape)[0] >= 0.5

    def _propagate(self, starts: list[tuple[Tracklet, Tensor]]) -> None:
        """Carry masks of one frame to both ends of the video, as far as they go."""
        frame = starts[0][0].start_frame
        masks = torch.stack([mask for _, mask in starts]).float()
        boxes = enlarge_boxes(tight_boxes(masks > 0)[0], self.cfg('enlarge'), self.shape)
        shares = box_shares(masks, boxes, self.model.roi_size)
        state = self.model.re_mp_head.init_state(self.model.rois(self.features[frame], boxes), shares)
        tracklets = [t for t, _ in starts]
        self._record(tracklets, frame, boxes, shares)
        for direction in (1, -1):
            self._walk(tracklets, frame, direction, masks, boxes, state)

    def _walk(self, tracklets, frame: int, direction: int, masks: Tensor, boxes: Tensor, state: RoIState) -> None:
        model, first_area = self.model, masks.flatten(1).sum(1)
        smallest_side = torch.where((boxes[:, 2:] - boxes[:, :2]).amin(1) < 8, 2, self.cfg('min_box_side'))
        least = torch.maximum(self.cfg('min_area_ratio') * first_area, (first_area / 2).clamp(max=self.cfg('min_area')))
        while tracklets and 0 <= frame + direction < len(self.video):
            new = frame + direction
            flow = self.flows[new, frame]
            new_boxes, present = tight_boxes(warp(masks[:, None], flow)[:, 0] >= 0.5)
            going = present & ((new_boxes[:, 2:] - new_boxes[:, :2]).amin(1) >= smallest_side)
            if not going.any():
                return
            keep = going.nonzero()[:, 0]
            new_boxes = enlarge_boxes(new_boxes[keep], self.cfg('enlarge'), self.shape)
            carried = state.rows(keep).warped(boxes[keep], new_boxes, flow)
            logits, state = model.re_mp_head(carried, model.rois(self.features[new], new_boxes))
            probabilities = logits.sigmoid()
            masks = (paste(probabilities, new_boxes, self.shape) >= 0.5).float()
            large = masks.flatten(1).sum(1) >= least[keep]
            rows = large.nonzero()[:, 0]
            tracklets = [tracklets[int(keep[r])] for r in rows]
            masks, boxes, state = masks[rows], new_boxes[rows], state.rows(rows)
            least, smallest_side = least[keep][rows], smallest_side[keep][rows]
            self._record(tracklets, new, boxes, probabilities[rows])
            frame = new

    def _record(self, tracklets: list[Tracklet], frame: int, boxes: Tensor, probabilities: Tensor) -> None:
        for tracklet, box, p in zip(tracklets, boxes.cpu().numpy(), probabilities.to('cpu', torch.float16).numpy()):
            tracklet.regions[frame] = self.regions.append((box, p))

    def probabilities(self, tracklet: Tracklet, frame: int) -> Tensor:
        """A tracklet's probabilities in a frame, ``(h, w)``."""
        region = self.regions[tracklet.regions[frame]]
        box, p = (torch.tensor(region[field], dtype=torch.float32, device=self.device) for field in region.dtype.names)
        return paste(p[None], box[None], self.shape)[0]

    def mask(self, tracklet: Tracklet, frame: int) -> Tensor:
        return self.probabilities(tracklet, frame) >= 0.5

    def _link(self) -> list[dict[int, Tracklet]]:
        def iou(a: Tracklet, b: Tracklet, frame: int) -> float:
            return float(_mask_iou(self.mask(a, frame)[None], self.mask(b, frame)[None])[0])

        tubes, self.decisions = link_tracklets(self.tracklets, len(self.given), iou, **self.cfg('link'))
        return tubes

    def _expand_templates(self, tubes: list[dict[int, Tracklet]]) -> int:
        """Confident predictions that look somewhat new become templates (section 3.4); how many."""
        cfg = self.cfg('expand_templates')
        if cfg is None:
            return 0
        known, added = [torch.stack(t) for t in self.templates], 0
        for k, tube in enumerate(tubes):
            possible = []
            for frame, tracklet in tube.items():
                p = self.probabilities(tracklet, frame)
                boxes, present = tight_boxes((p >= 0.5)[None])
                confidence = float(p[p >= 0.5].mean()) if present[0] else 0.0
                if confidence >= cfg.min_confidence:
                    embedding = self._embed(frame, boxes)[0]
                    similarity = torch.stack([(t @ embedding).max() for t in known])
                    if self.cfg('reid_thr') < similarity[k] < cfg.max_similarity and int(similarity.argmax()) == k:
                        possible.append((confidence, frame, embedding))
            room = min(cfg.per_round, cfg.in_all + 1 - len(self.templates[k]))
            for _, frame, embedding in sorted(possible, key=lambda e: (-e[0], e[1])):
                if room > 0 and min(abs(frame - f) for f in self.template_frames[k]) >= cfg.min_gap:
                    self.templates[k].append(embedding)
                    self.template_frames[k].append(frame)
                    room, added = room - 1, added + 1
        return added

    def compose(self, tubes: list[dict[int, Tracklet]], frame: int) -> Tensor:
        """Scores ``(K + 1, h, w)`` of a frame; the background is where no object is."""
        maps = torch.zeros(len(tubes), *self.shape, device=self.device)
        for k, ((first, mask), tube) in enumerate(zip(self.given, tubes)):
            if frame == first:
                maps[k] = mask.float()
            elif frame > first and frame in tube:
                maps[k] = self.probabilities(tube[frame], frame)
        scores = torch.cat([(1 - maps).prod(0, keepdim=True), maps])
        return scores / scores.sum(0, keepdim=True).clamp(min=1e-6)

    def report(self, tubes: list[dict[int, Tracklet]]) -> dict[str, Any]:
        """What happened, as plain numbers."""
        decisions = {d.id: d for d in self.decisions}
        return dict(
            video=self.video.video_id,
            frames=len(self.video),
            objects=len(self.given),
            rounds=self.rounds,
            dropped_starting_points=self.dropped,
            recomputed_features=self.features.recomputed,
            regions=len(self.regions),
            spilled_regions=self.regions.spilled,
            templates=[dict(object=k, frames=frames) for k, frames in enumerate(self.template_frames)],
            tracklets=[
                dict(
                    id=t.id,
                    object=t.instance,
                    similarity=round(t.similarity, 4),
                    start_frame=t.start_frame,
                    first_frame=min(t.regions),
                    last_frame=max(t.regions),
                    decision=decisions[t.id].decision,
                    reason=decisions[t.id].reason,
                    frames_used=decisions[t.id].frames,
                )
                for t in self.tracklets
            ],
            tubes=[{str(frame): t.id for frame, t in sorted(tube.items())} for tube in tubes],
        )


def tight_boxes(masks: Tensor) -> tuple[Tensor, Tensor]:
    """Tight boxes ``(N, 4)`` of bool masks ``(N, H, W)``, and which masks are not empty."""
    boxes = boxes_of_masks(masks)
    return boxes, boxes[:, 2] > boxes[:, 0]


def rank_candidates(candidates: list[Candidate], reid_thr: float) -> list[Candidate]:
    """Those that look enough like their object, the most similar first, then by frame and object.

    The order in which boxes were listed does not matter.
    """
    enough = [c for c in candidates if c.similarity > reid_thr]
    return sorted(enough, key=lambda c: (-c.similarity, c.frame, c.instance))


def paste(probabilities: Tensor, boxes: Tensor, shape: tuple[int, int]) -> Tensor:
    """Probabilities ``(N, m, m)`` on the grids of boxes ``(N, 4)`` to maps ``(N, H, W)``; zero outside the box."""
    if not len(boxes):
        return probabilities.new_zeros(0, *shape)
    return _do_paste_mask(probabilities[:, None], boxes, *shape, skip_empty=False)[0]


def _mask_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of bool masks ``(N, H, W)`` pairwise; 1 where both are empty."""
    union = (a | b).flatten(1).sum(1)
    return torch.where(union > 0, (a & b).flatten(1).sum(1) / union.clamp(min=1), 1.0)
