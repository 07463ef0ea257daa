"""Make a folder for a method of your own: module, config, test and README, which train, test and segment at once.

examples:
  mmvos new two_stream_vos                    the folder two_stream_vos, here
  mmvos new two_stream_vos --out-dir projects   the folder projects/two_stream_vos
"""

import argparse
import keyword
import re
from pathlib import Path

#: a working project, whose names are replaced
TEMPLATE = Path(__file__).parent / 'template' / 'my_method'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('name', help='name of the method as a Python module, e.g. two_stream_vos')
    parser.add_argument('--out-dir', default='.', metavar='DIR', help='where the folder of the method goes (default: here)')


def run(args: argparse.Namespace) -> None:
    folder = new_project(args.name, args.out_dir)
    print(
        f'{folder} is ready. Next:\n'
        f'  cd {folder}\n'
        '  python -m pytest\n'
        f'  mmvos train configs/{args.name.replace("_", "-")}_mini_synthvos.py\n'
        f'The method is in {args.name}/{args.name}.py, and README.md says what else is there.'
    )


def new_project(name: str, out_dir: str | Path = '.') -> Path:
    """Make the folder of a new method.

    Args:
        name (str): name of the method as a Python module, e.g. ``two_stream_vos``; its class is ``TwoStreamVos``.
        out_dir (str | Path): where the folder goes.

    Returns:
        Path: the folder.

    Raises:
        InputError: a name that is none, or is in use; a folder of this name that exists.
    """
    from mmvos.structures import InputError, atomic_path

    if not re.fullmatch(r'[a-z][a-z0-9]*(_[a-z0-9]+)*', name) or keyword.iskeyword(name):
        raise InputError(f'{name!r} cannot be the name of a module; expected one such as two_stream_vos.')
    kind = ''.join(part.capitalize() for part in name.split('_'))
    _check_unused(name, kind)
    folder = Path(out_dir, name)
    if folder.exists():
        raise InputError(f'{folder} exists already; expected the name of a new folder.')
    names = {'my_method': name, 'my-method': name.replace('_', '-'), 'MyMethod': kind}
    for source in sorted(path for path in TEMPLATE.rglob('*') if path.is_file() and '__pycache__' not in path.parts):
        target = folder / _renamed(source.relative_to(TEMPLATE).as_posix(), names)
        with atomic_path(target) as temporary:
            Path(temporary).write_text(_renamed(source.read_text(encoding='utf-8'), names), encoding='utf-8')
    return folder


def _check_unused(name: str, kind: str) -> None:
    import importlib.util

    from mmvos.registry import MODELS
    from mmvos.structures import InputError

    if MODELS.get(kind):
        raise InputError(f'{name!r}: MMVOS has a part {kind} already; expected another name.')
    if importlib.util.find_spec(name):  # the config would import that one
        raise InputError(f'{name!r}: there is a Python package of this name already; expected another name.')


def _renamed(text: str, names: dict[str, str]) -> str:
    return re.sub('|'.join(names), lambda found: names[found.group()], text)
