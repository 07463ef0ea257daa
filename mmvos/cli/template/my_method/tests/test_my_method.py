"""MyMethod keeps the contract of a method, learns, and compares what it says it compares."""

from pathlib import Path

import torch
from mmengine.dataset import pseudo_collate

from mmvos.registry import DATASETS, MODELS
from mmvos.testing import check_model
from mmvos.utils import load_config

CONFIG = Path(__file__).parents[1] / 'configs' / 'my-method_mini_synthvos.py'


def test_it_keeps_the_contract_of_a_method():
    check_model(CONFIG)


def test_a_few_steps_lower_the_loss():
    cfg = load_config(CONFIG)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    data = model.data_preprocessor(pseudo_collate([dataset[0], dataset[1]]), training=True)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    losses = []
    for _ in range(8):
        loss = model(**data, mode='loss')['loss_mask']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.9 * losses[0]


def test_an_object_is_known_by_its_mean_feature_and_that_of_everything_else():
    model = MODELS.build(load_config(CONFIG).model)
    features = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 2.0, 2.0]]).view(1, 2, 2, 2)
    masks = torch.zeros(1, 4, 4)
    masks[0, :2, :2] = 1  # the first of the four cells
    torch.testing.assert_close(model.start(features, masks).appearance, torch.eye(2)[None])
