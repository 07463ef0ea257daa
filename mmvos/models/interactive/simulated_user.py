"""A user who clicks: in training and in the benchmarks of interactive segmentation."""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

from .prompt_encoder import NOTHING, PromptTensors, given_logits


def next_click(truth: np.ndarray, mask: np.ndarray, rng: np.random.Generator | None = None) -> tuple[float, float, bool]:
    """The click that corrects a mask most: in the middle of its largest error (as RITM and f-BRS evaluate).

    Args:
        truth (ndarray): bool ``(H, W)``, the object.
        mask (ndarray): bool ``(H, W)``, what was found of it.
        rng (Generator | None): given, the point is drawn from the inner half of the error instead of its very middle.

    Returns:
        x and y of a pixel's centre, and whether it lies on the object.
    """
    depths = []
    for wrong in (truth & ~mask, mask & ~truth):
        padded = np.pad(wrong.astype(np.uint8), 1)
        depths.append(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1])
    positive = depths[0].max() >= depths[1].max()
    depth = depths[0 if positive else 1]
    if rng is None:
        row, column = np.unravel_index(depth.argmax(), depth.shape)
    else:
        inside = np.flatnonzero(depth >= depth.max() / 2)
        row, column = np.unravel_index(rng.choice(inside), depth.shape)
    return float(column) + 0.5, float(row) + 0.5, bool(positive)


def wrong_mask(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask such as a video model carries to a frame: parts lost and parts too many, bool ``(H, W)`` as ``truth``.

    The signed distance to the outline and a smooth random field are added; now and then one side of a line is lost.
    """
    inside, outside = (cv2.distanceTransform(m.astype(np.uint8), cv2.DIST_L2, 3) for m in (truth, ~truth))
    cells = int(rng.integers(3, 11))
    field = cv2.resize(rng.normal(size=(cells, cells)).astype(np.float32), truth.shape[::-1], interpolation=cv2.INTER_CUBIC)
    strength = rng.uniform(0.02, 0.15) * np.sqrt(np.count_nonzero(truth))
    wrong: np.ndarray = inside - outside + strength * field > 0
    if rng.random() < 0.3:
        rows, columns = np.nonzero(truth)
        at, angle = int(rng.integers(len(rows))), rng.uniform(0, 2 * np.pi)
        ys, xs = np.ogrid[: truth.shape[0], : truth.shape[1]]
        side = (xs - columns[at]) * np.cos(angle) + (ys - rows[at]) * np.sin(angle) > 0
        wrong &= side if 2 * np.count_nonzero(side & truth) > len(rows) else ~side  # the larger part is kept
    return wrong


class SimulatedUser:
    """Clicks as a person does, for training: a first click or box, then corrections of what the model makes of them.

    Args:
        max_rounds (int): corrections before the prediction that is learned from; drawn from 0 to this, fewer more often.
        extra_clicks (int): further first clicks, drawn from 0 to this.
        box_share (float): share of objects that begin with a box (half of those without a click).
        box_noise (float): standard deviation of a box's edges, as a share of its sides.
        forget (float): share of batches in which the mask before is not given.
        given_share (float): share of objects that begin with a mask that is partly wrong, as one that was carried to the
            frame from others, and with the click that corrects it most.
        stride (int): pixels per cell of the logits.
        seed (int): seed of the choices.
    """

    def __init__(
        self,
        max_rounds: int = 4,
        extra_clicks: int = 2,
        box_share: float = 0.3,
        box_noise: float = 0.05,
        forget: float = 0.2,
        given_share: float = 0.0,
        stride: int = 4,
        seed: int = 0,
    ) -> None:
        self.max_rounds, self.extra_clicks, self.box_share = max_rounds, extra_clicks, box_share
        self.box_noise, self.forget, self.given_share, self.stride = box_noise, forget, given_share, stride
        self.rng = np.random.default_rng(seed)

    def play(self, masks: Tensor, predict: Callable) -> tuple:
        """Prompts of N objects ``masks`` bool ``(N, H, W)`` and the logits that they correct (or None).

        ``predict(prompts, previous logits or None)`` gives the model's logits at a lower resolution.
        """
        truth = masks.cpu().numpy().astype(bool)
        size, device = truth.shape[-2:], masks.device
        clicks: list[list] = [[] for _ in truth]
        boxes = np.zeros((len(truth), 4), np.float32)
        given = {n: wrong_mask(one, self.rng) for n, one in enumerate(truth) if self.rng.random() < self.given_share}
        for number, one in enumerate(truth):
            if number in given:
                if (given[number] != one).any():
                    clicks[number].append(next_click(one, given[number], self.rng))
                continue
            if self.rng.random() < self.box_share:
                boxes[number] = self._box(one)
                if self.rng.random() < 0.5:
                    continue
            empty = np.zeros_like(one)
            for _ in range(1 + self.rng.integers(self.extra_clicks + 1) * (self.rng.random() < 0.3)):
                clicks[number].append(next_click(one, empty, self.rng))
        previous = start = self._start(given, truth, device)
        rounds = int(self.rng.integers(self.max_rounds + 1) * self.rng.random() + 0.5)
        for _ in range(rounds):
            prompts = self._tensors(clicks, boxes, device)
            with torch.no_grad():
                previous = predict(prompts, previous)
                full = torch.nn.functional.interpolate(previous[:, None], size, mode='bilinear', align_corners=False)
            for number, found in enumerate((full[:, 0] > 0).cpu().numpy()):
                if (found != truth[number]).any():
                    clicks[number].append(next_click(truth[number], found, self.rng))
        if self.rng.random() < self.forget:
            previous = start
        return self._tensors(clicks, boxes, device), previous

    def _start(self, given: dict[int, np.ndarray], truth: np.ndarray, device: torch.device) -> Tensor | None:
        """Logits of the masks that objects begin with; None where none does."""
        if not given:
            return None
        masks = np.stack([given.get(n, np.zeros_like(one)) for n, one in enumerate(truth)])
        start = given_logits(torch.from_numpy(masks).to(device), self.stride)
        start[[n for n in range(len(truth)) if n not in given]] = NOTHING
        return start

    def _box(self, mask: np.ndarray) -> np.ndarray:
        ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = np.array([xs[0], ys[0], xs[-1] + 1, ys[-1] + 1], np.float32)
        sides = np.tile(box[2:] - box[:2], 2)
        return box + self.rng.normal(0, self.box_noise, 4).clip(-2 * self.box_noise, 2 * self.box_noise) * sides

    @staticmethod
    def _tensors(clicks: list[list], boxes: np.ndarray, device: torch.device) -> PromptTensors:
        longest = max((len(c) for c in clicks), default=0)
        table = np.zeros((len(clicks), longest, 3), np.float32)
        for number, given in enumerate(clicks):
            for k, (x, y, positive) in enumerate(given):
                table[number, k] = x, y, 1 if positive else -1
        tensor = torch.from_numpy(table).to(device)
        return PromptTensors(tensor[..., :2], tensor[..., 2], torch.from_numpy(boxes).to(device))
