"""DyeNet's search through a video: re-identification (Re-ID) and recurrent mask propagation (Re-MP) in turns (section 3.4)."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from mmvos.inference import OfflineVideo, SessionSettings
from mmvos.structures import InputError, boxes_of_masks

from ..trackers.regions import RegionStore
from ..trackers.tracklets import Decision, LinkSettings, Tracklet, Tube, contradicted_by, link_tracklets
from .dyenet_sweep import Start, Sweep, VideoMaps

if TYPE_CHECKING:
    from .dyenet import DyeNet


@dataclass(frozen=True)
class TemplateSettings:
    """When a prediction becomes a further template of its object.

    Args:
        min_confidence (float): least mean probability of the mask, in [0, 1].
        max_similarity (float): largest cosine similarity to the templates that are known: something new is wanted.
        min_gap (int): least distance in frames to other templates of the object.
        per_round (int): most new templates of an object in a round (0: none are added).
        in_all (int): most templates of an object besides its given mask.
    """

    min_confidence: float = 0.8
    max_similarity: float = 0.95
    min_gap: int = 5
    per_round: int = 5
    in_all: int = 20


@dataclass(frozen=True)
class SearchSettings(SessionSettings):
    """Settings of DyeNet's inference: the session's, and these of the search.

    Args:
        use_reid (bool): False: only given masks are propagated.
        search_all (bool): Re-ID also looks for objects that were carried through the whole video, which can gain nothing by it:
            for counting starting points as the paper's Table 2 does.
        reid_thr (float): rho, cosine similarity that a proposal must exceed to be a starting point.
        max_rounds (int): most rounds of Re-ID and Re-MP.
        expand_templates (TemplateSettings): when predictions become templates.
        skip_iou (float): a starting point is skipped where a tracklet overlaps it by at least this IoU.
        link (LinkSettings): when tracklets contradict each other.
        max_tracklets (int | None): most tracklets of an object; past it, starting points are dropped, the least similar ones
            of a round. None: no limit.
        batch (int): most tracklets that are propagated together. Results do not depend on it.
        enlarge (float): share of its size by which each side of Re-MP's box is moved out.
        min_area_ratio (float): a tracklet ends where its area falls below this share of the area at its start.
        min_area (int): it ends below this area, too (or below half the area at its start, if that is less), in pixels; a
            proposal whose mask is smaller is no starting point.
        min_box_side (int): it ends where its tight box has a shorter side, in pixels (2 if it started with less than 8).
        max_proposals (int): most proposals of a frame.
        memory_mb (float): bound of what is kept of a video, in MiB: features, flow, and masks of tracklets, which go to a
            temporary file beyond their tenth.

    Raises:
        InputError: a value out of range.
    """

    use_reid: bool = True
    search_all: bool = False
    reid_thr: float = 0.7
    max_rounds: int = 10
    expand_templates: TemplateSettings = field(default_factory=TemplateSettings)
    skip_iou: float = 0.7
    link: LinkSettings = field(default_factory=LinkSettings)
    max_tracklets: int | None = None
    batch: int = 8
    enlarge: float = 0.15
    min_area_ratio: float = 0.1
    min_area: int = 64
    min_box_side: int = 4
    max_proposals: int = 100
    memory_mb: float = 4096

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.expand_templates is None:  # how configs of MMVOS 0.1 turn it off
            object.__setattr__(self, 'expand_templates', TemplateSettings(per_round=0))
        for name in ('max_rounds', 'batch'):
            if getattr(self, name) < 1:
                raise InputError(f'{name} is {getattr(self, name)}; expected at least 1.')


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


class TrackletPool:
    """Tracklets that were accepted, and those that wait for it.

    Args:
        regions (RegionStore): masks of the tracklets.
        skip_iou (float): see :class:`SearchSettings`.
    """

    def __init__(self, regions: RegionStore, skip_iou: float) -> None:
        self.regions, self.skip_iou = regions, skip_iou
        self.tracklets: list[Tracklet] = []
        self.count: Counter[int] = Counter()  # by object

    def has(self, mask: Tensor, frame: int, among: Iterable[Tracklet] | None = None) -> bool:
        """Whether one of the tracklets (None: those that were accepted) has the place of a mask ``(H, W)`` in a frame."""
        mask = mask.cpu()
        area = int(mask.sum())
        return any(
            self.regions.iou_with(tracklet.regions[frame], mask, area) >= self.skip_iou
            for tracklet in (self.tracklets if among is None else among)
            if frame in tracklet.regions
        )

    def accept(self, starts: Sequence[Start]) -> int:
        """Accept tracklets in their order, unless one that was accepted from among them has the place; how many were."""
        new: list[Tracklet] = []
        for start in starts:
            tracklet = start.tracklet
            if not self.has(start.mask, tracklet.start_frame, new):
                tracklet.id = len(self.tracklets) + len(new)
                new.append(tracklet)
        self.tracklets += new
        self.count.update(tracklet.instance for tracklet in new)
        return len(new)


class TrackletSearch:
    """One video's way through DyeNet.

    Starting points of a round are taken in the order of similarity, as long as no tracklet has their place. Several are
    propagated together before it is known whether one of them has the place of another that comes later; that one is dropped
    then. So the tracklets are the same as if they had been propagated one after the other.

    A tracklet that contradicts the tracklet of a given mask is rejected by the linking, whatever else is found: it is not
    propagated past the contradiction.

    Args:
        model (DyeNet): the network.
        video (OfflineVideo): frames and given masks.
        settings (SearchSettings): settings.
    """

    def __init__(self, model: 'DyeNet', video: OfflineVideo, settings: SearchSettings) -> None:
        self.model, self.video, self.settings = model, video, settings
        self.maps = VideoMaps(model, video, settings.memory_mb)
        self.regions = RegionStore(
            model.roi_size, self.maps.shape, 0.1 * settings.memory_mb, f'DyeNet, {video.video_id}: masks of tracklets'
        )
        self.sweep = Sweep(model, self.maps, self.regions, settings)
        self.pool = TrackletPool(self.regions, settings.skip_iou)
        #: frame and bool mask ``(H, W)`` of every object
        self.given = [(frame, mask > 0.5) for frame in sorted(video.prompts) for mask in video.prompts[frame]]
        self.seeds: list[Tube] = [{} for _ in self.given]  # tracklets of the given masks
        self.boxes: list[Tensor] = []  # of the proposals of each frame, on the CPU
        self.embeddings: list[Tensor] = []
        self.looked_at: set[tuple[int, int]] = set()  # frame and number of proposals whose masks were looked at
        self.known_embeddings: dict[int, Tensor] = {}  # of regions, by their numbers
        self.rounds: list[dict[str, Any]] = []
        self.dropped = 0  # starting points beyond max_tracklets
        self.refused = 0  # starting points that contradict a given mask's tracklet
        self.decisions: list[Decision] = []

    def run(self) -> list[Tube]:
        """Rounds of Re-ID and Re-MP until nothing new is found; one tube for each object."""
        settings = self.settings
        added = self._propagate_given()
        wanted = self._wanted()
        if wanted:
            self._look_at_all_frames()
        for number in range(settings.max_rounds if wanted else 1):
            proposals = rank_proposals(self._most_similar(wanted), settings.reid_thr) if wanted else []
            refused = self.refused
            added = self.grow(proposals) + (added if number == 0 else 0)
            refused = self.refused - refused
            tubes, self.decisions = link_tracklets(
                self.pool.tracklets, len(self.given), self._iou, settings.link, self._likeness
            )
            found = self._expand_templates(tubes) if added + refused and wanted else 0
            self.rounds.append(
                dict(
                    starting_points=len(proposals) + (len(self.given) if number == 0 else 0),
                    new_tracklets=added,
                    refused=refused,
                    new_templates=found,
                    points=[(p.frame, p.instance, round(p.similarity, 4), p.box.tolist()) for p in proposals],
                )
            )
            if not found:
                break
        return tubes

    def _propagate_given(self) -> int:
        """Propagate the given masks; how many tracklets they gave."""
        boxes = boxes_of_masks(torch.stack([mask for _, mask in self.given]))
        self.templates = TemplateBank(
            [self._embed(frame, box[None])[0] for (frame, _), box in zip(self.given, boxes)], [f for f, _ in self.given]
        )
        tracklets = [Tracklet(-1, k, 1.0, frame) for k, (frame, _) in enumerate(self.given)]
        starts = self.sweep.starts(tracklets, torch.stack([mask for _, mask in self.given]))
        self.sweep.run(starts, self._is_refused)
        added = self.pool.accept(starts)
        for tracklet in self.pool.tracklets:
            self.seeds[tracklet.instance] = dict.fromkeys(tracklet.regions, tracklet)
        return added

    def _wanted(self) -> list[int]:
        """Objects for which Re-ID looks.

        Where the tracklet of a given mask reaches to the end of the video, linking takes nothing else into the object's tube,
        unless the more confident one is to win.
        """
        if not self.settings.use_reid:
            return []
        every = self.settings.search_all or self.settings.link.on_conflict == 'confidence'
        frames = range(self.maps.length)
        return [k for k, (first, _) in enumerate(self.given) if every or not self.seeds[k].keys() >= set(frames[first:])]

    def grow(self, proposals: Iterable[Proposal]) -> int:
        """Propagate starting points in their order, unless a tracklet has the place already; how many were new."""
        queue, added, room = deque(p for p in proposals if (p.frame, p.number) not in self.looked_at), 0, 1
        while queue:
            starts = self._next_starts(queue, room)
            self.sweep.run(starts, self._is_refused)
            new = self.pool.accept(starts)
            room = min(self.settings.batch, max(2 * new, 1))  # the more of a batch is of use, the larger the next one
            added += new
        return added

    def _next_starts(self, queue: deque[Proposal], room: int) -> list[Start]:
        """Starts from the head of a queue that no tracklet has the place of, at most ``room``."""
        starts: list[Start] = []
        limit, waiting = self.settings.max_tracklets, Counter(self.pool.count)
        while queue and len(starts) < room:
            proposal = queue[0]
            if limit is not None and waiting[proposal.instance] >= limit:
                if self.pool.count[proposal.instance] < limit:
                    break  # it depends on what is kept of those that wait
                self.dropped += 1
                queue.popleft()
                continue
            queue.popleft()
            self.looked_at.add((proposal.frame, proposal.number))
            mask = self._mask_of(proposal)
            if int(mask.sum()) < self.settings.min_area or self.pool.has(mask, proposal.frame):
                continue
            tracklet = Tracklet(-1, proposal.instance, proposal.similarity, proposal.frame)
            (start,) = self.sweep.starts([tracklet], mask[None])
            if self._is_refused(tracklet, proposal.frame):
                self.refused += 1
                continue
            starts.append(start)
            waiting[proposal.instance] += 1
        return starts

    def _is_refused(self, tracklet: Tracklet, frame: int) -> bool:
        """Whether linking can use nothing of a tracklet from a frame on, for it contradicts a given mask's tracklet."""
        link = self.settings.link
        if not link.first_conflict_decides or not contradicted_by(tracklet, frame, self.seeds, self._iou, link):
            return False
        tracklet.refused = link.on_conflict == 'reject' or frame == tracklet.start_frame
        return True

    # Re-ID

    def _look_at_all_frames(self) -> None:
        """Proposals and their embeddings, once for the video: they do not change from round to round."""
        for frame in range(self.maps.length):
            features = self.maps.features[frame]
            boxes = self.model.proposals(features, self.maps.shape, self.settings.max_proposals)[0]
            boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) >= self.settings.min_box_side).all(1)]
            self.boxes.append(boxes.cpu())
            self.embeddings.append(self._embed(frame, boxes, features))

    def _embed(self, frame: int, boxes: Tensor, features: Tensor | None = None) -> Tensor:
        """Unit embeddings ``(N, D)`` of boxes ``(N, 4)``, on the CPU."""
        features = self.maps.features[frame] if features is None else features
        if not len(boxes):
            return torch.zeros(0, self.model.reid_head.embed.out_features)
        return self.model.reid_head.embeddings(self.model.rois(features, boxes.to(features.device))).float().cpu()

    def _most_similar(self, wanted: Sequence[int]) -> list[Proposal]:
        """For every frame and wanted object the proposal that looks most like it, among those that look like no other one."""
        found = []
        for frame, embeddings in enumerate(self.embeddings):
            if not len(embeddings):
                continue
            similarity = self.templates.similarity(embeddings)
            best = similarity.argmax(1)
            for k in wanted:
                score, index = torch.where(best == k, similarity[:, k], -1.0).max(0)
                if frame > self.given[k][0]:
                    found.append(Proposal(frame, k, min(float(score), 1 - 1e-6), int(index), self.boxes[frame][index]))
        return found

    def _mask_of(self, proposal: Proposal) -> Tensor:
        """Bool mask ``(H, W)`` of a proposal's main object."""
        return self.model.box_masks(self.maps.features[proposal.frame], proposal.box[None], self.maps.shape)[0]

    def _expand_templates(self, tubes: Sequence[Tube]) -> int:
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

    def _embedding(self, tracklet: Tracklet, frame: int) -> Tensor:
        """Embedding ``(1, D)`` of a tracklet's tight box in a frame, on the CPU."""
        number = tracklet.regions[frame]
        if number not in self.known_embeddings:
            self.known_embeddings[number] = self._embed(frame, self.regions.summary(number).box)
        return self.known_embeddings[number]

    def _likeness(self, tracklet: Tracklet, frame: int) -> float:
        """Cosine similarity of what a tracklet shows in a frame to its object's given mask."""
        return float(self._embedding(tracklet, frame)[0] @ self.templates.embeddings[tracklet.instance][0])

    def _iou(self, first: Tracklet, second: Tracklet, frame: int) -> float:
        return self.regions.iou(first.regions[frame], second.regions[frame])

    # Results

    def compose(self, tubes: Sequence[Tube], frame: int) -> Tensor:
        """Scores ``(K + 1, h, w)`` of a frame; the background is where no object is."""
        maps = torch.zeros(len(tubes), *self.maps.shape, device=self.maps.device)
        shown = [k for k, ((first, _), tube) in enumerate(zip(self.given, tubes)) if frame > first and frame in tube]
        if shown:
            maps[shown] = self.regions.probabilities([tubes[k][frame].regions[frame] for k in shown], device=self.maps.device)
        for k, (first, mask) in enumerate(self.given):
            if frame == first:
                maps[k] = mask.float()
        scores = torch.cat([(1 - maps).prod(0, keepdim=True), maps])
        return scores / scores.sum(0, keepdim=True).clamp(min=1e-6)

    def report(self, tubes: Sequence[Tube]) -> dict[str, Any]:
        """What happened, as plain numbers."""
        decisions = {decision.id: decision for decision in self.decisions}
        return dict(
            video=self.video.video_id,
            frames=self.maps.length,
            objects=len(self.given),
            rounds=self.rounds,
            dropped_starting_points=self.dropped,
            recomputed_features=self.maps.features.recomputed,
            regions=len(self.regions.records),
            spilled_regions=self.regions.records.spilled,
            templates=[dict(object=k, frames=frames) for k, frames in enumerate(self.templates.frames)],
            tracklets=[
                dict(
                    id=tracklet.id,
                    object=tracklet.instance,
                    similarity=round(tracklet.similarity, 4),
                    start_frame=tracklet.start_frame,
                    first_frame=min(tracklet.regions),
                    last_frame=max(tracklet.regions),
                    decision=decisions[tracklet.id].decision,
                    reason=decisions[tracklet.id].reason,
                    frames_used=decisions[tracklet.id].frames,
                )
                for tracklet in self.pool.tracklets
            ],
            tubes=[{str(frame): tracklet.id for frame, tracklet in sorted(tube.items())} for tube in tubes],
        )


def rank_proposals(proposals: Iterable[Proposal], reid_thr: float) -> list[Proposal]:
    """Those that look enough like their object, the most similar first, then by frame and object.

    The order in which boxes were listed does not matter.
    """
    enough = [p for p in proposals if p.similarity > reid_thr]
    return sorted(enough, key=lambda p: (-p.similarity, p.frame, p.instance))
