"""One frame as a model sees it."""

import numpy as np
import pytest
import torch

from mmvos.inference import Frame, FrameGeometry, FrameView
from mmvos.models import VOSDataPreprocessor
from mmvos.structures import InputError


class Encoder:
    def __init__(self):
        self.calls = 0

    def encode(self, frame):
        self.calls += 1
        return frame.image.mean()


def test_what_a_frame_is_asked_for_is_computed_once_per_frame_and_function():
    encoder, other = Encoder(), Encoder()
    image = torch.ones(1, 3, 2, 2)
    first, second = Frame(image, image, 0), Frame(2 * image, image, 1)
    assert first.once(encoder.encode) is first.once(encoder.encode) and encoder.calls == 1
    assert second.once(encoder.encode) == 2 and encoder.calls == 2
    first.once(other.encode)
    assert other.calls == 1


def view():
    geometry = FrameGeometry((20, 30), dict(type='FixedSize', height=40, width=60), dict(type='PadToMultiple', divisor=32))
    return FrameView(geometry, VOSDataPreprocessor(), torch.device('cpu'))


def test_a_frame_is_resized_padded_and_normalised():
    frame = view().view(np.full((20, 30, 3), (10, 20, 30), np.uint8), 5)
    assert frame.index == 5 and frame.ori_shape == (20, 30) and frame.img_shape == (64, 64)
    assert frame.pixels[0, :, 0, 0].tolist() == [30, 20, 10]  # RGB
    assert not frame.pixels[:, :, 40:].any()
    torch.testing.assert_close(frame.image, VOSDataPreprocessor().normalise(frame.pixels))


def test_masks_of_a_prompt_lie_where_the_frame_shows_them():
    label_map = np.zeros((20, 30), np.uint8)
    label_map[5:10, 6:12], label_map[15:, 20:] = 9, 4
    masks = view().masks(label_map, [9, 4])
    assert masks.shape == (2, 64, 64)
    assert masks[0].nonzero().amin(0).tolist() == [10, 12] and masks[0].nonzero().amax(0).tolist() == [19, 23]
    assert masks[1].nonzero().amax(0).tolist() == [39, 59]  # nothing in the padding


@pytest.mark.parametrize(
    'array, message',
    [
        (np.zeros((20, 30, 4), np.uint8), r'frame 2 is uint8 \(20, 30, 4\); expected BGR uint8'),
        (np.zeros((20, 30, 3), np.float32), 'frame 2 is float32'),
        (np.zeros((0, 30, 3), np.uint8), r'frame 2 is uint8 \(0, 30, 3\)'),
        ('frame.jpg', 'frame 2 is str; expected an array'),
        (np.zeros((30, 20, 3), np.uint8), r'frame 2 is 20x30, the frames before it are 30x20 \(width x height\)'),
    ],
)
def test_a_frame_of_another_kind_is_refused(array, message):
    with pytest.raises(InputError, match=message):
        view().view(array, 2)
