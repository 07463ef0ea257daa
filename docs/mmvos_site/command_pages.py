"""The page of the command `mmvos`: each command's help, as it is printed."""

import importlib
import os

from mmvos.cli.main import COMMANDS, overview, parser_of


def pages() -> dict[str, str]:
    os.environ['COLUMNS'] = '90'  # argparse wraps to it
    os.environ['NO_COLOR'] = '1'
    lines = [
        '# Commands',
        '',
        'What `mmvos COMMAND --help` prints. The scripts in `tools/` of the same names take the same options.',
        '',
    ]
    lines += ['```text', overview(), '```', '']
    for heading, commands in COMMANDS.items():
        lines += [f'## {heading}', '']
        for name, (module, _) in commands.items():
            text = parser_of(importlib.import_module(module), f'mmvos {name}').format_help().rstrip()
            lines += [f'### `mmvos {name}`', '', '```text', text, '```', '']
    return {'project/commands.md': '\n'.join(lines)}
