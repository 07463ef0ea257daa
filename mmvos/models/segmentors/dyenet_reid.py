"""DyeNet's re-identification (Re-ID): which proposals of a video look like which object (section 3.4)."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmvos.structures import boxes_of_masks

from ..trackers.regions import RegionStore
from ..trackers.tracklets import Tracklet, Tube
from .dyenet_networks import DyeNetNetworks
from .dyenet_settings import SearchSettings
from .dyenet_sweep import VideoMaps


class Proposal(NamedTuple):
    """A possible starting point.

    Attributes:
        frame (int): frame in which it was found.
        instance (int): index of the object that it looks like.
        similarity (float): to the object's templates.
        number (int): position among the proposals of the frame.
        box (Tensor): box ``(4,)``, on the CPU.
    """

    frame: int
    instance: int
    similarity: float
    number: int
    box: Tensor


class TemplateBank:
    """Embeddings by which the objects are known.

    Args:
        embeddings (Sequence[Tensor]): embedding ``(D,)`` of each object's given mask, on the CPU.
        frames (Sequence[int]): frame of each given mask.
    """

    def __init__(self, embeddings: Sequence[Tensor], frames: Sequence[int]) -> None:
        self.embeddings = [embedding[None] for embedding in embeddings]
        self.frames = [[frame] for frame in frames]

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.frames)

    def similarity(self, embeddings: Tensor) -> Tensor:
        """Cosine similarity of embeddings ``(N, D)`` to the most similar template of each object, ``(N, K)``."""
        return torch.stack([(embeddings @ known.t()).amax(1) for known in self.embeddings], dim=1)

    def copy(self) -> 'TemplateBank':
        """A bank of its own with the same templates."""
        bank = TemplateBank([], [])
        bank.embeddings, bank.frames = list(self.embeddings), [list(frames) for frames in self.frames]
        return bank

    def add(self, instance: int, embedding: Tensor, frame: int) -> None:
        """A further template of an object."""
        self.embeddings[instance] = torch.cat([self.embeddings[instance], embedding[None]])
        self.frames[instance].append(frame)


def rank_proposals(proposals: Iterable[Proposal], reid_thr: float) -> list[Proposal]:
    """Those that look enough like their object, the most similar first, then by frame and object.

    The order in which boxes were listed does not matter.
    """
    enough = [p for p in proposals if p.similarity > reid_thr]
    return sorted(enough, key=lambda p: (-p.similarity, p.frame, p.instance))


class ReIdentification:
    """What is known of the looks of a video's objects, and of its proposals.

    Args:
        model (DyeNetNetworks): the network.
        maps (VideoMaps): features of the video.
        regions (RegionStore): masks of the tracklets.
        given (Sequence[tuple[int, Tensor]]): frame and bool mask ``(H, W)`` of every object.
        settings (SearchSettings): settings.

    Attributes:
        templates (TemplateBank): embeddings by which the objects are known.
    """

    def __init__(
        self,
        model: DyeNetNetworks,
        maps: VideoMaps,
        regions: RegionStore,
        given: Sequence[tuple[int, Tensor]],
        settings: SearchSettings,
    ) -> None:
        self.model, self.maps, self.regions, self.settings = model, maps, regions, settings
        self.first = [frame for frame, _ in given]
        boxes = boxes_of_masks(torch.stack([mask for _, mask in given]))
        self.templates = TemplateBank(
            [self._embed(f, box[None])[0] for f, box in zip(self.first, boxes, strict=True)], self.first
        )
        self._boxes: list[Tensor] = []  # of the proposals of each frame, on the CPU
        self._embeddings: list[Tensor] = []  # of the same
        self._of_regions: dict[int, Tensor] = {}  # embeddings of tracklets' regions, by the regions' numbers

    def look_at_all_frames(self) -> None:
        """Proposals and their embeddings, once for the video: they do not change from round to round."""
        for frame in range(self.maps.length):
            features = self.maps.features[frame]
            boxes = self.model.proposals(features, self.maps.shape, self.settings.max_proposals)[0]
            boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) >= self.settings.min_box_side).all(1)]
            self._boxes.append(boxes.cpu())
            self._embeddings.append(self._embed(frame, boxes, features))

    def starting_points(self, wanted: Sequence[int]) -> list[Proposal]:
        """Proposals that look enough like one of the wanted objects, the most similar first."""
        return rank_proposals(self._most_similar(wanted), self.settings.reid_thr)

    def mask_of(self, proposal: Proposal) -> Tensor:
        """Bool mask ``(H, W)`` of a proposal's main object."""
        return self.model.box_masks(self.maps.features[proposal.frame], proposal.box[None], self.maps.shape)[0]

    def expand_templates(self, tubes: Sequence[Tube]) -> int:
        """Confident predictions that look somewhat new become templates (section 3.4); how many."""
        settings, added = self.settings.expand_templates, 0
        known = self.templates.copy()  # new ones count from the next round on
        for k, tube in enumerate(tubes):
            room = min(settings.per_round, settings.in_all + 1 - len(self.templates.frames[k]))
            possible = []
            for frame, tracklet in tube.items() if room > 0 else ():
                confidence = self.regions.summary(tracklet.regions[frame]).confidence
                if confidence >= settings.min_confidence:
                    embedding = self._embedding(tracklet, frame)
                    similarity = known.similarity(embedding)[0]
                    new = self.settings.reid_thr < similarity[k] < settings.max_similarity
                    if new and int(similarity.argmax()) == k:
                        possible.append((confidence, frame, embedding[0]))
            for _, frame, embedding in sorted(possible, key=lambda e: (-e[0], e[1])):
                if room > 0 and min(abs(frame - f) for f in self.templates.frames[k]) >= settings.min_gap:
                    self.templates.add(k, embedding, frame)
                    room, added = room - 1, added + 1
        return added

    def likeness(self, tracklet: Tracklet, frame: int) -> float:
        """Cosine similarity of what a tracklet shows in a frame to its object's given mask."""
        return float(self._embedding(tracklet, frame)[0] @ self.templates.embeddings[tracklet.instance][0])

    def _most_similar(self, wanted: Sequence[int]) -> list[Proposal]:
        """For every frame and wanted object the proposal that looks most like it, among those that look like no other one."""
        found = []
        for frame, embeddings in enumerate(self._embeddings):
            if not len(embeddings):
                continue
            similarity = self.templates.similarity(embeddings)
            best = similarity.argmax(1)
            for k in wanted:
                score, index = torch.where(best == k, similarity[:, k], -1.0).max(0)
                if frame > self.first[k]:
                    found.append(Proposal(frame, k, min(float(score), 1 - 1e-6), int(index), self._boxes[frame][index]))
        return found

    def _embedding(self, tracklet: Tracklet, frame: int) -> Tensor:
        """Embedding ``(1, D)`` of a tracklet's tight box in a frame, on the CPU."""
        number = tracklet.regions[frame]
        if number not in self._of_regions:
            self._of_regions[number] = self._embed(frame, self.regions.summary(number).box)
        return self._of_regions[number]

    def _embed(self, frame: int, boxes: Tensor, features: Tensor | None = None) -> Tensor:
        """Unit embeddings ``(N, D)`` of boxes ``(N, 4)``, on the CPU."""
        features = self.maps.features[frame] if features is None else features
        if not len(boxes):
            return torch.zeros(0, self.model.reid_head.embed.out_features)
        return self.model.reid_head.embeddings(self.model.rois(features, boxes.to(features.device))).float().cpu()
