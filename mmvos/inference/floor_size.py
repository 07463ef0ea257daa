"""The resize rule of AGSS-VOS."""

from mmvos.registry import TASK_UTILS


@TASK_UTILS.register_module()
class FloorToMultiple:
    """Reduce both sides to multiples of ``divisor``, without padding; the aspect ratio changes slightly.

    854x480 becomes 832x448; with ``half``, 1280x720 becomes 640x320. Source: the published code of AGSS-VOS.

    Args:
        divisor: of both sides (at least one ``divisor`` is kept).
        half: first halve frames whose longer side exceeds ``half_above``.
        half_above: see ``half``.
        max_area: larger results become three quarters of the frame, in multiples of 8; what is still larger becomes
            640x320 (320x640 for a portrait).
    """

    def __init__(self, divisor: int = 64, half: bool = False, half_above: int = 700, max_area: int = 1280 * 720) -> None:
        self.divisor, self.half, self.half_above, self.max_area = divisor, half, half_above, max_area

    def __call__(self, height: int, width: int) -> tuple[int, int]:
        reduction = 2 if self.half and max(height, width) > self.half_above else 1
        size = [side // reduction // self.divisor * self.divisor for side in (height, width)]
        if size[0] * size[1] > self.max_area:
            size = [side // 4 * 3 // 8 * 8 for side in (height, width)]
        if size[0] * size[1] > self.max_area:
            size = [320, 640] if width >= height else [640, 320]
        return max(size[0], self.divisor), max(size[1], self.divisor)
