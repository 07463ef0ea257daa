"""What matching with remembered frames says of a new one: a memory of features and labels, bounded in size."""

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvos.registry import MODELS

from .label_memory import FrameKeys, LabelMemory, ReadLabels, Reference, label_shares
from .label_propagation import unit_features


@MODELS.register_module()
class LabelMatching(nn.Module):
    """Reads every cell's label from the cells of remembered frames that look like it. Nothing here is learned.

    Args:
        propagation (dict): config of the read-out (``LabelPropagation``).
        lags (Sequence[int]): which of the last frames are read beside those of the prompts; 1 is the previous one.
        levels (Sequence[int]): which of the backbone's maps are compared, at the size of the first of them.
        level_weights (Sequence[float] | None): weight of each of them in the similarity (default: equal).
        memory_update (float): share, 0..1, of what the model made of a frame in what is remembered of it; the rest are the
            labels that were read.
        noise_scale (float): largest length of the noise that features (of length 1) get in training, so that what is built
            on the labels learns from labels with errors; synthetic clips match too well.
    """

    #: channels of :meth:`cues`
    out_channels = 2

    def __init__(
        self,
        propagation: dict,
        lags: Sequence[int] = (1, 2, 3),
        levels: Sequence[int] = (-2, -1),
        level_weights: Sequence[float] | None = None,
        memory_update: float = 0.0,
        noise_scale: float = 0.0,
    ) -> None:
        super().__init__()
        self.propagation = MODELS.build(propagation)
        self.lags, self.levels, self.level_weights = tuple(lags), tuple(levels), level_weights
        self.memory_update, self.noise_scale = memory_update, noise_scale

    def embed(self, maps: Sequence[Tensor]) -> list[FrameKeys]:
        """One entry per image, from the backbone's maps ``(B, C_i, h_i, w_i)``, finest first; with their gradients."""
        chosen = [maps[i] for i in self.levels]
        keys = torch.stack([unit_features([m[b : b + 1] for m in chosen], self.level_weights) for b in range(len(chosen[0]))])
        if self.training and self.noise_scale:
            length = self.noise_scale * torch.rand(len(keys), 1, 1, 1, device=keys.device)
            noise = torch.randn_like(keys) * length / keys.shape[1] ** 0.5
            keys = F.normalize(keys + noise, dim=1)
        return [FrameKeys(key) for key in keys]

    @torch.no_grad()
    def start(self, frame: FrameKeys, masks: Tensor) -> LabelMemory:
        """A memory of the frame in which objects with masks ``(N, H, W)`` are given."""
        given = label_shares(masks, frame.keys.shape[-2:])
        labels = torch.cat([1 - given.sum(0, keepdim=True).clamp(max=1), given])
        return LabelMemory([Reference(frame.keys, labels)], [])

    @torch.no_grad()
    def add(self, frame: FrameKeys, masks: Tensor, memory: LabelMemory) -> LabelMemory:
        """The memory with M further objects.

        Of the frame, the new objects' cells are remembered for good. About the rest of it the prompt says nothing, so that
        known objects are read as they would be without it. Frames before it are asked where the new objects were: what
        was background there may be them, for nobody had pointed at them.

        Args:
            frame (FrameKeys): the frame of the prompt.
            masks (Tensor): masks of the new objects ``(M, H, W)``.
            memory (LabelMemory): memory after the frame, in which the known objects have been read.
        """
        given = label_shares(masks, frame.keys.shape[-2:])
        newest = self._remembered(frame, memory)
        labels = torch.cat([newest.labels * (1 - given.sum(0)).clamp(min=0), given])
        covered = given.sum(0) > 0
        here, count = Reference(frame.keys, labels), len(masks)
        first, *later = memory.prompts
        prompts = [self._asked(first, here, count, recent=False), *(r.with_labels(count) for r in later)]
        recent = [self._asked(r, here, count, recent=True) for r in memory.recent if r is not newest]
        return replace(
            memory, prompts=[*prompts, Reference(frame.keys[:, covered], labels[:, covered])], recent=[*recent, here]
        )

    def _asked(self, before: Reference, here: Reference, count: int, recent: bool) -> Reference:
        """A frame before with the last ``count`` labels of the present frame, where they are read in its background."""
        new = self.propagation(before.keys, [(here.keys, here.labels, recent)])[-count:]
        new = new * before.labels[:1]
        background = before.labels[:1] - new.sum(0, keepdim=True)
        return Reference(before.keys, torch.cat([background, before.labels[1:], new]))

    def _remembered(self, frame: FrameKeys, memory: LabelMemory) -> Reference:
        """What the memory holds of the frame; read now if it is not the one that was remembered last."""
        if memory.recent and torch.equal(memory.recent[-1].keys, frame.keys):
            return memory.recent[-1]
        return Reference(frame.keys, self.read(frame, memory).labels)

    @torch.no_grad()
    def read(self, frame: FrameKeys, memory: LabelMemory) -> ReadLabels:
        """The labels of a frame.

        Args:
            frame (FrameKeys): the frame.
            memory (LabelMemory): what is remembered of the frames before.
        """
        references = [(r.keys, r.labels, False) for r in memory.prompts]
        recent = [memory.recent[-lag] for lag in self.lags if lag <= len(memory.recent)]
        references += [(r.keys, r.labels, True) for r in recent]
        labels = self.propagation(frame.keys, references)
        return ReadLabels(labels, labels, labels[:0])

    @torch.no_grad()
    def remember(self, frame: FrameKeys, read: ReadLabels, scores: Tensor, memory: LabelMemory) -> LabelMemory:
        """The memory after a frame.

        Args:
            frame (FrameKeys): the frame.
            read (ReadLabels): result of :meth:`read` for it.
            scores (Tensor): what the model made of it: probabilities ``(N + 1, H, W)``, sum 1.
            memory (LabelMemory): memory before the frame.
        """
        made = label_shares(scores, frame.keys.shape[-2:])
        labels = torch.lerp(self._to_remember(read), made, self.memory_update)
        recent = [*memory.recent, Reference(frame.keys, labels)][-max(self.lags, default=1) :]
        return replace(memory, recent=recent)

    def _to_remember(self, read: ReadLabels) -> Tensor:
        return read.labels

    def cues(self, read: ReadLabels) -> Tensor:
        """What was read, seen by each object, ``(N, out_channels, h, w)``: its own label and the largest of the others."""
        return torch.stack(own_and_strongest_other(read.labels[1:], 0.0), 1)


def own_and_strongest_other(objects: Tensor, none: float) -> tuple[Tensor, Tensor]:
    """``(N, h, w)`` twice: as given, and the largest of the other objects (``none`` where there is none)."""
    if len(objects) == 1:
        return objects, torch.full_like(objects, none)
    top, which = objects.topk(2, dim=0)
    own = torch.arange(len(objects), device=objects.device).view(-1, 1, 1)
    return objects, torch.where(which[:1] == own, top[1:], top[:1])
