# As the released code has it: predictions of five random references are averaged (the target may be among them), and
# training uses its loss and its effective learning rates. For the released weights, converted by
#   python tools/model_converters/convert_checkpoint.py cosnet co_attention_davis_43.pth co_attention_davis.pth
_base_ = ['./cosnet_r101_davis2016-saliency.py']

model = dict(
    losses=[dict(type='ForegroundBCELoss', form='code'), dict(type='MaskL1Loss', loss_weight=0.8)],
    combine='prediction',
    test_cfg=dict(references=dict(type='RandomReferences', num=5, include_target=True)),
)
# the original lists nested parameters several times in its optimiser, which updates them as often in a step
frozen = dict(lr_mult=0.0, decay_mult=0.0)  # the affine parameters of the projection shortcuts stay as they are
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'backbone.layer': dict(lr_mult=3.0),
            'neck': dict(lr_mult=2.0),
            'backbone.layer1.0.downsample.1': frozen,
            'backbone.layer2.0.downsample.1': frozen,
            'backbone.layer3.0.downsample.1': frozen,
            'backbone.layer4.0.downsample.1': frozen,
        }
    )
)
