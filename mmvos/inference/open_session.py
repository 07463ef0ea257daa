"""The session that fits a model."""

from typing import Any

import torch
from mmengine.model import is_model_wrapper

from .base_session import BaseSession
from .session import VOSSession
from .vis_session import VISSession

#: a model's ``task`` and the session that runs it
SESSIONS: dict[str, type[BaseSession[Any]]] = dict(vos=VOSSession, vis=VISSession)


def open_session(
    model: Any, device: str | torch.device | None = None, amp: bool | torch.dtype | None = None
) -> BaseSession[Any]:
    """A session for a model of either task (its attribute ``task``: ``'vos'`` or ``'vis'``).

    Args: see :class:`BaseSession`.
    """
    task = (model.module if is_model_wrapper(model) else model).task
    return SESSIONS[task](model, device, amp)
