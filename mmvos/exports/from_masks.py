"""Exports of masks that lie in a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from mmvos.structures import InputError, read_label_map
from mmvos.videos import Video

from .base import EXPORTS, ExportInfo, make_export


def check_exports(names: Sequence[str]) -> None:
    """Raise :class:`InputError` for a format that is not known (option ``--export``)."""
    unknown = [name for name in names if name not in EXPORTS]
    if unknown:
        raise InputError(f'--export {unknown[0]}: not known; expected one of {", ".join(sorted(EXPORTS))}.')


def export_masks(
    formats: Sequence[str], video: Video, out_dir: Path, names: Mapping[int, str] | None = None, progress: bool = False
) -> None:
    """Write further forms of the masks of a video, ``out_dir/masks/<frame>.png``, beside them.

    Args:
        formats (Sequence[str]): see :data:`EXPORTS`.
        video (Video): the video.
        out_dir (Path): gets ``<format>.<suffix>``, or a folder ``<format>``.
        names (Mapping[int, str] | None): names of objects by id.
        progress (bool): draw a progress bar.
    """
    for name in formats:
        cls = EXPORTS[name]
        info = ExportInfo(video.video_id, video.read(0).shape[:2], len(video), video.fps, names or {})
        target = out_dir / name if cls.is_folder else out_dir / f'{name}{cls.suffix}'
        with make_export(name, target, info) as export:
            for index, frame in tqdm(video, total=len(video), unit='frame', desc=name, disable=not progress):
                stem = video.frame_names[index]
                export.write(index, stem, frame, read_label_map(out_dir / 'masks' / f'{stem}.png'))
