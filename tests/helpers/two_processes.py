"""One of two processes that train every method on a clip each; process 0 does the same alone with both clips.

Prints, for each method, how far the gradients are apart: one line of JSON.
"""

import copy
import json
import random
import sys

import numpy as np
import torch
import torch.distributed as dist
from mini_models import first_stages
from mmdet.models.task_modules import RandomSampler
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from vis_data import small_config, training_batch

import mmvos.datasets
import mmvos.models
import mmvos.structures
from mmvos.datasets.staged import in_stages
from mmvos.engine import StepwiseDistributed
from mmvos.models.segmentors.stepwise_training import StepwiseTrainedModel
from mmvos.registry import DATASETS, MODELS
from mmvos.structures import VOID
from mmvos.utils.checkpoint import init_weights_quietly
from mmvos.utils.ranks import by_itself

SEQUENCES = dict(criterion=dict(class_weight=0.1, stop_weight=0.5))
OWN_BATCH = dict(matching=dict(noise_scale=0.0))
#: config, and what makes two equal runs equal: no random numbers in the model
METHODS = {
    'agame': ('agame/agame_mini_synthvos', {}),
    'agss_vos': ('agss_vos/agss-vos_mini_synthvos', {}),
    'cosnet': ('cosnet/cosnet_mini_synthvos', {}),
    'dyenet': ('dyenet/dyenet_mini_synthvos', dict(train_cfg=dict(jitter=0.0))),
    'feature_propagation': ('feature_propagation/feature-propagation_mini_synthvos', dict(backbone=dict(frozen_stages=2))),
    'main': (
        'main/main_mini_synthvos',
        dict(
            instance_shuffle=False,
            loss_mask=[dict(type='WIDLoss'), dict(type='InstanceBCELoss', channels='valid')],
            sta=dict(kernel=(1, 1), scale=(1.0, 1.0), shift=0.0, neighbours=(0,)),
            flow_estimator=dict(_delete_=True, type='ZeroFlow'),
        ),
    ),
    'masktrack_rcnn': (False, {}),
    'matchvos': ('matchvos/matchvos_mini_synthvos', OWN_BATCH),
    'matchvos, hard pixels': ('matchvos/matchvos_mini_synthvos', dict(OWN_BATCH, loss_final=dict(hard_ratio=0.2))),
    'recall_vos': ('recall_vos/recall-vos_mini_synthvos', dict(blots=dict(type='LabelBlots', prob=0.0))),
    'rgmp': ('rgmp/rgmp_mini_synthvos', {}),
    'rgmp, through time': ('rgmp/rgmp_mini_synthvos', dict(through_time=True)),
    'ris': ('ris/ris_mini_synthinstances', {}),
    'rsis': ('rsis/rsis_mini_synthinstances', SEQUENCES),
    'rvos, one-shot': ('rvos/rvos-mask-st_mini_synthvos', {}),
    'rvos, zero-shot': ('rvos/rvos-st_mini_synthvos', {}),
    'sta_masktrack_rcnn': (True, {}),
    'click_segmenter': ('click_segmenter/click-segmenter_lite0_stills', {}),
}


class RecordedSteps(OptimWrapper):
    """Plain descent that keeps the gradients of each step."""

    def __init__(self, model):
        super().__init__(torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05))
        self.named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        self.gradients = []

    def step(self, **kwargs):
        self.gradients.append({name: torch.zeros_like(p) if p.grad is None else p.grad.clone() for name, p in self.named})
        super().step(**kwargs)


class FirstOfEach:
    """A generator of random numbers for the simulated user: a box, and no click."""

    def random(self):
        return 0.1

    def integers(self, *_):
        return 0

    def normal(self, *shape):
        return np.zeros(shape[-1])


def without_chance(model):
    """Batch norms know the frames of their own process alone, and samplers draw: neither is to be compared."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
            module.train = lambda mode=True, module=module: module
        for part in vars(module).values():
            if isinstance(part, RandomSampler):
                part.num = 10**6
    if hasattr(model, 'user'):
        model.user.rng = FirstOfEach()
    return model


def clips_of(dataset):
    """A sample of one object, and one of several."""
    random.seed(0), np.random.seed(0), torch.manual_seed(0)  # both processes make the same ones
    found = {}
    for index in range(60):
        sample = dataset[index]
        objects = count_objects(sample['data_samples'])
        if objects:
            found.setdefault(min(objects, 2), sample)
        if len(found) == 2:
            return [found[1], found[2]]
    raise RuntimeError('no two samples with different numbers of objects')


def count_objects(truth):
    if 'gt_instances' in truth:
        return len(truth.gt_instances)
    first = truth.gt_label_maps[0]
    return len(set(first.unique().tolist()) - {0, VOID})


def video_samples(cfg):
    dataset = cfg.train_dataloader.dataset
    dataset = DATASETS.build(dataset.streams.video if 'streams' in dataset else dataset)
    with in_stages(first_stages(cfg)):
        samples = clips_of(dataset)
    if cfg.model.type == 'RSIS':
        return samples
    truth = samples[0]['data_samples'].gt_label_maps
    truth[1:, : truth.shape[1] // 3][truth[1:, : truth.shape[1] // 3] == 0] = VOID  # of one clip alone
    return samples


def click_samples():
    samples = []
    for side in (20, 60):
        mask = torch.zeros(96, 96, dtype=torch.bool)
        mask[10 : 10 + side, 20 : 20 + side] = True
        image = (torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(side)) * 255 * (1 + mask) / 2).byte()
        samples.append(dict(inputs=image, data_samples=mmvos.structures.VOSDataSample(gt_mask=mask)))
    return samples


def build(config, changes, folder):
    """A function that makes the model, two samples, and whether the config lets parameters go without a gradient."""
    if isinstance(config, bool):
        cfg = small_config(config)
        collated = training_batch(folder, ((0, 1), (1, 0)))
        samples = [dict(inputs=collated['inputs'][i], data_samples=collated['data_samples'][i]) for i in range(2)]
    else:
        cfg = Config.fromfile(f'configs/{config}.py')
        cfg.merge_from_dict(dict(model=changes))
        samples = click_samples() if 'click' in config else video_samples(cfg)

    def make():
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        init_weights_quietly(model)
        return without_chance(model).train()

    return make, samples, cfg.get('find_unused_parameters', False)


def gradients(model, wrapped, samples):
    steps = RecordedSteps(model)
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    wrapped.train_step(pseudo_collate(copy.deepcopy(samples)), steps)
    return steps.gradients


def wrap(model, find_unused_parameters):
    if isinstance(model, StepwiseTrainedModel) and not model.through_time:
        return StepwiseDistributed(model)
    return MMDistributedDataParallel(model, broadcast_buffers=False, find_unused_parameters=find_unused_parameters)


def compare(name, rank, folder):
    make, samples, unused = build(*METHODS[name], folder)
    if rank == 0:
        with by_itself():
            model = make()
            alone = gradients(model, model, samples)
    model = make()
    together = gradients(model, wrap(model, unused), samples[rank : rank + 1])
    if rank == 0:
        assert len(alone) == len(together), (len(alone), len(together))
        largest = max(float(g.abs().max()) for step in alone for g in step.values())
        apart = {
            key: float((g - step[key]).norm() / (g.norm() + 1e-4 * largest))
            for step, other in zip(together, alone, strict=True)
            for key, g in other.items()
        }
        worst = max(apart, key=apart.get)
        result = dict(name=name, steps=len(alone), parameters=len(alone[0]), largest=largest, apart=apart[worst], worst=worst)
        print(json.dumps(result), flush=True)


if __name__ == '__main__':
    torch.set_num_threads(1)
    init_default_scope('mmvos')
    dist.init_process_group('gloo')
    for method in sys.argv[2:] or METHODS:
        compare(method, dist.get_rank(), sys.argv[1])
