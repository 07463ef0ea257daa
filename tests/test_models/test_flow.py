"""Optical flow: conventions, warping, estimators, cache."""

import copy
import importlib.util
import pickle
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmvos.converters import convert
from mmvos.datasets.transforms.flow import LoadFlow, check_flow, flow_path, write_flow
from mmvos.models.flow import (
    DISFlow,
    FarnebackFlow,
    FlowNet2,
    TorchvisionRAFT,
    ZeroFlow,
    correlation,
    flip_flow,
    resize_flow,
    warp,
)

ROOT = Path(__file__).parents[2]


def texture(height=96, width=128, seed=0):
    """Smooth random RGB texture, 0..255, float (H, W, 3)."""
    image = cv2.GaussianBlur(np.random.default_rng(seed).random((height, width, 3)).astype(np.float32), (0, 0), 3)
    return (image - image.min()) / np.ptp(image) * 255


def to_batch(*images):
    return torch.from_numpy(np.stack([np.ascontiguousarray(i) for i in images])).permute(0, 3, 1, 2)


def shifted_pair(dx=5, dy=0, pad=8):
    """(previous, current) frames whose content moves by (dx, dy) pixels."""
    image = texture()
    previous = image[pad:-pad, pad:-pad]
    current = image[pad - dy : image.shape[0] - pad - dy, pad - dx : image.shape[1] - pad - dx]
    return to_batch(previous), to_batch(current)


# Warping


def test_zero_flow_is_the_identity():
    x = torch.rand(2, 3, 7, 9)
    torch.testing.assert_close(warp(x, torch.zeros(2, 2, 7, 9)), x, atol=1e-5, rtol=0)


def test_warp_of_an_analytic_field_along_an_analytic_flow():
    """x is linear in the position, so that bilinear sampling is exact: out(p) = x(p + flow(p))."""
    height, width = 24, 32
    v, u = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing='ij')
    x = (2 * u - 3 * v + 1)[None, None]
    flow = torch.stack([0.1 * (u - 16) - 1.3, -0.2 * (v - 12) + 0.7])[None]  # a zoom: differs from pixel to pixel
    to_u, to_v = u + flow[0, 0], v + flow[0, 1]
    inside = (to_u >= 0) & (to_u <= width - 1) & (to_v >= 0) & (to_v <= height - 1)
    assert inside.float().mean() > 0.8
    torch.testing.assert_close(warp(x, flow)[0, 0][inside], (2 * to_u - 3 * to_v + 1)[inside], atol=1e-3, rtol=0)


def test_backward_flow_carries_a_mask_forward():
    """An object that moved 5 pixels to the right has u = -5; forward flow takes it the wrong way."""
    previous, current = torch.zeros(1, 1, 20, 40), torch.zeros(1, 1, 20, 40)
    previous[..., 5:15, 10:20], current[..., 5:15, 15:25] = 1, 1
    flow = torch.zeros(1, 2, 20, 40)
    flow[:, 0] = -5
    torch.testing.assert_close(warp(previous, flow), current, atol=1e-5, rtol=0)
    assert (warp(previous, -flow) * current).sum() == 0


def test_out_of_view_is_zero_or_the_border():
    x = torch.ones(1, 1, 4, 6)
    flow = torch.zeros(1, 2, 4, 6)
    flow[:, 0] = -2.5
    torch.testing.assert_close(warp(x, flow)[0, 0, 1], torch.tensor([0, 0, 0.5, 1, 1, 1]), atol=1e-5, rtol=0)
    torch.testing.assert_close(warp(x, flow, padding_mode='border'), x)


def test_one_flow_serves_a_batch_of_masks():
    x, flow = torch.rand(3, 1, 8, 10), 3 * torch.randn(1, 2, 8, 10)
    torch.testing.assert_close(warp(x, flow), warp(x.transpose(0, 1), flow).transpose(0, 1))


def test_legacy_grid_samples_at_the_scaled_position():
    x, flow = torch.rand(1, 1, 6, 8), torch.randn(1, 2, 6, 8)
    u = (torch.arange(8.0) + flow[:, 0]) * 7 / 8 - torch.arange(8.0)
    v = (torch.arange(6.0)[:, None] + flow[:, 1]) * 5 / 6 - torch.arange(6.0)[:, None]
    torch.testing.assert_close(warp(x, flow, 'legacy'), warp(x, torch.stack([u, v], 1)), atol=1e-5, rtol=0)


def test_warp_is_differentiable_in_values_and_flow():
    x = torch.rand(1, 2, 5, 6, dtype=torch.double, requires_grad=True)
    flow = (torch.rand(1, 2, 5, 6, dtype=torch.double) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(warp, (x, flow))


def test_warp_of_one_pixel_and_of_half_precision():
    assert warp(torch.ones(1, 1, 1, 1), torch.zeros(1, 2, 1, 1)).item() == 1
    x, flow = torch.rand(1, 1, 4, 600), torch.full((1, 2, 4, 600), -0.25)
    with torch.autocast('cpu', dtype=torch.bfloat16):  # bfloat16 cannot tell columns 512 and 513 apart
        out = warp(x.bfloat16(), flow)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), warp(x, flow), atol=0.02, rtol=0)


def test_warp_names_the_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r'\(1, 2, 4, 5\).*\(2, 3, 8, 8\)'):
        warp(torch.rand(2, 3, 8, 8), torch.zeros(1, 2, 4, 5))


def test_flip_and_resize_of_flow_commute_with_warping():
    x, flow = to_batch(texture(40, 60)), 2 * torch.randn(1, 2, 5, 6)
    flow = F.interpolate(flow, (40, 60), mode='bicubic')
    for direction, dims in (('horizontal', (-1,)), ('vertical', (-2,)), ('diagonal', (-2, -1))):
        mirrored = warp(x.flip(dims), flip_flow(flow, direction))
        torch.testing.assert_close(mirrored, warp(x, flow).flip(dims), atol=1e-2, rtol=0)
    small = resize_flow(torch.full((1, 2, 8, 10), 4.0), (4, 20))
    assert small.shape == (1, 2, 4, 20) and (small[:, 0] == 8).all() and (small[:, 1] == 2).all()


# Estimators


@pytest.mark.parametrize(
    'estimator, tolerance',
    [(DISFlow(), 0.1), (DISFlow('fast'), 0.25), (DISFlow('medium', finest_scale=0), 0.1), (FarnebackFlow(), 0.1)],
    ids=['dis', 'dis_fast', 'dis_fine', 'farneback'],
)
def test_translation(estimator, tolerance):
    """Content that moved by (5, -3): flow from the current frame to the previous one is (-5, 3)."""
    previous, current = shifted_pair(5, -3)
    flow = estimator(current, previous)
    assert flow.shape == (1, 2, 80, 112) and flow.dtype == torch.float32
    assert abs(flow[0, 0].median() + 5) < tolerance and abs(flow[0, 1].median() - 3) < tolerance
    error = (warp(previous, flow) - current)[..., 10:-10, 10:-10].abs().mean()
    assert error < 0.1 * (previous - current).abs().mean()


def test_batch_equals_single_pairs():
    previous, current = shifted_pair(3)
    other = to_batch(texture(80, 112, seed=1))
    estimator = DISFlow('ultrafast')
    both = estimator(torch.cat([current, other]), torch.cat([previous, current]))
    assert torch.equal(both, torch.cat([estimator(current, previous), estimator(other, current)]))


def test_a_frame_does_not_move_against_itself():
    frame, _ = shifted_pair()
    for estimator in (DISFlow(), ZeroFlow()):
        assert estimator(frame, frame).abs().max() < 1e-3


@pytest.mark.parametrize('size', [(3, 5), (12, 200), (24, 200), (200, 9)])
def test_dis_takes_every_size(size):
    """OpenCV itself reads outside its buffers for narrow images."""
    frames = torch.rand(2, 3, *size) * 255
    for preset in DISFlow.PRESETS:
        flow = DISFlow(preset)(frames[:1], frames[1:])
        assert flow.shape == (1, 2, *size) and flow.isfinite().all()


def test_dis_can_be_copied_and_pickled():
    previous, current = shifted_pair()
    estimator = DISFlow('ultrafast')
    expected = estimator(current, previous)
    for other in (copy.deepcopy(estimator), pickle.loads(pickle.dumps(estimator))):
        assert torch.equal(other(current, previous), expected)


def test_frames_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match='one shape'):
        ZeroFlow()(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 9))


# FlowNet 2.0


def test_correlation_equals_its_definition_and_its_gradient():
    a, b = (torch.randn(1, 3, 4, 5, dtype=torch.double, requires_grad=True) for _ in range(2))
    out, padded = correlation(a, b, radius=2, stride=2), F.pad(b, [4] * 4)
    for j in range(5):
        for i in range(5):
            expected = (a * padded[..., 2 * j : 2 * j + 4, 2 * i : 2 * i + 5]).mean(1)
            torch.testing.assert_close(out[:, 5 * j + i], expected)
    assert torch.autograd.gradcheck(lambda x, y: correlation(x, y, 1, 2), (a, b))


def test_gradient_through_flow_and_warping():
    """The loss of a warped mask reaches every parameter of an unfrozen FlowNet."""
    torch.manual_seed(0)
    model = FlowNet2('C', frozen=False)
    previous, current = (f[..., :64, :64] for f in shifted_pair())
    mask = torch.rand(1, 1, 64, 64)
    warp(mask, model(current, previous)).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.flownetc.conv1[0].weight.grad.any()


def test_frozen_flownet_has_nothing_to_train():
    model = FlowNet2('S').train()
    assert not any(p.requires_grad for p in model.parameters()) and not model.training
    previous, current = (f[..., :64, :64].requires_grad_() for f in shifted_pair())
    assert not model(current, previous).requires_grad


def test_other_sizes_than_multiples_of_64():
    model = FlowNet2('S')
    frames = torch.rand(2, 3, 70, 140) * 255
    flow = model(frames[:1], frames[1:])
    fitting = (F.interpolate(f, (64, 128), mode='bilinear', align_corners=False) for f in (frames[:1], frames[1:]))
    torch.testing.assert_close(flow, resize_flow(model(*fitting), (70, 140)))


def test_flownet_checkpoint_of_an_agss_vos_file():
    """{'seg', 'flow'}: the flow network is found; the segmentation network's converter takes both."""
    weights = {k.removeprefix('flownetc.'): v for k, v in FlowNet2('C').state_dict().items()}
    converted = convert('flownet2', dict(seg={}, flow=weights))
    FlowNet2('C').load_state_dict(converted, strict=True)
    network = {name: torch.zeros(1) for name in ('Encoder.conv1.weight', 'Encoder.atn.0.weight', 'Decoder.pred2.weight')}
    both = convert('agss_vos', dict(seg=network, flow=weights))
    assert {k for k in both if k.startswith('flow.')} == {f'flow.{k}' for k in converted} and len(both) == len(converted) + 3


# Torchvision


def test_raft_is_imported_only_when_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchvision.models.optical_flow', None)
    with pytest.raises(ImportError, match='TorchvisionRAFT needs torchvision'):
        TorchvisionRAFT()


def test_raft_adapter(monkeypatch):
    """What the network gets and how its answer is used, with a network in its place."""
    seen = {}

    class Network(torch.nn.Module):
        def forward(self, first, second, num_flow_updates):
            seen.update(first=first, second=second, updates=num_flow_updates)
            return [torch.zeros_like(first[:, :2]), torch.ones_like(first[:, :2])]

    module = types.ModuleType('torchvision.models.optical_flow')
    module.raft_small = lambda weights, progress: Network()
    for name in ('torchvision', 'torchvision.models'):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, 'torchvision.models.optical_flow', module)
    flow = TorchvisionRAFT('small', num_flow_updates=5)(torch.full((1, 3, 64, 160), 255.0), torch.zeros(1, 3, 64, 160))
    assert seen['first'].shape == (1, 3, 128, 160) and seen['updates'] == 5
    assert (seen['first'] == 1).all() and (seen['second'] == -1).all()
    assert flow.shape == (1, 2, 64, 160) and (flow == 1).all()


# Cache


@pytest.mark.parametrize('suffix, tolerance', [('.npy', 1e-2), ('.flo', 0)])
def test_written_flow_is_read_again(tmp_path, suffix, tolerance):
    flow = 10 * np.random.default_rng(0).standard_normal((6, 9, 2)).astype(np.float32)
    path = flow_path(tmp_path, 'dog', '00001', '00000', suffix)
    write_flow(path, flow)
    np.testing.assert_allclose(check_flow(path, (6, 9)), flow, atol=tolerance)
    if suffix == '.flo':
        np.testing.assert_array_equal(cv2.readOpticalFlow(str(path)), flow)


@pytest.mark.parametrize(
    'damage, message',
    [
        (lambda p: p.unlink(), 'not found'),
        (lambda p: p.write_bytes(p.read_bytes()[:60]), 'cannot be read'),
        (lambda p: p.write_bytes(b''), 'cannot be read'),
        (lambda p: np.save(p, np.zeros((4, 4, 2))), r'expected \(6, 9, 2\)'),
        (lambda p: np.save(p, np.full((6, 9, 2), np.nan)), 'not finite'),
        (lambda p: np.save(p, np.zeros((6, 9))), 'expected'),
    ],
    ids=['missing', 'cut', 'empty', 'size', 'nan', 'shape'],
)
def test_a_bad_cache_file_is_named(tmp_path, damage, message):
    path = Path(flow_path(tmp_path, 'dog', '00001', '00000'))
    write_flow(path, np.zeros((6, 9, 2)))
    damage(path)
    results = dict(frames=['00000.jpg', '00001.jpg'], frame_ids=[0, 1], video_id='dog', img=[np.zeros((6, 9, 3))] * 2)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        LoadFlow(str(tmp_path)).transform(results)
    assert str(path) in str(caught.value)


def precompute():
    spec = importlib.util.spec_from_file_location('precompute_flow', ROOT / 'tools/misc/precompute_flow.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_precomputed_flow_trains_as_estimated_flow_does(tmp_path):
    """The tool's files, through LoadFlow on a reversed clip, are what the estimator gives for the clip's frames."""
    image = texture(64, 140).astype(np.uint8)
    frames = [np.ascontiguousarray(image[:, 20 - 4 * i : 116 - 4 * i]) for i in range(4)]
    for i, frame in enumerate(frames):
        (tmp_path / 'frames/v').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / f'frames/v/{i:05d}.png'), frame)
    tool, out = precompute(), tmp_path / 'flow'
    command = [str(ROOT / 'configs/flow/dis_ultrafast.py'), str(tmp_path / 'frames'), str(out)]
    tool.main([*command, '--direction', 'bwd', 'fwd', '--batch-size', '4'])
    assert len(list(out.rglob('*.npy'))) == 6 and not list(out.rglob('.*'))
    paths = [str(p) for p in sorted((tmp_path / 'frames/v').iterdir())]
    results = dict(frames=paths, frame_ids=[0, 3, 2, 1], video_id='v', img=[frames[i] for i in (0, 3, 2, 1)])
    flows = LoadFlow(str(out), start=2).transform(results)['flow_bwd']
    rgb = to_batch(*[f[..., ::-1].astype(np.float32) for f in frames])
    expected = DISFlow('ultrafast')(rgb[[2, 1]], rgb[[3, 2]]).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(np.stack(flows[2:]), expected, atol=5e-3)
    assert not flows[0].any() and not flows[1].any()
    assert expected[..., 0].mean() > 2  # reversed in time, the content moves to the left


def test_precompute_goes_on_where_it_stopped(tmp_path, capsys):
    for i in range(3):
        (tmp_path / 'frames/v').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / f'frames/v/{i}.png'), np.full((32, 32, 3), 40 * i, np.uint8))
    tool, out = precompute(), tmp_path / 'flow'
    command = [str(ROOT / 'configs/flow/dis_ultrafast.py'), str(tmp_path / 'frames'), str(out)]
    tool.main(command)
    first, second = sorted(out.rglob('*.npy'))
    kept = second.stat().st_mtime_ns
    first.unlink()
    tool.main(command)
    assert first.is_file() and second.stat().st_mtime_ns == kept
    first.write_bytes(first.read_bytes()[:50])
    tool.main(command)
    assert first.stat().st_size == 50  # existence is enough, unless asked to look inside
    capsys.readouterr()
    tool.main([*command, '--check'])
    assert str(first) in capsys.readouterr().out
    assert check_flow(first, (32, 32)).shape == (32, 32, 2)
