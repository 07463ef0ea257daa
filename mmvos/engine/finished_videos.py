"""Results of finished videos on disk, so that a test that ends early does not do them again."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log
from torch import nn
from typing_extensions import override

from mmvos.structures import InputError, atomic_path, check_name
from mmvos.utils.checkpoint import read_checkpoint


class FinishedVideos:
    """What every metric and writer keeps of the videos that are done: one file per video, in a folder of the run.

    The folder's name is a digest of everything that results depend on, so that those of another model or setting are never
    taken. Made by all processes of a run together.

    Args:
        folder (path): where runs keep their results.
        digest (str): digest of this run, see :func:`digest_of_run`.
        resume (bool): whether results of an earlier run are taken; else they are removed.
    """

    def __init__(self, folder: str | os.PathLike, digest: str, resume: bool) -> None:
        self.folder, self.resume = Path(folder) / digest, resume
        if resume and not self.folder.is_dir() and Path(folder).is_dir() and any(Path(folder).iterdir()):
            print_log(f'{folder}: finished videos of another model or other settings are not used.', 'current')
        if not resume and is_main_process():
            self.clear()
        barrier()

    def find(self, video_id: str) -> list[Any] | None:
        """One result for each metric, of a video that is done; None if it is not."""
        path = self._path(video_id)
        if not self.resume or not path.is_file():
            return None
        try:
            return list(read_checkpoint(os.fspath(path))['results'])
        except (InputError, KeyError, TypeError) as error:
            print_log(f'{path}: cannot be read ({error}); the video is segmented again.', 'current')
            return None

    def put(self, video_id: str, results: Sequence[Any]) -> None:
        """Keep the results of a video, one for each metric."""
        with atomic_path(self._path(video_id)) as temporary:
            torch.save(dict(results=list(results)), temporary)

    def clear(self) -> None:
        """Remove what is kept: the run is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()

    def _path(self, video_id: str) -> Path:
        return self.folder / f'{check_name(video_id, os.fspath(self.folder))}.pth'


class NothingKept(FinishedVideos):
    """Keeps nothing and knows no video."""

    def __init__(self) -> None:
        """Nothing to set."""

    @override
    def find(self, video_id: str) -> list[Any] | None:
        return None

    def put(self, video_id: str, results: Sequence[Any]) -> None:
        pass

    def clear(self) -> None:
        pass


def digest_of_run(cfg: Config, model: nn.Module) -> str:
    """Twelve characters that differ where the model, its weights, the videos or the outputs do.

    Args:
        cfg (Config): config of the test.
        model (nn.Module): with its weights.
    """
    parts = {key: cfg[key] for key in ('model', 'test_dataloader', 'test_evaluator', 'test_cfg', 'default_hooks') if key in cfg}
    parts['test_cfg'] = {key: value for key, value in parts.get('test_cfg', {}).items() if key != 'on_error'}
    digest = hashlib.sha256(Config(parts).pretty_text.encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]
