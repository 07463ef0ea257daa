# A frozen EfficientNet-Lite0. A model says which of its stages it reads (`out_indices`; strides 2, 4, 8, 16, 16, 32, 32 of the
# stages 1 to 7). Configs that put it in the place of a paper's backbone spell it out: they have that paper's base, and mmengine
# allows no key in two bases.
_base_ = './lite0_pixels.py'
model = dict(backbone=dict(type='EfficientNetLite', arch='lite0', frozen_stages=7, norm_eval=True, pretrained=True))
