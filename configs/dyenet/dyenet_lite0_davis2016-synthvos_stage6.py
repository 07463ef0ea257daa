# Stage 6: proposals and Re-ID anew, on the features of stage 5, as in stage 2.
_base_ = './dyenet_lite0_synthvos_stage2.py'
# made by training dyenet_lite0_davis2016-synthvos_stage5.py; another run's: --cfg-options load_from=PATH
load_from = 'work_dirs/dyenet_lite0_davis2016-synthvos_stage5/iter_900.pth'
