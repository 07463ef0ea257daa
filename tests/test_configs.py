"""Every config can be read, names only parts that exist, and its method is documented."""

from pathlib import Path

import pytest
import yaml
from mmengine.config import Config, ConfigDict

import mmvos.apis  # noqa: F401  (registers everything)
import mmvos.datasets  # noqa: F401
import mmvos.engine  # noqa: F401
import mmvos.evaluation  # noqa: F401
import mmvos.models  # noqa: F401
import mmvos.visualization  # noqa: F401
from mmvos import registry

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(p for p in (ROOT / 'configs').iterdir() if p.is_dir() and p.name != '_base_')
CONFIGS = sorted(p for folder in FOLDERS for p in folder.rglob('*.py'))
REGISTRIES = [r for r in vars(registry).values() if isinstance(r, registry.Registry)]


def types_in(node):
    """Every ``type='...'`` below a config node."""
    if isinstance(node, (dict, ConfigDict)):
        if isinstance(node.get('type'), str):
            yield node['type']
        for value in node.values():
            yield from types_in(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from types_in(value)


#: types that name an algorithm inside mmcv / mmdet parts (layers, norms, activations, initialisers, nms), not a part
INNER = {
    'Adam',
    'AdamW',
    'BN',
    'Constant',
    'Conv2d',
    'Conv2dAdaptivePadding',
    'GN',
    'Kaiming',
    'Linear',
    'LocalVisBackend',
    'LogProcessor',
    'Normal',
    'OneCycle',
    'Pretrained',
    'ReLU',
    'ReLU6',
    'RoIAlign',
    'SGD',
    'SyncBN',
    'TruncNormal',
    'Xavier',
    'deconv',
    'nms',
    'pseudo_collate',
    'value',
}


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.relative_to(ROOT / 'configs').as_posix())
def test_a_config_names_only_parts_that_exist(path):
    cfg = Config.fromfile(path)
    if 'model' in cfg:  # else a part, such as a tracker
        assert cfg.default_scope == 'mmvos'
    unknown = {t for t in set(types_in(cfg._cfg_dict)) - INNER if not any(r.get(t) is not None for r in REGISTRIES)}
    # what mmdet's inherited configs name without a scope is mmdet's
    unknown = {t for t in unknown if not any(r.get(f'mmdet.{t}') is not None for r in REGISTRIES)}
    assert not unknown


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda p: p.name)
def test_a_method_has_a_readme_and_a_metafile_whose_configs_exist(folder):
    assert (folder / 'README.md').read_text().startswith('# ')
    metafile = yaml.safe_load((folder / 'metafile.yml').read_text())
    assert metafile.get('Collections') or metafile.get('Models')
    for model in metafile.get('Models') or []:
        assert (ROOT / model['Config']).is_file(), model['Config']
    assert f'configs/{folder.name}/metafile.yml' in (ROOT / 'model-index.yml').read_text()
