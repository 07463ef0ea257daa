"""Label propagation: exact against the literal form; labels follow what they belong to."""

import torch
import torch.nn.functional as F

from mmvos.models.heads.guided_upsampler import GuidedUpsampler
from mmvos.models.matching.label_propagation import LabelPropagation, unit_features


def literal(query, references, temperature, topk, radius):
    """One position at a time, as the definition reads."""
    _, height, width = query.shape
    out = torch.zeros(len(references[0][1]), height, width)
    for y in range(height):
        for x in range(width):
            similarity, labels = [], []
            for features, label, recent in references:
                for v in range(height):
                    for u in range(width):
                        if recent and (abs(v - y) > radius or abs(u - x) > radius):
                            continue
                        similarity.append(query[:, y, x] @ features[:, v, u] / temperature)
                        labels.append(label[:, v, u])
            weight, index = torch.stack(similarity).topk(topk)
            out[:, y, x] = (weight.softmax(0)[:, None] * torch.stack(labels)[index]).sum(0)
    return out


def test_blocks_and_windows_equal_the_literal_form():
    torch.manual_seed(0)
    features = [F.normalize(torch.randn(6, 7, 9), dim=0) for _ in range(4)]
    labels = [torch.rand(3, 7, 9) for _ in range(3)]
    references = [(features[0], labels[0], False), (features[1], labels[1], True), (features[2], labels[2], True)]
    part = LabelPropagation(temperature=0.1, topk=5, radius=2, block=(3, 4))
    torch.testing.assert_close(part(features[3], references), literal(features[3], references, 0.1, 5, 2))


def test_labels_of_identical_features_are_reproduced():
    features = F.normalize(torch.randn(32, 8, 8), dim=0)
    labels = F.one_hot(torch.randint(0, 3, (8, 8)), 3).permute(2, 0, 1).float()
    read = LabelPropagation(temperature=0.01, topk=3)(features, [(features, labels, False)])
    assert torch.equal(read.argmax(0), labels.argmax(0))


def test_unit_features_have_unit_length_and_weights_count():
    maps = torch.randn(1, 4, 8, 8), torch.randn(1, 6, 4, 4)
    unit = unit_features(maps, (1, 3))
    assert unit.shape == (10, 8, 8)
    torch.testing.assert_close(unit[:4].square().sum(0), torch.full((8, 8), 0.25))
    torch.testing.assert_close(unit.square().sum(0), torch.ones(8, 8))


def test_guided_upsampling_puts_the_edge_where_the_images_edge_is():
    pixels = torch.zeros(1, 3, 64, 96)
    pixels[..., 41:] = 255  # not on the coarse grid
    truth = (torch.arange(96) >= 41).float().expand(1, 64, 96)
    coarse = F.interpolate(truth[None], (8, 12), mode='area')[0]
    plain = F.interpolate(coarse[None], (64, 96), mode='bilinear')[0]
    guided = GuidedUpsampler(radius=8, eps=1e-4, subsample=2)(coarse, pixels)
    assert ((guided > 0.5).float() != truth).float().mean() == 0
    assert (guided[0, :, 41] - guided[0, :, 40]).min() > 0.7 > 0.2 > (plain[0, :, 41] - plain[0, :, 40]).max()
    assert guided.min() >= 0 and guided.max() <= 1
