"""Parts that read labels from remembered frames: they have no weights, and stand in an exported file as their settings."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmvos.models.heads.guided_upsampler import BilinearUpsampler, GuidedUpsampler
from mmvos.models.matching.label_matching import LabelMatching
from mmvos.models.matching.label_propagation import LabelPropagation
from mmvos.models.matching.ridge_target import RidgeTarget
from mmvos.models.matching.target_label_matching import TargetLabelMatching
from mmvos.registry import MODELS
from mmvos.structures import InputError

_PROPAGATION = ('temperature', 'topk', 'radius', 'block')
_MATCHING = ('lags', 'memory_update')
_RIDGE = ('memory_rate', 'interval', 'confidence')
#: the settings of each part that are read at inference, by the names of arguments and attributes
SETTINGS: dict[type, tuple[str, ...]] = {
    LabelPropagation: _PROPAGATION,
    LabelMatching: (*_MATCHING, 'propagation'),
    TargetLabelMatching: (
        *(*_MATCHING, 'propagation', 'target', 'target_levels'),
        *('score_weight', 'background_bias', 'target_memory_update'),
    ),
    RidgeTarget: _RIDGE,
    GuidedUpsampler: ('radius', 'eps', 'subsample'),
    BilinearUpsampler: (),
}
_BY_NAME = {cls.__name__: cls for cls in SETTINGS}


def settings_of(part: nn.Module) -> dict[str, Any]:
    """Config of a part, as far as inference goes.

    Raises:
        InputError: a part of another kind.
    """
    cls = type(part)
    if cls not in SETTINGS:
        raise InputError(f'{cls.__name__} cannot be exported; expected one of {", ".join(_BY_NAME)}.')
    values: dict[str, Any] = {name: getattr(part, name) for name in SETTINGS[cls]}
    if isinstance(part, RidgeTarget):
        values.update(ridge=part.settings.ridge, memory_share=part.settings.memory_share)
    found = {name: settings_of(value) if isinstance(value, nn.Module) else value for name, value in values.items()}
    return dict(found, type=cls.__name__)


def built(config: Any, place: str) -> Any:
    """The part of a config that comes from a file.

    Raises:
        InputError: a kind of part that is not one of :data:`SETTINGS`, or settings that it does not have.
    """
    checked = _checked(config, place)
    try:
        return MODELS.build(checked)
    except (TypeError, ValueError) as error:
        raise InputError(f'{place}: {error}') from error


def _checked(config: Any, place: str) -> dict[str, Any]:
    if not isinstance(config, Mapping) or config.get('type') not in _BY_NAME:
        raise InputError(f'{place} is {config!r}; expected the settings of one of {", ".join(_BY_NAME)}.')
    values = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            values[name] = _checked(value, f'{place}.{name}')
        elif name == 'type' or _is_plain(value):
            values[name] = value
        else:
            raise InputError(f'{place}.{name} is {value!r}; expected numbers.')
    return values


def _is_plain(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, (int, float)) for item in items)
