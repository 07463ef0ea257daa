import numpy as np
import pytest

from mmvos.structures import InputError, decode_mask, encode_mask


def test_masks_come_back():
    rng = np.random.default_rng(0)
    for _ in range(50):
        mask = rng.random((int(rng.integers(1, 40)), int(rng.integers(1, 40)))) < rng.random()
        code = encode_mask(mask)
        assert isinstance(code['counts'], str)
        assert np.array_equal(decode_mask(code), mask)


@pytest.mark.parametrize(
    'code',
    [
        dict(size=[4, 5], counts=''),
        dict(size=[4, 5], counts=encode_mask(np.ones((4, 6)))['counts']),
        dict(size=[400, 500], counts=encode_mask(np.eye(400, 500) > 0)['counts'][:-2]),
        dict(size=[4, 5], counts='\x00\x01'),
        dict(size=[4, 5], counts='zzzzzzzzzzzzzzzzzzzz'),
        dict(size=[4, 5], counts='é'),
        dict(size=[4, 5], counts=None),
        dict(size=[4, 5], counts=[20]),
        dict(size=[4, -5], counts='d0'),
        dict(size=[10**9, 10**9], counts='d0'),
        dict(size='4,5', counts='d0'),
        dict(size=[4, True], counts='d0'),
        dict(counts='d0'),
        [1],
        None,
    ],
)
def test_what_would_crash_the_decoder_is_refused(code):
    with pytest.raises(InputError, match='result 3'):
        decode_mask(code, 'result 3')
