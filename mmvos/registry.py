"""MMVOS's registries: children of mmengine's roots under the scope ``mmvos``.

A part of another toolbox is reached by its scope, e.g. ``dict(type='mmdet.ResNet')``.
"""

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import EVALUATOR as MMENGINE_EVALUATOR
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import INFERENCERS as MMENGINE_INFERENCERS
from mmengine.registry import LOG_PROCESSORS as MMENGINE_LOG_PROCESSORS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODEL_WRAPPERS as MMENGINE_MODEL_WRAPPERS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import OPTIMIZERS as MMENGINE_OPTIMIZERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import TASK_UTILS as MMENGINE_TASK_UTILS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISBACKENDS as MMENGINE_VISBACKENDS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import WEIGHT_INITIALIZERS as MMENGINE_WEIGHT_INITIALIZERS
from mmengine.registry import Registry

from .utils import checkpoint as _safe_loading  # noqa: F401  (whatever is built here loads its weights safely)

#: ``{old registered name: today's}``; a config that holds an old name still works, with a warning
RENAMED = {
    'FloorToMultiple': 'ShrinkToMultiple',
    'FrameTrainedModel': 'StepwiseTrainedModel',
    'LucidDream': 'FirstFrameSynthesis',
    'MultiStream': 'AlternatingDatasets',
    'StreamBatchSampler': 'AlternatingBatchSampler',
    'StreamLRHook': 'AlternatingLRHook',
    'StreamSampler': 'AlternatingSampler',
}

#: ``{registered name: {old key of its config: today's}}``; an old key still works, with a warning
RENAMED_KEYS = {'COSNet': {'fusion': 'combine'}, 'COSNetCausal': {'fusion': 'combine'}}


class _Registry(Registry):
    """A registry that imports a part when it is asked for, and finds it by its old name
    (:data:`RENAMED`), with old keys (:data:`RENAMED_KEYS`), and in related registries.

    Args:
        packages (Sequence[str]): packages whose ``__all__`` has the names of the parts.

    Attributes:
        others (tuple[Registry, ...]): registries in which a part is looked for that this one does not have. Trackers were once
            spread over ``MODELS`` and ``TASK_UTILS``: a user's own may still be there, and a script may ask for ours there.
    """

    others: tuple['_Registry', ...] = ()

    def __init__(self, name: str, packages: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.packages = tuple(packages)

    def get_own(self, name: str) -> type | None:
        """The part of this registry alone with a name of its own, None if it has none."""
        for package in self.packages:
            if name in self.module_dict:
                break
            getattr(import_module(package), name, None)  # packages import a module when one of its names is used
        return self.module_dict.get(name)

    def build(self, cfg: dict, *args: Any, **kwargs: Any) -> Any:
        kind = cfg.get('type') if isinstance(cfg, dict) else None
        name = kind.rpartition('.')[2] if isinstance(kind, str) else getattr(kind, '__name__', '')
        for old, new in RENAMED_KEYS.get(name, {}).items():
            if old in cfg:
                warnings.warn(f'{name}: the key {old!r} is called {new!r} now.', DeprecationWarning, stacklevel=2)
                cfg = {new if key == old else key: value for key, value in cfg.items()}
        return super().build(cfg, *args, **kwargs)

    def get(self, key: str) -> Any:
        scope, name = self.split_scope_key(key)
        if scope in (None, 'mmvos') and name in RENAMED:
            warnings.warn(f'{name} is called {RENAMED[name]} now.', DeprecationWarning, stacklevel=2)
            name = RENAMED[name]
            key = name if scope is None else f'{scope}.{name}'
        if scope in (None, 'mmvos'):
            self.get_own(name)
        found = super().get(key)
        for other in self.others if found is None and scope in (None, 'mmvos') else ():
            found = found or other.get_own(name)
        return found


def _child(name: str, parent: Registry, *locations: str) -> _Registry:
    return _Registry(name, locations, parent=parent, scope='mmvos')


DATASETS = _child('dataset', MMENGINE_DATASETS, 'mmvos.datasets')
DATA_SAMPLERS = _child('data sampler', MMENGINE_DATA_SAMPLERS, 'mmvos.datasets.samplers')
TRANSFORMS = _child('transform', MMENGINE_TRANSFORMS, 'mmvos.datasets.transforms')
MODELS = _child('model', MMENGINE_MODELS, 'mmvos.models')
MODEL_WRAPPERS = _child('model_wrapper', MMENGINE_MODEL_WRAPPERS, 'mmvos.models', 'mmvos.engine')
#: resize rules, padding rules and other parts that are not networks
TASK_UTILS = _child(
    'task util', MMENGINE_TASK_UTILS, 'mmvos.models', 'mmvos.inference', 'mmvos.datasets', 'mmvos.datasets.synth'
)
#: box trackers and trackers of instances
TRACKERS = _Registry('tracker', ['mmvos.models.trackers'], scope='mmvos')
TRACKERS.others, TASK_UTILS.others, MODELS.others = (TASK_UTILS, MODELS), (TRACKERS,), (TRACKERS,)
METRICS = _child('metric', MMENGINE_METRICS, 'mmvos.evaluation')
EVALUATOR = _child('evaluator', MMENGINE_EVALUATOR, 'mmvos.evaluation')
HOOKS = _child('hook', MMENGINE_HOOKS, 'mmvos.engine.hooks')
LOOPS = _child('loop', MMENGINE_LOOPS, 'mmvos.engine')
OPTIMIZERS = _child('optimizer', MMENGINE_OPTIMIZERS, 'mmvos.engine')
OPTIM_WRAPPERS = _child('optimizer_wrapper', MMENGINE_OPTIM_WRAPPERS, 'mmvos.engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('optimizer wrapper constructor', MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS, 'mmvos.engine')
PARAM_SCHEDULERS = _child('parameter scheduler', MMENGINE_PARAM_SCHEDULERS, 'mmvos.engine')
WEIGHT_INITIALIZERS = _child('weight initializer', MMENGINE_WEIGHT_INITIALIZERS, 'mmvos.models')
# without children of these two mmengine warns at every start that it takes its own
VISBACKENDS = _child('vis_backend', MMENGINE_VISBACKENDS)
LOG_PROCESSORS = _child('log_processor', MMENGINE_LOG_PROCESSORS)
VISUALIZERS = _child('visualizer', MMENGINE_VISUALIZERS, 'mmvos.visualization')
INFERENCERS = _child('inferencer', MMENGINE_INFERENCERS, 'mmvos.apis')
