"""What a method must offer. See docs/en/architecture.md for the whole picture."""

from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from mmengine.config import ConfigDict
from mmengine.model import BaseModel
from torch import Tensor

from mmvos.inference import Frame, InferenceSession, OfflineVideo
from mmvos.registry import MODELS
from mmvos.structures import VOSDataSample
from mmvos.videos import Video


class BaseVOSModel(BaseModel, metaclass=ABCMeta):
    """A method of video object segmentation.

    Attributes of the class, to be overridden:
        causal: needs only the past (True), or the whole video.
        prompted: segments objects that a prompt introduces (True), or finds its own. May be set per instance.

    Args:
        test_cfg: inference settings of the session (see :class:`~mmvos.inference.InferenceSession`) and of the method.
        data_preprocessor: config; default ImageNet RGB normalisation.
        init_cfg: config of the weights' initialisation.
    """

    causal = True
    prompted = True

    def __init__(
        self, test_cfg: dict | None = None, data_preprocessor: dict | None = None, init_cfg: dict | list[dict] | None = None
    ) -> None:
        preprocessor = MODELS.build(data_preprocessor or dict(type='VOSDataPreprocessor'))
        super().__init__(data_preprocessor=preprocessor, init_cfg=init_cfg)
        self.test_cfg = ConfigDict(test_cfg or {})

    def forward(self, inputs: Tensor | list[Video], data_samples: list[VOSDataSample] | None = None, mode: str = 'loss'):
        """``mode='loss'``: see :meth:`loss`; ``mode='predict'``: see :meth:`predict`."""
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise ValueError(f"mode {mode!r} is not known; expected 'loss' or 'predict'.")

    @abstractmethod
    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of clips.

        Args:
            inputs: ``(B, T, 3, H, W)``, normalised.
            data_samples: B samples with ``gt_label_maps`` uint8 ``(T, H, W)``.
        """

    def predict(self, inputs: Sequence[Video], data_samples: Any = None) -> Iterator[VOSDataSample]:
        """Segment videos through the session: one result per frame, as soon as it is there."""
        session = InferenceSession(self, amp=self.test_cfg.get('amp', False))
        for video in inputs:
            yield from session.run(video)


class CausalVOSModel(BaseVOSModel):
    """A method that goes from frame to frame.

    The session calls, for every frame: :meth:`init_state` at the first prompt (or the first frame, for a model without
    prompts), :meth:`add_objects` at a later one, and :meth:`step`. All objects of a frame are one batch; tensors of the
    state are indexed by object, in the order in which objects were added.

    Attributes of the class, to be overridden:
        add_objects_first: in a frame with a later prompt, the new objects are added before the frame is predicted, and
            predicted with it (True), or after the old ones have been predicted (False).
        step_on_first_frame: whether :meth:`step` also runs on the frame of the first prompt.
    """

    causal = True
    add_objects_first = False
    step_on_first_frame = False

    @abstractmethod
    def init_state(self, frame: Frame, masks: Tensor | None) -> Any:
        """The state (a dataclass) after the first prompt.

        Args:
            frame: the frame of the prompt.
            masks: float 0/1 ``(N, h, w)`` at the network's size; None for a model without prompts.
        """

    @abstractmethod
    def step(self, frame: Frame, state: Any) -> tuple[Tensor, Any]:
        """Segment one frame.

        Returns:
            Scores ``(N + 1, h, w)``, background first (their arg max is the label; probabilities where the method gives
            them), and the state for the next frame.
        """

    @abstractmethod
    def add_objects(self, frame: Frame, masks: Tensor, state: Any) -> Any:
        """The state with M further objects, ``masks`` ``(M, h, w)``, that begin in ``frame``; old objects come first."""

    def keep_objects(self, indices: list[int], state: Any) -> Any:
        """The state with only the objects of these indices.

        Works for a dataclass whose tensors and lists declare ``field(metadata=PER_OBJECT)``; others override it.
        """
        kept = {}
        for field in fields(state):
            if field.metadata.get('per_object'):
                value = getattr(state, field.name)
                kept[field.name] = value[indices] if isinstance(value, Tensor) else [value[i] for i in indices]
        return replace(state, **kept)


#: metadata of a state's field whose first dimension is the object
PER_OBJECT = dict(per_object=True)


class OfflineVOSModel(BaseVOSModel):
    """A method that needs the whole video."""

    causal = False

    @abstractmethod
    def segment(self, video: OfflineVideo) -> Iterator[Tensor]:
        """Scores ``(N + 1, h, w)`` of every frame in order; N counts all objects of ``video.prompts``."""
