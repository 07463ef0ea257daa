"""The example works from outside the core."""

from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from mmvos.inference import VOSSession
from mmvos.registry import DATASETS, MODELS
from mmvos.utils import load_config
from mmvos.videos import FrameArrays
from projects.space_time_memory.space_time_memory import MemoryRead, SpaceTimeMemory

CONFIG = Path(__file__).parents[1] / 'configs' / 'stm_mini_synthvos.py'


def test_the_read_out_equals_its_literal_form():
    torch.manual_seed(0)
    query, keys, values = torch.randn(4, 3, 5), torch.randn(2, 4, 3, 5), torch.randn(2, 3, 6, 3, 5)
    affinity = torch.einsum('cq,tcm->tmq', query.flatten(1), keys.flatten(2)).flatten(0, 1) / 2  # sqrt(4 channels)
    expected = torch.einsum('mq,nvm->nvq', affinity.softmax(0), values.permute(1, 2, 0, 3, 4).flatten(2))
    torch.testing.assert_close(MemoryRead()(query, keys, values).flatten(2), expected)


def test_probabilities_sum_to_one_and_one_object_keeps_its_own():
    logits = torch.tensor([-3.0, 0.0, 4.0]).view(1, 1, 3)
    scores = SpaceTimeMemory.aggregate(logits)
    torch.testing.assert_close(scores.sum(0), torch.ones(1, 3))
    odds = torch.exp(logits[0])
    torch.testing.assert_close(scores[1], odds**2 / (1 + odds**2))


def test_it_trains_and_segments_with_a_bounded_memory():
    cfg = load_config(CONFIG)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    data = model.data_preprocessor(pseudo_collate([dataset[0], dataset[1]]), training=True)
    model.train()
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    losses = []
    for _ in range(8):
        loss = model(**data, mode='loss')['loss_seg']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)

    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(30)]
    first, late = np.zeros((64, 96), np.uint8), np.zeros((64, 96), np.uint8)
    first[10:30, 10:40], late[40:60, 50:80] = 5, 2
    session = VOSSession(model)
    ids = []
    for result in session.run(FrameArrays(frames, prompts={0: first, 12: late})):
        assert len(session.state.keys) <= cfg.model.max_memory
        ids.append(result.object_ids)
    assert ids == 12 * [[5]] + 18 * [[5, 2]]
    session.remove_objects([5])
    assert session.step(frames[0]).object_ids == [2]
