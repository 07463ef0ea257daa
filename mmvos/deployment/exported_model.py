"""What the exported models of all methods have in common."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor
from typing_extensions import Self

from mmvos.inference import Frame
from mmvos.models.segmentors.base import CausalVOSModel
from mmvos.structures import InputError, VOSDataSample

from .archive import Description
from .graphs import Graph
from .runtime import OnnxGraph


class ExportedModel(CausalVOSModel):
    """A method whose networks are graphs. What lies between them, its memory, is the method's own code.

    A subclass inherits from the method as well, builds its parts without weights (:meth:`build_parts`), and overrides the
    methods that call a network.

    Args:
        description (Description): what the file says of the model.
        graphs (Mapping[str, OnnxGraph]): the graphs by their names.
    """

    #: names of the graphs
    GRAPHS: ClassVar[Sequence[str]]
    #: names of the numbers that the method needs beside its graphs
    NUMBERS: ClassVar[Sequence[str]] = ()
    #: names of the parts that stand in the file as their settings
    PARTS: ClassVar[Sequence[str]] = ()

    def __init__(self, description: Description, graphs: Mapping[str, OnnxGraph]) -> None:
        CausalVOSModel.__init__(  # not that of the method, which would build its networks
            self, test_cfg=description.test_cfg, data_preprocessor=dict(description.preprocessor, type='VOSDataPreprocessor')
        )
        self.description = description
        self.graphs = dict(graphs)
        self.build_parts(description.numbers, description.parts)

    @classmethod
    def opened(cls, description: Description, graphs: Mapping[str, bytes]) -> Self:
        """The model of an exported file.

        Raises:
            InputError: a graph or a number is missing, or cannot be read.
        """
        kinds = dict(graph=(cls.GRAPHS, graphs), number=(cls.NUMBERS, description.numbers), part=(cls.PARTS, description.parts))
        for kind, (expected, found) in kinds.items():
            for name in expected:
                if name not in found:
                    raise InputError(f'no {kind} {name!r}; expected {", ".join(expected)}.')
        return cls(description, {name: OnnxGraph(name, graphs[name]) for name in cls.GRAPHS})

    @classmethod
    @abstractmethod
    def graphs_of(cls, model: Any, size: tuple[int, int]) -> list[Graph]:
        """The graphs of a model of the method, for frames that are ``size`` (h, w) where the network sees them.

        Raises:
            InputError: the model has a part that cannot be exported.
        """

    @classmethod
    def numbers_of(cls, model: Any) -> dict[str, float]:  # noqa: ARG003  (of methods that have some)
        """Values of :attr:`NUMBERS`."""
        return {}

    @classmethod
    def parts_of(cls, model: Any) -> dict[str, dict[str, Any]]:  # noqa: ARG003  (likewise)
        """Settings of :attr:`PARTS`.

        Raises:
            InputError: a part of a kind that cannot be exported.
        """
        return {}

    def build_parts(self, numbers: Mapping[str, float], parts: Mapping[str, Any]) -> None:
        """Build the parts of the method that are no networks.

        Args:
            numbers (Mapping[str, float]): values of :attr:`NUMBERS`.
            parts (Mapping[str, Any]): settings of :attr:`PARTS`, as they stand in the file.

        Raises:
            InputError: settings of another kind.
        """

    def run(self, graph: str, **inputs: Tensor) -> dict[str, Tensor]:
        """Outputs of a graph by their names, in their order."""
        return self.graphs[graph](inputs)

    def image_of(self, frame: Frame) -> Tensor:
        """The image of a frame.

        Raises:
            InputError: it is not of the size that the graphs were made for.
        """
        height, width = frame.image.shape[-2:]
        if [height, width] != self.description.input_size:
            made, found = self.description.frame_size, frame.ori_shape
            raise InputError(
                f'the exported model is for frames of {made[1]}x{made[0]} (width x height) and of the same shape; these are '
                f'{found[1]}x{found[0]}. Export it with --size {found[0]} {found[1]}.'
            )
        return frame.image

    def loss(self, inputs: Tensor, data_samples: list[VOSDataSample]) -> dict[str, Tensor]:  # noqa: ARG002
        raise TypeError('an exported model cannot be trained.')
