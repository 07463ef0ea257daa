"""Configs of earlier versions, names of MMVOS's own configs in configs from elsewhere."""

import copy
import warnings

import pytest

from mmvos.structures import InputError
from mmvos.utils import configs_root, load_config
from mmvos.utils.old_configs import renamed_configs, upgrade

OLD_MATCHING = """dict(
    type='LabelMatching',
    propagation=dict(type='LabelPropagation', temperature=0.05, topk=10, radius=12),
    lags=(1, 2, 5), levels=(2, 4), level_weights=(1, 2), feedback=0.0, train_noise=1.0,
    target=dict(type='RidgeTarget', ridge=0.2, memory_share=0.05, memory_rate=0.2, interval=2),
    target_levels=(2, 3, 4, 5, 6), strength=2.0, caution=0.1, target_feedback=0.5)"""


def read(path, text):
    path.write_text(text)
    with pytest.warns(DeprecationWarning, match=path.name):
        return load_config(path)


def test_agame_with_matching_becomes_the_shipped_matchvos(tmp_path):
    today = load_config('matchvos/matchvos_lite0.py').model
    text = f"""_base_ = 'mmvos::_base_/models/matchvos_lite0.py'
model = dict(type='AGAME', prior_upsampler=None, matching=dict(_delete_=True, **{OLD_MATCHING}))
"""
    old = read(tmp_path / 'old.py', text + f'model.update(matching_upsampler=dict({dict(today.prior_upsampler)}))\n').model
    assert old == today


def test_knobs_that_did_nothing_go():
    node = dict(
        type='FeaturePropagation',
        matching=dict(type='LabelMatching', feedback=0.7, strength=3.0, target=None, target_levels=(1,)),
    )
    assert len(upgrade(node)) == 1
    assert node == dict(type='FeaturePropagation', matching=dict(type='LabelMatching'))


def test_defaults_of_then_are_kept():
    node = dict(
        type='AGAME', matching=dict(type='mmvos.LabelMatching', strength=3.0, caution=0.2, target=dict(type='RidgeTarget'))
    )
    upgrade(node)
    assert node['type'] == 'MatchVOS' and node['prior_upsampler'] == dict(type='BilinearUpsampler')
    matching = node['matching']
    assert matching == dict(
        type='TargetLabelMatching', memory_update=1.0, score_weight=1.5, background_bias=0.4, target=dict(type='RidgeTarget')
    )


def test_configs_of_today_are_left_alone():
    for name in ('agame/agame_mini_synthvos.py', 'matchvos/matchvos_mini_synthvos.py'):
        with warnings.catch_warnings():
            warnings.simplefilter('error', DeprecationWarning)
            cfg = load_config(name)
        before = copy.deepcopy(cfg._cfg_dict)
        assert upgrade(cfg._cfg_dict) == [] and cfg._cfg_dict == before


def test_an_old_name_leads_to_the_new_one():
    with pytest.raises(InputError, match='It is called matchvos/matchvos_lite0.py now'):
        load_config('configs/agame/agame_match_lite0.py')
    for new in set(renamed_configs().values()):
        assert (configs_root() / 'configs' / f'{new}.py').is_file(), new


@pytest.mark.parametrize(
    ('name', 'hint'),
    [
        ('recalvos', " Did you mean 'recall-vos'?"),
        ('configs/agame/agame_mini_sinthvos.py', " Did you mean 'agame/agame_mini_synthvos.py'?"),
        ('quite/another', '.'),
    ],
)
def test_a_mistyped_name_brings_the_nearest_one(name, hint):
    with pytest.raises(InputError) as error:
        load_config(name)
    assert str(error.value).endswith(hint)


def test_configs_of_mmvos_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine.py').write_text("_base_ = ['mmvos::matchvos/matchvos_lite0_test-folder.py']\nwork_dir = 'here'\n")
    cfg = load_config('mine.py')
    assert cfg.model == load_config('matchvos/matchvos_lite0.py').model and cfg.work_dir == 'here'
    (tmp_path / 'mine.py').write_text("_base_ = ['mmvos::no/such.py']\n")
    with pytest.raises(InputError, match='mine.py'):
        load_config('mine.py')
