"""Stage 3 of all ablations, see stage1_train66.py: the full model of every table."""

_base_ = 'stage2_train66.py'

model = dict(
    sta=dict(_delete_=True, type='ShortTermAttention', source='label', kernel=(6, 30), scale=(0.8, 1.2), shift=0.01),
    loss_mask=dict(iters=0),
)
load_from = 'work_dirs/stage2_train66/epoch_84.pth'
