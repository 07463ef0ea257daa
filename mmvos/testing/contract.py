"""What every method of video object segmentation promises; each function checks one promise on fresh models of a config.

The first paragraph of a check's docstring is the promise, ``Look at`` says where a method that breaks it is to be fixed.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from mmvos.inference import VOSSession
from mmvos.models.segmentors import SharedFeatures
from mmvos.utils.random import isolated_random_state
from mmvos.videos import FrameArrays

from .small_videos import moving_squares, two_prompts
from .subject import BrokenPromise, NotAsked, Subject


def _require(holds: Any, found: str) -> None:
    if not holds:
        raise BrokenPromise(found)


def _listed(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    return ', '.join(names[:most]) + (f' and {len(names) - most} more' if len(names) > most else '')


def _require_same(maps: list[np.ndarray], expected: list[np.ndarray], what: str) -> None:
    for t, (a, b) in enumerate(zip(maps, expected, strict=True)):
        _require(np.array_equal(a, b), f'{what} differs in frame {t}: {int((a != b).sum())} of {a.size} pixels.')


def _require_alike(mask: np.ndarray, expected: np.ndarray, where: np.ndarray, change: str) -> None:
    common, union = (mask & expected & where).sum(), ((mask | expected) & where).sum()
    _require(common >= 0.95 * union, f'{change}: IoU {common / max(union, 1):.2f}; expected at least 0.95.')


def _label_maps(model: Any, video: FrameArrays) -> list[np.ndarray]:
    return [result.pred_label_map for result in VOSSession(model).run(video)]


def every_trainable_parameter_gets_a_gradient(subject: Subject) -> None:
    """One training step gives a finite loss and a finite gradient to every parameter that is not frozen.

    Look at: `loss`; a parameter that no loss reaches is frozen (`requires_grad = False`) or removed.
    """
    batch = subject.training_batch()
    model = subject.model().train()
    data = model.data_preprocessor(batch, training=True)
    with isolated_random_state(0):
        total, _ = model.parse_losses(model(**data, mode='loss'))
    _require(torch.isfinite(total), f'the loss is {total.item()}.')
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    _require(trainable, 'no parameter can be trained.')
    _require(total.requires_grad, 'the loss does not depend on any parameter.')
    total.backward()
    without = [name for name, p in trainable.items() if p.grad is None or not torch.isfinite(p.grad).all()]
    _require(not without, f'no gradient, or not a finite one: {_listed(without)}.')


def objects_come_late_and_leave(subject: Subject) -> None:
    """Objects may begin in any frame and be removed in any frame; results hold the ids of the user, in order of beginning.

    Look at: `init_state`, `add_objects`; fields of the state that are indexed by object are marked with PER_OBJECT, or
    `keep_objects` is overridden.
    """
    model = subject.prompted_model()
    images, label_maps = moving_squares()
    prompts = two_prompts(label_maps)
    session = VOSSession(model)
    counts: list[int] = []
    step = type(model).step

    def counted(self: Any, frame: Any, state: Any) -> Any:
        scores, state = step(self, frame, state)
        counts.append(len(scores) - 1)
        return scores, state

    with patch.object(type(model), 'step', counted):
        for t, expected in enumerate([[7], [7], [7, 3], [7, 3], [3]]):
            if t == 4:
                session.remove_objects([7])
            result = session.step(images[t], prompts.get(t))
            _require(result.object_ids == expected, f'frame {t} has the objects {result.object_ids}; expected {expected}.')
            _require(
                t in prompts or counts[-1] == len(expected),
                f'`step` gives the scores of {counts[-1:]} objects in frame {t}, which has the objects {expected}.',
            )
            label_map = result.pred_label_map
            form = f'{label_map.dtype} {label_map.shape}'
            _require(form == 'uint8 (96, 160)', f'the label map of frame {t} is {form}; expected uint8 (96, 160).')
            other = set(np.unique(label_map).tolist()) - {0, *expected}
            _require(not other, f'the label map of frame {t} holds {sorted(other)}, which are no objects.')


def objects_have_no_rank(subject: Subject) -> None:
    """An object's mask does not depend on its place in the order of the objects, also after another one was removed.

    Look at: fields of the state that are indexed by object: marked with PER_OBJECT, or picked by `keep_objects`.
    """
    model = subject.prompted_model()
    images, label_maps = moving_squares(4)
    masks = []
    for other in (3, 9):  # before object 7, after it
        session = VOSSession(model)
        session.step(images[0], np.choose(label_maps[0], [0, 7, other]).astype(np.uint8))
        session.step(images[1])
        session.remove_objects([other])
        masks.append([session.step(images[t]).pred_label_map == 7 for t in (2, 3)])
    for t, last, first in zip((2, 3), *masks, strict=True):
        _require_alike(last, first, np.ones_like(first), f'in frame {t}, object 7 is another one as the second of two objects')


def a_late_object_leaves_the_others_as_they_are(subject: Subject) -> None:
    """With `overlay_prompt`, an object is exactly its prompt in its first frame. There and later, the others are what they
    are without it, wherever it has not been.

    Look at: `add_objects` and `step`; what they compute for one object must not change what is known of another.
    """
    model = subject.prompted_model()
    images, label_maps = moving_squares()
    prompts = two_prompts(label_maps)
    settings = replace(model.test_cfg, overlay_prompt=True)
    alone, both = VOSSession(model, settings=settings), VOSSession(model, settings=settings)
    untouched = np.ones(label_maps[0].shape, bool)
    for t, image in enumerate(images):
        known = alone.step(image, prompts.get(t) if t == 0 else None).pred_label_map == 7
        result = both.step(image, prompts.get(t)).pred_label_map
        if t == 2:
            wrong = int(((result == 3) != (prompts[2] == 3)).sum())
            _require(not wrong, f'object 3 is not its prompt in its first frame ({wrong} pixels differ).')
        untouched &= result != 3
        _require_alike(known, result == 7, untouched, f'object 7 changes in frame {t} because object 3 begins in frame 2')


def a_frame_is_encoded_once(subject: Subject) -> None:
    """Features that are the same for all objects are computed once a frame, also in a frame with a prompt.

    Look at: `init_state`, `add_objects` and `step`; they ask `self.features_of(frame)`, not `self.extract_feat(image)`.
    """
    model = subject.prompted_model()
    kind = type(model)
    if not issubclass(kind, SharedFeatures):
        raise NotAsked('it has no features that are the same for all objects (it is no `SharedFeatures`)')
    calls: list[int] = []
    extract_feat = kind.extract_feat
    images, label_maps = moving_squares(4)
    prompts = two_prompts(label_maps)

    def counted(self: Any, frames: Any) -> Any:
        calls.append(1)
        return extract_feat(self, frames)

    with patch.object(kind, 'extract_feat', counted):
        session = VOSSession(model)
        for t, image in enumerate(images):
            session.step(image, prompts.get(t))
            _require(len(calls) == t + 1, f'{len(calls)} calls of extract_feat after {t + 1} frames.')


def scores_are_probabilities_of_the_labels(subject: Subject) -> None:
    """Scores of background and objects are at least 0, their sum is 1 in every pixel, and their arg max is the label.

    Look at: the scores that `step` (or `segment`) returns, background first, and `probabilities`, which is overridden by a
    method whose scores are not shares of their sum.
    """
    model = subject.model()
    images, label_maps = moving_squares(4)
    prompts = two_prompts(label_maps) if model.causal else {0: label_maps[0]}
    session = VOSSession(model, settings=replace(model.test_cfg, keep_scores=True))
    for t, result in enumerate(session.run(FrameArrays(images, prompts=prompts))):
        scores = result.pred_scores
        shape = (len(result.object_ids) + 1, 96, 160)
        _require(scores.shape == shape, f'frame {t} has scores {tuple(scores.shape)}; expected {shape}.')
        _require(scores.min() >= 0, f'the smallest score of frame {t} is {float(scores.min()):.3g}.')
        off = float((scores.sum(0) - 1).abs().nan_to_num(torch.inf).max())
        _require(off <= 1e-4, f'in frame {t}, the sum of the scores is {off:.2g} away from 1; expected at most 1e-4.')
        best = np.array([0, *result.object_ids])[scores.argmax(0).numpy()]
        clear = (scores.topk(2, 0).values.diff(dim=0).abs() > 1e-5)[0].numpy() if len(scores) > 1 else np.ones(shape[1:], bool)
        wrong = int((best != result.pred_label_map)[clear].sum())
        _require(not wrong, f'in frame {t}, {wrong} pixels have another label than their largest score.')


def a_look_ahead_changes_nothing(subject: Subject) -> None:
    """`session.peek` segments a frame and leaves the session, and every later result, as they were.

    Look at: what `step` sets on the model, or changes in the state that it is given; a new state is made in every step.
    """
    session = VOSSession(subject.prompted_model())
    images, label_maps = moving_squares()
    prompts = two_prompts(label_maps)
    expected = [session.step(image, prompts.get(t)).pred_label_map for t, image in enumerate(images)]
    session.reset()
    found = []
    for t, image in enumerate(images):
        if t > 0:
            tried = session.peek(images[-t])
            _require(
                tried.pred_scores.shape[0] == len(session.object_ids) + 1 and session.frame_index == t - 1,
                f'a look before frame {t} gives {len(tried.pred_scores)} scores for {len(session.object_ids)} objects and '
                f'leaves the session at frame {session.frame_index}.',
            )
        found.append(session.step(image, prompts.get(t)).pred_label_map)
    _require_same(found, expected, 'after looks ahead, the label map')


def videos_are_kept_apart(subject: Subject) -> None:
    """A video's result does not depend on the videos that were segmented before it.

    Look at: attributes that `init_state`, `step` or `segment` set on the model; what belongs to a video is in the state.
    """
    model = subject.model()
    images, label_maps = moving_squares()
    other_images, other_maps = moving_squares(3, 80, 144, seed=1)
    video = FrameArrays(images, prompts={0: label_maps[0]})
    session = VOSSession(model)
    alone = [result.pred_label_map for result in session.run(video)]
    _require(len(alone) == len(images), f'{len(alone)} results of a video of {len(images)} frames.')
    list(session.run(FrameArrays(other_images, prompts={0: other_maps[0]})))
    again = [result.pred_label_map for result in session.run(video)]
    _require_same(again, alone, 'after another video, the label map')


def saved_weights_give_the_same_output(subject: Subject) -> None:
    """A model with saved and loaded weights gives what the saved one gives.

    Look at: tensors that are learnt or counted and are neither parameters nor buffers.
    """
    model = subject.model()
    images, label_maps = moving_squares(3)
    video = FrameArrays(images, prompts={0: label_maps[0]})
    with torch.no_grad(), isolated_random_state(1):
        for parameter in model.parameters():  # away from the initial values
            parameter.add_(0.02 * torch.randn_like(parameter))
    expected = _label_maps(model, video)
    fresh = subject.model()
    with tempfile.TemporaryDirectory() as folder:
        torch.save(model.state_dict(), Path(folder) / 'weights.pth')
        fresh.load_state_dict(torch.load(Path(folder) / 'weights.pth', weights_only=True))
    _require_same(_label_maps(fresh, video), expected, 'with loaded weights, the label map')


def corrections_keep_the_ids(subject: Subject) -> None:
    """An object that is set right in the newest frame is what was given; ids stay, an object may begin so, and the session
    goes on.

    Look at: `correct_objects` (the base class takes the object out and adds it again) and `keep_objects`.
    """
    model = subject.prompted_model()
    images, label_maps = moving_squares()
    right = np.where(label_maps[2] == 1, 7, 0).astype(np.uint8)
    session = VOSSession(model, settings=replace(model.test_cfg, keep_scores=True))
    for t in range(3):
        before = session.step(images[t], np.choose(label_maps[0], [0, 7, 3]).astype(np.uint8) if t == 0 else None)
    corrected = session.correct(images[2], right).pred_label_map
    wrong = int(((corrected == 7) != (right == 7)).sum())
    _require(not wrong, f'{wrong} pixels of the corrected object are not as given.')
    other = (before.pred_label_map == 3) & (right == 0)
    changed = int(((corrected == 3) != other).sum())
    _require(not changed, f'{changed} pixels of the other object change with a correction.')
    _require(session.object_ids == [3, 7], f'a correction leaves the objects {session.object_ids}; expected [3, 7].')
    _require(session.frame_index == 2, f'a correction of frame 2 leaves the session at frame {session.frame_index}.')
    late = np.where(label_maps[3] == 2, 9, 0).astype(np.uint8)
    session.step(images[3])
    ids = session.correct(images[3], late).object_ids
    _require(ids == [3, 7, 9], f'object 9 begins by a correction, and the objects are {ids}; expected [3, 7, 9].')
    result = session.step(images[4])
    _require(result.object_ids == [3, 7, 9], f'the frame after a correction has the objects {result.object_ids}.')
    _require(torch.isfinite(result.pred_scores).all(), 'the frame after a correction has scores that are not finite.')


def a_correction_in_the_first_frame(subject: Subject) -> None:
    """One of two objects is set right in the frame of its prompt; both go on, and either can be removed.

    Look at: `correct_objects` and `init_state` for a state that has seen no frame but the prompt's.
    """
    model = subject.prompted_model()
    images, label_maps = moving_squares()
    session = VOSSession(model, settings=replace(model.test_cfg, keep_scores=True))
    session.step(images[0], np.choose(label_maps[0], [0, 7, 3]).astype(np.uint8))
    session.correct(images[0], np.where(label_maps[0] == 1, 7, 0).astype(np.uint8))
    for t, image in enumerate(images[1:], 1):
        result = session.step(image)
        _require(result.object_ids == [3, 7], f'frame {t} has the objects {result.object_ids}; expected [3, 7].')
        _require(torch.isfinite(result.pred_scores).all(), f'frame {t} has scores that are not finite.')
    session.remove_objects([3])
    ids = session.step(images[0]).object_ids
    _require(ids == [7], f'without object 3, the objects are {ids}; expected [7].')
