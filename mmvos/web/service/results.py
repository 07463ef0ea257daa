"""The results of a job as files to be fetched."""

import zipfile
from pathlib import Path

from mmvos.batch.destination import MARK

ALL = 'all.zip'


def result_names(folder: Path) -> list[str]:
    """Names of what can be fetched from a folder of results: its files, its folders as zip files, and all in one.

    Args:
        folder (Path): results of a job; may be missing.
    """
    if not (folder / MARK).is_file():
        return []
    names = [f'{path.name}.zip' if path.is_dir() else path.name for path in folder.iterdir() if path.name != MARK]
    return sorted([*names, ALL])


def pack(folder: Path, name: str, target: Path) -> None:
    """Write one of the zip files of :func:`result_names`.

    Args:
        folder (Path): results of a job.
        name (str): name of the zip file.
        target (Path): where it is written.
    """
    root = folder if name == ALL else folder / name.removesuffix('.zip')
    with zipfile.ZipFile(target, 'w', zipfile.ZIP_STORED) as out:  # its contents are compressed already
        for path in sorted(path for path in root.rglob('*') if path.is_file()):
            out.write(path, path.relative_to(root))
