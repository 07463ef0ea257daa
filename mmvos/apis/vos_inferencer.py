"""What a Python user calls to segment a video."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.config import Config

from mmvos.inference import VOSSession
from mmvos.models.segmentors import BaseVOSModel
from mmvos.registry import INFERENCERS
from mmvos.structures import InputError, VOSDataSample, write_label_map
from mmvos.utils.compiling import compile_networks
from mmvos.utils.write_behind import write_behind
from mmvos.videos import Video, open_video
from mmvos.visualization import draw_result
from mmvos.visualization.drawing import names_shown

from .building import DEFAULT_MODEL, init_model
from .models import config_of
from .saving import overlay_writers, progress_bar

if TYPE_CHECKING:
    from mmvos.online.trainer import OnlineTrainer

Source = str | os.PathLike | Sequence[np.ndarray] | Video
Prompt = str | os.PathLike | np.ndarray
Prompts = Prompt | dict[int, Prompt]


@INFERENCERS.register_module()
class VOSInferencer:
    """Segments videos with a VOS model.

    ::

        inferencer = VOSInferencer()  # small weights that come with MMVOS
        for result in inferencer('video.mp4', prompts='mask.png'):  # streams, one result per frame
            result.pred_label_map  # uint8 (H, W)
        inferencer.save('frames/', 'out/', prompts={0: 'a.png', 40: 'b.png'})
        session = inferencer.session()  # a live camera: session.step(frame, prompt)

    Args:
        model (str | os.PathLike | Config): see :func:`~mmvos.apis.init_model`.
        weights (str | None): path of a checkpoint.
        device (str | torch.device | None): see :func:`~mmvos.apis.init_model`.
        amp (bool): mixed precision.
        cfg_options (dict | None): overrides of the config.
        compiled (bool): compile the networks, see :func:`~mmvos.utils.compiling.compile_networks`.
        fine_tune (bool): before each video, train the model on the frames with prompts, as ``online_training`` of its config
            says: some seconds more, and often better masks of what is hard for it.

    Raises:
        InputError: a config, weights or a device that is not there or does not fit, a model that finds instances itself, or one
            that cannot be fine-tuned.
    """

    def __init__(
        self,
        model: str | os.PathLike | Config = DEFAULT_MODEL,
        weights: str | None = None,
        device: str | torch.device | None = None,
        amp: bool = False,
        cfg_options: dict | None = None,
        compiled: bool = False,
        fine_tune: bool = False,
    ) -> None:
        self.model = init_model(model, weights, device, cfg_options, trainable=fine_tune)
        if not isinstance(self.model, BaseVOSModel):
            raise InputError(f'{type(self.model).__name__} finds and tracks instances; use `mmvos instances` or VISInferencer.')
        #: none, or the one
        self._online = [self._trainer(config_of(model, cfg_options))] if fine_tune else []
        if compiled and fine_tune:
            raise InputError('a compiled model cannot be fine-tuned for each video; choose one of the two.')
        if compiled:
            compile_networks(self.model)
        self.amp = amp

    def _trainer(self, config: Config) -> 'OnlineTrainer':
        from mmvos.online.trainer import OnlineTrainer  # with all that training needs

        if 'online_training' not in config:
            raise InputError(
                f'{type(self.model).__name__}: its config has no online_training, which says how it is fine-tuned; those '
                'of recall-vos and matchvos have.'
            )
        trainer = OnlineTrainer(**config.online_training)
        trainer.check(self.model)
        return trainer

    def session(self) -> VOSSession:
        """A session for frames that come one by one.

        Raises:
            InputError: the model is fine-tuned for each video, of which nothing is known yet.
        """
        if self._online:
            raise InputError('fine-tuning needs the video and its prompts beforehand; frames that come one by one have none.')
        return VOSSession(self.model, amp=self.amp or None)

    def video(
        self, source: Source, prompts: Prompts | None = None, size_mismatch: str = 'error', binary: bool = False
    ) -> Video:
        """The source as a :class:`Video`.

        Args:
            source (Source): video file, folder of frames, list of frames (BGR uint8 ``(H, W, 3)``), or a video.
            prompts (Prompts | None): the label map of frame 0, or ``{frame index: label map}``; paths or uint8 ``(H, W)``
                arrays.
            size_mismatch (str): ``'error'`` or ``'resize'`` for a mask of another size than its frame.
            binary (bool): mask files are black and white: whatever is not 0 is object 1.

        Raises:
            InputError: as in :func:`~mmvos.videos.open_video`; for a video that has its prompts, also the two options.
        """
        if prompts is not None and not isinstance(prompts, dict):
            prompts = {0: prompts}
        options: dict = dict(binary=True) if binary else {}
        if size_mismatch != 'error':
            options['size_mismatch'] = size_mismatch
        return open_video(source, prompts=prompts, prompt_options=options)

    def __call__(self, source: Source, prompts: Prompts | None = None, **kwargs: Any) -> Iterator[VOSDataSample]:
        """Segment a video: a generator of results, one per frame, as soon as each is there.

        Args:
            source (Source): what is segmented, see :meth:`video`.
            prompts (Prompts | None): label maps of the objects by the frame in which they begin, see :meth:`video`.
            kwargs (dict): ``size_mismatch`` and ``binary`` of :meth:`video`.

        Yields:
            VOSDataSample: the frame's ``pred_label_map``, uint8 ``(H, W)``, whose values are object ids; with
            ``object_ids``, ``frame``, ``frame_index`` and ``frame_name``.

        Raises:
            InputError: as in :meth:`video`, or a prompt that does not fit its frame.
        """
        yield from self._results(self.video(source, prompts, **kwargs))

    def _results(self, video: Video) -> Iterator[VOSDataSample]:
        for trainer in self._online:
            return trainer.run(self.model, video, amp=self.amp or None, fast=True)
        return self.session().run(video)

    def save(
        self,
        source: Source,
        out_dir: str | os.PathLike,
        prompts: Prompts | None = None,
        overlay: str = 'overlay.mp4',
        progress: bool = True,
        names: Mapping[int, str] | None = None,
        on_frame: Callable[[int, int], object] | None = None,
        **kwargs: Any,
    ) -> dict:
        """Segment a video and write ``masks/<frame>.png`` (palette PNG, object ids) and an overlay video.

        Args:
            source (Source): see :meth:`video`.
            prompts (Prompts | None): see :meth:`video`.
            out_dir (str | os.PathLike): made if needed.
            overlay (str): file name of the overlay (``.mp4``, ``.gif`` or ``.webp``; empty: none).
            progress (bool): draw a progress bar with frames per second.
            names (Mapping[int, str] | None): names of objects by id, for the overlay, which shows the ids of several objects
                in any case.
            on_frame (Callable | None): called after each frame with the number of frames that are done and that of all.

        Returns:
            dict: ``frames`` (how many), ``seconds``, ``fps`` and ``objects`` (ids).
        """
        video, out_dir = self.video(source, prompts, **kwargs), Path(out_dir)
        first = next(iter(video.prompts.values()), None)
        palette = None if first is None else first.palette()
        objects, frames, start = set(), 0, time.perf_counter()
        with overlay_writers(out_dir, overlay, video) as writers, progress_bar(video, progress) as bar:

            def write(result: VOSDataSample) -> None:
                write_label_map(out_dir / 'masks' / f'{result.frame_name}.png', result.pred_label_map, palette)
                for writer in writers:
                    writer.write(draw_result(result.frame, result, names=names_shown(names, result.object_ids)))

            with write_behind(write) as submit:
                for result in self._results(video):
                    submit(result)
                    objects.update(result.object_ids)
                    frames += 1
                    bar.update()
                    if on_frame:
                        on_frame(frames, len(video))
        seconds = time.perf_counter() - start
        return dict(frames=frames, seconds=seconds, fps=frames / seconds, objects=sorted(objects))
