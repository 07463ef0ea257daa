"""Training clips for a model that looks at one frame and its neighbours, with the boxes of a tracker."""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import DefaultScope
from typing_extensions import override

from mmvos.datasets.staged import StagedSetting
from mmvos.registry import TRACKERS, TRANSFORMS
from mmvos.structures import BoxTracks, InputError, join_path, object_ids_of, tight_box
from mmvos.videos import LabelSource, read_frame
from mmvos.videos.storage import stored


@TRANSFORMS.register_module()
class SampleNeighbourhood(BaseTransform):
    """Choose a frame and the labelled ones before and after it: ``frame_ids`` of three frames, the chosen one in the
    middle.

    At the ends of the video the chosen frame stands in for the neighbour that is not there. Steps and counts are in
    labelled frames, from the first one that shows an object.

    Args:
        max_frames (int | Staged | None): number of frames from the beginning of a video that are chosen from (None: all).
        skip_first (bool): never choose the first frame (it has no previous mask).
    """

    max_frames = StagedSetting()

    def __init__(self, max_frames: int | dict | None = None, skip_first: bool = False) -> None:
        self.max_frames, self.skip_first = max_frames, skip_first

    def transform(self, results: dict) -> dict | None:
        frames = list(results['labelled'])
        start = self._first_with_object(results, frames)
        frames = frames[start:]
        last = min(self.max_frames or len(frames), len(frames))
        first = int(self.skip_first)
        if last <= first:
            return None
        chosen = np.random.randint(first, last)
        results['frame_ids'] = [frames[max(chosen - 1, 0)], frames[chosen], frames[min(chosen + 1, len(frames) - 1)]]
        results['first_frame'] = frames[0]
        return results

    @staticmethod
    def _first_with_object(results: dict, frames: Sequence[int]) -> int:
        known = results.get('object_frames')
        if known:
            begin = min(min(shown) for shown in known.values() if len(shown))
            return next((i for i, f in enumerate(frames) if f >= begin), len(frames))
        for i, frame in enumerate(frames):
            if object_ids_of(LabelSource.of(results['annotations'][frame]).read()):
                return i
        return len(frames)


class _BoxTrackTransform(BaseTransform):
    """Adds the boxes of a tracker to a clip.

    ``object_ids``: ids of the O objects that have a track or are visible in the clip, ascending. ``track_boxes``: for each
    frame of the clip float32 ``(O, 4)`` (x1, y1, x2, y2), NaN where an object has no track. A clip without objects is dropped.
    """

    def transform(self, results: dict) -> dict | None:
        names = [frame_name(results, index) for index in results['frame_ids']]
        tracks = self.tracks_of(results, names)
        ids = set().union(*(object_ids_of(label_map) for label_map in results['gt_seg_map']))
        ids |= {i for i, rows in tracks.tracks.items() if any(name in rows for name in names)}
        if not ids:
            return None
        results['object_ids'] = sorted(ids)
        results['track_boxes'] = [tracks.boxes(results['object_ids'], name, results['img_shape']) for name in names]
        return results

    @abstractmethod
    def tracks_of(self, results: dict, names: Sequence[str]) -> BoxTracks:
        """Tracks of the video's objects, which cover the frames of these names."""


@TRANSFORMS.register_module()
class LoadBoxTracks(_BoxTrackTransform):
    """Boxes that ``tools/dataset_converters/cache_box_tracks.py`` made before.

    Args:
        root (str): folder with one ``<video id>.json`` per video.
        backend_args (dict | None): its storage, as for :class:`~mmvos.datasets.BaseVOSDataset`.

    Raises:
        InputError: a file is not there, or does not cover a frame of the clip.
    """

    def __init__(self, root: str, backend_args: dict | None = None) -> None:
        self.root = stored(root, backend_args)

    def tracks_of(self, results: dict, names: Sequence[str]) -> BoxTracks:
        path = join_path(self.root, f'{results["video_id"]}.json')
        tracks = BoxTracks.load(path)
        missing = tracks.missing(names)
        if missing:
            raise InputError(
                f'{path}: the tracks do not cover frame {missing[0]!r} of the clip; they were made of {len(tracks.frames)} '
                f'frames, {tracks.frames[0]!r} to {tracks.frames[-1]!r}.'
                if tracks.frames
                else f'{path}: the tracks cover no frame at all.'
            )
        return tracks


@TRANSFORMS.register_module()
class TrackBoxes(_BoxTrackTransform):
    """Boxes made on the fly: a tracker is run from the first frame to the last one of the clip.

    For short procedural videos; it decodes and tracks the whole beginning of a video for one frame.

    Args:
        tracker (dict): config of the tracker.
        keep (int): number of videos whose tracks are remembered.
    """

    def __init__(self, tracker: dict, keep: int = 64) -> None:
        self.tracker_config, self.keep = tracker, keep
        self._tracker: Any = None
        self._known: OrderedDict[tuple, BoxTracks] = OrderedDict()

    @override
    def tracks_of(self, results: dict, names: Sequence[str]) -> BoxTracks:
        frames = [f for f in results['labelled'] if results['first_frame'] <= f <= max(results['frame_ids'])]
        key = (results['video_id'], frames[0], frames[-1])
        if key not in self._known:
            self._known[key] = self._track(results, frames)
            while len(self._known) > self.keep:
                self._known.popitem(last=False)
        return self._known[key]

    def _track(self, results: dict, indices: Sequence[int]) -> BoxTracks:
        if self._tracker is None:  # each worker has its own
            with DefaultScope.overwrite_default_scope('mmvos'):
                self._tracker = TRACKERS.build(self.tracker_config)
        images = (results['frames'][i] for i in indices)
        frames = (f if isinstance(f, np.ndarray) else read_frame(f) for f in images)
        label_maps = (LabelSource.of(results['annotations'][i]).read() for i in indices)
        return track_video(self._tracker, [frame_name(results, i) for i in indices], frames, label_maps)


def frame_name(results: dict, index: int) -> str:
    """Name of a frame of a data set's video: as the data set says, or the stem of its file; its number if it has no file."""
    if results.get('frame_names'):
        return results['frame_names'][index]
    source = results['frames'][index]
    return f'{index:05d}' if isinstance(source, np.ndarray) else Path(source).stem


def track_video(
    tracker: Any,
    names: Sequence[str],
    frames: Iterable[np.ndarray],
    label_maps: Iterable[np.ndarray | None],
    settings: dict | None = None,
) -> BoxTracks:
    """Follow every object of a video from the first frame that shows it, where it starts from its tight box and mask.

    Args:
        tracker (BoxTracker): tracker that is run.
        names (Sequence[str]): names of the frames.
        frames (Iterable[np.ndarray]): frames in order, BGR uint8 ``(H, W, 3)``.
        label_maps (Iterable[np.ndarray | None]): label map of each frame, uint8 ``(H, W)``, or None where a frame has none.
        settings (dict | None): settings of the tracker, which are in the file.

    Returns:
        Tracks of all objects.

    Raises:
        InputError: there is no frame.
    """
    file, ids, state = None, [], None
    for name, frame, label_map in zip(names, frames, label_maps, strict=True):
        if file is None:
            file = BoxTracks(frame.shape[:2], tracker=settings or {})
        file.frames.append(name)
        if state is not None:
            tracks, state = tracker.update(frame, state)
            for row, object_id in enumerate(ids):
                file.add(object_id, name, tracks.boxes[row], tracks.scores[row], tracks.ok[row])
        new = [i for i in object_ids_of(label_map) if i not in ids] if label_map is not None else []
        if new:
            masks = np.stack([label_map == i for i in new])
            boxes = np.stack([tight_box(mask) for mask in masks])
            state = tracker.init(frame, boxes, masks) if state is None else tracker.add(frame, boxes, state, masks)
            ids += new
            for object_id, box in zip(new, boxes, strict=True):
                file.add(object_id, name, box, 1.0, True)
    if file is None:
        raise InputError('a video without frames cannot be tracked.')
    return file


@TRANSFORMS.register_module()
class ResizeCropFlip(BaseTransform):
    """One geometry for a clip's frames, label maps, backward flow and boxes: resize, crop, mirror.

    The frames are resized to ``size`` times a random factor, then a window of ``size`` is cut out, then it may be
    mirrored. Boxes are cut to the window and become NaN where nothing is left. Flow vectors are scaled and mirrored
    with the frames.

    Args:
        size (tuple[int, int]): height and width of the result.
        scale (tuple[float, float]): range of the factor, from 1.
        flip_prob (float): probability of mirroring left and right.

    Raises:
        InputError: a range that does not begin at 1 or later.
    """

    def __init__(self, size: tuple[int, int], scale: tuple[float, float] = (1.0, 1.0), flip_prob: float = 0.5) -> None:
        if not 1 <= scale[0] <= scale[1]:
            raise InputError(f'scale is {scale}; expected (smallest, largest) from 1.')
        self.size, self.flip_prob = tuple(size), flip_prob
        self.smallest, self.largest = scale

    def transform(self, results: dict) -> dict:
        height, width = self.size
        factor = np.random.uniform(self.smallest, self.largest)
        resized = (max(round(height * factor), height), max(round(width * factor), width))
        top, left = (np.random.randint(big - small + 1) for big, small in zip(resized, self.size, strict=True))
        flip = np.random.rand() < self.flip_prob

        def cut(image: np.ndarray, interpolation: int) -> np.ndarray:
            if image.shape[:2] != resized:
                image = cv2.resize(image, resized[::-1], interpolation=interpolation)
            image = image[top : top + height, left : left + width]
            return np.ascontiguousarray(image[:, ::-1] if flip else image)

        before = results['img'][0].shape[:2]
        results['img'] = [cut(image, cv2.INTER_LINEAR) for image in results['img']]
        results['gt_seg_map'] = [cut(m, cv2.INTER_NEAREST_EXACT) for m in results['gt_seg_map']]
        factors = np.array((resized[1] / before[1], resized[0] / before[0]), np.float32)
        if 'flow_bwd' in results:
            mirror = np.array((-1 if flip else 1, 1), np.float32)
            results['flow_bwd'] = [cut(flow, cv2.INTER_LINEAR) * factors * mirror for flow in results['flow_bwd']]
        if 'track_boxes' in results:
            results['track_boxes'] = [
                self._boxes(boxes * np.tile(factors, 2), top, left, flip) for boxes in results['track_boxes']
            ]
        results['img_shape'] = self.size
        return results

    def _boxes(self, boxes: np.ndarray, top: int, left: int, flip: bool) -> np.ndarray:
        height, width = self.size
        boxes = np.clip(boxes - np.array((left, top) * 2, np.float32), 0, np.array((width, height) * 2, np.float32))
        boxes[(boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])] = np.nan
        if flip:
            boxes = np.stack((width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]), 1)
        return boxes
