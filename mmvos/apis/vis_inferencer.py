"""What a Python user calls for video instance segmentation."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config

from mmvos.inference import VISSession
from mmvos.models.segmentors import BaseVOSModel
from mmvos.registry import INFERENCERS, MODELS
from mmvos.structures import InputError, atomic_path
from mmvos.structures.youtube_vis import InstanceTracks
from mmvos.utils import prepare_for_inference
from mmvos.utils.checkpoint import init_weights_quietly, load_weights
from mmvos.videos import Video, open_video, write_image
from mmvos.visualization import draw_result

from .building import checked_device
from .models import checkpoint_of, config_of
from .saving import overlay_writers, progress_bar

DEFAULT_VIS_MODEL = 'sta-masktrack-rcnn'


@INFERENCERS.register_module()
class VISInferencer:
    """Finds, segments and tracks the instances of videos.

    ::

        inferencer = VISInferencer()  # small shipped weights: mammals, birds, vehicles, flowers, food, ...
        inferencer = VISInferencer('sta_masktrack_rcnn/....py', 'weights.pth')
        for result in inferencer('video.mp4'):  # streams, one result per frame
            result.pred_track_instances  # bboxes, labels, scores, instances_id, masks (RLE)
        inferencer.save('frames/', 'out/')  # drawn video and results.json
        session = inferencer.session()  # a live camera: session.step(frame)

    Args:
        model (str | os.PathLike | Config): a config, its path (also relative to MMVOS's ``configs``), or a name that
            ``mmvos models`` lists.
        weights (str | None): path of a checkpoint, or a name of ``mmvos models`` (None: those that ship with the config; where
            it has none, or for ``'none'``, the weights that the config initialises with).
        device (str | torch.device | None): see :func:`~mmvos.apis.init_model`.
        amp (bool): mixed precision.
        cfg_options (dict | None): overrides of the config.
        classes (Sequence[str] | None): names of the classes (default: those that the checkpoint or the config knows).

    Raises:
        InputError: a config, weights or a device that is not there or does not fit, or a model that follows given objects.
    """

    def __init__(
        self,
        model: str | os.PathLike | Config = DEFAULT_VIS_MODEL,
        weights: str | None = None,
        device: str | torch.device | None = None,
        amp: bool = False,
        cfg_options: dict | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        config = config_of(model, cfg_options)
        self.model, self.amp = MODELS.build(config.model), amp
        if isinstance(self.model, BaseVOSModel):
            raise InputError(f'{type(self.model).__name__} follows given objects; use `mmvos segment` or VOSInferencer.')
        meta: dict[str, Any] = {}
        chosen = checkpoint_of(config, weights)
        if chosen is None:
            init_weights_quietly(self.model)
        else:
            meta = load_weights(self.model, chosen).get('dataset_meta') or {}
        dataset = config.get('test_dataloader', {}).get('dataset', {}).get('metainfo', {})
        self.classes = classes or meta.get('classes') or dataset.get('classes')
        self.cat_ids = meta.get('cat_ids')
        prepare_for_inference(self.model.to(checked_device(device)))

    def session(self) -> VISSession:
        """A session for frames that come one by one."""
        return VISSession(self.model, amp=self.amp or None)

    def __call__(self, source: str | os.PathLike | Sequence[np.ndarray] | Video) -> Iterator[DetDataSample]:
        """Instances of a video: a generator of results, one per frame, as soon as each is there.

        Args:
            source (str | os.PathLike | Sequence[np.ndarray] | Video): video file, folder of frames, list of frames (BGR uint8
                ``(H, W, 3)``), or a video.

        Yields:
            DetDataSample: the frame's ``pred_track_instances`` (``bboxes``, ``labels``, ``scores``, ``instances_id`` and
            ``masks`` as run-length codes), with ``frame``, ``frame_index`` and ``frame_name``.

        Raises:
            InputError: a source that cannot be opened or read.
        """
        yield from self.session().run(open_video(source))

    def save(
        self,
        source: str | os.PathLike | Sequence[np.ndarray] | Video,
        out_dir: str | os.PathLike,
        overlay: str = 'overlay.mp4',
        images: bool = False,
        progress: bool = True,
        on_frame: Callable[[int, int], object] | None = None,
        **options: Any,
    ) -> dict:
        """Segment a video and write a drawn video and ``results.json`` (YouTube-VIS's layout, ``video_id`` 1).

        Args:
            source (str | os.PathLike | Sequence[np.ndarray] | Video): see :meth:`__call__`.
            out_dir (str | os.PathLike): made if needed.
            overlay (str): file name of the drawn video (``.mp4``, ``.gif`` or ``.webp``; empty: none).
            images (bool): write the drawn frames too, as ``frames/<frame>.jpg``.
            progress (bool): draw a progress bar with frames per second.
            on_frame (Callable | None): called after each frame with the number of frames that are done and that of all.
            options (dict): keyword arguments of :func:`~mmvos.visualization.draw_instances` (``score_thr``, ``boxes``, ...).

        Returns:
            dict: ``frames`` (how many), ``seconds``, ``fps`` and ``instances`` (how many).
        """
        video, out_dir = open_video(source), Path(out_dir)
        out_dir.mkdir(parents=True, exist_ok=True)
        tracks, start = InstanceTracks(self.cat_ids), time.perf_counter()
        with overlay_writers(out_dir, overlay, video) as writers, progress_bar(video, progress) as bar:
            for result in self.session().run(video):
                tracks.add(result.frame_index, result.pred_track_instances)
                if writers or images:
                    drawn = draw_result(result.frame, result, classes=self.classes, **options)
                for writer in writers:
                    writer.write(drawn)
                if images:
                    write_image(out_dir / 'frames' / f'{result.frame_name}.jpg', drawn)
                bar.update()
                if on_frame:
                    on_frame(result.frame_index + 1, len(video))
        entries = tracks.results(1, len(video))
        with atomic_path(out_dir / 'results.json') as temporary, open(temporary, 'w') as file:
            json.dump(entries, file, allow_nan=False)
        seconds = time.perf_counter() - start
        return dict(frames=len(video), seconds=seconds, fps=len(video) / seconds, instances=len(entries))
