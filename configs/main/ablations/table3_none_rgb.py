"""Table 3: no attention, RGB. Slots mean nothing here, so they are not shuffled."""

_base_ = 'stage3_train66.py'

model = dict(lta=None, sta=None, flow_input=None, instance_shuffle=False)
