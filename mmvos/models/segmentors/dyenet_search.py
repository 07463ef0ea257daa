"""DyeNet's search through a video: re-identification (Re-ID) and recurrent mask propagation (Re-MP) in turns (section 3.4)."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from mmvos.inference import OfflineVideo

from ..trackers.regions import RegionStore
from ..trackers.tracklets import Decision, Tracklet, Tube, contradicted_by, link_tracklets
from .dyenet_networks import DyeNetNetworks
from .dyenet_reid import Proposal, ReIdentification
from .dyenet_settings import SearchSettings
from .dyenet_sweep import Start, Sweep, VideoMaps


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
        model (DyeNetNetworks): the network.
        video (OfflineVideo): frames and given masks.
        settings (SearchSettings): settings.
    """

    def __init__(self, model: DyeNetNetworks, video: OfflineVideo, settings: SearchSettings) -> None:
        self.model, self.video, self.settings = model, video, settings
        self.maps = VideoMaps(model, video, settings.memory_mb)
        self.regions = RegionStore(
            model.roi_size, self.maps.shape, 0.1 * settings.memory_mb, f'DyeNet, {video.video_id}: masks of tracklets'
        )
        self._reserve()
        self.sweep = Sweep(model, self.maps, self.regions, settings)
        self.pool = TrackletPool(self.regions, settings.skip_iou)
        #: frame and bool mask ``(H, W)`` of every object
        self.given = [(frame, mask > 0.5) for frame in sorted(video.prompts) for mask in video.prompts[frame]]
        self.reid = ReIdentification(model, self.maps, self.regions, self.given, settings)
        self.seeds: list[Tube] = [{} for _ in self.given]  # tracklets of the given masks
        self.looked_at: set[tuple[int, int]] = set()  # frame and number of proposals whose masks were looked at
        self.rounds: list[dict[str, Any]] = []
        self.dropped = 0  # starting points beyond max_tracklets
        self.refused = 0  # starting points that contradict a given mask's tracklet
        self.decisions: list[Decision] = []

    def _reserve(self) -> None:
        """Say what is kept of the video: features and flow of every frame, masks of tracklets, each up to its bound."""
        length, bound = self.maps.length, self.settings.memory_mb * 2**20
        first = min(self.video.prompts, default=0)
        features = length * self.maps.features[first].numel() * 2  # in half precision
        flow = 2 * length * 2 * self.maps.shape[0] * self.maps.shape[1] * 2
        masks = length * self.regions.records.dtype.itemsize * sum(map(len, self.video.prompts.values()))
        self.video.reserve(min(features, 0.65 * bound) + min(flow, 0.25 * bound) + min(masks, 0.1 * bound))

    def run(self) -> list[Tube]:
        """Rounds of Re-ID and Re-MP until nothing new is found; one tube for each object."""
        settings = self.settings
        added = self._propagate_given()
        wanted = self._wanted()
        if wanted:
            self.reid.look_at_all_frames()
        for number in range(settings.max_rounds if wanted else 1):
            proposals = self.reid.starting_points(wanted) if wanted else []
            refused = self.refused
            added = self.grow(proposals) + (added if number == 0 else 0)
            refused = self.refused - refused
            tubes, self.decisions = link_tracklets(
                self.pool.tracklets, len(self.given), self._iou, settings.link, self.reid.likeness
            )
            found = self.reid.expand_templates(tubes) if added + refused and wanted else 0
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
            mask = self.reid.mask_of(proposal)
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

    def _iou(self, first: Tracklet, second: Tracklet, frame: int) -> float:
        return self.regions.iou(first.regions[frame], second.regions[frame])

    # Results

    def compose(self, tubes: Sequence[Tube], frame: int) -> Tensor:
        """Scores ``(K + 1, h, w)`` of a frame; the background is where no object is."""
        maps = torch.zeros(len(tubes), *self.maps.shape, device=self.maps.device)
        shown = [
            k for k, ((first, _), tube) in enumerate(zip(self.given, tubes, strict=True)) if frame > first and frame in tube
        ]
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
            templates=[dict(object=k, frames=frames) for k, frames in enumerate(self.reid.templates.frames)],
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
