"""The session that fits a model."""

import pkgutil
from typing import Any

import torch
from mmengine.model import is_model_wrapper

from .base_session import BaseSession

#: a model's ``task`` and the session that runs it
SESSIONS = dict(vos='mmvos.inference.session.VOSSession', vis='mmvos.inference.vis_session.VISSession')


def open_session(
    model: Any, device: str | torch.device | None = None, amp: bool | torch.dtype | None = None
) -> BaseSession[Any]:
    """A session for a model of either task (its attribute ``task``: ``'vos'`` or ``'vis'``).

    Args:
        model (BaseModel): a built model, with its weights.
        device (str | torch.device | None): where it runs; None: where the model is.
        amp (bool | torch.dtype | None): mixed precision, see :class:`BaseSession`.
    """
    task = (model.module if is_model_wrapper(model) else model).task
    session: type[BaseSession[Any]] = pkgutil.resolve_name(SESSIONS[task])  # that of instances imports mmdet, which takes long
    return session(model, device, amp)
