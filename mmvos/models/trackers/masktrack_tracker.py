"""Assigning detections to the instances in memory, as MaskTrack R-CNN does."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

from mmvos.registry import TRACKERS
from mmvos.structures import settings_from

from .memory_queue import MemoryQueue


@dataclass(frozen=True)
class MatchWeights:
    """Weights of the cues that assign a detection to an instance, beside appearance.

    Args:
        det_score (float): weight of the logarithm of the detection's score.
        iou (float): weight of the overlap of the boxes.
        det_label (float): weight of an equal class.
    """

    det_score: float = 1.0
    iou: float = 2.0
    det_label: float = 10.0


@TRACKERS.register_module()
class MaskTrackTracker:
    """Matching of "Video Instance Segmentation" (section 4.2): appearance, detection score, overlap and class.

    For detection i and instance n, with p the softmax over ``[0, <e_i, m_1>, ..., <e_i, m_N>]`` (column 0: a new
    instance)::

        S_in = log p_in + w_score log(score_i) + w_iou IoU(box_i, box_n) + w_label [class_i = class_n]

    where a new instance has IoU 0 and an equal class. Each detection asks for its best column. It holds no state: what
    is remembered is in a :class:`MemoryQueue`.

    Args:
        match_weights (dict | None): a :class:`MatchWeights`.
        unique_ids (bool): if two detections in a frame ask for one instance, only the better one gets it, whichever comes
            first; the other one is dropped. False: a better one that comes later does not take the id away from the
            earlier one, so that both carry it (mmdet).
        update_labels (bool): an instance takes the class of its last detection, or keeps that of its first (the original).
        iou_offset (float): number that is added to the right and bottom sides of boxes; 1 where a box includes its last pixel
            (the original).
        min_match_score (float): score below which a detection is not matched, and dropped (the original: -100).
    """

    def __init__(
        self,
        match_weights: dict[str, float] | None = None,
        unique_ids: bool = True,
        update_labels: bool = True,
        iou_offset: float = 0.0,
        min_match_score: float = -1e6,
    ) -> None:
        self.match_weights = settings_from(MatchWeights, match_weights, 'MaskTrackTracker.match_weights')
        self.unique_ids, self.update_labels = unique_ids, update_labels
        self.iou_offset, self.min_match_score = iou_offset, min_match_score

    def match_scores(self, boxes: Tensor, labels: Tensor, scores: Tensor, logits: Tensor, memory: MemoryQueue) -> Tensor:
        """S, ``(n, 1 + N)``: how well each detection matches a new instance (0) and each one in memory.

        Args:
            boxes (Tensor): boxes of the detections, ``(n, 4)``.
            labels (Tensor): their classes, ``(n,)``.
            scores (Tensor): their scores, ``(n,)``.
            logits (Tensor): similarity with a new instance (0) and with each instance in memory, ``(n, 1 + N)``.
            memory (MemoryQueue): boxes and classes of the N instances.
        """
        offset = boxes.new_tensor([0, 0, self.iou_offset, self.iou_offset])
        overlap = torch.zeros_like(logits)
        overlap[:, 1:] = bbox_overlaps(boxes + offset, memory['boxes'] + offset)
        same = torch.ones_like(logits)
        same[:, 1:] = (labels[:, None] == memory['labels']).to(logits)
        weights = self.match_weights
        return (
            logits.log_softmax(1) + weights.det_score * scores[:, None].log() + weights.iou * overlap + weights.det_label * same
        )

    def assign(self, match_scores: Tensor, memory: MemoryQueue) -> Tensor:
        """Ids ``(n,)``: of an instance, new ones, or -1 for a detection that is dropped.

        A detection gets the instance it asks for if no detection before it asked with a score as high.

        Args:
            match_scores (Tensor): S, ``(n, 1 + N)``.
            memory (MemoryQueue): the N instances; it gives the new ids.
        """
        best, column = match_scores.max(1)
        best, column = best.cpu(), column.cpu()  # a few numbers, and all that follows is bookkeeping
        order = torch.arange(len(column))
        rivals = (column[:, None] == column[None]) & (column != 0)
        earlier, later = order[None] < order[:, None], order[None] > order[:, None]
        before = best[None].expand_as(rivals).masked_fill(~(rivals & earlier), self.min_match_score)
        takes = (column != 0) & (best > before.amax(1))
        if self.unique_ids:
            takes &= ~(rivals & later & takes[None]).any(1)
        ids = torch.full_like(column, -1)
        ids[takes] = memory.ids[column[takes] - 1]
        new = column == 0
        ids[new] = memory.new_ids(int(new.sum()))
        return ids

    def track(
        self,
        boxes: Tensor,
        labels: Tensor,
        scores: Tensor,
        embeddings: Tensor,
        similarity: Callable[[Tensor, Tensor], Tensor],
        memory: MemoryQueue,
        frame_index: int,
    ) -> Tensor:
        """Match the detections of a frame and remember them.

        Args:
            boxes (Tensor): boxes of the detections, ``(n, 4)``.
            labels (Tensor): their classes, ``(n,)``.
            scores (Tensor): their scores, ``(n,)``.
            embeddings (Tensor): their embeddings, n rows.
            similarity (Callable): function of the embeddings and of those in memory to logits ``(n, 1 + N)``.
            memory (MemoryQueue): the instances; it learns what was seen.
            frame_index (int): position of the frame in the video.

        Returns:
            Ids ``(n,)`` on the CPU; -1: drop the detection.
        """
        if not len(boxes):
            ids = torch.zeros(0, dtype=torch.long)
        elif not len(memory):
            ids = memory.new_ids(len(boxes))
        else:
            logits = similarity(embeddings, memory['embeddings'])
            ids = self.assign(self.match_scores(boxes, labels, scores, logits, memory), memory)
        kept = (ids >= 0).to(boxes.device)
        memory.update(
            ids[ids >= 0],
            frame_index,
            keep=() if self.update_labels else ('labels',),
            boxes=boxes[kept],
            labels=labels[kept],
            embeddings=embeddings[kept],
        )
        memory.forget(frame_index)
        return ids
