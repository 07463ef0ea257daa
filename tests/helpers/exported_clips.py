"""A clip for exported models, and all that a session does with it."""

import numpy as np

from mmvos.inference import VOSSession

SIZE = (60, 90)


def clip(count):
    """Frames in which two squares and, later, a third move over a texture; label maps of the first two and of the third."""
    texture = np.random.default_rng(0).integers(60, 160, (15, 23, 3), np.uint8).repeat(4, 0).repeat(4, 1)[: SIZE[0], : SIZE[1]]
    frames, labels = [], []
    for t in range(count):
        frame, label = texture.copy(), np.zeros(SIZE, np.uint8)
        for k, (top, left, colour) in enumerate(
            ((8 + t, 10 + 2 * t, (30, 60, 220)), (30, 60 - 2 * t, (220, 90, 20)), (36 - t, 8 + t, (20, 220, 60))), 1
        ):
            frame[top : top + 18, left : left + 18] = colour
            label[top : top + 18, left : left + 18] = k
        frames.append(frame)
        labels.append(label)
    return frames, labels


def segmented(model, frames, labels):
    """Label maps of one object, then three, then two, with a correction: all that a session does."""
    session, found = VOSSession(model), []
    for t, frame in enumerate(frames):
        prompt = None
        if t == 0:
            prompt = np.where(labels[t] == 1, labels[t], 0)
        elif t == 2:
            prompt = np.where(labels[t] > 1, labels[t], 0)
        found.append(session.step(frame, prompt).pred_label_map)
        if t == 4:
            found.append(session.correct(frame, np.where(labels[t] == 2, 2, 0).astype(np.uint8)).pred_label_map)
        if t == 5:
            session.remove_objects([3])
    return np.stack(found)
