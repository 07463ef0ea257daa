# Re-MP without region attention, for test-dev.
_base_ = '../dyenet_r101_davis2017-trainval.py'
model = dict(re_mp_head=dict(attention=None))
