"""What a method must offer. See docs/en/architecture.md for the whole picture."""

from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor
from typing_extensions import Self

from mmvos.inference import Frame, OfflineVideo, SessionSettings
from mmvos.registry import MODELS
from mmvos.structures import PER_OBJECT, NoSettings, VOSDataSample, keep_objects, settings_from

from ..data_preprocessor import VOSDataPreprocessor

__all__ = ['PER_OBJECT', 'BaseVOSModel', 'CausalVOSModel', 'OfflineVOSModel', 'SharedFeatures']


class BaseVOSModel(BaseModel, metaclass=ABCMeta):
    """A method of video object segmentation. A :class:`~mmvos.inference.VOSSession` runs it over videos.

    The attributes are those of the class, to be overridden.

    Attributes:
        causal (bool): needs only the past (True), or the whole video.
        prompted (bool): segments objects that a prompt introduces (True), or finds its own. May be set per instance.
        TestSettings (type): frozen dataclass, a :class:`~mmvos.inference.SessionSettings` with the method's own settings.
        TrainSettings (type): frozen dataclass of the settings of the method's training.

    Args:
        train_cfg (dict | None): settings for training, kept as ``self.train_cfg``, a :attr:`TrainSettings`.
        test_cfg (dict | None): settings for inference, kept as ``self.test_cfg``, a :attr:`TestSettings`.
        data_preprocessor (dict | None): config (default: ImageNet's RGB normalisation).
        init_cfg (dict | list[dict] | None): config of the weights' initialisation.

    Raises:
        InputError: a setting that is unknown or of another type than declared.
    """

    #: the kind of session that runs the model, see :func:`~mmvos.inference.open_session`
    task = 'vos'
    causal = True
    prompted = True
    TestSettings: type[SessionSettings] = SessionSettings
    TrainSettings: type = NoSettings

    def __init__(
        self,
        *,
        train_cfg: dict[str, Any] | None = None,
        test_cfg: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        preprocessor = MODELS.build(data_preprocessor or dict(type='VOSDataPreprocessor'))
        super().__init__(data_preprocessor=preprocessor, init_cfg=init_cfg)
        name = type(self).__name__
        self.train_cfg: Any = settings_from(self.TrainSettings, train_cfg, f'{name}.train_cfg')
        self.test_cfg = settings_from(self.TestSettings, test_cfg, f'{name}.test_cfg')

    def train(self, mode: bool = True) -> Self:
        """As PyTorch's; weights that are to be trained lie in memory as the images do, which takes less time."""
        super().train(mode)
        images = self.data_preprocessor
        if mode and isinstance(images, VOSDataPreprocessor) and images.memory_format is torch.channels_last:
            self.to(memory_format=torch.channels_last)
        return self

    def forward(self, inputs: Tensor, data_samples: list[VOSDataSample] | None = None, mode: str = 'loss') -> dict[str, Tensor]:
        """Losses of a batch, as mmengine's loops ask for them; for inference, a model is run by a session.

        Args:
            inputs (Tensor): clips, float ``(B, T, 3, H, W)``, normalised.
            data_samples (list[VOSDataSample] | None): annotations of each clip.
            mode (str): ``'loss'``.

        Raises:
            ValueError: another mode.

        Returns:
            dict[str, Tensor]: ``{name: scalar}``.
        """
        if mode != 'loss':
            raise ValueError(
                f"mode {mode!r} is not known; expected 'loss'. Videos are segmented by mmvos.inference.VOSSession."
            )
        return self.loss(inputs, data_samples or [])

    @abstractmethod
    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of clips.

        Args:
            inputs (Tensor): ``(B, T, 3, H, W)``, normalised.
            data_samples (list[VOSDataSample]): B samples with ``gt_label_maps`` uint8 ``(T, H, W)``.

        Returns:
            dict[str, Tensor]: ``{name: scalar}``.
        """

    def begin_online_training(self, objects: Sequence[tuple[str, int]]) -> None:
        """Prepare for the objects of a test set before online training.

        For a method that keeps something of every object that it is trained on; the others have nothing to do.

        Args:
            objects (Sequence[tuple[str, int]]): video id and object id of every object that the test set gives.
        """

    def probabilities(self, scores: Tensor) -> Tensor:
        """Scores ``(N + 1, H, W)`` as probabilities of the background and each object: in every pixel their sum is 1, and
        their arg max is that of the scores.

        Here each score is a share of the sum of all. A method with scores of another kind overrides it.
        """
        scores = scores.clamp(min=0)
        return scores / scores.sum(0, keepdim=True).clamp(min=1e-6)


class SharedFeatures(ABC):
    """Part of a method that looks at a frame once for all objects, before it looks at each."""

    @abstractmethod
    def extract_feat(self, images: Tensor) -> Any:
        """What normalised images ``(B, 3, h, w)`` give to all objects."""

    def features_of(self, frame: Frame) -> Any:
        """:meth:`extract_feat` of a frame; computed once, however many steps ask for it."""
        return frame.once(self._extract_from_frame)

    def _extract_from_frame(self, frame: Frame) -> Any:
        return self.extract_feat(frame.image)


class CausalVOSModel(BaseVOSModel):
    """A method that goes from frame to frame.

    The session calls, for every frame: :meth:`init_state` at the first prompt (or the first frame, for a model without
    prompts), :meth:`add_objects` at a later one, and :meth:`step`. All objects of a frame are one batch; tensors of the
    state are indexed by object, in the order in which objects were added.

    The attributes are those of the class, to be overridden.

    Attributes:
        add_objects_first (bool): in a frame with a later prompt, the new objects are added before the frame is predicted,
            and predicted with it (True), or after the old ones have been predicted (False).
        step_on_first_frame (bool): whether :meth:`step` also runs on the frame of the first prompt.
    """

    causal = True
    add_objects_first = False
    step_on_first_frame = False

    @abstractmethod
    def init_state(self, frame: Frame, masks: Tensor) -> Any:
        """The state (a dataclass) after the first prompt.

        Args:
            frame (Frame): the frame of the prompt.
            masks (Tensor): float 0/1 ``(N, h, w)`` at the network's size; N is 0 for a model without prompts.
        """

    @abstractmethod
    def step(self, frame: Frame, state: Any) -> tuple[Tensor, Any]:
        """The scores of the next frame, and the state after it.

        The state that is given stays as it is, so that a step can be tried.

        Args:
            frame (Frame): the frame.
            state (Any): the state after the frame before.

        Returns:
            tuple[Tensor, Any]: scores ``(N + 1, h, w)``, background first, whose arg max is the label (see
            :meth:`probabilities`); and the state for the next frame.
        """

    def look_ahead(self, frame: Frame, last: Frame) -> None:  # noqa: ARG002  (for methods with something to compute)
        """Compute what does not depend on the masks, such as flow on the CPU, before the last frame is segmented.

        A session calls it for the frames of a file, in the thread that reads ahead. What is computed stays with the frame
        (:meth:`Frame.once`, :meth:`Frame.once_with`); :meth:`step` must not count on it. Not for work on the device of the
        network, which would only wait there.

        Args:
            frame (Frame): a frame to come.
            last (Frame): the one before it.
        """

    def add_objects(self, frame: Frame, masks: Tensor, state: Any) -> Any:  # noqa: ARG002  (for methods with prompts)
        """The state with M further objects that begin in ``frame``; old objects come first.

        In the same frame, known objects are segmented as they would be without the new ones.

        Args:
            frame (Frame): the frame.
            masks (Tensor): float 0/1 ``(M, h, w)``.
            state (Any): the state after the frame, or before it (``add_objects_first``).

        Raises:
            TypeError: the method finds its objects by itself.
        """
        raise TypeError(f'{type(self).__name__} finds its objects by itself; it takes no prompts.')

    def correct_objects(self, frame: Frame, masks: Tensor, indices: list[int], num_objects: int, state: Any) -> Any:
        """The state after objects were corrected in the frame that was segmented last.

        The objects begin again with their right masks, in their old places (as with a late prompt: the frame is predicted
        once more where the method adds objects first). A method that remembers more than the newest frame overrides it and
        keeps what it remembers.

        Args:
            frame (Frame): the frame.
            masks (Tensor): the right masks, float 0/1 ``(K, h, w)``.
            indices (list[int]): places of these K objects in the state.
            num_objects (int): how many objects the state holds.
            state (Any): the state after the frame.
        """
        others = [i for i in range(num_objects) if i not in indices]
        state = self.add_objects(frame, masks, self.keep_objects(others, state)) if others else self.init_state(frame, masks)
        if others and self.add_objects_first:
            _, state = self.step(frame, state)
        places = [*others, *indices]
        return self.keep_objects(sorted(range(num_objects), key=places.__getitem__), state)

    def keep_objects(self, indices: list[int], state: Any) -> Any:
        """The state with only some objects, by its own declaration (:func:`~mmvos.structures.keep_objects`).

        Args:
            indices (list[int]): places of the objects that stay, in their new order.
            state (Any): the state.
        """
        return keep_objects(indices, state)


class OfflineVOSModel(BaseVOSModel):
    """A method that needs the whole video."""

    causal = False

    @abstractmethod
    def segment(self, video: OfflineVideo) -> Iterator[Tensor]:
        """Scores of every frame in order: ``(N + 1, h, w)``, background first; N counts all objects of the video's prompts.

        Args:
            video (OfflineVideo): the frames, and the prompts by frame.
        """
