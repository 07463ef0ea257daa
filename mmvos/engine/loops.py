"""Validation and test loops over videos: results stream from the session to the metrics and writers, frame by frame."""

import errno
import os
import time
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from mmengine.dist import all_gather_object, get_rank
from mmengine.evaluator import Evaluator
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner, TestLoop, ValLoop
from torch.utils.data import DataLoader

from mmvos.evaluation import VideoMetric
from mmvos.inference import open_session
from mmvos.online.fine_tuning import restored
from mmvos.online.trainer import OnlineTrainer, write_report
from mmvos.registry import LOOPS
from mmvos.structures import InputError
from mmvos.utils.command_line import line_of, one_line
from mmvos.videos import Video

from .finished_videos import FinishedVideos, NothingKept

#: errors after which no other video can succeed either
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


class Failure(NamedTuple):
    """A video that could not be done: its name (or number), and a line that says which and why."""

    video: str
    reason: str


class _VideoLoopMixin:
    """Runs over whole videos.

    An iteration is a video; see :class:`~mmvos.engine.hooks.VideoHook` for what hooks see. Mixed precision is the model's
    ``test_cfg.amp``; the loop's ``fp16`` turns it on as well.
    """

    runner: Runner
    dataloader: DataLoader
    evaluator: Evaluator
    fp16: bool
    on_error: str = 'stop'

    def _run_videos(self, mode: str, finished: FinishedVideos) -> dict[str, Any]:
        runner = self.runner
        self.finished, self.failures = finished, list[Failure]()
        runner.call_hook(f'before_{mode}')
        runner.call_hook(f'before_{mode}_epoch')
        runner.model.eval()
        frames, start = 0, time.perf_counter()
        for index, data_batch in enumerate(self._batches()):
            frames += self._run_video(mode, index, data_batch)
        self._after_videos(frames, time.perf_counter() - start)
        metrics = self._evaluate()
        runner.call_hook(f'after_{mode}_epoch', metrics=metrics)
        runner.call_hook(f'after_{mode}')
        return metrics

    @property
    def _num_videos(self) -> int:
        return len(self.dataloader.dataset)  # type: ignore[arg-type]  # data sets of videos have a length

    def _batches(self) -> Iterator[dict[str, Any]]:
        """Videos of the data loader; one that cannot be opened is a failure."""
        items, tried = iter(self.dataloader), 0
        while True:
            try:
                batch = next(items)
            except StopIteration:
                return
            except Exception as error:
                tried += 1
                if tried > self._num_videos:  # the loader is broken, not a video
                    raise
                self._fail(f'video number {tried}', error)
                continue
            tried += 1
            yield batch

    def _run_video(self, mode: str, index: int, data_batch: dict[str, Any]) -> int:
        """Segment a video, unless an earlier run has done it; returns the number of frames."""
        runner, (video,) = self.runner, data_batch['inputs']
        if self._is_finished(video):
            runner.logger.info(f'{video.video_id}: done by an earlier run')
            return 0
        runner.call_hook(f'before_{mode}_iter', batch_idx=index, data_batch=data_batch)
        start, frames = time.perf_counter(), 0
        results = self._results(video)
        try:
            for result in self._with_hook(results, mode, index, video):
                self.evaluator.process(data_samples=[result], data_batch=data_batch)
                runner.call_hook(f'after_{mode}_frame', video_idx=index, video=video, result=result)
                frames += 1
        except BaseException as error:  # a signal, too, must leave nothing half done
            runner.call_hook('after_failed_video', video_idx=index, video=video)
            self._fail(video.video_id, error)
        else:
            self.finished.put(video.video_id, [metric.results[-1][1] for metric in self._video_metrics()])
        finally:
            results.close()  # a model that was trained for the video is restored now
        seconds = time.perf_counter() - start
        runner.logger.info(
            f'[rank {get_rank()}] video {index + 1} of {self._num_videos} {video.video_id}: {frames} frames, '
            f'{1000 * seconds / max(frames, 1):.1f} ms/frame'
        )
        runner.call_hook(f'after_{mode}_iter', batch_idx=index, data_batch=data_batch, outputs=[])
        return frames

    def _with_hook(self, results: Iterator[Any], mode: str, index: int, video: Video) -> Iterator[Any]:
        """Results, with the hooks' ``before_..._frame`` in front of each."""
        for frame in range(len(video) + 1):
            if frame < len(video):
                self.runner.call_hook(f'before_{mode}_frame', video_idx=index, video=video, frame_idx=frame)
            result = next(results, None)
            if result is None:
                return
            yield result

    def _results(self, video: Video) -> Any:
        """Generator of the results of a video's frames."""
        return open_session(self.runner.model, amp=self.fp16 or None).run(video)

    def _video_metrics(self) -> list[VideoMetric]:
        return [metric for metric in self.evaluator.metrics if isinstance(metric, VideoMetric)]

    def _is_finished(self, video: Video) -> bool:
        metrics, known = self._video_metrics(), self.finished.find(video.video_id)
        if known is None or len(known) != len(metrics) or len(metrics) != len(self.evaluator.metrics):
            return False
        if not all(metric.is_there(result) for metric, result in zip(metrics, known, strict=True)):
            return False
        for metric, result in zip(metrics, known, strict=True):
            metric.results.append((video.video_id, result))
        return True

    def _fail(self, name: str, error: BaseException) -> None:
        """Note a video that could not be done, or raise its error where the others must not, or cannot, go on."""
        for metric in self._video_metrics():
            metric.abandon()
        no_room = isinstance(error, OSError) and error.errno in _NO_ROOM
        others_can = isinstance(error, Exception) and not no_room and len(self._video_metrics()) == len(self.evaluator.metrics)
        if self.on_error == 'stop' or not others_can:
            raise error
        known = line_of(error)
        text = known or one_line(f'{type(error).__name__}: {error}')
        self.failures.append(Failure(name, text if text.startswith(name) else f'{name}: {text}'))
        self.runner.logger.error(f'failed: {self.failures[-1].reason}', exc_info=None if known else error)

    def _evaluate(self) -> dict[str, Any]:
        """Metrics over the videos of all ranks that are done. With failures, no submission or file of figures is written."""
        self.failures = [failure for failures in all_gather_object(self.failures) for failure in failures]
        total, logger = self._num_videos, self.runner.logger
        if self.failures:
            for metric in self._video_metrics():
                metric.complete = False
            logger.error(
                f'{len(self.failures)} of {total} videos failed: ' + '; '.join(failure.reason for failure in self.failures)
            )
            if len(self.failures) >= total:
                return {}
        metrics = self.evaluator.evaluate(total)
        if self.failures:
            logger.warning(f'the figures above are those of {total - len(self.failures)} of {total} videos.')
        return metrics

    def _after_videos(self, frames: int, seconds: float) -> None:
        """Reports after the last video; frames and seconds of this rank."""


@LOOPS.register_module()
class VideoValLoop(_VideoLoopMixin, ValLoop):
    """Validation over whole videos."""

    def run(self) -> dict[str, Any]:
        return self._run_videos('val', NothingKept())


@LOOPS.register_module()
class VideoTestLoop(_VideoLoopMixin, TestLoop):
    """Test over whole videos.

    Args:
        runner (Runner): the runner.
        dataloader (DataLoader | dict): the data loader, or its config.
        evaluator (Evaluator | dict | list): the metrics, or their configs.
        fp16 (bool): mixed precision.
        online_training (dict | None): settings of :class:`~mmvos.online.trainer.OnlineTrainer`; None for none.
        on_error (str): ``'stop'``: the first video that fails ends the test; ``'skip'``: it is reported, the others are
            done, and no submission or file of figures is written.

    Attributes:
        finished (FinishedVideos): where results of finished videos are kept; set by ``tools/test.py``.
        failures (list[Failure]): failures of all ranks, after :meth:`run`.
        fast (bool): whether models that were trained online are prepared for inference; set by ``tools/test.py``.
    """

    fast = False

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict[str, Any],
        evaluator: Evaluator | dict[str, Any] | list[Any],
        fp16: bool = False,
        online_training: dict[str, Any] | None = None,
        on_error: Literal['stop', 'skip'] = 'stop',
    ) -> None:
        super().__init__(runner, dataloader, evaluator, fp16)
        if on_error not in ('stop', 'skip'):
            raise InputError(f"test_cfg.on_error is {on_error!r}; expected 'stop' or 'skip'.")
        self.on_error = on_error
        self.finished: FinishedVideos = NothingKept()
        #: none, or the one
        self.online = [OnlineTrainer(**online_training, work_dir=runner.work_dir)] if online_training else []

    def run(self) -> dict[str, Any]:
        model, dataset = self._model, self.dataloader.dataset
        for trainer in self.online:
            trainer.check(model)
            with restored(model):
                trainer.before_test(model, lambda: (dataset[i]['inputs'] for i in range(self._num_videos)))
                return self._run_videos('test', self.finished)
        return self._run_videos('test', self.finished)

    @property
    def _model(self) -> Any:
        model = self.runner.model
        return model.module if is_model_wrapper(model) else model

    def _results(self, video: Video) -> Any:
        for trainer in self.online:
            return trainer.run(self._model, video, amp=self.fp16 or None, fast=self.fast)
        return super()._results(video)

    def _after_videos(self, frames: int, seconds: float) -> None:
        for trainer in self.online:
            report = os.path.join(self.runner.work_dir, 'online', f'report_rank{get_rank()}.json')
            write_report(trainer.summary(frames, seconds), report)
