"""MAIN, training stage 3, the final model: short-term attention joins; its input weights are copied from the LTA's.

To go straight from stage 1, as the paper can also be read: ``load_from`` its checkpoint.
"""

_base_ = 'main_r50_ytvos2018_256x416_stage2.py'

model = dict(
    sta=dict(_delete_=True, type='ShortTermAttention', source='label', kernel=(6, 30), scale=(0.8, 1.2), shift=0.01),
    loss_mask=dict(iters=0),
)  # the network is trained already: no cross entropy first
# made by training main_r50_ytvos2018_256x416_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_r50_ytvos2018_256x416_stage2/epoch_84.pth'
