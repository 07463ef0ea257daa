"""Table 3: no attention, RGB. Slots mean nothing here, so they are not shuffled."""
_base_ = ['../main_r50_stage3_ytvos2018_256x416.py', 'train66.py']

model = dict(lta=None, sta=None, flow_input=None, instance_shuffle=False)
