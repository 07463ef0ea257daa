"""One label map from the separate foreground probabilities of several objects."""

import torch
from torch import Tensor

from mmvos.structures import InputError


def aggregate_objects(foreground: Tensor, background: str | Tensor = 'min', eps: float = 1e-7) -> Tensor:
    """Soft aggregation: odds of the background and of every object, normalised to sum to 1 in every pixel.

    ``o = c(p) / c(1 - p)`` for the background and each object, with c the clamp to ``[eps, 1 - eps]``; the result is
    ``o_j / sum_i o_i`` (RGMP, Oh et al., CVPR 2018; also A-GAME).

    Args:
        foreground (Tensor): ``(N, ...)``, the probability of each of N >= 1 objects against everything else, in [0, 1].
        background (str | Tensor): how the background's probability is made from these: ``'min'``, the smallest ``1 - p_k``
            (A-GAME), ``'product'`` of all ``1 - p_k``, or the probability itself, ``(...)``, where a method predicts it.
        eps (float): keeps odds finite where a probability is exactly 0 or 1.

    Returns:
        ``(N + 1, ...)``, background first. One object alone is sharpened too: ``p^2 / (p^2 + (1 - p)^2)``.

    Raises:
        InputError: unknown ``background``.
    """
    if isinstance(background, str):
        if background == 'min':
            background = 1 - foreground.amax(0)
        elif background == 'product':
            background = (1 - foreground).prod(0)
        else:
            raise InputError(f"background is {background!r}; expected 'min', 'product' or a tensor.")
    probabilities = torch.cat([background[None], foreground])
    odds = probabilities.clamp(eps, 1 - eps) / (1 - probabilities).clamp(eps, 1 - eps)
    return odds / odds.sum(0, keepdim=True)
