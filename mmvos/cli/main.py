"""``mmvos COMMAND ...``: finds the command's module, reads its options and runs it.

A command is a module of this package with

- a docstring: first line what it does, then examples of use;
- ``add_arguments(parser)``;
- ``run(args)``, which returns the exit code (None: 0).

Nothing heavy may be imported before ``run``: reading the options and ``--help`` take no more than Python's own start.
"""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

from mmvos.version import __version__

#: heading: {name of a command: (its module, what it does)}
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    'Your own videos': {
        'segment': ('mmvos.cli.segment', 'point at objects in one frame, get their masks in all'),
        'annotate': ('mmvos.cli.annotate', 'the page: click, look, propagate, correct, export'),
        'instances': ('mmvos.cli.instances', 'find, segment and track the instances of a video'),
        'batch': ('mmvos.cli.batch', 'do many videos, by several processes or machines'),
        'serve': ('mmvos.cli.serve', 'take videos over HTTP, do them in turn, hand out the results'),
        'track': ('mmvos.cli.track', 'follow boxes through a video'),
    },
    'Training and scores': {
        'train': ('mmvos.cli.train', 'train the model of a config'),
        'test': ('mmvos.cli.test', 'run a model on the videos of a config: scores, label maps, a submission'),
        'evaluate': ('mmvos.cli.evaluate', "score label maps against a benchmark's annotations"),
        'validate': ('mmvos.cli.validate', 'check a submission before it is uploaded'),
    },
    'Data': {
        'download': ('mmvos.cli.download', 'download a data set, or say how to get it'),
        'pack': ('mmvos.cli.pack', 'pack a data set of many small files into a few large ones'),
    },
    'Models': {
        'models': ('mmvos.cli.models', 'list the models, their scores and their weights'),
        'new': ('mmvos.cli.new', 'make a folder for a method of your own'),
        'export': ('mmvos.cli.export', 'export a model for onnxruntime, or as programs of torch.export'),
        'convert': ('mmvos.cli.convert', 'convert a checkpoint of an original implementation'),
    },
    'The installation': {'doctor': ('mmvos.cli.doctor', 'tell what is installed, on which device, and whether it works')},
}

#: it says what is wrong where nothing else can be imported
_DOCTOR = 'mmvos.cli.doctor'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's) and return its exit code."""
    try:
        try:
            return _run(list(sys.argv[1:] if argv is None else argv))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # a reader such as `head` has seen enough; Python's own flush at exit must not raise again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _run(argv: list[str]) -> int:
    if argv[:1] in (['-V'], ['--version']):
        print(f'mmvos {__version__}')
        return 0
    if not argv or argv[0] in ('-h', '--help'):
        print(overview())
        return 0
    modules = {name: module for commands in COMMANDS.values() for name, (module, _) in commands.items()}
    if argv[0] not in modules:
        print(f'error: {_unknown(argv[0], list(modules))}', file=sys.stderr)
        return 2
    return run_module(modules[argv[0]], argv[1:], f'mmvos {argv[0]}')


def run_module(module: str | ModuleType, argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Run one command, from ``mmvos`` or from its script in ``tools/`` or ``demo/``.

    Args:
        module (str | ModuleType): module of the command.
        argv (sequence): its arguments (default: the process's).
        prog (str): what the help calls it (default: the script's name).
    """
    if isinstance(module, str):
        module = importlib.import_module(module)
    args = parser_of(module, prog).parse_args(argv)
    if module.__name__ == _DOCTOR:
        return module.run(args)
    try:
        from mmvos.utils.command_line import command_line  # after the options have been read: it imports torch
    except ImportError as error:
        print(f'error: the installation is not complete ({error}); `mmvos doctor` says what is wrong.', file=sys.stderr)
        return 2
    return command_line(module.run)(args) or 0


def parser_of(module: ModuleType, prog: str | None = None) -> argparse.ArgumentParser:
    """The parser of a command; its help shows the whole docstring of the module."""
    parser = argparse.ArgumentParser(
        prog=prog, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    module.add_arguments(parser)
    return parser


def overview() -> str:
    """What ``mmvos --help`` prints."""
    width = max(len(name) for commands in COMMANDS.values() for name in commands)
    lines = ['usage: mmvos COMMAND [options]', '', 'Video object segmentation and video instance segmentation.', '']
    for heading, commands in COMMANDS.items():
        lines += [heading, *(f'  {name:<{width}}  {summary}' for name, (_, summary) in commands.items()), '']
    return '\n'.join([*lines, '`mmvos COMMAND --help` shows the options of a command and examples of use.'])


def _unknown(name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    hint = f'did you mean {near[0]}?' if near else '`mmvos --help` lists them.'
    return f'mmvos: no command {name!r}; {hint}'


if __name__ == '__main__':
    sys.exit(main())
