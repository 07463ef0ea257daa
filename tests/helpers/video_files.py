"""Small videos and label maps for tests of data sets."""

import cv2
import numpy as np

HEIGHT, WIDTH = 24, 40


def write_video(folder, count, start=0, step=1, size=(HEIGHT, WIDTH)):
    """Frames ``<folder>/00000.jpg``, ...; the grey value of frame i is 10 i."""
    folder.mkdir(parents=True)
    for i in range(count):
        cv2.imwrite(str(folder / f'{start + i * step:05d}.jpg'), np.full((*size, 3), 10 * i, np.uint8))


def label_map(**boxes):
    """A label map with objects ``o<id>=(x1, y1, x2, y2)``."""
    out = np.zeros((HEIGHT, WIDTH), np.uint8)
    for name, (x1, y1, x2, y2) in boxes.items():
        out[y1:y2, x1:x2] = int(name[1:])
    return out
