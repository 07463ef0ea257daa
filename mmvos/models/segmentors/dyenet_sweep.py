"""DyeNet's recurrent mask propagation (Re-MP) over a whole video: all tracklets of a batch in one pass each way."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from mmvos.inference import OfflineVideo
from mmvos.structures import boxes_of_masks, enlarge_boxes
from mmvos.structures.roi_grid import box_shares, paste
from mmvos.utils.bounded_store import BoundedStore
from mmvos.videos.video import read_ahead

from ..flow.warp import warp
from ..heads.re_mp_head import RoIState
from ..trackers.regions import RegionStore
from ..trackers.tracklets import Tracklet
from .dyenet_networks import DyeNetNetworks
from .dyenet_settings import SearchSettings


class VideoMaps:
    """Features and flow of a video, computed when they are asked for and kept within a bound.

    Args:
        model (DyeNetNetworks): gives features and flow.
        video (OfflineVideo): frames.
        memory_mb (float): what the whole search may keep, in MiB; features may have 65 % of it, flow 25 %.

    Attributes:
        features (BoundedStore): features ``(1, C, h, w)`` by frame.
        flows (BoundedStore): flow ``(1, 2, H, W)`` by (frame, frame that it points into).
    """

    def __init__(self, model: DyeNetNetworks, video: OfflineVideo, memory_mb: float) -> None:
        image = video[0].image
        self.shape, self.device, self.length = (image.shape[-2], image.shape[-1]), image.device, len(video)
        name = f'DyeNet, {video.video_id}'
        pixels = lru_cache(maxsize=2)(lambda frame: video[frame].pixels)

        def flow(pair: tuple[int, int]) -> Tensor:
            with torch.no_grad():  # also in the thread that reads ahead
                return model.flow(pixels(pair[0]), pixels(pair[1]))

        self.features: BoundedStore[int] = BoundedStore(
            lambda frame: model.extract_feat(video[frame].image), 0.65 * memory_mb, f'{name}: features'
        )
        self.flows: BoundedStore[tuple[int, int]] = BoundedStore(flow, 0.25 * memory_mb, f'{name}: flow')


@dataclass
class Start:
    """A tracklet before it is propagated.

    Attributes:
        tracklet (Tracklet): what is to be propagated.
        mask (Tensor): bool mask ``(H, W)`` in its starting frame.
        box (Tensor): box ``(4,)`` in which Re-MP sees it.
        shares (Tensor): share of each cell of the box that the mask covers, ``(m, m)``.
    """

    tracklet: Tracklet
    mask: Tensor
    box: Tensor
    shares: Tensor


@dataclass
class _Rows:
    """What R tracklets carry from frame to frame; all fields are indexed by tracklet.

    Attributes:
        tracklets (list[Tracklet]): who they are.
        masks (Tensor): masks in the last frame, float ``(R, H, W)``.
        boxes (Tensor): boxes in the last frame, ``(R, 4)``.
        state (RoIState): recurrent state on the boxes.
        least (Tensor): areas ``(R,)`` below which they end.
        side (Tensor): sides ``(R,)`` of the tight box below which they end.
    """

    tracklets: list[Tracklet]
    masks: Tensor
    boxes: Tensor
    state: RoIState
    least: Tensor
    side: Tensor

    def rows(self, indices: Tensor) -> '_Rows':
        """Those of these indices."""
        tracklets = [self.tracklets[i] for i in indices.tolist()]
        return _Rows(
            tracklets,
            self.masks[indices],
            self.boxes[indices],
            self.state.rows(indices),
            self.least[indices],
            self.side[indices],
        )

    @staticmethod
    def joined(groups: Sequence['_Rows']) -> '_Rows':
        """All of several groups."""
        if len(groups) == 1:
            return groups[0]
        return _Rows(
            [tracklet for group in groups for tracklet in group.tracklets],
            torch.cat([group.masks for group in groups]),
            torch.cat([group.boxes for group in groups]),
            RoIState.joined([group.state for group in groups]),
            torch.cat([group.least for group in groups]),
            torch.cat([group.side for group in groups]),
        )


class Sweep:
    """Propagates tracklets to both ends of the video, as far as they go.

    A tracklet joins the batch in its starting frame, so that the features and the flow of a frame are needed once each way,
    however many tracklets there are; the flow is computed ahead by a background thread. What becomes of one tracklet does not
    depend on the others.

    Args:
        model (DyeNetNetworks): the network.
        maps (VideoMaps): features and flow.
        regions (RegionStore): keeps the masks.
        settings (SearchSettings): when a tracklet ends.
    """

    def __init__(self, model: DyeNetNetworks, maps: VideoMaps, regions: RegionStore, settings: SearchSettings) -> None:
        self.model, self.maps, self.regions, self.settings = model, maps, regions, settings

    def starts(self, tracklets: Sequence[Tracklet], masks: Tensor) -> list[Start]:
        """Starts of tracklets with masks bool ``(N, H, W)`` in their starting frames, which are recorded."""
        boxes = enlarge_boxes(boxes_of_masks(masks), self.settings.enlarge, self.maps.shape)
        shares = box_shares(masks.float(), boxes, self.model.roi_size)
        for tracklet, number in zip(tracklets, self.regions.append(boxes, shares), strict=True):
            tracklet.regions[tracklet.start_frame] = number
        return [Start(*parts) for parts in zip(tracklets, masks, boxes, shares, strict=True)]

    def run(self, starts: Iterable[Start], ended: Callable[[Tracklet, int], bool]) -> None:
        """Propagate tracklets; their regions are recorded.

        Args:
            starts (Iterable[Start]): from where.
            ended (Callable): function of a tracklet and a frame that was just recorded: whether it goes no further that way. A
                tracklet that is ``refused`` by then goes no way any more.
        """
        starts = list(starts)
        for direction in (1, -1):
            going = [start for start in starts if not start.tracklet.refused]
            self._pass(sorted(going, key=lambda s: s.tracklet.start_frame * direction), direction, ended)

    def _pass(self, starts: list[Start], direction: int, ended: Callable[[Tracklet, int], bool]) -> None:
        """Propagate tracklets, ordered by their starting frames, one way."""
        waiting = deque(starts)
        end = self.maps.length - 1 if direction == 1 else 0
        while waiting:
            first = waiting[0].tracklet.start_frame
            if first == end:
                return
            pairs = [(frame + direction, frame) for frame in range(first, end, direction)]
            groups: list[_Rows] = []
            for (new, old), flow in zip(pairs, read_ahead(self.maps.flows.__getitem__, pairs, 2), strict=True):
                fresh = []
                while waiting and waiting[0].tracklet.start_frame == old:
                    fresh.append(waiting.popleft())
                if fresh:
                    groups = [*groups, self._begin(fresh, old)]
                groups = [moved for moved in (self._step(group, flow, new, ended) for group in groups) if moved.tracklets]
                if not groups:
                    break
                groups = [_Rows.joined(groups)]

    def _begin(self, starts: list[Start], frame: int) -> _Rows:
        settings = self.settings
        masks, boxes, shares = (
            torch.stack(parts) for parts in zip(*((s.mask.float(), s.box, s.shares) for s in starts), strict=True)
        )
        state = self.model.re_mp_head.init_state(self.model.rois(self.maps.features[frame], boxes), shares)
        area = masks.flatten(1).sum(1)
        least = torch.maximum(settings.min_area_ratio * area, (area / 2).clamp(max=settings.min_area))
        side = torch.where((boxes[:, 2:] - boxes[:, :2]).amin(1) < 8, 2, settings.min_box_side)
        return _Rows([s.tracklet for s in starts], masks, boxes, state, least, side)

    def _step(self, rows: _Rows, flow: Tensor, frame: int, ended: Callable[[Tracklet, int], bool]) -> _Rows:
        """Carry masks into a frame; those that go on from there."""
        model = self.model
        tight = boxes_of_masks(warp(rows.masks[None], flow)[0] >= 0.5)  # one grid for all masks
        rows_going = ((tight[:, 2:] - tight[:, :2]).amin(1) >= rows.side).nonzero()[:, 0]
        rows, boxes = rows.rows(rows_going), enlarge_boxes(tight[rows_going], self.settings.enlarge, self.maps.shape)
        if not rows.tracklets:
            return rows
        carried = rows.state.warped(rows.boxes, boxes, flow)
        logits, state = model.re_mp_head(carried, model.rois(self.maps.features[frame], boxes))
        probabilities = logits.sigmoid()
        masks = paste(probabilities, boxes, (0, 0, self.maps.shape[1], self.maps.shape[0])) >= 0.5
        moved = _Rows(rows.tracklets, masks.float(), boxes, state, rows.least, rows.side)
        large = (masks.flatten(1).sum(1) >= rows.least).nonzero()[:, 0]
        moved = moved.rows(large)
        for tracklet, number in zip(moved.tracklets, self.regions.append(moved.boxes, probabilities[large]), strict=True):
            tracklet.regions[frame] = number
        going = [row for row, tracklet in enumerate(moved.tracklets) if not ended(tracklet, frame)]
        return (
            moved
            if len(going) == len(moved.tracklets)
            else moved.rows(torch.tensor(going, device=large.device, dtype=torch.long))
        )
