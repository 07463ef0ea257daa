"""Configs of the papers, and checkpoints whose every tensor is filled with a number of its own."""

from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import DefaultScope

from mmvos.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
METHODS = (
    'agame',
    'agss_vos',
    'cosnet',
    'dyenet',
    'main',
    'masktrack_rcnn',
    'rgmp',
    'ris',
    'rsis',
    'rvos',
    'sta_masktrack_rcnn',
)
#: configs of full size, by name
RECIPES = {
    path.stem: path
    for method in METHODS
    for path in sorted((CONFIGS / method).rglob('*.py'))
    if path.stem.split('_')[1] not in ('mini', 'lite0')
}


def meta_model(config):
    """A model without memory for its weights."""
    with torch.device('meta'):
        return MODELS.build(config)


def resnet(blocks, groups=1, base_width=64):
    """Names and shapes of the tensors of torchvision's ResNets and ResNeXts with bottlenecks."""
    shapes = {'conv1.weight': (64, 3, 7, 7), **_norm('bn1', 64)}
    channels = 64
    for stage, count in enumerate(blocks):
        planes = 64 * 2**stage
        width = planes * base_width // 64 * groups
        for block in range(count):
            name = f'layer{stage + 1}.{block}'
            convs = ((width, channels, 1), (width, width // groups, 3), (4 * planes, width, 1))
            for k, (out, into, side) in enumerate(convs, 1):
                shapes |= {f'{name}.conv{k}.weight': (out, into, side, side), **_norm(f'{name}.bn{k}', out)}
            if block == 0:
                shapes |= {f'{name}.downsample.0.weight': (4 * planes, channels, 1, 1)}
                shapes |= _norm(f'{name}.downsample.1', 4 * planes)
            channels = 4 * planes
    return {**shapes, 'fc.weight': (1000, channels), 'fc.bias': (1000,)}


def _norm(name, channels):
    return {f'{name}.{part}': (channels,) for part in ('weight', 'bias', 'running_mean', 'running_var')}


def vgg16():
    """Names and shapes of the tensors of torchvision's VGG-16."""
    shapes, into = {}, 3
    outs = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    for place, out in zip((0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), outs, strict=True):
        shapes |= {f'features.{place}.weight': (out, into, 3, 3), f'features.{place}.bias': (out,)}
        into = out
    for place, out, into in ((0, 4096, 512 * 49), (3, 4096, 4096), (6, 1000, 4096)):
        shapes |= {f'classifier.{place}.weight': (out, into), f'classifier.{place}.bias': (out,)}
    return shapes


def shapes_of(address):
    """Names and shapes of the tensors of a public checkpoint."""
    known = {
        'torchvision://resnet50': lambda: resnet((3, 4, 6, 3)),
        'torchvision://resnet101': lambda: resnet((3, 4, 23, 3)),
        'torchvision://vgg16': vgg16,
        'open-mmlab://vgg16_caffe': vgg16,
        'open-mmlab://detectron2/resnet101_caffe': lambda: resnet((3, 4, 23, 3)),
        'open-mmlab://resnext101_64x4d': lambda: resnet((3, 4, 23, 3), groups=64, base_width=4),
    }
    if address in known:
        return known[address]()
    if 'flownet2' in address:  # converted by MMVOS
        model = meta_model(dict(Config.fromfile(CONFIGS / 'flow' / 'flownet2_full.py').flow, init_cfg=None))
    else:
        name = address.split('/')[-2].replace('mask_rcnn', 'mask-rcnn').replace('_64x4d', '-64x4d')  # of mmdet's model zoo
        with DefaultScope.overwrite_default_scope('mmdet'):
            config = get_config(f'mmdet::mask_rcnn/{name}.py').model
            config.pop('data_preprocessor')
            config.backbone.init_cfg = None
            model = meta_model(config)
    return {key: tensor.shape for key, tensor in model.state_dict().items() if 'num_batches' not in key}


class Marked:
    """Checkpoints by their addresses; no file and no network is used. In place of mmengine's ``_load_checkpoint``.

    Every tensor is constant, and every tensor of every checkpoint has a number of its own.

    Attributes:
        read (list[str]): addresses in the order in which they were asked for.
    """

    def __init__(self):
        self.read, self._made, self._origin = [], {}, {}

    def __call__(self, address, *args, **kwargs):
        self.read.append(address)
        return dict(self._tensors(address))

    def shapes(self, address):
        """Names and shapes of a checkpoint's tensors."""
        return {key: tuple(tensor.shape) for key, tensor in self._tensors(address).items()}

    def origin(self, value):
        """``(address, name)`` of the tensor that is filled with a number, None if there is none."""
        return self._origin.get(value)

    def _tensors(self, address):
        if address not in self._made:
            self._made[address] = {}
            for key, shape in shapes_of(address).items():
                number = float(1000 + len(self._origin))
                self._origin[number] = (address, key)
                self._made[address][key] = torch.tensor(number).expand(shape)
        return self._made[address]


def came_from(model, marked):
    """``{name of a tensor of the model: (address, name there)}`` of those that come from a checkpoint."""
    found = {}
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and tensor.numel():
            first = tensor.flatten()[0]
            origin = marked.origin(float(first))
            if origin and bool(torch.isclose(tensor, first, rtol=1e-6, atol=0).all()):  # a mean of channels rounds
                found[name] = origin
    return found


def all_nan(model):
    """Forget what memory held before."""
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.fill_(float('nan'))


@contextmanager
def without_initialisers():
    """Random weights cost nothing: all are drawn by one fast rule, the right one for a convolution followed by ReLU."""

    def fast(tensor, *args, **kwargs):
        fan_in = tensor[0].numel() if tensor.dim() > 1 else 1
        with torch.no_grad():
            return tensor.uniform_(-1, 1).mul_(min(1.0, (3.0 / max(fan_in, 1)) ** 0.5))

    slow = ('normal_', 'uniform_', 'kaiming_normal_', 'kaiming_uniform_', 'xavier_normal_', 'xavier_uniform_', 'trunc_normal_')
    with ExitStack() as stack:
        for name in slow:
            stack.enter_context(mock.patch.object(torch.nn.init, name, fast))
        yield
