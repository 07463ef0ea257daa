"""The mean of checkpoints, through the command."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from mmvos.registry import MODELS

FILE = Path(__file__).parents[2] / 'tools' / 'model_converters' / 'average_checkpoints.py'
LAYERS = dict(type='ConvLayers', channels=(3, 2), norm_cfg=dict(type='BN'))


@pytest.fixture
def average(tmp_path, monkeypatch, capsys):
    """The command; exit code and what was said."""
    spec = importlib.util.spec_from_file_location('average_checkpoints', FILE)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    config = tmp_path / 'layers.py'
    config.write_text(f'model = {LAYERS!r}\n')

    def run(*checkpoints):
        words = [str(config), *map(str, checkpoints), '--out', str(tmp_path / 'out.pth')]
        monkeypatch.setattr(sys, 'argv', ['average_checkpoints', *words])
        code = 0
        try:
            script.main()
        except SystemExit as ended:
            code = ended.code
        return code, ''.join(capsys.readouterr())

    return run


def checkpoint(path, value, batches):
    """A checkpoint whose numbers all have one value."""
    weights = {
        name: torch.full_like(tensor, batches if 'num_batches' in name else value)
        for name, tensor in MODELS.build(LAYERS).state_dict().items()
    }
    torch.save(dict(state_dict=weights), path)
    return path


def test_numbers_are_averaged_and_counts_are_those_of_the_last(average, tmp_path):
    sources = [checkpoint(tmp_path / f'{i}.pth', value, batches) for i, (value, batches) in enumerate([(1, 5), (2, 7), (6, 9)])]
    code, said = average(*sources)
    assert code == 0 and 'mean of 3 checkpoints' in said
    found = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert {name: set(tensor.flatten().tolist()) for name, tensor in found.items()} == {
        name: {9} if 'num_batches' in name else {3.0} for name in MODELS.build(LAYERS).state_dict()
    }


def test_one_checkpoint_and_one_of_another_model_are_refused(average, tmp_path):
    source, other = checkpoint(tmp_path / 'a.pth', 1, 1), tmp_path / 'b.pth'
    assert average(source) == (2, f'error: {source}: one checkpoint; expected two or more.\n')
    torch.save(dict(state_dict=dict(weight=torch.zeros(1))), other)
    code, said = average(source, other)
    assert code == 2 and f'{other}: these are not the weights of ConvLayers' in said
    assert not (tmp_path / 'out.pth').exists()
