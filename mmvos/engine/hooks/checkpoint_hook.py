"""mmengine's checkpoint hook, with an order in which no interruption can lose a training."""

import os
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as _CheckpointHook
from mmengine.runner import Runner

from mmvos.registry import HOOKS
from mmvos.structures import atomic_path


@HOOKS.register_module()
class CheckpointHook(_CheckpointHook):
    """Saves checkpoints; an old one is deleted when the new one is complete and on the disk, never before.

    All arguments as for mmengine's hook of this name, which stands for ``type='CheckpointHook'`` in MMVOS's configs.
    """

    # mmengine sets one of them, depending on how many metrics ``save_best`` names
    best_ckpt_path: str | None = None
    best_ckpt_path_dict: dict[str, str | None] = {}  # replaced, never changed

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        filename = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, filename)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        abandoned = self._choose_abandoned(runner, step)
        runner.save_checkpoint(
            self.out_dir,
            filename,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            pointer = os.path.join(runner.work_dir, 'last_checkpoint')
            with atomic_path(pointer, durable=True) as temporary, open(temporary, 'w') as file:
                file.write(self.last_ckpt)
            for old in abandoned:
                self._remove(self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(old)))

    def _choose_abandoned(self, runner: Runner, step: int) -> list[int]:
        """Steps whose checkpoints are not kept beside the new one; the checkpoint itself holds the list of those that are."""
        if self.max_keep_ckpts <= 0:
            return []
        steps = [kept for kept in self.keep_ckpt_ids if kept != step] + [step]
        self.keep_ckpt_ids.clear()
        self.keep_ckpt_ids.extend(steps[-self.max_keep_ckpts :])
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        return steps[: -self.max_keep_ckpts]

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        if not self.save_best:
            return
        # mmengine removes the best one so far before it writes the new one; it must not
        before = dict(self.best_ckpt_path_dict), self.best_ckpt_path
        self.best_ckpt_path_dict = dict.fromkeys(self.best_ckpt_path_dict)
        self.best_ckpt_path = None
        super()._save_best_checkpoint(runner, metrics)
        self.best_ckpt_path_dict = {key: path or before[0][key] for key, path in self.best_ckpt_path_dict.items()}
        self.best_ckpt_path = self.best_ckpt_path or before[1]
        if is_main_process():
            kept = {self.best_ckpt_path, *self.best_ckpt_path_dict.values()}
            for old in {before[1], *before[0].values()} - kept:
                if old is not None:
                    self._remove(old)

    def _remove(self, path: str) -> None:
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)
        elif self.file_backend.isdir(path):  # of a strategy that shares a model out among ranks
            self.file_backend.rmtree(path)
