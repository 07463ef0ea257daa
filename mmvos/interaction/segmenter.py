"""Masks of one frame from what a person points at."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmvos.inference import FrameGeometry, FrameView
from mmvos.inference.frame import check_frame
from mmvos.models.interactive import ClickSegmenter, PromptTensors
from mmvos.structures import Box, Click, InputError, Prompt

#: logit of a mask that is given, inside (negative: outside)
_GIVEN = 4.0


@dataclass
class _Frame:
    """A frame whose features are there, and the steps of the objects that were segmented in it."""

    geometry: FrameGeometry
    projected: tuple[Tensor, ...]
    #: per object: the steps so far and the logits (h, w) after each of them
    steps: dict[int, list[tuple[tuple, Tensor]]] = field(default_factory=dict)


class InteractiveSegmenter:
    """Prompts of a frame to masks, by a model such as :class:`~mmvos.models.ClickSegmenter`.

    ::

        segmenter = InteractiveSegmenter(model)
        label_map = segmenter.label_map(frame, [Prompt(1, clicks=[Click(320, 240)]), Prompt(2, box=Box(100, 80, 220, 300))])

    The result depends on the prompts alone, not on what was asked before: clicks are taken one by one in their order, each
    with the mask after the one before, and the steps that two calls share are computed once. So undoing a click, or opening a
    stored project, gives the same masks, and a further click costs one pass of the decoder.

    Args:
        model (ClickSegmenter): the model.
        frames (int): how many frames are kept ready (features and steps); the one used longest ago goes first.
    """

    def __init__(self, model: ClickSegmenter, frames: int = 4) -> None:
        self.model = model.eval()
        self.frames = frames
        self._ready: OrderedDict[Hashable, _Frame] = OrderedDict()

    @torch.no_grad()
    def scores(self, frame: np.ndarray, prompts: Sequence[Prompt], key: Hashable = None) -> Tensor:
        """Probabilities ``(N, H, W)`` of the objects that the prompts point at, in their order.

        Args:
            frame (ndarray): BGR uint8 ``(H, W, 3)``.
            prompts (list[Prompt]): prompts of N objects.
            key (Hashable): name of the frame, under which its features are kept; None: computed for this call.

        Raises:
            InputError: two prompts of one object, an empty prompt, or one that lies outside the frame.
        """
        shape = frame.shape[:2]
        ids = [prompt.object_id for prompt in prompts]
        if len(set(ids)) < len(ids):
            raise InputError(f'prompts of the objects {ids}: expected one per object.')
        for prompt in prompts:
            if prompt.is_empty:
                raise InputError(f'object {prompt.object_id}: the prompt is empty; expected a click, box, scribble or mask.')
            prompt.check_inside(shape)
        outlines = [prompt.outline(shape) for prompt in prompts]
        found = [i for i, prompt in enumerate(prompts) if prompt.needs_segmenter]
        scores = torch.zeros(len(prompts), *shape)
        for row, outline in enumerate(outlines):
            if outline is not None:
                scores[row] = torch.from_numpy(outline.astype(np.float32))
        if found:
            ready = self._prepare(frame, key)
            logits = self._replay(ready, [prompts[i] for i in found], [outlines[i] for i in found])
            logits = F.interpolate(logits[None], ready.geometry.input_shape, mode='bilinear', align_corners=False)[0]
            scores[found] = ready.geometry.to_original(logits).sigmoid().cpu()
        return scores

    def label_map(self, frame: np.ndarray, prompts: Sequence[Prompt], key: Hashable = None) -> np.ndarray:
        """Label map uint8 ``(H, W)`` of the objects; where two claim a pixel, the surer one has it."""
        scores = self.scores(frame, prompts, key)
        ids = np.array([0, *(prompt.object_id for prompt in prompts)], np.uint8)
        best, index = scores.max(0)
        return ids[torch.where(best > 0.5, index + 1, 0).numpy()]

    @torch.no_grad()
    def prepare(self, frame: np.ndarray, key: Hashable) -> None:
        """Compute a frame's features, so that the first click in it is as quick as the following ones."""
        self._prepare(frame, key)

    def forget(self) -> None:
        """Drop all frames."""
        self._ready.clear()

    def _prepare(self, frame: np.ndarray, key: Hashable) -> _Frame:
        if key is not None and key in self._ready:
            self._ready.move_to_end(key)
            return self._ready[key]
        settings, preprocessor = self.model.test_cfg, self.model.data_preprocessor
        check_frame(frame, 0)
        geometry = FrameGeometry(frame.shape[:2], settings.resize, settings.pad, settings.interpolation)
        view = FrameView(geometry, preprocessor, preprocessor.device)
        ready = _Frame(geometry, self.model.decoder.project(self.model.extract_feat(view.view(frame, 0).image)))
        if key is not None:
            self._ready[key] = ready
            while len(self._ready) > self.frames:
                self._ready.popitem(last=False)
        return ready

    def _replay(self, frame: _Frame, prompts: Sequence[Prompt], outlines: Sequence[np.ndarray | None]) -> Tensor:
        """Logits ``(N, h, w)`` after all steps; objects at the same step are one batch."""
        wanted = [_steps(prompt, outline) for prompt, outline in zip(prompts, outlines)]
        for prompt, steps in zip(prompts, wanted):
            done = frame.steps.setdefault(prompt.object_id, [])
            shared = sum(1 for _ in _common(steps, [step for step, _ in done]))
            del done[shared:]
        while True:
            rows = [i for i, steps in enumerate(wanted) if len(frame.steps[prompts[i].object_id]) < len(steps)]
            if not rows:
                break
            before = [frame.steps[prompts[i].object_id] for i in rows]
            tensors = self._tensors(frame.geometry, [wanted[i][: len(done) + 1] for i, done in zip(rows, before)])
            previous = [self._previous(frame, done, outlines[i]) for i, done in zip(rows, before)]
            logits = self.model.segment(frame.projected, tensors, torch.stack(previous))
            for i, done, one in zip(rows, before, logits):
                done.append((wanted[i][len(done)], one))
        return torch.stack([frame.steps[prompt.object_id][-1][1] for prompt in prompts])

    def _previous(self, frame: _Frame, done: list, outline: np.ndarray | None) -> Tensor:
        if done:
            return done[-1][1]
        height, width = frame.projected[0].shape[-2:]
        if outline is None:
            return frame.projected[0].new_full((height, width), -30.0)  # nothing: a probability of zero
        given = torch.from_numpy(outline.astype(np.float32)).to(frame.projected[0].device)
        mask = frame.geometry.masks_to_input(given[None])
        return (F.adaptive_avg_pool2d(mask, (height, width))[0] * 2 - 1) * _GIVEN

    def _tensors(self, geometry: FrameGeometry, steps: Sequence[Sequence[tuple]]) -> PromptTensors:
        """Prompts of N objects up to some step, in pixels of the network's input."""
        scale = np.array([geometry.resized_shape[1] / geometry.ori_shape[1], geometry.resized_shape[0] / geometry.ori_shape[0]])
        shift = np.array([geometry.padding[0], geometry.padding[2]])
        device = self.model.data_preprocessor.device
        marks = [[mark for step in one for mark in step] for one in steps]
        clicks = [[mark for mark in one if isinstance(mark, Click)] for one in marks]
        longest = max(len(one) for one in clicks)
        places = np.zeros((len(steps), longest, 2), np.float32)
        signs = np.zeros((len(steps), longest), np.float32)
        boxes = np.zeros((len(steps), 4), np.float32)
        for row, one in enumerate(clicks):
            for column, click in enumerate(one):
                places[row, column] = np.array([click.x, click.y]) * scale + shift
                signs[row, column] = 1 if click.positive else -1
            for mark in marks[row]:
                if isinstance(mark, Box):
                    boxes[row] = np.array([mark.x1, mark.y1, mark.x2, mark.y2]) * np.tile(scale, 2) + np.tile(shift, 2)
        return PromptTensors(*(torch.from_numpy(table).to(device) for table in (places, signs, boxes)))


def _steps(prompt: Prompt, outline: np.ndarray | None) -> list[tuple]:
    """What a prompt adds step by step: box and strokes with the first click, then click by click."""
    start = [] if prompt.box is None else [prompt.box]
    strokes = [click for scribble in prompt.scribbles for click in scribble.clicks(16.0)]
    clicks = list(prompt.clicks)
    first = (*start, *strokes, *clicks[:1])
    mark = () if outline is None else (outline.tobytes(),)  # another mask begins another history
    return [(*first, *mark), *((click,) for click in clicks[1:])]


def _common(left: Sequence, right: Sequence) -> Iterator[Any]:
    for a, b in zip(left, right):
        if a != b:
            return
        yield a
