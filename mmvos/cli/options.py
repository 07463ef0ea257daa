"""Options that several commands have, under one name and with one meaning."""

import argparse
import difflib
import os
from collections.abc import Iterable
from typing import Any


def counted(count: int, noun: str) -> str:
    """``'1 frame'``, ``'2 frames'``."""
    return f'{count} {noun}{"s" * (count != 1)}'


def add_model(parser: argparse.ArgumentParser, default: str) -> None:
    """``--config``, ``--checkpoint``, ``--device`` and ``--amp``: the model that a command runs.

    Args:
        parser (argparse.ArgumentParser): parser of the command.
        default (str): name of the model without ``--config``, for the help.
    """
    parser.add_argument(
        '--config',
        '--model',
        metavar='CONFIG',
        help=f'path of a config, a name that `mmvos models` lists, or a file of `mmvos export` (default: {default})',
    )
    parser.add_argument(
        '--checkpoint', metavar='FILE', help='weights, also a name of `mmvos models` (default: those that ship with the config)'
    )
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ... (default: a GPU if there is one)')
    parser.add_argument('--amp', action='store_true', help='mixed precision (float16; bfloat16 on a CPU)')


def add_compile(parser: argparse.ArgumentParser) -> None:
    """``--compile`` of a command that segments videos with :func:`~mmvos.utils.compiling.compile_networks`."""
    parser.add_argument(
        '--compile',
        action='store_true',
        help='compile the networks by torch.compile: same labels up to rounding, a slow first frame; needs a C++ compiler',
    )


def add_server(parser: argparse.ArgumentParser, port: int) -> None:
    """``--host``, ``--port`` and ``--max-upload`` of a command that answers HTTP requests.

    Args:
        parser (argparse.ArgumentParser): parser of the command.
        port (int): the default.
    """
    parser.add_argument('--host', default='127.0.0.1', help='address to listen at (default: 127.0.0.1)')
    parser.add_argument('--port', type=int, default=port, help=f'port to listen at; 0: any free one (default: {port})')
    parser.add_argument('--max-upload', type=int, default=2048, metavar='MIB', help='largest video that may be uploaded')


def no_prompt(options: str, command: str) -> str:
    """What is said where a command needs to be shown its objects: which options do so, and the page that makes masks.

    Args:
        options (str): the options that point at objects, for people.
        command (str): name of the command.
    """
    return (
        f'which objects? Give {options} (see mmvos {command} --help), or click in a browser: mmvos annotate '
        '(docs/en/annotate.md).'
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """What training and testing share: the config, the folder of the run, mixed precision, overrides, the launcher."""
    parser.add_argument('config', help='path of the config file')
    parser.add_argument('--work-dir', metavar='DIR', help='where the log goes (default: work_dirs/<config name>)')
    parser.add_argument('--amp', action='store_true', help='mixed precision (float16; bfloat16 on a CPU)')
    parser.add_argument('--cfg-options', nargs='+', action=_CfgOptions, metavar='KEY=VALUE', help='overrides of the config')
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='what started the processes'
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def read_run_config(args: argparse.Namespace) -> Any:
    """The config of the options of :func:`add_run`, with the launcher and the folder of the run in it."""
    from mmvos.utils import load_config

    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    name = os.path.splitext(os.path.basename(args.config))[0]
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or os.path.join('work_dirs', name)
    return cfg


class _CfgOptions(argparse.Action):
    """mmengine's action for ``key=value``, imported when the option is met."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        from mmengine.config import DictAction

        for value in values:
            if '=' not in value:
                parser.error(f'{option_string} {value}: expected KEY=VALUE.')
        DictAction(self.option_strings, self.dest, nargs='+')(parser, namespace, values, option_string)


def known_name(name: str, known: Iterable[str], kind: str) -> str:
    """The name itself, if it is known. (``choices`` of argparse would need the table, and its imports, before the options.)

    Raises:
        InputError: an unknown name, with the nearest known one, or all of them.
    """
    from mmvos.structures import InputError

    names = sorted(known)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1)
    hint = f'did you mean {near[0]!r}?' if near else f'expected one of {", ".join(names)}.'
    raise InputError(f'{kind} {name!r} is not known; {hint}')
