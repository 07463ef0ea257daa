"""The session's settings in a model's ``test_cfg``. A method's own settings extend these classes."""

from dataclasses import dataclass
from typing import Any, Literal

from mmvos.registry import TASK_UTILS
from mmvos.structures import InputError


@dataclass(frozen=True)
class SessionSettings:
    """Settings of a :class:`VOSSession`.

    Args:
        resize (dict | None): config of the rule that gives the size that the network sees (None: the frame's own).
        pad (dict | None): config of the padding rule (None: no padding).
        interpolation (str): how frames are resized: ``'bilinear'``, ``'area'`` (averages when it reduces), or
            ``'antialias'`` (Pillow's bilinear, whose filter widens when it reduces).
        upsample (str): ``'scores'``: scores are resized bilinearly to the frame's size, then the highest one wins;
            ``'labels'``: the highest score at the network's size wins, then labels are resized by nearest neighbour.
        overlay_prompt (bool): in the frame of a prompt, the objects that it introduces are exactly what it shows. False:
            they are what the model makes of them, where it predicts them in that frame.
        post_process (dict | None): config of a part called as ``post(probabilities (N + 1, H, W), frame)`` that returns
            better probabilities of the same shape, such as ``DenseCRF``.
        keep_scores (bool): results carry ``pred_scores``.
        amp (bool): run the network in mixed precision: float16 on a GPU, bfloat16 on a CPU.
        check_memory (bool): refuse a video for which an offline model will need more memory than is free.
    """

    resize: dict[str, Any] | None = None
    pad: dict[str, Any] | None = None
    interpolation: Literal['bilinear', 'area', 'antialias'] = 'bilinear'
    upsample: Literal['scores', 'labels'] = 'scores'
    overlay_prompt: bool = True
    post_process: dict[str, Any] | None = None
    keep_scores: bool = False
    amp: bool = False
    check_memory: bool = True

    def __post_init__(self) -> None:
        check_rules(resize=self.resize, pad=self.pad)
        if self.post_process and self.upsample == 'labels':
            raise InputError("post_process needs upsample='scores'; with 'labels' there are no scores to improve.")


@dataclass(frozen=True)
class VISSessionSettings:
    """Settings of a :class:`VISSession`; the model's preprocessor pads.

    Attributes:
        resize (dict | None): config of the resize rule; None: native size.
        interpolation (str): how frames are resized, see :class:`FrameGeometry`.
        amp (bool): mixed precision.
    """

    resize: dict[str, Any] | None = None
    interpolation: Literal['bilinear', 'area', 'antialias'] = 'bilinear'
    amp: bool = False

    def __post_init__(self) -> None:
        check_rules(resize=self.resize)


def check_rules(**rules: dict[str, Any] | None) -> None:
    """Build rules of sizes once, so that a wrong one is refused where a model is built, and not at its first frame.

    Args:
        rules (dict | None): configs of rules by the names of their settings.

    Raises:
        InputError: an unknown rule, or a setting that does not fit it.
    """
    for name, rule in rules.items():
        try:
            if rule is not None:
                TASK_UTILS.build(rule)
        except InputError as error:
            raise InputError(f'{name}: {error}') from error
        except (KeyError, TypeError) as error:
            cause = str(error.args[0]).splitlines()[0].split('. Please')[0]
            raise InputError(f'{name}={dict(rule or {})}: {cause}.') from error
