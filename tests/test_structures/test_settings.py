from dataclasses import dataclass, field

import pytest

from mmvos.structures import InputError, settings_from


@dataclass(frozen=True)
class Inner:
    rounds: int = 3


@dataclass(frozen=True)
class Outer:
    overlay_prompt: bool = True
    scale: float = 1.0
    upsample: str | None = None
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        if self.scale <= 0:
            raise InputError(f'scale is {self.scale}; expected more than 0.')


def test_defaults_and_given_values():
    assert settings_from(Outer, None, 'x') == Outer()
    assert settings_from(Outer, dict(scale=2, inner=dict(rounds=5)), 'x') == Outer(scale=2, inner=Inner(5))
    assert settings_from(Outer, Outer(scale=3.0), 'x').scale == 3.0


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        (dict(overlay_promt=False), "Model.test_cfg: unknown setting 'overlay_promt'; did you mean 'overlay_prompt'?"),
        (dict(zzz=1), "Model.test_cfg: unknown setting 'zzz'; known are inner, overlay_prompt, scale, upsample."),
        (dict(inner=dict(round=1)), "Model.test_cfg.inner: unknown setting 'round'; did you mean 'rounds'?"),
        (dict(overlay_prompt='no'), "Model.test_cfg.overlay_prompt: expected bool, got 'no'."),
        (dict(scale=True), 'Model.test_cfg.scale: expected float, got True.'),
        (dict(upsample=3), 'Model.test_cfg.upsample: expected str or None, got 3.'),
        (dict(scale=0), 'Model.test_cfg: scale is 0; expected more than 0.'),
        ([1], 'Model.test_cfg: expected a mapping of settings, got [1].'),
    ],
)
def test_what_does_not_fit_is_one_line_that_names_the_place(values, message):
    with pytest.raises(InputError) as caught:
        settings_from(Outer, values, 'Model.test_cfg')
    assert str(caught.value) == message
