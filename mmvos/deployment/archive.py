"""The exported file: a zip archive of graphs and a description in JSON. Nothing in it is run but the graphs' arithmetic."""

import dataclasses
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmvos.structures import InputError, atomic_path, read_bytes, settings_from

#: version of the description
FORMAT = 1
#: name of the description in the archive
DESCRIPTION = 'model.json'
#: rules by which a file may say how frames are resized and padded
_RULES = dict(resize=('NativeSize', 'FixedSize', 'ShortSide', 'ShrinkToMultiple'), pad=('PadToMultiple',))
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # equal exports are equal files


@dataclass(frozen=True)
class Description:
    """What a session has to know besides the graphs.

    Args:
        format (int): :data:`FORMAT` of the writer.
        method (str): name of the method's class.
        name (str): name of the model.
        mmvos (str): version of MMVOS that wrote the file.
        frame_size (list[int]): height and width of the frames that the graphs were made for.
        input_size (list[int]): height and width that the network sees.
        test_cfg (dict): settings of the method's sessions.
        preprocessor (dict): ``mean`` and ``std``, three numbers each, and ``rgb``.
        numbers (dict): what the method needs beside its graphs.
        parts (dict): settings of its parts that have no weights.
    """

    format: int
    method: str
    name: str
    mmvos: str
    frame_size: list[int]
    input_size: list[int]
    test_cfg: dict[str, Any]
    preprocessor: dict[str, Any]
    numbers: dict[str, float]
    parts: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise InputError(f'format is {self.format}; this version of MMVOS reads format {FORMAT}. Export the model again.')
        for key in ('frame_size', 'input_size'):
            _check_numbers(key, getattr(self, key), 2, int)
        if not isinstance(self.preprocessor, dict) or sorted(self.preprocessor) != ['mean', 'rgb', 'std']:
            raise InputError(f'preprocessor is {self.preprocessor!r}; expected mean, std and rgb.')
        for key in ('mean', 'std'):
            _check_numbers(f'preprocessor.{key}', self.preprocessor[key], 3, (int, float))
        if not isinstance(self.numbers, dict):
            raise InputError(f'numbers is {self.numbers!r}; expected names and numbers.')
        _check_numbers('numbers', list(self.numbers.values()), len(self.numbers), (int, float))
        for key in ('test_cfg', 'parts'):
            if not isinstance(getattr(self, key), dict):
                raise InputError(f'{key} is {getattr(self, key)!r}; expected settings.')
        for key, known in _RULES.items():
            rule = self.test_cfg.get(key)
            if rule is not None and (not isinstance(rule, dict) or rule.get('type') not in known):
                raise InputError(f'test_cfg.{key} is {rule!r}; expected one of {", ".join(known)}.')
        if self.test_cfg.get('post_process'):
            raise InputError('test_cfg.post_process: an exported model has no post-processor.')


def _check_numbers(key: str, values: Any, count: int, kind: Any) -> None:
    good = isinstance(values, list) and len(values) == count
    if not good or not all(isinstance(v, kind) and not isinstance(v, bool) for v in values):
        raise InputError(f'{key} is {values!r}; expected {count} numbers.')


def write_archive(path: str | os.PathLike, description: Description, graphs: Mapping[str, bytes]) -> None:
    """Write an exported file.

    Args:
        path (str | os.PathLike): its name.
        description (Description): its description.
        graphs (Mapping[str, bytes]): ``{name with suffix: contents}``.
    """
    text = json.dumps(dataclasses.asdict(description), indent=2).encode()
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, 'w', zipfile.ZIP_STORED) as out:
        for name, data in {DESCRIPTION: text, **graphs}.items():
            out.writestr(zipfile.ZipInfo(name, _FIXED_DATE), data)


def is_exported(source: Any) -> bool:
    """Whether something is the path of an exported file."""
    if not isinstance(source, (str, os.PathLike)) or not os.path.isfile(source):
        return False
    try:
        with zipfile.ZipFile(source) as archive:
            return DESCRIPTION in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def read_archive(path: str | os.PathLike) -> tuple[Description, dict[str, bytes]]:
    """The description and the ONNX graphs, ``{name: contents}``, of an exported file.

    Raises:
        InputError: no file of this kind, a damaged one, or one that says what it must not.
    """
    name, data = os.fspath(path), read_bytes(path, 'an exported model')
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if member.compress_type != zipfile.ZIP_STORED:
                    raise InputError(f'{member.filename} is compressed; expected a file that `mmvos export` wrote.')
            values = json.loads(archive.read(DESCRIPTION))
            members = {member: archive.read(member) for member in archive.namelist() if member != DESCRIPTION}
        graphs = {member.removesuffix('.onnx'): data for member, data in members.items() if member.endswith('.onnx')}
        if not graphs:
            raise InputError('holds no ONNX graph. MMVOS runs ONNX alone; export with --format onnx.')
        return settings_from(Description, values, DESCRIPTION), graphs
    except InputError as error:
        raise InputError(f'{name}: {error}') from error
    except (zipfile.BadZipFile, KeyError, ValueError, RuntimeError) as error:  # of zipfile and json
        raise InputError(f'{name}: not a file that `mmvos export` wrote, or a damaged one ({error}).') from error
