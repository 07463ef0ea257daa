"""Masks of one frame from what a person points at."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvos.inference import FrameGeometry, FrameView
from mmvos.inference.frame import check_frame
from mmvos.models.interactive import ClickSegmenter, PromptTensors
from mmvos.models.interactive.prompt_encoder import NOTHING, given_logits
from mmvos.structures import Box, Click, InputError, Prompt

from .views import Region, View, bounds_of, close_up, corrected_part

#: close-ups of a frame whose features are kept
_VIEWS = 8


@dataclass(frozen=True)
class _Step:
    """What an object's mask was after a step: the marks that came with it, where it was looked at, the logits there."""

    marks: tuple
    view: View
    logits: Tensor = field(repr=False)


@dataclass
class _Frame:
    """A frame whose features are there, and the steps of the objects that were segmented in it."""

    pixels: np.ndarray
    whole: View
    #: close-ups, the one used longest ago first
    views: OrderedDict[Region, View] = field(default_factory=OrderedDict)
    steps: dict[int, list[_Step]] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)``."""
        height, width = self.pixels.shape[:2]
        return height, width


class InteractiveSegmenter:
    """Prompts of a frame to masks, by a model such as :class:`~mmvos.models.ClickSegmenter`.

    ::

        segmenter = InteractiveSegmenter(model)
        label_map = segmenter.label_map(frame, [Prompt(1, clicks=[Click(320, 240)]), Prompt(2, box=Box(100, 80, 220, 300))])

    The result depends on the prompts alone, not on what was asked before: clicks are taken one by one in their order, each
    with the mask after the one before, and the steps that two calls share are computed once. So undoing a click, or opening a
    stored project, gives the same masks, and a further click costs one pass of the decoder.

    Where the model's settings name a close-up (``test_cfg.closeup``), the object is looked at in a part of the frame around
    its box, its given mask, or what the first click found in the whole frame; a new part is taken when the mask outgrows
    it, which costs the features of that part. An object in a box is looked at ``test_cfg.box_looks`` times, each time also in
    the mirrored picture where ``test_cfg.box_mirrored`` says so.

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
            InputError: two prompts of one object, an empty prompt, one that lies outside the frame, or one of which all
                points lie beside the object.
        """
        shape = frame.shape[:2]
        ids = [prompt.object_id for prompt in prompts]
        if len(set(ids)) < len(ids):
            raise InputError(f'prompts of the objects {ids}: expected one per object.')
        for prompt in prompts:
            if prompt.is_empty:
                raise InputError(f'object {prompt.object_id}: the prompt is empty; expected a click, box, scribble or mask.')
            if prompt.only_beside:
                raise InputError(
                    f'object {prompt.object_id}: all points lie beside it; expected a point or stroke on it, a box, or a mask.'
                )
            prompt.check_inside(shape)
        outlines = [prompt.outline(shape) for prompt in prompts]
        found = [i for i, prompt in enumerate(prompts) if prompt.needs_segmenter]
        scores = torch.zeros(len(prompts), *shape)
        for row, outline in enumerate(outlines):
            if outline is not None:
                scores[row] = torch.from_numpy(outline.astype(np.float32))
        if found:
            ready = self._prepare(frame, key)
            steps = self._replay(ready, [prompts[i] for i in found], [outlines[i] for i in found])
            for row, step in zip(found, steps, strict=True):
                score, outline = step.view.to_frame(step.logits, ready.shape).sigmoid().cpu(), outlines[row]
                if outline is not None:
                    part = corrected_part(outline, (score > 0.5).numpy(), prompts[row].all_clicks())
                    score = torch.where(torch.from_numpy(part), score, scores[row])
                scores[row] = score
        return scores

    def label_map(self, frame: np.ndarray, prompts: Sequence[Prompt], key: Hashable = None) -> np.ndarray:
        """Label map uint8 ``(H, W)`` of the objects; where two claim a pixel, the surer one has it.

        Args:
            frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
            prompts (Sequence[Prompt]): one per object.
            key (Hashable): what the frame is known by, see :meth:`scores`.
        """
        scores = self.scores(frame, prompts, key)
        ids = np.array([0, *(prompt.object_id for prompt in prompts)], np.uint8)
        best, index = scores.max(0)
        return ids[torch.where(best > 0.5, index + 1, 0).numpy()]

    @torch.no_grad()
    def prepare(self, frame: np.ndarray, key: Hashable) -> None:
        """Compute a frame's features, so that the first click in it is as quick as the following ones.

        Args:
            frame (np.ndarray): BGR uint8 ``(H, W, 3)``.
            key (Hashable): what the frame is known by, see :meth:`scores`.
        """
        self._prepare(frame, key)

    def forget(self) -> None:
        """Drop all frames."""
        self._ready.clear()

    def _prepare(self, frame: np.ndarray, key: Hashable) -> _Frame:
        if key is not None and key in self._ready:
            self._ready.move_to_end(key)
            return self._ready[key]
        check_frame(frame, 0)
        ready = _Frame(frame, self._look(frame, Region.whole((frame.shape[0], frame.shape[1]))))
        if key is not None:
            self._ready[key] = ready
            while len(self._ready) > self.frames:
                self._ready.popitem(last=False)
        return ready

    def _look(self, frame: np.ndarray, region: Region) -> View:
        """Features of a part of a frame."""
        settings = self.model.test_cfg
        left, top, right, bottom = region
        whole = (bottom - top, right - left) == frame.shape[:2]
        resize = settings.resize if whole else settings.closeup_resize
        geometry = FrameGeometry((bottom - top, right - left), resize, settings.pad, settings.interpolation)
        return View(region, geometry, self._features(self._image(frame, region, geometry)))

    def _image(self, frame: np.ndarray, region: Region, geometry: FrameGeometry) -> Tensor:
        """A part of a frame as the network sees it, ``(1, 3, h, w)``."""
        left, top, right, bottom = region
        preprocessor = self.model.data_preprocessor
        pixels = np.ascontiguousarray(frame[top:bottom, left:right])
        return FrameView(geometry, preprocessor, preprocessor.device).view(pixels, 0).image

    def _features(self, image: Tensor) -> tuple[Tensor, ...]:
        return self.model.decoder.project(self.model.extract_feat(image))

    def _view(self, frame: _Frame, region: Region) -> View:
        if region == frame.whole.region:
            return frame.whole
        if region not in frame.views:
            frame.views[region] = self._look(frame.pixels, region)
            while len(frame.views) > _VIEWS:
                frame.views.popitem(last=False)
        frame.views.move_to_end(region)
        return frame.views[region]

    def _replay(self, frame: _Frame, prompts: Sequence[Prompt], outlines: Sequence[np.ndarray | None]) -> list[_Step]:
        """The last step of each object; objects that are looked at in one view are one batch."""
        wanted = [_steps(prompt, outline) for prompt, outline in zip(prompts, outlines, strict=True)]
        histories = [frame.steps.setdefault(prompt.object_id, []) for prompt in prompts]
        for history, steps in zip(histories, wanted, strict=True):
            shared = sum(1 for _ in _common(steps, [step.marks for step in history]))
            del history[shared:]
        while rows := [
            i for i, (history, steps) in enumerate(zip(histories, wanted, strict=True)) if len(history) < len(steps)
        ]:
            begin = [i for i in rows if not histories[i] and outlines[i] is None and not _has_box(wanted[i][0])]
            marks = {i: list(chain(*wanted[i][: len(histories[i]) + 1])) for i in rows}
            # what clicks alone begin is searched for in the whole frame
            found = self._pass(frame, {i: (frame.whole, self._nothing(frame.whole)) for i in begin}, marks)
            looked_at = {}
            for i in rows:
                if i in found and self.model.test_cfg.closeup == 0:
                    continue
                before = found[i] if i in found else histories[i][-1] if histories[i] else None
                looked_at[i] = self._next_view(frame, before, outlines[i], marks[i])
            boxed = [i for i in rows if not histories[i] and _has_box(wanted[i][0])]
            mirrored = boxed if self.model.test_cfg.box_mirrored else []
            found.update(self._pass(frame, looked_at, marks, mirrored))
            for _ in range(self.model.test_cfg.box_looks - 1):
                again = {i: self._next_view(frame, found[i], outlines[i], marks[i]) for i in boxed}
                found.update(self._pass(frame, again, marks, mirrored))
            for i in rows:
                histories[i].append(_Step(wanted[i][len(histories[i])], found[i].view, found[i].logits))
        return [history[-1] for history in histories]

    def _next_view(
        self, frame: _Frame, before: _Step | None, outline: np.ndarray | None, marks: Sequence[Any]
    ) -> tuple[View, Tensor]:
        """Where an object is looked at in its next step, and the logits there that are corrected."""
        if before is None and outline is not None:
            mask = outline
        elif before is None:
            mask = np.zeros(frame.shape, bool)
        else:
            mask = (before.view.to_frame(before.logits, frame.shape) > 0).cpu().numpy()
        margin, view = self.model.test_cfg.closeup, frame.whole
        if margin:
            bounds = bounds_of(mask, [mark for mark in marks if isinstance(mark, (Click, Box))])
            last = None if before is None or before.view is frame.whole else before.view.region
            view = self._view(frame, close_up(bounds, frame.shape, margin, last)) if bounds else view
        if before is not None:
            return view, view.take(before.logits, before.view)
        return view, self._nothing(view) if outline is None else self._given(view, outline)

    def _pass(
        self, frame: _Frame, looked_at: dict[int, tuple[View, Tensor]], marks: dict[int, list], mirrored: Sequence[int] = ()
    ) -> dict[int, _Step]:
        """One pass of the decoder for each view; ``{row: step}``. Rows in ``mirrored``: the mean with the mirrored view's."""
        found = {}
        for view in {id(view): view for view, _ in looked_at.values()}.values():
            rows = [i for i, (one, _) in looked_at.items() if one is view]
            previous = torch.stack([looked_at[i][1] for i in rows])
            prompts = self._tensors(view, [marks[i] for i in rows])
            logits = self.model.segment(view.projected, prompts, previous)
            both = [k for k, i in enumerate(rows) if i in mirrored]
            if both:
                logits[both] = (logits[both] + self._mirrored(frame, view, prompts.rows(both), previous[both])) / 2
            found.update({i: _Step((), view, one) for i, one in zip(rows, logits, strict=True)})
        return found

    def _mirrored(self, frame: _Frame, view: View, prompts: PromptTensors, previous: Tensor) -> Tensor:
        """Logits ``(N, h, w)`` of a view, found in its mirrored picture."""
        if not view.mirrored:
            view.mirrored = self._features(self._image(frame.pixels, view.region, view.geometry).flip(-1))
        width = view.geometry.input_shape[1]
        return self.model.segment(view.mirrored, prompts.mirrored(width), previous.flip(-1)).flip(-1)

    def _nothing(self, view: View) -> Tensor:
        return view.projected[0].new_full(view.cells, NOTHING)

    def _given(self, view: View, outline: np.ndarray) -> Tensor:
        """Logits of a mask bool ``(H, W)`` that is given."""
        left, top, right, bottom = view.region
        part = torch.from_numpy(outline[top:bottom, left:right].astype(np.float32)).to(view.projected[0].device)
        return given_logits(view.geometry.masks_to_input(part[None]), round(view.stride))[0]

    def _tensors(self, view: View, marks: Sequence[Sequence[Any]]) -> PromptTensors:
        """Prompts of N objects, in pixels of the network's input; clicks that a view does not show are left out."""
        clicks = [[mark for mark in one if isinstance(mark, Click) and view.shows(mark)] for one in marks]
        longest = max(len(one) for one in clicks)
        places = np.zeros((len(marks), longest, 2), np.float32)
        signs = np.zeros((len(marks), longest), np.float32)
        boxes = np.zeros((len(marks), 4), np.float32)
        for row, one in enumerate(clicks):
            for column, click in enumerate(one):
                places[row, column] = view.to_input(np.array([click.x, click.y]))
                signs[row, column] = 1 if click.positive else -1
            for mark in marks[row]:
                if isinstance(mark, Box):
                    boxes[row] = view.to_input(np.array([[mark.x1, mark.y1], [mark.x2, mark.y2]])).ravel()
        device = self.model.data_preprocessor.device
        return PromptTensors(*(torch.from_numpy(table).to(device) for table in (places, signs, boxes)))


def _has_box(marks: tuple) -> bool:
    return any(isinstance(mark, Box) for mark in marks)


def _steps(prompt: Prompt, outline: np.ndarray | None) -> list[tuple]:
    """What a prompt adds step by step: box and strokes with the first click, then click by click."""
    start = [] if prompt.box is None else [prompt.box]
    strokes = [click for scribble in prompt.scribbles for click in scribble.clicks(16.0)]
    clicks = list(prompt.clicks)
    first = (*start, *strokes, *clicks[:1])
    mark = () if outline is None else (outline.tobytes(),)  # another mask begins another history
    return [(*first, *mark), *((click,) for click in clicks[1:])]


def _common(left: Sequence, right: Sequence) -> Iterator[Any]:
    for a, b in zip(left, right, strict=False):  # they may be of different lengths
        if a != b:
            return
        yield a
