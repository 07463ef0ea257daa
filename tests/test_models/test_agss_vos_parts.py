"""Parts of AGSS-VOS: its encoders, loss and rule of sizes."""

import pytest
import torch
from small_agss_vos import Collate, build, clip, squares

from mmvos.inference import ShrinkToMultiple
from mmvos.models.losses import InstanceIoULoss
from mmvos.structures import InputError


def test_the_papers_instance_encoder_has_two_blocks_of_its_own_and_is_trained():
    extractor = dict(
        type='MaskedResNet',
        depth=50,
        base_channels=2,
        blocks=(2,),
        num_stages=1,
        strides=(1,),
        dilations=(1,),
        out_indices=(0,),
    )
    model = build(instance_encoder=extractor).train()
    assert len(model.instance_encoder.layer1) == 2 and not hasattr(model.instance_encoder, 'layer2')
    model.data_preprocessor = Collate()
    model.loss(*clip(3))['loss_mask'].backward()
    assert all(p.grad is not None for p in model.instance_encoder.parameters())
    with pytest.raises(InputError, match='depth is 51'):
        build(instance_encoder=dict(extractor, depth=51))


# Parts


@pytest.mark.parametrize(
    'half, size, expected',
    [
        (False, (480, 854), (448, 832)),
        (True, (720, 1280), (320, 640)),
        (True, (480, 640), (448, 640)),
        (False, (720, 1280), (704, 1280)),
        (False, (1080, 1920), (320, 640)),
        (False, (1920, 1080), (640, 320)),
        (False, (1024, 1024), (768, 768)),
        (False, (30, 200), (64, 192)),
    ],
)
def test_resize_rule(half, size, expected):
    assert ShrinkToMultiple(half=half)(*size) == expected


def test_void_pixels_do_not_count_in_the_loss():
    masks, valid = squares((5, 5)), torch.ones(64, 96, dtype=torch.bool)
    prediction = masks.clone()
    prediction[:, 40:] = 1
    valid[40:] = False
    for form in ('minmax', 'product'):
        loss = InstanceIoULoss(form)
        assert loss(prediction, masks, valid) < 1e-6 < loss(prediction, masks, torch.ones_like(valid))


def test_the_encoder_adds_the_mask_before_the_normalisation():
    """Equal to a four-channel first convolution with the mask's bias."""
    encoder = build().encoder
    image, mask = torch.randn(2, 3, 64, 64), torch.rand(2, 1, 64, 64)
    weight = torch.cat([encoder.conv1.weight, encoder.conv1_p.weight], 1)
    stem = torch.nn.functional.conv2d(torch.cat([image, mask], 1), weight, encoder.conv1_p.bias, 2, 3)
    expected = encoder.layer1(encoder.maxpool(encoder.relu(encoder.norm1(stem))))
    torch.testing.assert_close(encoder(image, mask, num_stages=1)[0], expected, atol=1e-5, rtol=1e-4)
    assert [f.shape[-1] for f in encoder(image[:1], mask)] == [16, 8, 4, 2]
