# FlowNet 2.0; the official checkpoint, converted with
#   python tools/model_converters/convert_checkpoint.py flownet2 OFFICIAL checkpoints/flownet2_cs.pth
flow = dict(type='FlowNet2', variant='CS', init_cfg=dict(type='Pretrained', checkpoint='checkpoints/flownet2_cs.pth'))
