# The shipped weights, fine-tuned on each video before it is segmented.
_base_ = './matchvos_lite0_test-davis2016.py'

test_cfg = dict(online_training=_base_.online_training)
