"""The methods beside the default: an exported model gives the labels of the model."""

import numpy as np
import pytest
from exported_clips import SIZE, clip, segmented

from mmvos.apis import VOSInferencer, init_model
from mmvos.deployment import export_model, exportable_methods

pytest.importorskip('onnxruntime', reason='runs exported models')
pytest.importorskip('onnxscript', reason='exports models')

LENGTH, FIXED = {'model.test_cfg.resize.length': 64}, {'model.test_cfg.resize': dict(type='FixedSize', height=64, width=96)}
MODELS = {
    'MatchVOS': ('matchvos_lite0', None, LENGTH),
    'FeaturePropagation': ('feature-propagation', None, LENGTH),
    'AGAME': ('agame/agame_mini_synthvos.py', 'none', FIXED),
    'RGMP': ('rgmp/rgmp_mini_synthvos.py', 'none', FIXED),
    'AGSSVOS': ('agss-vos_lite0', None, LENGTH),
    'RVOS': ('rvos-mask-st_lite0', None, LENGTH),
}


def test_every_method_is_tried_here_or_is_the_default():
    assert exportable_methods() == sorted([*MODELS, 'RecallVOS'])


@pytest.mark.parametrize('name', MODELS)
def test_an_exported_model_gives_the_labels_of_the_model(name, tmp_path):
    config, weights, options = MODELS[name]
    model = init_model(config, weights, 'cpu', options)
    export_model(model, tmp_path / 'model.zip', SIZE)
    frames, labels = clip(7)
    expected, found = (segmented(m, frames, labels) for m in (model, VOSInferencer(tmp_path / 'model.zip').model))
    assert len(np.unique(expected)) > 1
    assert (found == expected).mean() > 0.9999
