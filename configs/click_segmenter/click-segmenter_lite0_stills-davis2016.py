# Second stage of training: frames of DAVIS 2016 train beside the photographs, close-ups, and masks to correct that are partly
# wrong. Six sequences are kept for choosing settings, as for the video models.
_base_ = './click-segmenter_lite0_stills.py'

# made by training click-segmenter_lite0_stills.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/click-segmenter_lite0_stills/iter_3000.pth'
held_out = ['dance-jump', 'dog-agility', 'flamingo', 'kite-walk', 'motocross-bumps', 'scooter-gray']
model = dict(user=dict(given_share=0.25))
train_dataloader = dict(
    dataset=dict(videos=dict(root='data/DAVIS2016', exclude=held_out, step=1), closeups=0.5, repeats=1, seed=1)
)
max_iters = 1500
train_cfg = dict(max_iters=max_iters)
optim_wrapper = dict(optimizer=dict(lr=6e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, begin=0, end=40),
    dict(type='CosineAnnealingLR', T_max=max_iters, eta_min=6e-6, by_epoch=False),
]
