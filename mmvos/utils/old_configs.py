"""Configs of earlier versions: parts that have other names or arguments today are put right when a config is read."""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import yaml

from .paths import configs_root


def upgrade(node: Any) -> list[str]:
    """Put a config right, in place.

    Args:
        node (Any): a config, or anything inside one.

    Returns:
        What was changed, one sentence per change; empty for a current config.
    """
    if isinstance(node, (list, tuple)):
        return [text for item in node for text in upgrade(item)]
    if not isinstance(node, dict):
        return []
    rule = _RULES.get(str(node.get('type')).removeprefix('mmvos.'))
    changed = rule(node) if rule else []
    return changed + [text for value in node.values() for text in upgrade(value)]


def upgrade_with_warning(config: Any, name: str) -> None:
    """:func:`upgrade`, with a DeprecationWarning that names the config and says what to write instead."""
    changed = upgrade(config)
    if changed:
        warnings.warn(f'{name}: a config of an earlier version. {" ".join(changed)}', DeprecationWarning, stacklevel=3)


@cache
def renamed_configs() -> dict[str, str]:
    """``{path of an earlier version: current path}``, below ``configs``, without ``.py``."""
    return yaml.safe_load((configs_root() / 'configs' / 'renamed_configs.yml').read_text())


def _agame(node: dict) -> list[str]:
    """A-GAME's parts on top of matching became a method of their own."""
    matching = node.get('matching')
    if not matching:
        return []
    node['type'] = 'MatchVOS'
    matching.setdefault('feedback', 1.0)  # the default of then
    upsampler = node.pop('matching_upsampler', None)
    node['prior_upsampler'] = upsampler or dict(type='BilinearUpsampler')
    return ["AGAME with matching= is type='MatchVOS'; matching_upsampler= is prior_upsampler=."]


def _label_matching(node: dict) -> list[str]:
    """The target model has a class of its own; knobs got names that say what they are."""
    renamed = [_rename(node, 'feedback', 'memory_update'), _rename(node, 'train_noise', 'noise_scale')]
    target = ('strength', 'caution', 'target_feedback')
    if node.get('target'):
        node['type'] = 'TargetLabelMatching'
        renamed += ["LabelMatching with target= is type='TargetLabelMatching'."]
        renamed += [_rename(node, 'strength', 'score_weight', 0.5), _rename(node, 'caution', 'background_bias', 2.0)]
        renamed += [_rename(node, 'target_feedback', 'target_memory_update')]
    else:  # they did nothing
        for name in (*target, 'target', 'target_levels'):
            node.pop(name, None)
    return [text for text in renamed if text]


def _feature_propagation(node: dict) -> list[str]:
    if 'feedback' not in node.get('matching', {}):
        return []
    del node['matching']['feedback']  # it did nothing
    return ['FeaturePropagation does not use matching.feedback.']


def _rename(node: dict, old: str, new: str, factor: float | None = None) -> str:
    if old not in node:
        return ''
    value = node.pop(old)
    node[new] = value if factor is None else factor * value
    return f'{old}={value} is {new}={node[new]}.'


_RULES: dict[str, Callable[[dict], list[str]]] = {
    'AGAME': _agame,
    'FeaturePropagation': _feature_propagation,
    'LabelMatching': _label_matching,
}
