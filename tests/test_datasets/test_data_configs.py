"""Every config's data: transforms build, data sets take their arguments, samplers exist (no files are read)."""

import inspect
from pathlib import Path

import mmdet.datasets.transforms  # noqa: F401  (its transforms are named by configs)
from mmengine.config import Config
from mmengine.dataset import Compose

from mmvos.registry import DATA_SAMPLERS, DATASETS

CONFIGS = Path(__file__).parents[2] / 'configs'


def check_dataset(cfg, built):
    """Raise if a transform does not build or an argument does not exist, also of nested data sets."""
    pipeline = cfg.get('pipeline')
    if pipeline and str(pipeline) not in built:
        Compose(list(pipeline))
        built.add(str(pipeline))
    cls = DATASETS.get(cfg['type'])
    assert cls is not None, f'no data set {cfg["type"]}'
    if cls.__module__.startswith('mmvos'):
        known = {
            name for base in cls.__mro__ if '__init__' in vars(base) for name in inspect.signature(base.__init__).parameters
        }
        assert not set(cfg) - known - {'type'}, f'{cfg["type"]} has no {set(cfg) - known - {"type"}}'
    nested = list(cfg.get('datasets') or []) + list((cfg.get('streams') or {}).values()) + [cfg.get('dataset')]
    for part in nested:
        if isinstance(part, dict):
            check_dataset(part, built)


def test_data_of_every_config():
    built, faults, loaders = set(), [], 0
    for path in sorted(CONFIGS.glob('**/*.py')):
        if path.stem.endswith('_common'):  # names no data set
            continue
        try:
            cfg = Config.fromfile(path)
            for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
                if cfg.get(name):
                    check_dataset(cfg[name].dataset, built)
                    sampler = cfg[name].get('sampler')
                    assert not sampler or DATA_SAMPLERS.get(sampler['type']), f'no sampler {sampler}'
                    loaders += 1
        except Exception as error:  # every fault at once
            faults.append(f'{path.relative_to(CONFIGS)}: {type(error).__name__}: {error}')
    assert not faults, '\n'.join(faults)
    assert loaders > 100
