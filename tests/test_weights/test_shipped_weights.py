"""What weights.json says of the weights that come with MMVOS is true, and they are found by every name they had."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
import yaml

import mmvos.models  # noqa: F401  (registers everything)
from mmvos.apis import VOSInferencer, model_names
from mmvos.cli.models import models
from mmvos.registry import MODELS
from mmvos.structures import InputError
from mmvos.utils import configs_root, load_config
from mmvos.utils.checkpoint import load_weights, read_checkpoint
from mmvos.weights import find_weights, shipped_weights, weights_file
from mmvos.weights.packages import STEP
from mmvos.weights.shipped import FOLDER, entry_of, read_index

ROOT = Path(__file__).parents[2]
NAMES = list(shipped_weights())


def test_every_file_has_its_entry_and_all_are_small():
    files = {path.name for path in FOLDER.glob('*.pth')}
    assert files == {weights.file.name for weights in shipped_weights().values()}
    assert sum(path.stat().st_size for path in FOLDER.glob('*.pth')) <= 40e6
    assert not list((ROOT / 'configs').rglob('*.pth'))


@pytest.mark.parametrize('name', NAMES)
def test_an_entry_tells_the_truth_about_its_file(name):
    weights = shipped_weights()[name]
    content = weights.file.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (weights.size, weights.sha256)
    assert weights.log.stat().st_size > 0
    checkpoint = torch.load(weights.file, weights_only=True)
    values = {name: value for name, value in checkpoint['state_dict'].items() if not name.endswith(STEP)}
    assert all(not v.is_floating_point() or v.dtype == torch.float16 for v in values.values())
    if weights.trained_parameters < weights.parameters:
        assert not any('backbone' in key and value.ndim > 1 for key, value in values.items()), 'it comes from its package'


@pytest.mark.parametrize('name', NAMES)
def test_the_weights_are_those_of_the_model_of_the_config(name):
    weights = shipped_weights()[name]
    config = load_config(weights.config)
    assert config.weights == name == Path(weights.config).stem
    model = MODELS.build(config.model)
    load_weights(model, name)
    given = read_checkpoint(name)['state_dict']
    own = model.state_dict()
    assert own.keys() == given.keys()
    assert all(torch.equal(own[key], value.to(own[key].dtype)) for key, value in given.items())
    parameters = list(model.parameters())
    assert sum(p.numel() for p in parameters) == weights.parameters < 10e6
    assert sum(p.numel() for p in parameters if p.requires_grad) == weights.trained_parameters


@pytest.mark.parametrize('name', NAMES)
def test_configs_and_metafile_agree_with_the_entry(name):
    weights = shipped_weights()[name]
    configs = configs_root() / 'configs'
    assert all((configs / config).is_file() for config in weights.training)
    metafile = yaml.safe_load((configs / Path(weights.config).parts[0] / 'metafile.yml').read_text())
    (model,) = (model for model in metafile['Models'] if model['Name'] == name)
    assert model['Config'] == f'configs/{weights.config}'
    assert ROOT / model['Weights'] == weights.file
    assert 'Results' not in model and 'Parameters' not in model.get('Metadata', {}), 'weights.json says it'


def test_the_list_of_models_tells_what_the_entries_tell():
    rows = {row['name']: row for row in models(configs_root())}
    assert [name for name, row in rows.items() if row['weights_bytes']] == sorted(NAMES, key=lambda n: (rows[n]['method'], n))
    for name, weights in shipped_weights().items():
        assert rows[name]['scores'] == weights.metrics and rows[name]['weights_bytes'] == weights.size


def test_names_aliases_and_files_lead_to_the_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = FOLDER / 'matchvos_lite0.pth'
    for name in ('matchvos_lite0', 'MatchVOS-Lite0', 'matchvos', 'agame-match', expected):
        assert weights_file(name) == expected
    (tmp_path / 'matchvos_lite0').write_bytes(b'mine')
    assert weights_file('matchvos_lite0') == Path('matchvos_lite0')  # a file goes first
    assert find_weights('matchvos_lite1') is None
    with pytest.raises(FileNotFoundError, match='matchvos_lite1: checkpoint not found, .*recall-vos_lite0'):
        weights_file('matchvos_lite1')


@pytest.mark.parametrize('former, name', [(former, w.name) for w in shipped_weights().values() for former in w.former])
def test_paths_of_earlier_versions_work_with_a_warning(former, name, tmp_path):
    for path in (former, str(tmp_path / former)):
        with pytest.warns(DeprecationWarning, match=f'called {name} now'):
            assert weights_file(path) == shipped_weights()[name].file
    with pytest.raises(FileNotFoundError):
        weights_file(f'other_{former}')


def test_no_two_weights_share_a_name():
    names = [name for weights in shipped_weights().values() for name in (weights.name, *weights.aliases, *weights.former)]
    assert len(names) == len(set(names)) and set(NAMES) < set(model_names())


def test_an_inferencer_takes_names_for_models_and_weights():
    names = [name for name, weights in shipped_weights().items() if weights.task == 'vos']
    assert type(VOSInferencer('recall-vos', 'recall-vos_lite0', 'cpu').model).__name__ == 'RecallVOS' and len(names) >= 3
    with pytest.warns(DeprecationWarning), pytest.raises(InputError, match='not the weights of RecallVOS'):
        VOSInferencer('recall-vos', 'configs/agame/agame_match_lite0.pth', 'cpu')


def test_an_entry_that_lacks_something_or_has_more_is_refused():
    entry = json.loads(json.dumps(read_index()[0]))
    for key in ('seed', 'hardware', 'time', 'data', 'metrics'):
        with pytest.raises(InputError, match=key):
            entry_of({k: v for k, v in entry.items() if k != key}, 'weights.json: x')
    with pytest.raises(InputError, match="unknown setting 'licence'"):
        entry_of({**entry, 'licence': 'MIT'}, 'weights.json: x')
    with pytest.raises(InputError, match=r'data\[0\]: .*licence'):
        entry_of({**entry, 'data': [dict(name='x', source='y')]}, 'weights.json: x')
    first, last = entry['training'][0], entry['training'][-1]
    assert entry_of({**entry, 'starts': {last: [first]}}, 'weights.json: x').starts == {last: (first,)}
    for starts in ({first: [last]}, {last: []}, {'x': [first]}):
        with pytest.raises(InputError, match='starts: expected'):
            entry_of({**entry, 'starts': starts}, 'weights.json: x')
