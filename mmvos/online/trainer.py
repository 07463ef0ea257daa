"""Online training: fine-tuning a model at test time on the frames whose masks are given, before (and while) it segments.

An option of the test loop for any VOS model that can be trained::

    test_cfg = dict(type='VideoTestLoop', online_training=dict(stages=[dict(mode='per_video', max_iters=200, ...)]))
"""

import copy
import json
import math
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.dist import barrier
from mmengine.logging import MMLogger
from torch import nn
from torch.utils.data import Dataset

from mmvos.inference import VOSSession
from mmvos.models.segmentors import BaseVOSModel
from mmvos.registry import DATASETS
from mmvos.structures import InputError, VOSDataSample, atomic_path, object_ids_of, settings_from
from mmvos.utils import prepare_for_inference
from mmvos.utils.random import isolated_random_state
from mmvos.videos import Video

from .adaptation import AdaptingSession
from .fine_tuning import TrainingReport, copy_weights, fine_tune, restored, snapshot, trainable_mode
from .per_object import PerObjectModel
from .samples import GivenFrame, SampleMaker, given_frames
from .saved_weights import SavedWeights
from .stage import AdaptationSettings, OnlineStage


class OnlineTrainer:
    """Fine-tunes a model before each video (or once before all), and restores it afterwards.

    Samples are made from the given frames and go through the stage's pipeline and ``model.loss``, as in offline training.
    Only images and masks that the benchmark gives are read. Videos are segmented by the ordinary session.

    Args:
        stages (Sequence[dict]): settings of :class:`~mmvos.online.stage.OnlineStage`, in order.
        adapt (dict | None): :class:`~mmvos.online.stage.AdaptationSettings`; None: weights are fixed while a video is
            segmented. The stage that trains last says how.
        save_weights (bool): keep fine-tuned weights under ``<work dir>/online/``.
        reuse_weights (bool): load those that an earlier run saved, instead of training, where the stage's settings, the given
            frames and the weights to start from are the same. With both, a test that was interrupted goes on with what it has.
        work_dir (str): work directory of the run.

    Raises:
        InputError: a setting is unknown, missing or out of range, or settings do not go together.
    """

    def __init__(
        self,
        stages: Sequence[dict],
        adapt: dict | None = None,
        save_weights: bool = False,
        reuse_weights: bool = False,
        work_dir: str | None = None,
    ) -> None:
        self.stages = [settings_from(OnlineStage, stage, f'online_training.stages[{i}]') for i, stage in enumerate(stages)]
        if not self.stages:
            raise InputError('online_training.stages: expected at least one stage.')
        self.per_video = [stage for stage in self.stages if stage.mode == 'per_video']
        self.per_object = any(stage.per_object for stage in self.per_video)
        if self.per_object and not all(stage.per_object for stage in self.per_video):
            raise InputError('online_training.stages: per_object must be the same in all stages of mode per_video.')
        #: none, or the one
        self.adaptations = [settings_from(AdaptationSettings, adapt, 'online_training.adapt')] if adapt is not None else []
        if self.adaptations and self.per_object:
            raise InputError('online_training: adapt and per_object do not go together.')
        self.folder = os.path.join(work_dir or '.', 'online')
        self.saved = SavedWeights(self.folder, save_weights, reuse_weights)
        self.reports: list[TrainingReport] = []
        #: names of trainings whose weights an earlier run had saved
        self.reused: list[str] = []
        self._mixed: dict[str, Dataset] = {}  # by their configs: data sets are made once

    # What the loop calls

    def check(self, model: Any) -> None:
        """Refuse a model that cannot take part, before any work is done.

        Raises:
            InputError: why it cannot.
        """
        name = type(model).__name__
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise InputError(f'online training: {name} has no parameter that trains.')
        waits = any(isinstance(module, nn.SyncBatchNorm) for module in model.modules())
        if waits and not all(stage.freeze_bn for stage in self.stages):
            raise InputError(
                f'online training: {name} has batch norms that wait for other ranks, but every rank trains by '
                'itself; set freeze_bn=True.'
            )
        if not getattr(model, 'prompted', False):
            raise InputError(f'online training needs given masks, and {name} takes no prompts.')
        if (self.adaptations or self.per_object) and not model.causal:
            what = 'online adaptation' if self.adaptations else 'one model per object'
            raise InputError(f'{what} goes from frame to frame; {name} needs the whole video.')

    def before_test(self, model: BaseVOSModel, videos: Callable[[], Iterable[Video]]) -> None:
        """Train the ``per_dataset`` stages.

        Every rank trains on the same samples with the same seed and so gets the same weights.

        Args:
            model (BaseVOSModel): the model; its weights are changed in place.
            videos (Callable): gives an iterator over all videos of the test set.
        """
        model.begin_online_training(list(_objects_of_all(videos())))
        for number, stage in enumerate(self.stages):
            if stage.mode == 'per_dataset':
                self._train(model, stage, list(self._given_of_all(videos(), stage)), f'dataset_{number}')
                barrier()

    def run(self, model: Any, video: Video, amp: bool | None = None, fast: bool = False) -> Iterator[VOSDataSample]:
        """Train on a video's given frames, segment it, restore the model.

        Args:
            model (BaseVOSModel): not wrapped for several processes.
            video (Video): with its prompts.
            amp (bool | None): mixed precision of the session (default: as the model's ``test_cfg`` says).
            fast (bool): segment with a copy that is prepared for inference; not with ``adapt``, which trains on.
        """
        with restored(model):
            yield from self._session(model, video, amp, fast).run(video)

    def summary(self, frames: int, seconds: float) -> dict[str, Any]:
        """What was spent: ``fps`` without online training, and with its time spread over all frames."""
        online = sum(report['synthesis_seconds'] + report['train_seconds'] for report in self.reports)
        inference = max(seconds - online, 1e-9)
        return dict(
            trainings=self.reports,
            reused=self.reused,
            fps=frames / inference,
            fps_with_online_training=frames / max(seconds, 1e-9),
        )

    def _session(self, model: Any, video: Video, amp: bool | None, fast: bool) -> VOSSession:
        """The session of a video, with a model that was trained for it."""
        if self.per_object:
            members = [
                self._trained_member(model, GivenFrame(given.image, mask, given.video_id), object_id)
                for given in given_frames(video)
                for object_id, mask in _masks_of(given)
            ]
            if fast:
                members = [prepare_for_inference(member) for member in members]
            return VOSSession(PerObjectModel(members) if members else model, amp=amp)
        for number, stage in enumerate(self.per_video):
            self._train(model, stage, given_frames(video, stage.use_late_objects), f'{video.video_id}_{number}')
        for settings in self.adaptations:
            stage = (self.per_video or self.stages)[-1]
            given = given_frames(video, late=False)
            if given:
                seed = stage.seed + zlib.crc32(f'{video.video_id}/adapt'.encode())
                return AdaptingSession(model, settings, stage, given, seed, amp=amp)
        return VOSSession(prepare_for_inference(copy.deepcopy(model)) if fast else model, amp=amp)

    def _trained_member(self, model: nn.Module, given: GivenFrame, object_id: int) -> Any:
        """A copy of the model, trained for one object."""
        member = copy.deepcopy(model)
        for number, stage in enumerate(self.per_video):
            self._train(member, stage, [given], f'{given.video_id}_{object_id}_{number}')
        return member

    def _given_of_all(self, videos: Iterable[Video], stage: OnlineStage) -> Iterator[GivenFrame]:
        """Given frames of all videos; one that cannot be read is left out here, and reported when its turn comes."""
        for video in videos:
            try:
                yield from given_frames(video, stage.use_late_objects)
            except InputError as error:
                MMLogger.get_current_instance().warning(f'online training: {video.video_id} is left out: {error}')

    # Training

    def _train(self, model: nn.Module, stage: OnlineStage, given: Sequence[GivenFrame], name: str) -> None:
        logger = MMLogger.get_current_instance()
        given = [frame for frame in given if object_ids_of(frame.label_map)]
        if not given:
            logger.warning(f'online training, {name}: no given mask holds an object; the model stays as it is.')
            return
        before = snapshot(model)
        path = self.saved.path(stage, name, given, before)
        known = self.saved.find(path)
        if known is not None:
            copy_weights(model, known)
            self.reused.append(name)
            logger.info(f'online training, {name}: the weights of an earlier run, {path}')
            return
        report = TrainingReport(
            name=name, iterations=0, first_loss=math.nan, last_loss=math.nan, synthesis_seconds=0.0, train_seconds=0.0
        )
        samples = SampleMaker(stage, self._mixed_dataset(stage.mix_dataset) if stage.mix_dataset else ())
        with isolated_random_state(stage.seed + zlib.crc32(name.encode())), trainable_mode(model, stage):
            fine_tune(model, stage, samples, given, report)
        if math.isfinite(report['last_loss']):
            self.saved.put(path, snapshot(model))
        else:
            logger.warning(
                f'online training, {name}: the loss is not finite after {report["iterations"]} iterations; '
                'going on with the weights from before.'
            )
            copy_weights(model, before)
        self.reports.append(report)
        logger.info(
            'online training, {name}: {iterations} iterations, loss {first_loss:.4f} -> {last_loss:.4f}, '
            '{synthesis_seconds:.1f} s synthesis, {train_seconds:.1f} s training'.format(**report)
        )

    def _mixed_dataset(self, config: Mapping[str, Any]) -> Dataset:
        """The data set that a stage mixes in."""
        key = json.dumps(config, sort_keys=True, default=str)
        if key not in self._mixed:
            self._mixed[key] = DATASETS.build(dict(config))
        return self._mixed[key]


def _masks_of(given: GivenFrame) -> Iterator[tuple[int, np.ndarray]]:
    """Id and mask, uint8 0/1 ``(H, W)``, of every object of a given frame, in the order of ids."""
    for object_id in object_ids_of(given.label_map):
        yield object_id, (given.label_map == object_id).astype(np.uint8)


def write_report(summary: dict, path: str) -> None:
    """The summary as JSON."""
    with atomic_path(path) as temporary, open(temporary, 'w') as file:
        json.dump(summary, file, indent=2)


def _objects_of_all(videos: Iterable[Video]) -> Iterator[tuple[str, int]]:
    """Video id and object id of all objects that prompts introduce; one that cannot be read is reported when its turn comes."""
    for video in videos:
        for index in sorted(video.prompts):
            try:
                label_map = video.prompts[index].read()
            except InputError:
                continue
            yield from ((video.video_id, object_id) for object_id in object_ids_of(label_map))
