"""From a video to a training clip: sampling, loading, choosing objects, broadcasting image transforms over frames."""

import io
import itertools
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform, TransformBroadcaster
from mmcv.transforms.utils import cache_randomness

from mmvos.datasets.staged import StagedSetting
from mmvos.registry import TRANSFORMS
from mmvos.structures import VOID, InputError, object_ids_of, read_bytes
from mmvos.videos import LabelSource, read_frame

#: per-frame lists that travel with a clip
FRAME_KEYS = ('img', 'gt_seg_map', 'flow_bwd')
#: largest file of flow that is read, and most that one may unpack to: vectors of 8K frames
MAX_FLOW_BYTES = 2**28


@TRANSFORMS.register_module()
class SampleClip(BaseTransform):
    """Choose the frames of a clip.

    Adds ``frame_ids`` (list[int], in the order in which the model sees them). Returns None, so that another video is
    taken, if the video is too short. Candidates are its labelled frames, in order; gaps are counted in candidates.

    Args:
        clip_len (int | Staged): T, number of frames; 0 for all candidates.
        gap (int | tuple[int, int] | Staged): distance of neighbouring frames: a number, or ``(smallest, largest)``, drawn
            once per clip.
        per_step_gap (bool): draw a gap for each step.
        reverse_prob (float | Staged): probability of reversing the clip in time.
        start (str): where a clip may begin: ``'any'`` frame, ``'first'`` (of the candidates), ``'object'`` (a frame with an
            object), or ``'grid'`` (a multiple of ``clip_len``: clips that do not overlap; RVOS).
        min_object_pixels (int): pixels at the files' own size that an object must exceed for ``start='object'``.
        min_len (int | Staged | None): a clip may be shorter than ``clip_len``, down to this, where the video ends (None: not).
        reference (str | None): put one more frame in front: ``'random'`` (a uniformly drawn candidate; AGSS-VOS) or None.
        same_objects (bool): one of the sets of objects that are visible together is drawn, and the candidates are the frames
            that show exactly this set (AGSS-VOS; from ``object_frames`` where the video has it, else masks are read).

    Raises:
        InputError: unknown ``start`` or ``reference``, or a ``gap`` below 1.
    """

    clip_len = StagedSetting()
    gap = StagedSetting()
    reverse_prob = StagedSetting()
    min_len = StagedSetting()

    def __init__(
        self,
        clip_len: int | dict,
        gap: int | tuple[int, int] | dict = 1,
        per_step_gap: bool = False,
        reverse_prob: float | dict = 0.0,
        start: str = 'any',
        min_object_pixels: int = 100,
        min_len: int | dict | None = None,
        reference: str | None = None,
        same_objects: bool = False,
    ) -> None:
        if start not in ('any', 'first', 'object', 'grid'):
            raise InputError(f"start is {start!r}; expected 'any', 'first', 'object' or 'grid'.")
        if reference not in (None, 'random'):
            raise InputError(f"reference is {reference!r}; expected None or 'random'.")
        self.clip_len, self.per_step_gap, self.reverse_prob = clip_len, per_step_gap, reverse_prob
        self.gap = gap
        for value in type(self).gap.values(self):
            smallest, largest = _range(value)
            if not 1 <= smallest <= largest:
                raise InputError(f'SampleClip: gap is {value}; expected a number from 1, or (smallest, largest).')
        self.start, self.min_object_pixels = start, min_object_pixels
        self.min_len = min_len
        self.reference, self.same_objects = reference, same_objects

    def transform(self, results: dict) -> dict | None:
        candidates = list(results['labelled'])
        if self.same_objects:
            candidates = self._with_same_objects(results, candidates)
        if len(candidates) < max(self._shortest, 1):
            return None
        positions = self._positions(results, candidates)
        if positions is None:
            return None
        frame_ids = [candidates[p] for p in positions]
        if np.random.rand() < self.reverse_prob:
            frame_ids.reverse()
        if self.reference:
            frame_ids.insert(0, candidates[np.random.randint(len(candidates))])
        results['frame_ids'] = frame_ids
        return results

    @property
    def _shortest(self) -> int:
        return self.clip_len if self.min_len is None else self.min_len

    def _positions(self, results: dict, candidates: list[int]) -> list[int] | None:
        count = len(candidates)
        length = self.clip_len or count
        shortest, (smallest, largest) = self._shortest, _range(self.gap)
        if shortest > 1:  # a gap that the video is too short for is not drawn
            largest = min(largest, (count - 1) // (shortest - 1))
        if largest < smallest:
            return None
        draws = np.random.randint(smallest, largest + 1, length - 1 if self.per_step_gap else 1)
        steps = draws if self.per_step_gap else np.repeat(draws, length - 1)
        offsets = np.concatenate([[0], np.cumsum(steps)]).astype(int)
        needed = offsets[min(shortest, length) - 1]
        last_start = count - 1 - needed  # the latest start that leaves enough frames
        if last_start < 0:
            return None
        if self.start == 'first' or self.start == 'any' and offsets[-1] >= count - 1:
            first = 0  # a video that is not longer than the clip is taken as a whole
        elif self.start == 'grid':
            first = length * np.random.randint(max(1, count // length))
            first = min(first, last_start)
        elif self.start == 'object':
            start = self._object_start(results, candidates[: last_start + 1])
            if start is None:
                return None
            first = start
        else:
            first = np.random.randint(last_start + 1)
        return [int(p) for p in first + offsets if p < count]

    def _object_start(self, results: dict, candidates: list[int]) -> int | None:
        """A random position whose frame shows an object: tried in random order, so that few masks are read."""
        for position in np.random.permutation(len(candidates)):
            source = results['annotations'][candidates[position]]
            counts = np.bincount(LabelSource.of(source).read().ravel(), minlength=256)
            if (counts[1:VOID] > self.min_object_pixels).any():
                return int(position)
        return None

    def _with_same_objects(self, results: dict, candidates: list[int]) -> list[int]:
        visible = self._visible_objects(results, candidates)
        patterns = sorted({p for p in visible if p})
        if not patterns:
            return []
        chosen = patterns[np.random.randint(len(patterns))]  # every pattern of a video is equally likely
        return [c for c, pattern in zip(candidates, visible, strict=True) if pattern == chosen]

    def _visible_objects(self, results: dict, candidates: list[int]) -> list[tuple]:
        known = results.get('object_frames')
        if known:
            frames = {i: set(f) for i, f in known.items()}
            return [tuple(sorted(i for i, f in frames.items() if c in f)) for c in candidates]
        visible = []
        for index in candidates:
            visible.append(tuple(object_ids_of(LabelSource.of(results['annotations'][index]).read())))
        return visible


def _range(gap: int | Sequence[int]) -> tuple[int, int]:
    return (gap, gap) if isinstance(gap, int) else (gap[0], gap[1])


@TRANSFORMS.register_module()
class LoadClip(BaseTransform):
    """Read the frames and label maps of ``frame_ids``.

    Adds ``img`` (T BGR uint8 ``(H, W, 3)``), ``gt_seg_map`` (T uint8 ``(H, W)``), ``flow_bwd`` (T float32
    ``(H, W, 2)``, if asked for), ``ori_shape`` and ``img_shape``.

    Args:
        with_label (bool): read label maps.
        with_flow (bool): read the cached backward flow that the video names in ``flows`` (``.npy``/``.npz``/``.flo`` files or
            arrays); zero where a frame has none (the first).
    """

    def __init__(self, with_label: bool = True, with_flow: bool = False) -> None:
        self.with_label, self.with_flow = with_label, with_flow

    def transform(self, results: dict) -> dict:
        frames = [results['frames'][i] for i in results['frame_ids']]
        results['img'] = [f if isinstance(f, np.ndarray) else read_frame(f) for f in frames]
        shapes = [image.shape[:2] for image in results['img']]
        if len(set(shapes)) > 1:
            odd = next(i for i, s in enumerate(shapes) if s != shapes[0])
            raise InputError(
                f'{frames[odd]}: the frame is {shapes[odd][1]}x{shapes[odd][0]}, the frames before it are '
                f'{shapes[0][1]}x{shapes[0][0]} (width x height).'
            )
        results['ori_shape'] = results['img_shape'] = shapes[0]
        if self.with_label:
            results['gt_seg_map'] = [self._label_map(results, i, shapes[0]) for i in results['frame_ids']]
        if self.with_flow:
            ids = results['frame_ids']
            if any(now - before != 1 for before, now in itertools.pairwise(ids)):
                raise InputError(
                    f'{results["video_id"]}: cached flow is that of neighbouring frames, the clip is '
                    f'{ids}. Sample with gap=1 and reverse_prob=0, or let the model compute the flow.'
                )
            results['flow_bwd'] = [self._flow(results, i, shapes[0]) for i in ids]
        return results

    @staticmethod
    def _label_map(results: dict, index: int, shape: tuple[int, int]) -> np.ndarray:
        source = results['annotations'].get(index)
        if source is None:  # a frame between annotated ones: nothing is known of it
            return np.full(shape, VOID, np.uint8)
        return LabelSource.of(source).read(shape)

    @staticmethod
    def _flow(results: dict, index: int, shape: tuple[int, int]) -> np.ndarray:
        source = results.get('flows', {}).get(index)
        if source is None:
            return np.zeros((*shape, 2), np.float32)
        flow = source if isinstance(source, np.ndarray) else read_flow(source)
        if flow.shape != (*shape, 2):
            raise InputError(f'{results["video_id"]}, frame {index}: the flow is {flow.shape}; expected {(*shape, 2)}.')
        return flow.astype(np.float32, copy=False)


def read_flow(path: str) -> np.ndarray:
    """Optical flow ``(H, W, 2)`` float32, (dx, dy) in pixels, from ``.npy``, ``.npz`` (its first array) or ``.flo``.

    Raises:
        MissingFileError: no such file.
        InputError: no flow, damaged, cut short, or of another shape; names the file.
    """
    data = read_bytes(path, 'optical flow (.npy, .npz or Middlebury .flo)', MAX_FLOW_BYTES)
    if path.endswith('.flo'):
        flow = _decode_flo(data, path)
    else:
        try:
            _refuse_bomb(data)
            loaded = np.load(io.BytesIO(data), allow_pickle=False)
            flow = np.asarray(loaded if isinstance(loaded, np.ndarray) else loaded[loaded.files[0]], np.float32)
        except Exception as error:  # numpy's reader answers a damaged file with errors of many types
            reason = ' '.join(str(error).split())
            raise InputError(f'{path}: cannot be read as optical flow ({reason}).') from error
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise InputError(f'{path}: the flow is {flow.shape}; expected (H, W, 2).')
    return flow


def _refuse_bomb(data: bytes) -> None:
    if data[:2] == b'PK':
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_FLOW_BYTES:
            raise ValueError(f'{len(data)} bytes that unpack to {size}')


def _decode_flo(data: bytes, path: str) -> np.ndarray:
    if len(data) < 12 or np.frombuffer(data, np.float32, 1)[0] != 202021.25:
        raise InputError(f'{path}: not a flow file. Expected .npy, .npz or Middlebury .flo.')
    width, height = np.frombuffer(data, np.int32, 2, 4).tolist()
    if width < 1 or height < 1 or len(data) < 12 + 8 * width * height:
        raise InputError(f'{path}: the flow file is cut short; {width}x{height} vectors are stated (width x height).')
    return np.frombuffer(data, np.float32, 2 * width * height, 12).reshape(height, width, 2).copy()


@TRANSFORMS.register_module()
class SelectObjects(BaseTransform):
    """Choose the objects of a clip; the others become background. Adds ``object_ids`` (ascending).

    Eligible are objects with more than ``min_pixels`` pixels in the first frame of the clip (or in any frame). Returns
    None, so that another video is taken, if there is none.

    Args:
        max_objects (int | Staged | None): keep at most this many, drawn without replacement.
        min_pixels (int): pixels that an eligible object must exceed.
        appear_in (str): ``'first'`` frame, or ``'any'`` frame of the clip.
        binary (bool): the one object that is kept gets id 1 (needs ``max_objects=1``).
        renumber (bool): the kept objects get ids 1, 2, ... in ascending order.
        merge (bool): all objects become the single object 1 before anything is chosen.
        void_to_background (bool): label 255 becomes 0.

    Raises:
        InputError: unknown ``appear_in``, or ``binary`` with more than one object.
    """

    max_objects = StagedSetting()

    def __init__(
        self,
        max_objects: int | dict | None = None,
        min_pixels: int = 0,
        appear_in: str = 'first',
        binary: bool = False,
        renumber: bool = False,
        merge: bool = False,
        void_to_background: bool = False,
    ) -> None:
        if appear_in not in ('first', 'any'):
            raise InputError(f"appear_in is {appear_in!r}; expected 'first' or 'any'.")
        if binary and max_objects != 1:
            raise InputError('binary=True needs max_objects=1.')
        self.max_objects, self.min_pixels, self.appear_in = max_objects, min_pixels, appear_in
        self.renumber, self.merge, self.void_to_background = renumber or binary, merge, void_to_background

    @cache_randomness
    def _choose(self, ids: Sequence[int]) -> list[int]:
        if self.max_objects is None or len(ids) <= self.max_objects:
            return list(ids)
        return sorted(int(i) for i in np.random.choice(ids, self.max_objects, replace=False))

    def transform(self, results: dict) -> dict | None:
        label_maps = np.stack(results['gt_seg_map'])
        if self.merge:
            label_maps = np.where((label_maps != 0) & (label_maps != VOID), np.uint8(1), label_maps)
        looked_at = label_maps[:1] if self.appear_in == 'first' else label_maps
        counts = np.stack([np.bincount(m.ravel(), minlength=256) for m in looked_at]).max(0)
        eligible = [int(i) for i in np.flatnonzero(counts[1:VOID] > self.min_pixels) + 1]
        if not eligible:
            return None
        chosen = self._choose(eligible)
        table = np.zeros(256, np.uint8)
        for position, object_id in enumerate(chosen, 1):
            table[object_id] = position if self.renumber else object_id
        table[VOID] = 0 if self.void_to_background else VOID
        results['gt_seg_map'] = list(table[label_maps])
        results['object_ids'] = list(range(1, len(chosen) + 1)) if self.renumber else chosen
        return results


@TRANSFORMS.register_module()
class ClipBroadcaster(TransformBroadcaster):
    """Apply mmcv / mmdet image transforms to every frame of a clip and its label map, with the same random draw.

    ``TransformBroadcaster`` set up for clips. For flips and resizes of clips with optical flow use the clip transforms
    (``FlipClip``, ``ResizeClip``, ...): image transforms know nothing of vectors.

    Args:
        transforms (Sequence[dict]): configs, e.g. ``[dict(type='mmdet.PhotoMetricDistortion')]``.
        share_random_params (bool): the same draw for all frames.
        keys (Sequence[str]): the per-frame lists that travel.
    """

    def __init__(
        self, transforms: Sequence[dict], share_random_params: bool = True, keys: Sequence[str] = ('img', 'gt_seg_map')
    ) -> None:
        super().__init__(
            list(transforms),
            mapping={k: k for k in keys},
            auto_remap=True,
            allow_nonexist_keys=False,
            share_random_params=share_random_params,
        )

    def transform(self, results: dict) -> dict[str, Any]:
        results = super().transform(results)
        results['img_shape'] = results['img'][0].shape[:2]
        return results
