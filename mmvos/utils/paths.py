"""Where the configs are: in a source tree beside the package, in an installed wheel under ``mmvos/.mim``; names that come
from files kept inside a folder."""

import os
from pathlib import Path

from mmvos.structures import InputError


def configs_root() -> Path:
    """The folder that holds ``configs/``: the repository, or ``mmvos/.mim`` of an installed package.

    Raises:
        FileNotFoundError: there are no configs next to the package or in it.
    """
    package = Path(__file__).resolve().parents[1]
    for root in (package.parent, package / '.mim'):
        if (root / 'configs' / '_base_').is_dir():
            return root
    raise FileNotFoundError('the configs folder was not found beside or inside the mmvos package; reinstall MMVOS.')


def path_inside(folder: str | os.PathLike, *names: str) -> Path:
    """A path in a folder, of names that come from a file.

    Args:
        folder (str | PathLike): the folder.
        names (str): names of folders and files in it; each may have further folders in front.

    Raises:
        InputError: the names lead out of the folder (``../x``, ``/x``).
    """
    path = Path(folder, *names)
    base = os.path.abspath(folder)
    if os.path.commonpath([base, os.path.abspath(path)]) != base or any('\0' in name for name in names):
        raise InputError(f'{"/".join(names)!r} leads out of the folder {os.fspath(folder)}.')
    return path
