"""Objects that turn about an upright axis: parts come into view that were not seen before."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Turn:
    """A cut-out as the front of an upright column that turns; its outline stays.

    Every row of the cut-out is a disc seen from the side: what is at ``x = c + r sin(a)`` after a turn by b was at
    ``c + r sin(a - b)`` before. The back is the front again, in other colours.

    Attributes:
        surface (np.ndarray): BGR uint8 ``(h, w, 3)``, the cut-out's colours, carried on to where it is transparent.
        discs (np.ndarray): centre c and radius r of every row, in pixels from the cut-out's centre, float32 ``(h, 2)``.
        angles (np.ndarray): radians by which the object has turned in each of T frames, ``(T,)``.
        back (np.ndarray): brightness of the back's channels against the front's, ``(3,)``.
    """

    surface: np.ndarray
    discs: np.ndarray
    angles: np.ndarray
    back: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray, angles: np.ndarray, back: np.ndarray) -> 'Turn':
        """The turn of a cut-out.

        Args:
            image (np.ndarray): uint8 ``(h, w, 4)``, BGR premultiplied by alpha.
            angles, back (np.ndarray): see the class.
        """
        opaque = image[..., 3] > 127
        if not opaque.any():
            opaque = np.ones_like(opaque)
        height, width = opaque.shape
        columns = np.arange(width)
        first = np.where(opaque, columns, width).min(1)
        last = np.where(opaque, columns, -1).max(1)
        discs = np.stack([(first + last) / 2 - (width - 1) / 2, (last - first + 1) / 2], 1)
        known = np.flatnonzero(opaque.any(1))  # a row without an object has the disc of the nearest one
        nearest = known[np.abs(np.arange(height)[:, None] - known).argmin(1)]
        length = max(3, height // 8) | 1  # a disc is not much larger or smaller than the next
        discs = cv2.blur(discs[nearest].astype(np.float32), (1, length), borderType=cv2.BORDER_REPLICATE)
        # the colours of the nearest opaque pixel where there are none
        _, labels = cv2.distanceTransformWithLabels((~opaque).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        colours = np.zeros((labels.max() + 1, 3), np.uint8)
        solid = np.minimum(image[..., :3] * (255 / np.maximum(image[..., 3:], 128)), 255).astype(np.uint8)
        colours[labels[opaque]] = solid[opaque]
        return cls(colours[labels], discs, angles, back)

    def before(self, u: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
        """Where the surface was before it turned by an angle, and whether it was in front.

        Args:
            u (np.ndarray): places ``(..., 2)`` in pixels from the cut-out's centre.
            angle (float): radians.

        Returns:
            tuple[np.ndarray, np.ndarray]: places float32 ``(..., 2)``; cosine of their angle ``(...)``: 1 in the middle
            of the front, -1 in that of the back.
        """
        row = np.clip(np.rint(u[..., 1] + (len(self.discs) - 1) / 2), 0, len(self.discs) - 1).astype(np.intp)
        centre, radius = self.discs[row, 0], self.discs[row, 1]
        sine = np.clip((u[..., 0] - centre) / radius, -1, 1)
        cosine = np.sqrt(1 - sine**2)
        turned = sine * np.float32(np.cos(angle)) - cosine * np.float32(np.sin(angle))
        facing = cosine * np.float32(np.cos(angle)) + sine * np.float32(np.sin(angle))
        return np.stack([centre + radius * turned, u[..., 1]], -1).astype(np.float32), facing

    def coloured(self, image: np.ndarray, u: np.ndarray, t: int) -> np.ndarray:
        """A picture of the object, uint8 ``(h, w, 4)``, with the colours that are seen in frame t.

        Args:
            image (np.ndarray): the object as it is painted without a turn, BGR premultiplied by alpha.
            u (np.ndarray): the cut-out's place of every pixel, ``(h, w, 2)``.
            t (int): index of the frame.
        """
        places, facing = self.before(u, self.angles[t])
        offset = np.array(self.surface.shape[1::-1], np.float32) / 2 - 0.5
        seen = cv2.remap(self.surface, places + offset, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        backness = np.clip(0.5 - 2 * facing, 0, 1)[..., None]  # a soft border between the two sides
        shares = image[..., 3:] / 255 * (1 + backness * (self.back - 1))
        return np.dstack([np.minimum(seen * shares, image[..., 3:]), image[..., 3]]).astype(np.uint8)
