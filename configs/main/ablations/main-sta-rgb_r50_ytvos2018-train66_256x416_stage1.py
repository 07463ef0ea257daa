"""Table 3: short-term attention, RGB.

There is no other attention, and without any slots mean nothing: the short-term one is there from this stage on.
"""

_base_ = 'main_r50_ytvos2018-train66_256x416_stage1.py'

model = dict(
    sta=dict(_delete_=True, type='ShortTermAttention', source='label', kernel=(6, 30), scale=(0.8, 1.2), shift=0.01),
    lta=None,
    flow_input=None,
)
