"""MAIN made small."""

import torch

from mmvos.registry import MODELS

FLOW = dict(type='DISFlow', preset='ultrafast')


def small_config(num_slots=3, **kwargs):
    config = dict(
        type='MAIN',
        num_slots=num_slots,
        backbone=dict(type='CueResNet', depth=18, stem_channels=8, base_channels=8, zero_init_residual=False),
        neck=dict(type='SeparablePyramid', in_channels=(8, 8, 16, 32, 64), channels=8),
        head=dict(type='InstanceMapHead', in_channels=8),
        loss_mask=[dict(type='WIDLoss'), dict(type='InstanceBCELoss')],
        flow_estimator=FLOW,
        flow_input=dict(type='UnitFlow'),
        lta=dict(type='LongTermAttention'),
        sta=dict(type='ShortTermAttention', kernel=(2, 5)),
        tracker=dict(type='FlowColourTracker', flow=FLOW),
    )
    return dict(config, **kwargs)


def build(seed=0, **kwargs):
    torch.manual_seed(seed)
    model = MODELS.build(small_config(**kwargs))
    torch.nn.init.normal_(model.head.conv.weight)
    return model.eval()
