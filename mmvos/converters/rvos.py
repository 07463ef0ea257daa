"""imatge-upc/rvos: ``encoder.pt`` and ``decoder.pt``."""

from mmvos.structures import InputError

from .base import StateDict, register_converter, rename

#: leftovers of the original: its classifier, and a stop head that RVOS does not use
DROP = (r'encoder\.base\.fc\..*', r'decoder\.fc_stop\..*')


def recurrent_decoder_rules(skips: tuple[int, ...]) -> list[tuple[str, str]]:
    """Rules for the encoder, its skips (numbers of the original, finest first) and the decoder's cells."""
    rules = [(r'encoder\.base\.(conv1|bn1|layer\d)\.(.*)', r'backbone.\1.\2')]
    for index, number in enumerate(skips):
        rules += [
            (rf'encoder\.sk{number}\.(weight|bias)', rf'neck.skips.{index}.conv.\1'),
            (rf'encoder\.bn{number}\.(.*)', rf'neck.skips.{index}.bn.\1'),
        ]
    rules += [
        (r'decoder\.clstm_list\.(\d)\.Gates\.(weight|bias)', r'decoder.cells.\1.gates.\2'),
        (r'decoder\.conv_out\.(weight|bias)', r'decoder.conv_out.\1'),
    ]
    return rules


def join_parts(checkpoint: dict) -> StateDict:
    """One state dict with ``encoder.`` and ``decoder.`` keys.

    Args:
        checkpoint (dict): such a dict, or ``{'encoder': state dict of encoder.pt, 'decoder': state dict of decoder.pt}``.

    Raises:
        InputError: one of the two parts is missing.
    """
    if isinstance(checkpoint.get('encoder'), dict):
        checkpoint = {
            f'{part}.{k.removeprefix("module.")}': v
            for part in ('encoder', 'decoder')
            for k, v in (checkpoint.get(part) or {}).items()
        }
    checkpoint = {k.removeprefix('module.'): v for k, v in checkpoint.items()}
    for part in ('encoder', 'decoder'):
        if not any(k.startswith(f'{part}.') for k in checkpoint):
            raise InputError(
                f'the weights of {part}.pt are missing. Expected one file with both parts: '
                "{'encoder': weights of encoder.pt, 'decoder': weights of decoder.pt}."
            )
    return checkpoint


@register_converter('rvos', parts=('backbone.', 'neck.', 'decoder.'))
def convert_rvos(checkpoint: dict) -> StateDict:
    """Zero-shot or one-shot (which has one more input channel in every gate convolution)."""
    return rename(join_parts(checkpoint), recurrent_decoder_rules((2, 3, 4, 5)), DROP)
