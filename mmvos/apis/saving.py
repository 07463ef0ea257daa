"""What the inferencers need to save their results."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from mmvos.utils.paths import path_inside
from mmvos.videos import Video
from mmvos.visualization import VideoWriter


@contextmanager
def overlay_writers(out_dir: Path, overlay: str, video: Video) -> Iterator[list[VideoWriter]]:
    """The writer of a video's overlay, or none; after an error nothing is left of the file.

    Args:
        out_dir (Path): folder of the file.
        overlay (str): file name; empty: no writer.
        video (Video): what is drawn on; gives the frame rate.
    """
    if not overlay:
        yield []
        return
    with VideoWriter(path_inside(out_dir, overlay), fps=video.fps) as writer:
        yield [writer]


def progress_bar(video: Video, shown: bool) -> tqdm:
    """A bar that counts the frames of a video."""
    return tqdm(total=len(video), unit='frame', disable=not shown)
