"""Validation and test loops over videos: results stream from the session to the metrics and writers, frame by frame."""

import os
import time
from collections.abc import Iterator
from typing import Any

from mmengine.dist import get_rank
from mmengine.model import is_model_wrapper
from mmengine.runner import TestLoop, ValLoop

from mmvos.inference import open_session
from mmvos.online.fine_tuning import restored
from mmvos.online.trainer import OnlineTrainer, write_report
from mmvos.registry import LOOPS
from mmvos.videos import Video


class _VideoLoopMixin:
    """Runs over whole videos.

    An iteration is a video; see :class:`~mmvos.engine.hooks.VideoHook` for what hooks see. Mixed precision is the model's
    ``test_cfg.amp``; the loop's ``fp16`` turns it on as well.
    """

    runner: Any
    dataloader: Any
    evaluator: Any
    fp16: bool

    def _run_videos(self, mode: str) -> dict:
        runner = self.runner
        runner.call_hook(f'before_{mode}')
        runner.call_hook(f'before_{mode}_epoch')
        runner.model.eval()
        total, all_frames, all_start = len(self.dataloader), 0, time.perf_counter()
        for index, data_batch in enumerate(self.dataloader):
            runner.call_hook(f'before_{mode}_iter', batch_idx=index, data_batch=data_batch)
            (video,) = data_batch['inputs']
            start, frames = time.perf_counter(), 0
            results = self._results(video)
            while True:
                if frames < len(video):
                    runner.call_hook(f'before_{mode}_frame', video_idx=index, video=video, frame_idx=frames)
                result = next(results, None)
                if result is None:
                    break
                self.evaluator.process(data_samples=[result], data_batch=data_batch)
                runner.call_hook(f'after_{mode}_frame', video_idx=index, video=video, result=result)
                frames += 1
            seconds, all_frames = time.perf_counter() - start, all_frames + frames
            runner.logger.info(
                f'[rank {get_rank()}] video {index + 1}/{total} {video.video_id}: {frames} frames, '
                f'{1000 * seconds / max(frames, 1):.1f} ms/frame'
            )
            runner.call_hook(f'after_{mode}_iter', batch_idx=index, data_batch=data_batch, outputs=[])
        self._after_videos(all_frames, time.perf_counter() - all_start)
        metrics = self.evaluator.evaluate(len(self.dataloader.dataset))
        runner.call_hook(f'after_{mode}_epoch', metrics=metrics)
        runner.call_hook(f'after_{mode}')
        return metrics

    def _results(self, video: Video) -> Iterator[Any]:
        return open_session(self.runner.model, amp=self.fp16 or None).run(video)

    def _after_videos(self, frames: int, seconds: float) -> None:
        """Reports after the last video; frames and seconds of this rank."""


@LOOPS.register_module()
class VideoValLoop(_VideoLoopMixin, ValLoop):
    """Validation over whole videos."""

    def run(self) -> dict:
        return self._run_videos('val')


@LOOPS.register_module()
class VideoTestLoop(_VideoLoopMixin, TestLoop):
    """Test over whole videos.

    Args:
        online_training: settings of :class:`~mmvos.online.trainer.OnlineTrainer` (None: off).
    """

    def __init__(self, runner, dataloader, evaluator, fp16: bool = False, online_training: dict | None = None) -> None:
        super().__init__(runner, dataloader, evaluator, fp16)
        self.online = OnlineTrainer(**online_training, work_dir=runner.work_dir) if online_training else None

    def run(self) -> dict:
        if self.online:
            model = self._model
            self.online.check(model)
            dataset = self.dataloader.dataset
            with restored(model):
                self.online.before_test(model, lambda: (dataset[i]['inputs'] for i in range(len(dataset))))
                return self._run_videos('test')
        return self._run_videos('test')

    @property
    def _model(self):
        model = self.runner.model
        return model.module if is_model_wrapper(model) else model

    def _results(self, video: Video) -> Iterator[Any]:
        if self.online is None:
            return super()._results(video)
        return self.online.run(self._model, video, amp=self.fp16 or None)

    def _after_videos(self, frames: int, seconds: float) -> None:
        if self.online:
            report = os.path.join(self.runner.work_dir, 'online', f'report_rank{get_rank()}.json')
            write_report(self.online.summary(frames, seconds), report)
