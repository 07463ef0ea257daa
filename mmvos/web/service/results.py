"""The results of a job as files to be fetched."""

from pathlib import Path

from mmvos.batch.destination import MARK

from ..archive import pack_folder

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
    pack_folder(root, target)
