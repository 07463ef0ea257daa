"""From the scores of a model to the label map and the probabilities of a frame."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmvos.registry import MODELS
from mmvos.structures import object_ids_of

from .geometry import FrameGeometry
from .session_settings import SessionSettings


class MappedFrame(NamedTuple):
    """What is in a frame, at the frame's own size.

    ``ids``: of the N objects. ``label_map``: uint8 ``(H, W)``, values are object ids. ``probabilities``: ``(N + 1, H, W)``, of
    the background and all objects; None where they were not asked for.
    """

    ids: list[int]
    label_map: np.ndarray
    probabilities: Tensor | None

    @classmethod
    def empty(cls) -> 'MappedFrame':
        """No object, in a frame without pixels."""
        return cls([], np.zeros((0, 0), np.uint8), None)


class LabelMapper:
    """Resizes scores, lets a post-processor improve them, and decides every pixel.

    In the frame of its prompt an object is what the prompt shows, if the settings say so or the model has no score for it;
    it takes part in nothing else there, so that the other objects are what they are without it.

    Args:
        settings (SessionSettings): ``upsample``, ``overlay_prompt`` and ``post_process``.
        probabilities (Callable): the model's rule, scores ``(N + 1, H, W)`` to probabilities.
    """

    def __init__(self, settings: SessionSettings, probabilities: Callable[[Tensor], Tensor]) -> None:
        self.settings, self.probabilities = settings, probabilities
        self.post_processors = [MODELS.build(config) for config in [settings.post_process] if config]

    def map(
        self,
        scores: Tensor,
        ids: Sequence[int],
        frame: np.ndarray,
        prompt: np.ndarray | None,
        geometry: FrameGeometry,
        keep_scores: bool,
    ) -> MappedFrame:
        """What is in a frame.

        Args:
            scores (Tensor): ``(n + 1, h, w)``, of the background and the first n objects, at the network's size.
            ids (Sequence[int]): ids of all N objects.
            frame (ndarray): the frame, BGR uint8 ``(H, W, 3)``.
            prompt (ndarray | None): label map uint8 ``(H, W)`` of the objects that begin here.
            geometry (FrameGeometry): the way back to the frame's size.
            keep_scores (bool): whether probabilities are wanted.

        Raises:
            ValueError: scores of more objects than there are, or not of all that are known.
        """
        given = self._given(ids, len(scores) - 1, prompt)
        if len(scores) > len(ids) + 1 or not given.issuperset(ids[len(scores) - 1 :]):
            raise ValueError(
                f'{len(scores)} rows of scores for the objects {list(ids)}: a model gives a row of the background and of each '
                'object, in their order; the objects that begin in the frame may be left out.'
            )
        rows = [0] + [row for row, object_id in enumerate(ids[: len(scores) - 1], 1) if object_id not in given]
        if len(rows) < len(scores):
            scores = scores[rows]
        indices, probabilities = self._decide(scores, frame, geometry, keep_scores)
        label_map = np.array([0, *(ids[row - 1] for row in rows[1:])], np.uint8)[indices.cpu().numpy()]
        full = None
        if probabilities is not None:
            full = probabilities.new_zeros(len(ids) + 1, *probabilities.shape[1:])
            full[rows] = probabilities
        mapped = MappedFrame(list(ids), label_map, full)
        if prompt is not None:
            _show_given(mapped, prompt, given)
        return mapped

    def correct(self, before: MappedFrame, ids: Sequence[int], prompt: np.ndarray) -> MappedFrame:
        """A frame in which the objects of a prompt are what it shows; pixels that they lose are background.

        Args:
            before (MappedFrame): the frame as it was; not changed. Objects that are not among ``ids`` any more leave it.
            ids (Sequence[int]): ids of all objects, with those that begin here.
            prompt (ndarray): label map uint8 ``(H, W)``.
        """
        given = set(object_ids_of(prompt))
        stay = [i for i in before.ids if i in ids and i not in given]
        lost = ~np.isin(before.label_map, [0, *stay])
        label_map = np.where(lost, np.uint8(0), before.label_map)
        full = None
        if before.probabilities is not None:
            full = before.probabilities.new_zeros(len(ids) + 1, *label_map.shape)
            full[0] = before.probabilities[0]
            for object_id in stay:
                full[ids.index(object_id) + 1] = before.probabilities[before.ids.index(object_id) + 1]
            pixels = torch.from_numpy(lost).to(full.device)
            full[:, pixels] = 0
            full[0, pixels] = 1
            full /= full.sum(0, keepdim=True).clamp(min=1e-6)
        mapped = MappedFrame(list(ids), label_map, full)
        _show_given(mapped, prompt, given)
        return mapped

    def _given(self, ids: Sequence[int], predicted: int, prompt: np.ndarray | None) -> set[int]:
        """Ids of the objects that are what the prompt shows; the model predicts the first ``predicted`` of all."""
        new = set() if prompt is None else set(object_ids_of(prompt))
        return new if self.settings.overlay_prompt else new & set(ids[predicted:])

    def _decide(
        self, scores: Tensor, frame: np.ndarray, geometry: FrameGeometry, keep_scores: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Which row of the scores each pixel belongs to, uint8 ``(H, W)``, and the probabilities of the rows."""
        if self.settings.upsample == 'labels':
            indices = geometry.to_original(arg_max(scores)[None].float(), 'nearest-exact')[0].to(torch.uint8)
            if not keep_scores:
                return indices, None
            return indices, geometry.to_original(self.probabilities(scores.float()), 'nearest-exact')
        scores = geometry.to_original(scores.float())
        processors: Sequence[Any] = self.post_processors if len(scores) > 1 else ()
        probabilities = self.probabilities(scores) if keep_scores or processors else None
        for processor in processors:
            scores = probabilities = processor(probabilities, frame)
        return arg_max(scores), probabilities if keep_scores else None


def _show_given(mapped: MappedFrame, prompt: np.ndarray, given: set[int]) -> None:
    """Let the ``given`` objects be what a prompt shows, with probability 1; changes the maps in place."""
    for row, object_id in enumerate(mapped.ids, 1):
        if object_id in given:
            shown = prompt == object_id
            mapped.label_map[shown] = object_id
            if mapped.probabilities is not None:
                pixels = torch.from_numpy(shown).to(mapped.probabilities.device)
                mapped.probabilities[:, pixels] = 0
                mapped.probabilities[row, pixels] = 1


def arg_max(scores: Tensor) -> Tensor:
    """``scores.argmax(0)`` of ``(C, H, W)`` as uint8 ``(H, W)``; ties go to the lower index.

    On a CPU the reduction over the first dimension is many times slower than C comparisons of whole planes.
    """
    if scores.device.type != 'cpu':
        return scores.argmax(0).to(torch.uint8)
    best, indices = scores[0], torch.zeros(scores.shape[1:], dtype=torch.uint8)
    for channel in range(1, len(scores)):
        indices.masked_fill_(scores[channel] > best, channel)
        best = torch.maximum(best, scores[channel])
    return indices
