"""Fine-tuned weights on disk, found again by everything that they depend on."""

import hashlib
import json
import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import torch
from mmengine.logging import MMLogger
from torch import Tensor

from mmvos.structures import atomic_path, check_name

from .samples import GivenFrame
from .stage import OnlineStage


class SavedWeights:
    """A folder of fine-tuned weights, ``<name>_<digest>.pth``.

    The digest covers the stage's settings, the given frames, and the weights that the training started from.

    Args:
        folder (str): where they are kept.
        save (bool): whether :meth:`put` writes.
        reuse (bool): whether :meth:`find` looks.
    """

    def __init__(self, folder: str, save: bool = False, reuse: bool = False) -> None:
        self.folder, self.save, self.reuse = folder, save, reuse

    def find(self, path: str) -> dict[str, Tensor] | None:
        """The weights that an earlier run kept under a path, None if there are none that can be read."""
        if not self.reuse or not os.path.isfile(path):
            return None
        try:
            return torch.load(path, map_location='cpu', weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            MMLogger.get_current_instance().warning(f'{path}: cannot be read ({error}); the model is trained again.')
            return None

    def put(self, path: str, weights: Mapping[str, Tensor]) -> None:
        """Keep weights under a path."""
        if self.save:
            with atomic_path(path) as temporary:
                torch.save({name: value.cpu() for name, value in weights.items()}, temporary)

    def path(self, stage: OnlineStage, name: str, given: Sequence[GivenFrame], before: Mapping[str, Tensor]) -> str:
        """Where the weights of a training belong.

        Args:
            stage (OnlineStage): settings of the training.
            name (str): name of the training.
            given (Sequence[GivenFrame]): what it trains on.
            before (Mapping[str, Tensor]): weights that it starts from.

        Raises:
            InputError: a name that leads out of the folder.
        """
        if not (self.save or self.reuse):
            return ''
        check_name(name, 'online training')
        digest = hashlib.sha256(json.dumps(asdict(stage), sort_keys=True, default=str).encode())
        for frame in given:
            digest.update(frame.image.tobytes())
            digest.update(frame.label_map.tobytes())
        for _, tensor in sorted(before.items()):
            digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return os.path.join(self.folder, f'{name}_{digest.hexdigest()[:12]}.pth')
