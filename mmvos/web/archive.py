"""A project in one of the export formats, as a zip file."""

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from mmvos.exports import EXPORTS, make_export
from mmvos.exports.base import ExportInfo
from mmvos.interaction import Project
from mmvos.structures import InputError


def pack_folder(root: Path, target: Path, move: bool = False) -> None:
    """Write all files below a folder to a zip file; they are compressed already.

    Args:
        root (Path): the folder.
        target (Path): the zip file.
        move (bool): remove each file when it is packed, so that the disk holds it once.
    """
    with zipfile.ZipFile(target, 'w', zipfile.ZIP_STORED) as out:
        for path in sorted(path for path in root.rglob('*') if path.is_file()):
            out.write(path, path.relative_to(root))
            if move:
                path.unlink()


class ExportArchive:
    """The files of an export in a folder of their own, until :meth:`close`.

    Args:
        project (Project): what is exported.
        name (str): one of :data:`~mmvos.exports.EXPORTS`.

    Raises:
        InputError: a format that is not known.
    """

    def __init__(self, project: Project, name: str) -> None:
        if name not in EXPORTS:
            raise InputError(f'export format {name!r} is not known; expected one of {", ".join(sorted(EXPORTS))}.')
        self.project, self.name = project, name
        self._folder = tempfile.TemporaryDirectory(prefix='mmvos-', ignore_cleanup_errors=True)
        #: the zip file
        self.path = Path(self._folder.name) / 'export.zip'

    def write(self) -> Iterator[int]:
        """Write the export frame by frame and pack it; gives the index of each frame that is written."""
        project, cls = self.project, EXPORTS[self.name]
        files = Path(self._folder.name) / 'files'
        files.mkdir()
        objects = project.objects.values()
        info = ExportInfo(
            project.name,
            project.size,
            len(project.video),
            project.video.fps,
            {o.id: o.name for o in objects},
            {o.id: o.colour for o in objects},
        )
        target = files / self.name if cls.is_folder else files / f'{info.file_stem}{cls.suffix}'
        waiting = -1
        with make_export(self.name, target, info) as export:
            for index, frame_name, frame, label_map in project.results():
                if waiting >= 0:
                    yield waiting
                export.write(index, frame_name, frame, label_map)
                waiting = index
        pack_folder(files, self.path, move=True)
        yield waiting  # the last frame counts as done when the archive is

    def close(self) -> None:
        """Remove the files."""
        self._folder.cleanup()
