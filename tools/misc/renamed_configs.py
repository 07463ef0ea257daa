"""Write docs/en/renamed_configs.md, the table of old and new config names, from configs/renamed_configs.yml.

    python tools/misc/renamed_configs.py

With ``--check`` nothing is written: the exit status is 1 if the page is not what the script would write.
"""

import argparse
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / 'configs' / 'renamed_configs.yml'
PAGE = ROOT / 'docs' / 'en' / 'renamed_configs.md'
HEAD = """# Renamed configs

The names of configs follow one scheme, which `configs/README.md` explains. This is where the configs of earlier versions
are. Folders of trained weights (`work_dirs/<name of the config>`) are named after the config: rename them too if a later
stage loads from them.

Made by `python tools/misc/renamed_configs.py` from `configs/renamed_configs.yml`.
"""


def read_names() -> dict[str, str]:
    """Old path below ``configs`` -> new path, both without ``.py``."""
    return yaml.safe_load(SOURCE.read_text())


def page(names: dict[str, str]) -> str:
    """The page: a table per folder of those that moved, then a line with those that kept their names."""
    parts = [HEAD]
    for folder in dict.fromkeys(old.split('/')[0] for old in names):
        here = {old: new for old, new in names.items() if old.split('/')[0] == folder}
        moved = [f'| `{old}` | `{new}` |' for old, new in here.items() if old != new]
        kept = [f'`{old}`' for old, new in here.items() if old == new]
        parts.append(f'## `{folder}`\n')
        if moved:
            parts.append('\n'.join(['| old | new |', '| --- | --- |', *moved]) + '\n')
        if kept:
            parts.append('Unchanged: ' + ', '.join(kept) + '.\n')
    return '\n'.join(parts)


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--check', action='store_true', help='write nothing, fail if the page is not up to date')
    args = parser.parse_args()
    text = page(read_names())
    if args.check:
        return int(not PAGE.is_file() or PAGE.read_text() != text)
    PAGE.write_text(text)
    return 0


if __name__ == '__main__':
    sys.exit(main())
