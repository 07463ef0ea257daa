"""With the box head of the paper's later version (weight alpha is not published)."""

_base_ = 'rsis_r101_voc2012_256x256.py'

model = dict(head=dict(with_box=True), criterion=dict(box_weight=1.0))
