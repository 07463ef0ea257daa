# Re-MP without region attention.
_base_ = '../dyenet_r101_davis2017.py'
model = dict(re_mp_head=dict(attention=None))
