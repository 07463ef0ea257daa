"""The registered models and their parts. A part is imported when its name is used: in a config, or from here."""

from importlib import import_module
from typing import Any

import mmcv.cnn  # noqa: F401  (registers mmcv's layers)

_ROOMS = (
    *(
        'attention',
        'backbones',
        'cues',
        'detectors',
        'flow',
        'heads',
        'interactive',
        'losses',
        'matching',
        'necks',
        'post_processors',
    ),
    *('segmentors', 'trackers', 'vis'),
)
_PLACES = {name: room for room in _ROOMS for name in import_module(f'{__name__}.{room}').__all__}
_PLACES['VOSDataPreprocessor'] = 'data_preprocessor'

__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_PLACES[name]}'), name)
