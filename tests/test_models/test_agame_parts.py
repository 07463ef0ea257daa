"""Parts of A-GAME: mask propagation, Gaussians, aggregation, its backbone and loss."""

import pytest
import torch

from mmvos.models.backbones import DilatedResNet
from mmvos.models.cues import GaussianAppearance, MaskPropagation
from mmvos.models.heads import aggregate_objects
from mmvos.models.losses import MaskLogLikelihoodLoss

# Parts


def test_projecting_in_parts_equals_the_concatenation():
    torch.manual_seed(0)
    part = MaskPropagation(6, 5)
    current, reference = torch.randn(1, 6, 4, 5), torch.randn(1, 6, 4, 5)
    previous, first = torch.rand(3, 2, 4, 5), torch.rand(3, 2, 4, 5)
    x = torch.cat([current.expand(3, -1, -1, -1), reference.expand(3, -1, -1, -1), previous, first], 1)
    x = part.reduce(x).relu()
    x = torch.cat([branch(x) for branch in part.branches], 1).relu()
    out = part(part.project_current(current), part.project_reference(reference), previous, first)
    torch.testing.assert_close(out, part.merge(x).relu())


def test_gaussians_separate_what_they_were_fitted_on():
    torch.manual_seed(0)
    part = GaussianAppearance(8, 8)
    mask = torch.zeros(1, 2, 6, 6)
    mask[:, 1, :, 3:], mask[:, 0, :, :3] = 1, 1
    features = torch.randn(1, 8, 6, 6) * 0.3 + 2 * mask[:, 1:]
    scores = part(features, part.fit(features, mask))
    assert (scores[:, :2].argmax(1) == mask[:, 1].long()).all()


def test_a_plain_weighted_mean_without_pseudo_cells():
    part = GaussianAppearance(8, 8, pseudo_cells=0.0)
    mask = torch.zeros(1, 2, 2, 2)
    mask[0, 0, 0], mask[0, 1, 1] = 1, 1
    features = torch.randn(1, 8, 2, 2)
    means = part.fit(features, mask).means
    torch.testing.assert_close(means[0, 1], features[0, :, 1].mean(1))
    assert torch.isfinite(part.fit(features, torch.zeros(1, 2, 2, 2)).means).all()


def test_scores_stay_in_float32_under_mixed_precision():
    part = GaussianAppearance(8, 64)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        features = part.project(torch.randn(1, 8, 4, 4))
        mask = torch.full((1, 2, 4, 4), 0.5)
        scores = part(features, part.fit(features, mask))
    assert features.dtype == torch.bfloat16 and scores.dtype == torch.float32


def test_aggregation_of_one_object_sharpens_it():
    p = torch.tensor([[0.2, 0.5, 0.9]])
    torch.testing.assert_close(aggregate_objects(p)[1], (p**2 / (p**2 + (1 - p) ** 2))[0])


@pytest.mark.parametrize('background', ['min', 'product', torch.tensor([0.3, 0.0])])
def test_aggregation_sums_to_one_at_the_extremes_too(background):
    scores = aggregate_objects(torch.tensor([[1.0, 0.0], [1.0, 0.4]]), background)
    assert torch.isfinite(scores).all()
    torch.testing.assert_close(scores.sum(0), torch.ones(2))


def test_aggregation_refuses_an_unknown_background():
    with pytest.raises(ValueError, match="'max'"):
        aggregate_objects(torch.rand(1, 2), 'max')


def test_the_first_dilated_block_keeps_the_dilation_before_it():
    options = dict(depth=50, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))
    contracted, plain = (DilatedResNet(contract_dilation=c, **options) for c in (True, False))
    assert [block.conv2.dilation[0] for block in contracted.layer4] == [1, 2, 2]
    assert [block.conv2.padding[0] for block in contracted.layer4] == [1, 2, 2]
    assert [block.conv2.dilation[0] for block in plain.layer4] == [2, 2, 2]
    assert all(block.conv2.dilation == (1, 1) for block in contracted.layer3)
    small = DilatedResNet(depth=18, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))
    assert [block.conv1.dilation[0] for block in small.layer4] == [1, 2]


@pytest.mark.parametrize('options', [dict(), dict(hard_ratio=0.5), dict(overlap_weight=1.0)])
def test_the_loss_is_small_for_the_truth_and_blind_to_void(options):
    loss = MaskLogLikelihoodLoss(**options)
    targets = torch.zeros(2, 4, 4, dtype=torch.long)
    targets[:, 1:3] = 1
    right = torch.stack([targets == 0, targets == 1], 1).float().clamp(1e-6, 1 - 1e-6).log()
    wrong = right.flip(1)
    assert loss(right, targets) < 1e-3 < 1 < loss(wrong, targets)
    void = targets.clone()
    void[:, 0] = 255
    mixed = torch.where((void == 255)[:, None], wrong, right)
    assert loss(mixed, void) < 1e-3
