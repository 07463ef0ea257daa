"""A-GAME: names of joakimjohnander/agame-vos."""

from .base import StateDict, register_converter, rename

_WB = r'(weight|bias)'


@register_converter('agame', parts=('backbone.', 'fusion.', 'upsampler.'))
def agame(state_dict: StateDict) -> StateDict:
    """The original's ``net`` to :class:`~mmvos.models.segmentors.agame.AGAME`.

    The ImageNet classifier is dropped. ``cov_reg`` loses its dimensions of size 1. Of a checkpoint without hard
    components (its fusion layer takes 514 channels) only the two rows of ``cov_reg`` that it uses are kept.
    """
    state_dict = {key.removeprefix('trackseg.'): value for key, value in state_dict.items()}
    converted = rename(
        state_dict,
        [
            (r'backbone\.(.+)', r'backbone.\1'),
            (r'appmod\.(cov_reg|conv_in\..+)', r'cues.appearance.\1'),
            (rf'dynmod\.layers\.layer00\.conv\.{_WB}', r'cues.mask_propagation.reduce.\1'),
            (rf'dynmod\.layers\.layer01\.conv(\d)\.{_WB}', r'cues.mask_propagation.branches.\1.\2'),
            (rf'dynmod\.layers\.layer02\.conv\.{_WB}', r'cues.mask_propagation.merge.\1'),
            (rf'fusmod\.layers\.layer00\.conv\.{_WB}', r'fusion.conv1.\1'),
            (rf'fusmod\.layers\.layer01\.conv\.{_WB}', r'fusion.conv2.\1'),
            (rf'fusmod\.predictor\.layer00\.conv\.{_WB}', r'fusion.predictor.\1'),
            (rf'segmod\.project_s8\.conv\.{_WB}', r'upsampler.projections.0.\1'),
            (rf'segmod\.blend_s8\.conv\.{_WB}', r'upsampler.blends.0.\1'),
            (rf'segmod\.project_s4\.conv\.{_WB}', r'upsampler.projections.1.\1'),
            (rf'segmod\.blend_s4\.conv\.{_WB}', r'upsampler.blends.1.\1'),
            (rf'segmod\.predictor\.conv\.{_WB}', r'upsampler.predictor.\1'),
        ],
        drop=[r'backbone\.fc\..+'],
    )
    cov_reg = converted.get('cues.appearance.cov_reg')
    if cov_reg is not None:
        cov_reg = cov_reg.flatten(1)
        unimodal = 'fusion.conv1.weight' in converted and converted['fusion.conv1.weight'].shape[1] in (2, 514)
        converted['cues.appearance.cov_reg'] = cov_reg[:2] if unimodal else cov_reg
    return converted
