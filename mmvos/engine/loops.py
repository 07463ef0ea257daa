"""Validation and test loops over videos: results stream from the session to the metrics and writers, frame by frame."""
import time

from mmengine.dist import get_rank
from mmengine.runner import TestLoop, ValLoop

from mmvos.registry import LOOPS


class _VideoLoopMixin:
    """Runs over whole videos.

    Hooks see a *video* as an iteration (``after_test_iter``), and may define ``after_test_frame(runner, video_idx, video,
    result)`` (``after_val_frame``) to see every frame's result.
    """

    def _run_videos(self, mode: str) -> dict:
        runner = self.runner
        runner.call_hook(f'before_{mode}')
        runner.call_hook(f'before_{mode}_epoch')
        runner.model.eval()
        forward = runner.model.test_step if mode == 'test' else runner.model.val_step
        total = len(self.dataloader)
        for index, data_batch in enumerate(self.dataloader):
            runner.call_hook(f'before_{mode}_iter', batch_idx=index, data_batch=data_batch)
            start, frames = time.perf_counter(), 0
            for result in forward(data_batch):
                self.evaluator.process(data_samples=[result], data_batch=data_batch)
                runner.call_hook(f'after_{mode}_frame', video_idx=index, video=data_batch['inputs'][0], result=result)
                frames += 1
            seconds = time.perf_counter() - start
            video = data_batch['inputs'][0]
            runner.logger.info(f'[rank {get_rank()}] video {index + 1}/{total} {video.video_id}: {frames} frames, '
                               f'{1000 * seconds / max(frames, 1):.1f} ms/frame')
            runner.call_hook(f'after_{mode}_iter', batch_idx=index, data_batch=data_batch, outputs=[])
        metrics = self.evaluator.evaluate(len(self.dataloader.dataset))
        runner.call_hook(f'after_{mode}_epoch', metrics=metrics)
        runner.call_hook(f'after_{mode}')
        return metrics


@LOOPS.register_module()
class VideoValLoop(_VideoLoopMixin, ValLoop):
    """Validation over whole videos."""

    def run(self) -> dict:
        return self._run_videos('val')


@LOOPS.register_module()
class VideoTestLoop(_VideoLoopMixin, TestLoop):
    """Test over whole videos."""

    def run(self) -> dict:
        return self._run_videos('test')
