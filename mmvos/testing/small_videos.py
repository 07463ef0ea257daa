"""Small videos with known masks, made in a millisecond."""

import numpy as np


def moving_squares(
    num_frames: int = 5, height: int = 96, width: int = 160, seed: int = 0
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Two textured squares that move to the right over a textured background.

    Args:
        num_frames (int): number of frames.
        height (int): height in pixels, from 73.
        width (int): width in pixels, from ``99 + 4 * num_frames``.
        seed (int): seed of the textures.

    Returns:
        tuple[list[np.ndarray], list[np.ndarray]]: frames, BGR uint8 ``(height, width, 3)``, and their label maps, uint8
        ``(height, width)`` with the objects 1 and 2.
    """
    rng = np.random.default_rng(seed)
    background = rng.integers(60, 120, (height, width, 3), dtype=np.uint8)
    textures = [rng.integers(0, 60, (28, 28, 3), dtype=np.uint8), rng.integers(180, 255, (24, 24, 3), dtype=np.uint8)]
    frames, label_maps = [], []
    for t in range(num_frames):
        frame, label_map = background.copy(), np.zeros((height, width), np.uint8)
        for k, texture in enumerate(textures):
            side = len(texture)
            top, left = 10 + 35 * k, 15 + 60 * k + 4 * t
            frame[top : top + side, left : left + side] = texture
            label_map[top : top + side, left : left + side] = k + 1
        frames.append(frame)
        label_maps.append(label_map)
    return frames, label_maps


def two_prompts(label_maps: list[np.ndarray], late: int = 2) -> dict[int, np.ndarray]:
    """Prompts of :func:`moving_squares`, ``{frame index: label map}``: the first square is object 7, the second object 3.

    Args:
        label_maps (list[np.ndarray]): label maps of the frames, uint8 ``(H, W)``.
        late (int): index of the frame in which object 3 begins; object 7 begins in frame 0.
    """
    first, second = (np.where(label_maps[t] == k, v, 0).astype(np.uint8) for t, k, v in ((0, 1, 7), (late, 2, 3)))
    return {0: first, late: second}
