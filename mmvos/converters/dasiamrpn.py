"""DaSiamRPN: ``SiamRPNBIG.model``, ``SiamRPNVOT.model``, ``SiamRPNOTB.model`` of the public release."""

from .base import StateDict, register_converter, rename

RULES = [
    (r'featureExtract\.(\d+\..+)', r'trunk.\1'),
    (r'conv_r1\.(.+)', r'template_regression.\1'),
    (r'conv_r2\.(.+)', r'search_regression.\1'),
    (r'conv_cls1\.(.+)', r'template_classification.\1'),
    (r'conv_cls2\.(.+)', r'search_classification.\1'),
    (r'regress_adjust\.(.+)', r'regression_adjust.\1'),
]


@register_converter('dasiamrpn', parts=('trunk.', 'template_regression.', 'template_classification.'))
def convert_dasiamrpn(state_dict: StateDict) -> StateDict:
    """Names of :class:`mmvos.models.SiamRPN`; weights are unchanged."""
    return rename(state_dict, RULES)
