"""Compiled networks: which parts they are, the labels, and what is said where they cannot be."""

import os
import sysconfig

import numpy as np
import pytest
import torch
from exported_clips import clip, segmented

from mmvos.apis import VOSInferencer
from mmvos.cli.main import main
from mmvos.structures import InputError
from mmvos.utils.compiling import compile_networks

CONFIG = 'rgmp/rgmp_mini_synthvos.py'
SMALL = {'model.test_cfg.resize': dict(type='FixedSize', height=64, width=96)}


def labels_of(config, weights, options):
    """Label maps of a model as it is, and compiled."""
    frames, labels = clip(7)
    plain, fast = (VOSInferencer(config, weights, 'cpu', False, options, c).model for c in (False, True))
    fast.load_state_dict(plain.state_dict())
    return segmented(plain, frames, labels), segmented(fast, frames, labels)


@pytest.mark.parametrize('config', ['agame/agame_mini_synthvos.py', CONFIG])
def test_compiled_parts_give_the_labels_of_the_model(config, monkeypatch):
    """Traced as they are compiled, but run by torch's operators: what the compiler makes of them is torch's business."""
    compiled = []
    of_torch = torch.compile
    monkeypatch.setattr(torch, 'compile', lambda part: compiled.append(part) or of_torch(part, backend='eager'))
    monkeypatch.setattr(torch.nn.Module, 'compile', lambda part: setattr(part, 'forward', torch.compile(part.forward)))
    expected, found = labels_of(config, 'none', SMALL)
    assert compiled and len(np.unique(expected)) > 1 and (found == expected).mean() > 0.9999


@pytest.mark.scale
def test_the_default_compiled_in_earnest_gives_its_labels():
    expected, found = labels_of('recall-vos', None, {'model.test_cfg.resize.length': 64})
    assert len(np.unique(expected)) == 4 and (found == expected).mean() > 0.999


def test_without_a_compiler_one_line_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    with pytest.raises(InputError, match=r"no C\+\+ compiler 'no-such-compiler' was found; install one"):
        compile_networks(VOSInferencer(CONFIG, 'none', 'cpu').model)
    with pytest.raises(SystemExit) as ended:
        main(['test', CONFIG, 'none', '--compile', '--work-dir', str(tmp_path), '--data-root', str(tmp_path)])
    assert ended.value.code == 2 and 'no-such-compiler' in capsys.readouterr().err
    monkeypatch.delenv('CXX')
    monkeypatch.setattr('shutil.which', lambda _: '/usr/bin/g++')
    monkeypatch.setattr(sysconfig, 'get_path', lambda _: os.fspath(tmp_path))
    with pytest.raises(InputError, match="Python.h is missing; install Python's headers"):
        compile_networks(VOSInferencer(CONFIG, 'none', 'cpu').model)


def test_a_model_without_networks_is_refused():
    with pytest.raises(InputError, match='Linear has no part to compile'):
        compile_networks(torch.nn.Linear(1, 1))
