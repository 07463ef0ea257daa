"""COSNet: checkpoints of carrierlxk/COSNet, the pair model and the group model (they have the same keys)."""

from .base import StateDict, register_converter, rename

_BRANCH = r'(weight|bias|running_mean|running_var|num_batches_tracked)'
RULES = [
    (r'encoder\.((?:conv1|bn1|layer[1-4])\..*)', r'backbone.\1'),
    (r'encoder\.layer5\.conv\.(weight|bias)', r'neck.image_pool.conv.\1'),
    (rf'encoder\.layer5\.bn_x\.{_BRANCH}', r'neck.image_pool.bn.\1'),
    (r'encoder\.layer5\.conv2d_(\d)\.(weight|bias)', r'neck.branches.\1.conv.\2'),
    (rf'encoder\.layer5\.bn_(\d)\.{_BRANCH}', r'neck.branches.\1.bn.\2'),
    (r'encoder\.layer5\.bottleneck\.(weight|bias)', r'neck.bottleneck.conv.\1'),
    (rf'encoder\.layer5\.bn\.{_BRANCH}', r'neck.bottleneck.bn.\1'),
    (r'encoder\.layer5\.prelu\.weight', r'neck.bottleneck.activate.weight'),
    (r'encoder\.main_classifier\.(weight|bias)', r'static_head.classifier.\1'),
    (r'linear_e\.weight', r'co_attention.linear.weight'),
    (r'gate\.weight', r'co_attention.gate.weight'),
] + [
    rule
    for number, head in ((1, 'target_head'), (2, 'reference_head'))
    for rule in (
        (rf'conv{number}\.weight', rf'{head}.conv.conv.weight'),
        (rf'bn{number}\.{_BRANCH}', rf'{head}.conv.bn.\1'),
        (rf'main_classifier{number}\.(weight|bias)', rf'{head}.classifier.\1'),
    )
]


@register_converter('cosnet', parts=('backbone.', 'neck.', 'co_attention.', 'target_head.', 'reference_head.'))
def convert_cosnet(state_dict: StateDict) -> StateDict:
    """Original names (with or without a parallel wrapper's ``module.``) to those of :class:`mmvos.models.COSNet`."""
    return rename({key.removeprefix('module.'): value for key, value in state_dict.items()}, RULES)
