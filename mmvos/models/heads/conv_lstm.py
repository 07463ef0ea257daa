"""ConvLSTM cells and the decoders that put out one object per call."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn
from typing_extensions import override

from mmvos.registry import MODELS
from mmvos.structures import InputError

from ..backbones.vgg import bilinear_kernel


class CellState(NamedTuple):
    """Hidden state and memory of one cell, each ``(N, C, h, w)``."""

    h: Tensor
    c: Tensor


@MODELS.register_module()
class ConvLSTMCell(BaseModule):
    """ConvLSTM cell without peepholes; its gates may also see a mask and a hidden state of another recurrence.

    ``i, f, o, g = split(conv([x | mask | h | h_temporal]))``, ``c' = sigma(f) c + sigma(i) tanh(g)``,
    ``h' = sigma(o) tanh(c')``. The memory follows one recurrence only (over objects); the other one (over time) is
    carried by its hidden state alone (RVOS, section 3).

    Args:
        in_channels (int): channels of ``x``.
        hidden_channels (int): channels of ``h`` and ``c``.
        kernel_size (int): kernel size of the convolution.
        mask_input (bool): whether one mask channel follows ``x``.
        temporal (bool): whether a second hidden state is an input.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        kernel_size: int = 3,
        mask_input: bool = False,
        temporal: bool = False,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.hidden_channels, self.mask_input, self.temporal = hidden_channels, mask_input, temporal
        total = in_channels + mask_input + (1 + temporal) * hidden_channels
        self.gates = nn.Conv2d(total, 4 * hidden_channels, kernel_size, padding=kernel_size // 2)

    def forward(
        self, x: Tensor, state: CellState | None = None, temporal: Tensor | None = None, mask: Tensor | None = None
    ) -> CellState:
        """One update.

        Args:
            x (Tensor): ``(N, C, h, w)``.
            state (CellState | None): state of the object before (None: zeros).
            temporal (Tensor | None): hidden state ``(N, hidden, h, w)`` of the frame before (None: zeros).
            mask (Tensor | None): ``(N, 1, h, w)``; needed if ``mask_input``.
        """
        zeros = x.new_zeros(x.shape[0], self.hidden_channels, *x.shape[-2:])
        h, c = (zeros, zeros) if state is None else state
        inputs = [x, *([mask] if mask is not None and self.mask_input else []), h]
        if self.temporal:
            inputs.append(zeros if temporal is None else temporal)
        i, f, o, g = self.gates(torch.cat(inputs, 1)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return CellState(o.sigmoid() * c.tanh(), c)


@MODELS.register_module()
class MaskPyramid(BaseModule):
    """A mask at the strides of a decoder: max-pooled 2x2 with the ceil rule, never interpolated (RVOS).

    Args:
        num_levels (int): levels of the decoder.
        finest (int): how many poolings lead to the finest level (2: stride 4).
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(self, num_levels: int = 4, finest: int = 2, init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        self.num_levels, self.finest = num_levels, finest

    def forward(self, mask: Tensor) -> list[Tensor]:
        """Masks ``(N, 1, H, W)`` to ``num_levels`` masks, coarsest first."""
        levels = [mask]
        for _ in range(self.finest + self.num_levels - 1):
            levels.append(F.max_pool2d(levels[-1], 2, 2, ceil_mode=True))
        return levels[self.finest :][::-1]


class NoMaskPyramid(nn.Module):
    """In place of a :class:`MaskPyramid` where a decoder is given no mask (RVOS, zero-shot)."""

    @override
    def forward(self, mask: Tensor) -> list[Tensor]:
        """No level for any mask."""
        return []


@MODELS.register_module()
class RecurrentDecoder(BaseModule):
    """Hierarchy of ConvLSTM cells with skip connections: a call gives one object (RSIS, section 3.2; RVOS).

    Level k takes ``[upsampled h of level k - 1 | skip k]``; the last level is upsampled twice and convolved to one
    channel of logits.

    Args:
        skip_channels (Sequence[int]): channels of the skips, coarsest first.
        hidden_channels (Sequence[int]): channels of the levels' states, coarsest first.
        skip_mode (str): how the upsampled state and the skip join: ``'concat'``, ``'sum'``, ``'mul'`` or ``'none'`` (no skip
            beyond level 0).
        mask_input (bool): see :class:`ConvLSTMCell`.
        temporal (bool): see :class:`ConvLSTMCell`.
        kernel_size (int): kernel size of the cells.
        out_kernel_size (int): kernel size of the convolution to the mask (3 in the released weights, 1 in the papers).
        dropout (float): dropout of whole channels of the states on their way up.
        init_cfg (dict | list | None): config of the weights' initialisation.

    Raises:
        InputError: unknown ``skip_mode``, or skips whose width does not fit it.
    """

    def __init__(
        self,
        skip_channels: Sequence[int],
        hidden_channels: Sequence[int],
        skip_mode: str = 'concat',
        mask_input: bool = False,
        temporal: bool = False,
        kernel_size: int = 3,
        out_kernel_size: int = 3,
        dropout: float = 0.0,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if skip_mode not in ('concat', 'sum', 'mul', 'none'):
            raise InputError(f"skip_mode is {skip_mode!r}; expected 'concat', 'sum', 'mul' or 'none'.")
        if skip_mode in ('sum', 'mul') and list(skip_channels[1:]) != list(hidden_channels[:-1]):
            raise InputError(
                f'skip_mode={skip_mode!r} needs skips as wide as the states that they join: '
                f'{list(skip_channels[1:])} against {list(hidden_channels[:-1])}.'
            )
        widths = [skip_channels[0]]
        for skip, hidden in zip(skip_channels[1:], hidden_channels[:-1], strict=True):
            widths.append(hidden + skip if skip_mode == 'concat' else hidden)
        self.cells = nn.ModuleList(
            ConvLSTMCell(w, h, kernel_size, mask_input, temporal) for w, h in zip(widths, hidden_channels, strict=True)
        )
        self.conv_out = nn.Conv2d(hidden_channels[-1], 1, out_kernel_size, padding=out_kernel_size // 2)
        self.dropout = nn.Dropout2d(dropout)
        self.skip_mode, self.hidden_channels = skip_mode, tuple(hidden_channels)

    def forward(
        self,
        skips: Sequence[Tensor],
        states: Sequence[CellState] | None = None,
        temporal: Sequence[Tensor] | None = None,
        masks: Sequence[Tensor] | None = None,
    ) -> tuple[Tensor, list[CellState]]:
        """Decode one object.

        Args:
            skips (Sequence[Tensor]): ``(N, C, h, w)``, coarsest first.
            states (Sequence[CellState] | None): states of the levels, from the object before (None: the first object).
            temporal (Sequence[Tensor] | None): hidden states ``(N, C, h, w)`` of the levels from the frame before (None: the
                first frame).
            masks (Sequence[Tensor] | None): ``(N, 1, h, w)`` for every level.

        Returns:
            Logits ``(N, 1, 2 h, 2 w)`` of the finest level's size, and the states of the levels.
        """
        new: list[CellState] = []
        for level, (cell, skip) in enumerate(zip(self.cells, skips, strict=True)):
            x = skip if level == 0 else self._join(new[-1].h, skip)
            new.append(cell(x, states and states[level], temporal and temporal[level], masks and masks[level]))
        h = self.dropout(new[-1].h)
        height, width = h.shape[-2:]
        return self.conv_out(upsample(h, (2 * height, 2 * width))), new

    def _join(self, h: Tensor, skip: Tensor) -> Tensor:
        up = upsample(self.dropout(h), skip.shape[-2:])
        if self.skip_mode == 'concat':
            return torch.cat([up, skip], 1)
        if self.skip_mode == 'sum':
            return up + skip
        return up * skip if self.skip_mode == 'mul' else up

    @staticmethod
    def probabilities(output: Tensor, size: tuple[int, int]) -> Tensor:
        """Mask probabilities ``(N, 1, *size)``.

        Args:
            output (Tensor): logits of :meth:`forward`, ``(N, 1, h, w)``.
            size (tuple[int, int]): ``(H, W)`` of the image.
        """
        return upsample(output, size).sigmoid()


def upsample(x: Tensor, size: Sequence[int]) -> Tensor:
    """Maps of another size, bilinear with corners aligned, as this family of decoders has it.

    Args:
        x (Tensor): ``(B, C, h, w)``.
        size (Sequence[int]): new height and width.
    """
    return x if x.shape[-2:] == tuple(size) else F.interpolate(x, tuple(size), mode='bilinear', align_corners=True)


@MODELS.register_module()
class SpatialInhibition(BaseModule):
    """Mask of one instance out of a map in which all pixels compete (RIS, section 3 "attention by spatial inhibition").

    A 1x1 convolution, a log-softmax over all pixels, one learned scalar that opens the mask again, a sigmoid.

    Args:
        in_channels (int): channels of the map.
        bias (float): initial value of the scalar.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(self, in_channels: int, bias: float = 1.0, init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(in_channels, 1, 1)
        self.bias = nn.Parameter(torch.tensor(float(bias)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` to probabilities ``(N, 1, h, w)``."""
        return self.inhibit(self.conv(x))

    def inhibit(self, logits: Tensor) -> Tensor:
        """``sigma(log_softmax over pixels + bias)`` of ``(N, 1, h, w)``."""
        return (logits.flatten(1).log_softmax(1).view_as(logits) + self.bias).sigmoid()


@MODELS.register_module()
class StackedDecoder(BaseModule):
    """ConvLSTM cells stacked at one stride; the image's map is the same input at every step (RIS).

    Args:
        channels (int): channels of the map, and of every state.
        num_cells (int): stacked.
        stride (int): stride of the map; the probabilities are enlarged by it with a fixed bilinear kernel.
        kernel_size (int): kernel size of the cells.
        mask_head (dict | None): config of the part that turns the last state into probabilities.
        init_range (float): parameters are drawn uniformly from (-init_range, init_range); the input, forget and output gates
            begin with a bias 1 larger.
        init_cfg (dict | list | None): config of the weights' initialisation.
    """

    def __init__(
        self,
        channels: int,
        num_cells: int = 2,
        stride: int = 8,
        kernel_size: int = 3,
        mask_head: dict | None = None,
        init_range: float = 0.08,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.cells = nn.ModuleList(ConvLSTMCell(channels, channels, kernel_size) for _ in range(num_cells))
        self.mask_head = MODELS.build(mask_head or dict(type='SpatialInhibition', in_channels=channels))
        self.hidden_channels, self.stride, self.init_range = (channels,) * num_cells, stride, init_range
        self.register_buffer('kernel', bilinear_kernel(2 * stride)[None, None], persistent=False)

    def init_weights(self) -> None:
        """The paper's initialisation: uniform, gates open."""
        super().init_weights()
        for cell, channels in zip(self.cells, self.hidden_channels, strict=True):
            for parameter in cell.parameters():
                nn.init.uniform_(parameter, -self.init_range, self.init_range)
            with torch.no_grad():
                cell.get_parameter('gates.bias')[: 3 * channels] += 1
        for parameter in self.mask_head.conv.parameters():
            nn.init.uniform_(parameter, -self.init_range, self.init_range)

    def forward(self, skips: Sequence[Tensor], states: Sequence[CellState] | None = None) -> tuple[Tensor, list[CellState]]:
        """The next object.

        Args:
            skips (Sequence[Tensor]): one map ``(N, C, h, w)``.
            states (Sequence[CellState] | None): states of the cells, from the object before (None: the first object).

        Returns:
            tuple[Tensor, list[CellState]]: probabilities ``(N, 1, h, w)`` at the map's size, and the states of the cells.
        """
        x, new = skips[0], []
        for index, cell in enumerate(self.cells):
            new.append(cell(x, states and states[index]))
            x = new[-1].h
        return self.mask_head(x), new

    def probabilities(self, output: Tensor, size: tuple[int, int]) -> Tensor:
        """Mask probabilities ``(N, 1, *size)``: enlarged by the stride and cropped in the middle.

        Args:
            output (Tensor): probabilities of :meth:`forward`, ``(N, 1, h, w)``.
            size (tuple[int, int]): ``(H, W)`` of the image.

        Raises:
            ValueError: the enlarged map does not cover the image.
        """
        if self.stride > 1:
            output = F.conv_transpose2d(output, self.kernel, stride=self.stride)
        height, width = output.shape[-2:]
        top, left = (height - size[0]) // 2, (width - size[1]) // 2
        if top < 0 or left < 0:
            raise ValueError(
                f'a map enlarged to {height}x{width} does not cover an image of {size[0]}x{size[1]} '
                '(height x width): does the stride of the decoder fit the backbone?'
            )
        return output[..., top : top + size[0], left : left + size[1]]
