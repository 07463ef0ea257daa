"""Published weights of RGMP."""

from .base import StateDict, register_converter, rename

_LEAF = r'(weight|bias)'


def encoder_rules() -> list[tuple[str, str]]:
    """Siamese encoder: a ResNet with a second stem convolution for the mask."""
    stages = [(rf'(?:module\.)?Encoder\.res{s}\.(.+)', rf'encoder.layer{s - 1}.\1') for s in (2, 3, 4, 5)]
    return [(r'(?:module\.)?Encoder\.((?:conv1|conv1_p|bn1)\.\w+)', r'encoder.\1'), *stages]


def decoder_rules() -> list[tuple[str, str]]:
    """Global convolution, refinements and predictions."""
    prefix = r'(?:module\.)?Decoder\.'
    rules = [
        (rf'{prefix}GC\.conv_{side}{i}\.{_LEAF}', rf'decoder.global_conv.{name}.{i - 1}.\1')
        for side, name in (('l', 'left'), ('r', 'right'))
        for i in (1, 2)
    ]
    rules += [
        (rf'{prefix}convG([12])\.{_LEAF}', r'decoder.refine5.conv\1.\2'),
        (rf'{prefix}RF([234])\.convFS1\.{_LEAF}', r'decoder.refine\1.project.\2'),
    ]
    for name, ours, offset in (('FS', 'refine_skip', 1), ('MM', 'refine_merged', 0)):
        rules += [
            (rf'{prefix}RF([234])\.conv{name}{i + offset}\.{_LEAF}', rf'decoder.refine\1.{ours}.conv{i}.\2') for i in (1, 2)
        ]
    return [*rules, (rf'{prefix}pred([2345])\.{_LEAF}', r'decoder.predict\1.\2')]


@register_converter('rgmp', parts=('encoder.', 'decoder.'))
def convert_rgmp(state_dict: StateDict) -> StateDict:
    """For ``RGMP``. The encoder's own ``mean`` and ``std`` are the data preprocessor's."""
    return rename(state_dict, encoder_rules() + decoder_rules(), drop=[r'(?:module\.)?Encoder\.(mean|std)'])
