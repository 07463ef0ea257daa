"""OpenCV's single-object trackers behind the common interface."""

import os
from typing import Any

import cv2
import numpy as np
from torch import Tensor
from typing_extensions import override

from mmvos.registry import TRACKERS
from mmvos.structures import InputError, clip_boxes

from .base import BoxTracker, TrackerState, Tracks

#: name -> (default files of the parameters, where the tracker is found)
FILES: dict[str, dict[str, str]] = dict(
    MIL={},
    CSRT={},
    KCF={},
    Boosting={},
    MedianFlow={},
    MOSSE={},
    TLD={},
    GOTURN=dict(modelTxt='goturn.prototxt', modelBin='goturn.caffemodel'),
    DaSiamRPN=dict(
        model='dasiamrpn_model.onnx', kernel_cls1='dasiamrpn_kernel_cls1.onnx', kernel_r1='dasiamrpn_kernel_r1.onnx'
    ),
    Nano=dict(backbone='backbone.onnx', neckhead='neckhead.onnx'),
    Vit=dict(net='vitTracker.onnx'),
)
CONTRIB = ('CSRT', 'KCF', 'Boosting', 'MedianFlow', 'MOSSE', 'TLD')


class OpenCVTarget:
    """One ``cv2.Tracker`` after some frame.

    OpenCV's trackers change when they see a frame and cannot be copied. So that a step can be tried and then made, as with
    any other state, the last frame and what was found in it are remembered: the same frame is answered again from the target
    before it.

    Args:
        tracker (cv2.Tracker): started.
    """

    def __init__(self, tracker: Any) -> None:
        self.tracker = tracker
        self._after: list[tuple[np.ndarray, Any, OpenCVTarget]] = []  # frame, answer and target after it: none or one

    def update(self, frame: np.ndarray) -> tuple[tuple[bool, Any, float], 'OpenCVTarget']:
        """Whether it was found, its box (x, y, w, h) and its score (NaN: none); and the target after this frame.

        Raises:
            InputError: the tracker has seen another frame in this place.
        """
        for seen, answer, after in self._after:
            if seen is frame or np.array_equal(seen, frame):
                return answer, after
            raise InputError("OpenCV's trackers cannot go back: a trial step saw another frame than this one.")
        found, box = self.tracker.update(frame)
        score = self.tracker.getTrackingScore() if hasattr(self.tracker, 'getTrackingScore') else np.nan
        after = OpenCVTarget(self.tracker)
        self._after.append((frame, (bool(found), box, score), after))
        return (bool(found), box, score), after


@TRACKERS.register_module()
class OpenCVTracker(BoxTracker):
    """One ``cv2.Tracker`` per target.

    Boxes are whole pixels inside the frame, as OpenCV wants them. OpenCV's own DaSiamRPN is not the release's "BIG"
    model; for that see :class:`DaSiamRPN`.

    Args:
        name (str): ``'MIL'`` (needs no files), ``'GOTURN'``, ``'DaSiamRPN'``, ``'Nano'``, ``'Vit'`` (need files), or of the
            contrib wheel ``'CSRT'``, ``'KCF'``, ``'Boosting'``, ``'MedianFlow'``, ``'MOSSE'``, ``'TLD'``.
        files (str | dict | None): folder of the model files (their default names), or their paths by parameter.

    Raises:
        InputError: an unknown name.
        ImportError: a tracker that this OpenCV build does not have; names the wheel that has it.
        FileNotFoundError: a model file that is not there.
    """

    def __init__(self, name: str = 'MIL', files: Any = None) -> None:
        if name not in FILES:
            raise InputError(f'OpenCV tracker {name!r} is not known; expected one of {sorted(FILES)}.')
        self.name = name
        self._owner = next(
            (owner for owner in (cv2, getattr(cv2, 'legacy', None)) if hasattr(owner, f'Tracker{name}_create')), None
        )
        if self._owner is None:
            where = (
                'it is in the wheel opencv-contrib-python, which replaces opencv-python'
                if name in CONTRIB
                else 'other versions of OpenCV have it'
            )
            raise ImportError(f'this OpenCV ({cv2.__version__}) has no Tracker{name}: {where}. MIL needs neither.')
        self.files = self._find(files)

    def _find(self, files: Any) -> dict[str, str]:
        wanted = FILES[self.name]
        if isinstance(files, dict):
            found = dict(files)
        else:
            found = {key: os.path.join(os.fspath(files or '.'), file) for key, file in wanted.items()}
        for key in wanted:
            if not os.path.isfile(found.get(key, '')):
                raise FileNotFoundError(
                    f"{found.get(key, key)}: model file of OpenCV's Tracker{self.name} not found. "
                    f'It needs {sorted(wanted.values())}; give their folder as files=...'
                )
        return found

    def _create(self) -> Any:
        if not self.files:
            return getattr(self._owner, f'Tracker{self.name}_create')()
        params = getattr(self._owner, f'Tracker{self.name}_Params')()
        for key, path in self.files.items():
            setattr(params, key, path)
        return getattr(self._owner, f'Tracker{self.name}_create')(params)

    @override
    def _start(self, frame: np.ndarray, boxes: np.ndarray, masks: np.ndarray | None) -> list[Any]:
        targets = []
        for box in clip_boxes(boxes, *frame.shape[:2]).round().astype(int):
            x, y = np.minimum(box[:2], np.array(frame.shape[1::-1]) - 1)
            w, h = np.maximum(box[2:] - (x, y), 1)
            tracker = self._create()
            tracker.init(frame, (int(x), int(y), int(w), int(h)))
            targets.append(OpenCVTarget(tracker))
        return targets

    @override
    def _follow(
        self, frame: np.ndarray, targets: list[Any], state: TrackerState, flow_bwd: Tensor | None, masks: Tensor | None
    ) -> tuple[Tracks, list[Any]]:
        alive = [i for i, target in enumerate(state.targets) if target is not None]
        boxes, scores, ok = state.boxes[alive].copy(), np.full(len(targets), np.nan), np.zeros(len(targets), bool)
        moved = []
        for i, target in enumerate(targets):
            (ok[i], (x, y, w, h), scores[i]), after = target.update(frame)
            moved.append(after)
            if ok[i]:
                boxes[i] = (x, y, x + w, y + h)
        return Tracks(boxes, scores, ok), moved
