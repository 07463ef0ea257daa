"""Segmenting a live source."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmvos.inference import VOSSession
from mmvos.structures import InputError, write_label_map
from mmvos.videos.live import LiveFrame, LiveFrames
from mmvos.visualization import VideoWriter, draw_result
from mmvos.visualization.drawing import names_shown

#: a picture stands still in the overlay for this many frames of the source at the most
_LONGEST_STILL = 250


@dataclass
class LiveReport:
    """What came of a live source.

    Args:
        segmented (int): frames that were segmented.
        dropped (int): frames that came while the model was busy, and were left out.
        seconds (float): from the first frame to the last.
        source_fps (float): frames per second of the source.
        lags (list[float]): seconds from reading a frame to its result.
    """

    segmented: int = 0
    dropped: int = 0
    seconds: float = 0.0
    source_fps: float = 0.0
    lags: list[float] = field(default_factory=list, repr=False)

    @property
    def lag(self) -> float:
        """Median of the lags in seconds."""
        return float(np.median(self.lags)) if self.lags else 0.0

    def __str__(self) -> str:
        fps = self.segmented / self.seconds if self.seconds > 0 else 0.0
        return (
            f'{self.segmented} frames segmented ({fps:.1f} frames/s), {self.dropped} dropped (the source gives '
            f'{self.source_fps:.1f} frames/s); a result is {self.lag:.2f} s behind its frame'
        )


def segment_live(
    session: VOSSession,
    frames: LiveFrames,
    out_dir: Path,
    point: Callable[[np.ndarray], np.ndarray | None],
    overlay: str = 'overlay.mp4',
    seconds: float = float('inf'),
    progress: Callable[[LiveReport], object] | None = None,
    names: Mapping[int, str] | None = None,
) -> LiveReport:
    """Segment the newest frame of a live source again and again, until it ends, time is up or Ctrl-C.

    ``masks/<frame>.png`` is written for each segmented frame, named by its number in the source, and an overlay at the
    source's pace: a picture stays while frames are dropped.

    Args:
        session (VOSSession): of a causal model.
        frames (LiveFrames): the source.
        out_dir (Path): made if needed.
        point (Callable): gives the label map uint8 ``(H, W)`` of the first frame. The source goes on meanwhile; what is
            segmented next is the newest frame then.
        overlay (str): file name of the overlay video; empty: none.
        seconds (float): end after this time.
        progress (Callable | None): is given the report after each frame.
        names (Mapping[int, str] | None): names of objects by id, for the overlay.

    Raises:
        InputError: the source gave no frame, or broke off; what was segmented by then is kept.
    """
    report, begin, shown = LiveReport(), time.perf_counter(), -1
    out_dir.mkdir(parents=True, exist_ok=True)
    writer: VideoWriter | None = None

    def show(frame: LiveFrame, picture: np.ndarray) -> None:
        nonlocal writer, shown
        if writer is None:
            writer = VideoWriter(out_dir / overlay, fps=frames.fps or 25.0)
        for _ in range(min(frame.index - shown, _LONGEST_STILL)):
            writer.write(picture)
        shown = frame.index

    try:
        for frame in frames:
            prompt = point(frame.pixels) if report.segmented == 0 else None
            result = session.step(frame.pixels, prompt)
            write_label_map(out_dir / 'masks' / f'{frame.index:06d}.png', result.pred_label_map)
            if overlay and report.segmented:  # the rate of the source is known from the second frame on
                show(frame, draw_result(frame.pixels, result, names=names_shown(names, result.object_ids)))
            now = time.perf_counter()
            if report.segmented:  # the first one waited for the person who pointed
                report.lags.append(now - frame.time)
            report.segmented += 1
            report.dropped, report.source_fps, report.seconds = frames.dropped, frames.fps, now - begin
            if progress is not None:
                progress(report)
            if report.seconds > seconds:
                break
    except KeyboardInterrupt:  # how a person ends it
        pass
    finally:
        frames.close()
        if writer is not None:
            writer.close()
    if not report.segmented:
        raise InputError(f'{frames.name}: ended before its first frame was segmented.')
    return report
