# Test the published weights as the published code does: FlowNet2-C on BGR frames, its warp.
_base_ = './agss-vos_r50_davis2017_832x448.py'
model = dict(flow=dict(_delete_=True, type='FlowNet2', variant='C'), flow_bgr=True, warp_grid='legacy')
