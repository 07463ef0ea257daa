"""Stage 3 of all ablations, see main_r50_ytvos2018-train66_256x416_stage1.py: the full model of every table."""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage2.py'

model = dict(
    sta=dict(_delete_=True, type='ShortTermAttention', source='label', kernel=(6, 30), scale=(0.8, 1.2), shift=0.01),
    loss_mask=dict(iters=0),
)
# made by training main_r50_ytvos2018-train66_256x416_stage2.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/main_r50_ytvos2018-train66_256x416_stage2/epoch_84.pth'
