"""Which tensors of each recipe's network come from which public checkpoint.

Networks have their published size. The checkpoints are made here with the names and shapes of the real ones, each tensor
filled with a number of its own, so that a value says where it is from.
"""

import json

import pytest
import torch
from mmengine.config import Config
from recipes import CONFIGS, RECIPES, Marked, all_nan, came_from, meta_model, without_initialisers

from mmvos.registry import MODELS

FC, LAYER4 = 'fc.', 'layer4.'
HEADS = ('reid_head.mask_layers.', 'reid_head.reid_layers.', 're_mp_head.layers.')
COCO_CLASSES = tuple(f'roi_head.{head}.' for head in ('bbox_head.fc_cls', 'bbox_head.fc_reg', 'mask_head.conv_logits'))


def expected(name, address, shapes):
    """``{part of the network: (names in the checkpoint that it takes)}`` of a recipe."""
    method = RECIPES[name].relative_to(CONFIGS).parts[0]
    features = tuple(key for key in shapes if not key.startswith((FC, 'classifier.')))
    without_layer4 = tuple(key for key in features if not key.startswith(LAYER4))
    if 'flownet2' in address:
        return {'flow_estimator.' if method == 'main' else 'flow.': features}
    if 'mask_rcnn' in address:  # all but the layers that know COCO's classes
        known = tuple(key for key in shapes if not key.startswith(COCO_CLASSES))
        if method == 'masktrack_rcnn' or '-off_' in name:
            return {'detector.': known}
        pyramid = tuple(key for key in known if key.startswith('neck.'))  # attention stands around it
        return {'detector.': tuple(key for key in known if key not in pyramid), 'detector.neck.': pyramid}
    if method in ('masktrack_rcnn', 'sta_masktrack_rcnn'):
        return {'detector.backbone.': features}
    if method == 'dyenet' and 'msk' not in name:
        layer4 = tuple(key for key in features if key.startswith(LAYER4))
        return {'backbone.': without_layer4, **dict.fromkeys(HEADS, layer4)}
    if method in ('agss_vos', 'rgmp'):
        first_stage = tuple(key for key in features if key.startswith(('conv1', 'bn1', 'layer1')))
        if 'no-iam' in name:
            return {'encoder.': first_stage}
        if 'agss-vos-paper' in name:  # two blocks of the first stage
            two_blocks = tuple(key for key in first_stage if not key.startswith('layer1.2'))
            return {'encoder.': features, 'instance_encoder.': two_blocks}
        return {'encoder.': features}
    return {'backbone.': features}


def networks():
    """A recipe of every network, and how many recipes share it."""
    found = {}
    for name, path in RECIPES.items():
        cfg = Config.fromfile(path)
        model = cfg.model.to_dict()
        for key in ('train_cfg', 'test_cfg', 'data_preprocessor', 'loss_mask', 'losses'):
            model.pop(key, None)
        found.setdefault(json.dumps(model, sort_keys=True, default=str), name)
    return list(found.values())


#: a recipe of every method; the others run with --recipes
CHOSEN = (
    'agame_r101_davis2017_stage1',
    'agss-vos-paper_r50_ytvos2018_640x320_10e',
    'cosnet-paper_r101_davis2016-saliency',
    'dyenet_r101_davis2017',
    'main_r50_ytvos2018_256x416_stage2',
    'masktrack-rcnn_x101-fpn_ytvis2019_8xb1-12e',
    'rgmp_r50_stills_256x256_stage1',
    'ris_fcn8s_coco-person_500x500',
    'rsis_r50_voc2012_256x256',
    'rsis_vgg16_voc2012_256x256',
    'rvos-mask-st_r101_ytvos2018_256x448_20e',
    'sta-masktrack-rcnn_r50-fpn_ytvis2019_8xb1-12e',
)
#: learns from random weights, as its paper tells
FROM_SCRATCH = ('ris_plain_cvppp-a1_106x100',)


@pytest.fixture(scope='module')
def marked():
    return Marked()


def names():
    rest = [name for name in networks() if name not in CHOSEN]
    return [*CHOSEN, *(pytest.param(name, marks=pytest.mark.recipes) for name in rest)]


@pytest.mark.parametrize('name', names())
def test_weights_of_a_recipe_are_where_they_belong_and_nowhere_else(name, marked, monkeypatch):
    monkeypatch.setattr('mmengine.runner.checkpoint._load_checkpoint', marked)
    config = Config.fromfile(RECIPES[name]).model
    with without_initialisers():
        if 'symmetric' in name or 'paper' in name or 'group' in name:  # an orthogonal weight cannot be made without memory
            model = MODELS.build(config)
        else:
            model = meta_model(config).to_empty(device='cpu')
        all_nan(model)
        marked.read.clear()
        model.init_weights()
    assert bool(marked.read) == (name not in FROM_SCRATCH)
    # where a part is initialised twice, the last checkpoint stays
    wanted = {}
    for address in dict.fromkeys(marked.read):
        for part, keys in expected(name, address, marked.shapes(address)).items():
            wanted |= {part + key: (address, key) for key in keys}
    assert came_from(model, marked) == wanted


def test_the_names_of_the_made_checkpoints_are_those_of_the_public_ones():
    """Counted from torchvision's files: 60.2, 44.5, 25.6 and 138.4 million parameters."""
    marked = Marked()
    counts = dict(resnet50=25557032, resnet101=44549160, vgg16=138357544)
    for name, count in counts.items():
        shapes = marked.shapes(f'torchvision://{name}')
        parameters = [shape for key, shape in shapes.items() if 'running' not in key]
        assert sum(torch.Size(shape).numel() for shape in parameters) == count
