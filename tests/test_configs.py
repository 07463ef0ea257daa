"""Every config can be read, names only parts that exist, and its method is documented."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config, ConfigDict

import mmvos.apis  # noqa: F401  (registers)
import mmvos.datasets  # noqa: F401  (registers)
import mmvos.engine  # noqa: F401  (registers)
import mmvos.evaluation  # noqa: F401  (registers)
import mmvos.models  # noqa: F401  (registers)
import mmvos.visualization  # noqa: F401  (registers)
from mmvos import registry
from mmvos.weights import shipped_weights

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(p for p in (ROOT / 'configs').iterdir() if p.is_dir() and p.name != '_base_')
CONFIGS = sorted(p for folder in FOLDERS for p in folder.rglob('*.py'))
PARTS = ('flow', 'trackers')  # folders of parts, not of experiments
EXPERIMENTS = [p for p in CONFIGS if p.relative_to(ROOT / 'configs').parts[0] not in PARTS]
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

BACKBONES = 'r50 r101 r50-fpn r101-fpn x101-fpn vgg16 fcn8s plain lite0 mini'
TRAIN_DATA = (
    'davis2016 davis2017 davis2017-trainval ytvos2018 ytvos2018-train66 ytvos2018-train80 ytvos2019 ytvis2019 ytvis2021 ovis '
    'folder synthvos synthvis synthinstances stills saliency voc2012 coco coco-person cityscapes cvppp-a1'
)
TEST_DATA = (
    'davis2016 davis2016-crf davis2016-online davis2017 davis2017-online davis2017-test-dev-online davis2017-unsup ytvos2018 '
    'ytvos2019 ytvis2019 ytvis2019-test ytvis2021 fbms segtrack-v2 segtrack-v2-online youtube-objects youtube-objects-online '
    'folder'
)
SCHEDULE = r'(_\d+x\d+)?(_(\d+xb\d+-)?\d+e)?(_stage\d)?'


def any_of(words):
    """A pattern of one of the words, the longest first."""
    return '(?:' + '|'.join(sorted(map(re.escape, words.split()), key=len, reverse=True)) + ')'


NAME = re.compile(
    rf'[a-z0-9]+(-[a-z0-9]+)*_{any_of(BACKBONES)}'
    rf'(_(?P<data>{any_of(TRAIN_DATA)}(-{any_of(TRAIN_DATA)})*){SCHEDULE})?(?P<test>_test-{any_of(TEST_DATA)})?'
)


def can_be_tested(cfg):
    """Whether tools/test.py takes a config."""
    return cfg.get('test_dataloader') and 'test_evaluator' in cfg and cfg.get('test_cfg') and cfg.get('model')


@pytest.mark.parametrize('path', EXPERIMENTS, ids=lambda p: p.relative_to(ROOT / 'configs').as_posix())
def test_a_name_follows_the_scheme_and_says_what_the_config_is_for(path):
    parts = path.relative_to(ROOT / 'configs').parts
    assert len(parts) == 2 or (len(parts) == 3 and parts[1] == 'ablations')
    name = NAME.fullmatch(path.stem)
    assert name, f'{path.stem}: see configs/README.md'
    method = parts[0].replace('_', '-')
    assert path.stem.startswith((method + '_', method + '-')) and 'ablation' not in path.stem
    cfg = Config.fromfile(path)
    if name['test']:
        assert can_be_tested(cfg)
    elif name['data']:
        assert cfg.train_dataloader and cfg.train_cfg and cfg.optim_wrapper
        assert can_be_tested(cfg) or cfg.model.type == 'ClickSegmenter'  # it segments no videos
        small = path.stem.split('_')[1] in ('mini', 'lite0')
        assert small or cfg.auto_scale_lr.base_batch_size > 0
    else:
        assert not cfg.get('train_dataloader') and not cfg.get('test_dataloader')


@pytest.mark.parametrize('path', EXPERIMENTS, ids=lambda p: p.relative_to(ROOT / 'configs').as_posix())
def test_weights_of_an_earlier_stage_are_those_of_a_config_that_exists(path):
    begin = Config.fromfile(path).get('load_from') or ''
    if not begin.startswith('work_dirs/'):
        return
    _, stage, file = Path(begin).parts
    (config,) = (p for p in EXPERIMENTS if p.stem == stage)
    loop = Config.fromfile(config).train_cfg
    last = f'iter_{loop.max_iters}.pth' if 'max_iters' in loop else f'epoch_{loop.max_epochs}.pth'
    name = path.relative_to(ROOT / 'configs').as_posix()
    of_mean = [weights.starts[name] for weights in shipped_weights().values() if name in weights.starts]
    assert file == ('mean.pth' if of_mean else last)
    assert all((ROOT / 'configs' / ends[-1]).stem == stage for ends in of_mean)
    text = path.read_text()
    if 'load_from' in text:
        assert re.search(r'#[^\n]*\n(?:#[^\n]*\n)*load_from = ', text), 'say above load_from how the weights are made'


def test_every_old_name_is_on_the_page_of_renamed_configs():
    spec = importlib.util.spec_from_file_location('renamed_configs', ROOT / 'tools' / 'misc' / 'renamed_configs.py')
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    names = script.read_names()
    assert len(names) == 252  # every .py file below configs/ of commit e73daea
    assert script.PAGE.read_text() == script.page(names)
    assert all((ROOT / 'configs' / f'{new}.py').is_file() for new in names.values())


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.relative_to(ROOT / 'configs').as_posix())
def test_a_config_names_only_parts_that_exist(path):
    cfg = Config.fromfile(path)
    if 'model' in cfg:  # else a part, such as a tracker
        assert cfg.default_scope == 'mmvos'
    unknown = {t for t in set(types_in(cfg._cfg_dict)) - INNER if not any(r.get(t) is not None for r in REGISTRIES)}
    # what mmdet's inherited configs name without a scope is mmdet's
    unknown = {t for t in unknown if not any(r.get(f'mmdet.{t}') is not None for r in REGISTRIES)}
    assert not unknown


def keys_in(node):
    """Every key below a config node."""
    if isinstance(node, (dict, ConfigDict)):
        yield from node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for value in node:
            yield from keys_in(value)


def test_nothing_is_deleted_that_a_base_does_not_have():
    """``_delete_`` would stay in the config, and whatever is built of it would get it as an argument."""
    parts = (
        'model',
        'train_cfg',
        'val_cfg',
        'test_cfg',
        'optim_wrapper',
        'train_dataloader',
        'val_dataloader',
        'test_dataloader',
    )
    configs = {path.stem: Config.fromfile(path) for path in EXPERIMENTS}
    left = {name for name, cfg in configs.items() for part in parts if '_delete_' in keys_in(cfg.get(part))}
    assert not left


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda p: p.name)
def test_a_method_has_a_readme_and_a_metafile_of_all_its_configs(folder):
    assert (folder / 'README.md').read_text().startswith('# ')
    metafile = yaml.safe_load((folder / 'metafile.yml').read_text())
    configs = [model['Config'] for model in metafile['Models']]
    assert sorted(configs) == sorted(p.relative_to(ROOT).as_posix() for p in folder.rglob('*.py'))
    collections = {collection['Name'] for collection in metafile['Collections']}
    for model in metafile['Models']:
        assert model['Name'] == Path(model['Config']).stem and model['In Collection'] in collections
        # a figure of a paper is told from one that was measured here
        assert all(result['Source'] and result['Metrics'] and result['Dataset'] for result in model.get('Results', ()))
    assert f'configs/{folder.name}/metafile.yml' in (ROOT / 'model-index.yml').read_text()
