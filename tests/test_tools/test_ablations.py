"""Rows of ablation tables on the mini configs: trained, resumed, compared with the paper."""

import copy
import json
import runpy
from pathlib import Path

import pytest

from mmvos.registry import MODELS
from mmvos.utils import load_config

TOOL = runpy.run_path(str(Path(__file__).parents[2] / 'tools' / 'misc' / 'ablations.py'))
STUDIES, train, read_results, table = (TOOL[name] for name in ('STUDIES', 'train', 'read_results', 'table'))


@pytest.mark.parametrize('name', STUDIES)
def test_a_row_is_the_same_with_every_seed(name, monkeypatch, tmp_path):
    models = []

    def note(cfg):
        models.append(str(cfg.model))
        raise InterruptedError

    monkeypatch.setattr('mmvos.engine.build_runner', note)
    for row in STUDIES[name].rows:
        for seed in (0, 1):
            with pytest.raises(InterruptedError):
                train(STUDIES[name], row, seed, tmp_path)
    assert models[::2] == models[1::2]


@pytest.mark.parametrize('name', STUDIES)
def test_every_row_builds_a_model_of_its_own(name):
    study, texts = STUDIES[name], set()
    for row in study.rows.values():
        cfg = load_config(study.config)
        cfg.merge_from_dict(dict(model=copy.deepcopy(row.changes)))
        texts.add(str(cfg.model))
        MODELS.build(cfg.model)
    assert len(texts) == len(study.rows)


def test_a_row_is_trained_once_and_compared_with_the_full_model(tmp_path, monkeypatch):
    def short(name):
        cfg = load_config(name)
        cfg.merge_from_dict(dict(val_dataloader=dict(dataset=dict(length=1, num_frames=4, late_videos=0))))
        return cfg

    monkeypatch.setattr('mmvos.utils.load_config', short)
    study = STUDIES['agame']
    train(study, 'no update', 3, tmp_path, max_iters=1)
    result = tmp_path / 'no update' / '3' / 'result.json'
    figure = json.loads(result.read_text())[study.metric]
    assert 0 <= figure < 1 and read_results(study, tmp_path) == {'no update': {3: figure}}
    results = {
        'full': {0: 0.4, 1: 0.5, 2: 0.45},
        'no update': {0: 0.3, 1: 0.4, 2: 0.44},
        'softmax': {0: 0.5, 1: 0.6, 2: 0.5},
        'unimodal': {0: 0.3, 1: 0.6, 2: 0.5},
        'no appearance': {0: 0.1},
    }
    lines = {line.split(' | ')[0].strip('| '): line for line in table(study, results)}
    assert lines['no update'].endswith('| agrees |') and '0.380 ± 0.072, 0.300 to 0.440' in lines['no update']
    assert lines['softmax'].endswith('| disagrees |')
    assert lines['unimodal'].endswith('| not told apart (1 of 3) |')
    assert lines['no appearance'].endswith('| one seed |')
    sta = {'full': {0: 0.2, 1: 0.2}, 'values of the previous frame': {0: 0.3, 1: 0.3}}  # the paper has no such row
    assert any(line.endswith('| 0.300 ± 0.000, 0.300 to 0.300 | 2 |  |') for line in table(STUDIES['sta'], sta))
    assert lines['no end-to-end'] == '| no end-to-end | 58.8 |  | 0 |  |'
