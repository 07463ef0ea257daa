"""Download a data set to where the configs look for it; a download that was stopped goes on.

examples:
  mmvos download --list
  mmvos download davis2017 segtrack
  mmvos download davis2016 --root /disk/data
  mmvos download ytvos2018           data behind a login: prints what to do; then mmvos doctor --data ytvos2018

The SHA-256 of every archive is printed and kept in ROOT/downloads.json. Archives are removed when they are unpacked.
"""

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('names', nargs='*', metavar='NAME', help='data sets, see --list')
    parser.add_argument('--root', default='data', help='root folder of all data (default: data)')
    parser.add_argument('--keep', action='store_true', help='keep the archives, in ROOT/downloads')
    parser.add_argument('--list', action='store_true', help='print the names of the data sets')


def run(args: argparse.Namespace) -> int:
    from mmvos.datasets.downloading import download, steps_of
    from mmvos.datasets.downloads import SOURCES
    from mmvos.structures import InputError

    from .options import known_name

    if args.list:
        for name, source in SOURCES.items():
            print(f'{name:<20} {source.title}{"" if source.archives else " (needs a login)"}')
        return 0
    if not args.names:
        raise InputError('expected the names of data sets; --list prints them.')
    for name in args.names:
        known_name(name, SOURCES, 'data set')
    for name in args.names:
        source = SOURCES[name]
        print(f'{source.title}:')
        for step in steps_of(source):
            print(f'  {step}')
        download(source, args.root, args.keep, _show if sys.stderr.isatty() else None)
    return 0


def _show(name: str, have: int, total: int) -> None:
    share = f'{100 * have / total:3.0f} % of {total / 2**20:.0f} MB' if total else f'{have / 2**20:.0f} MB'
    print(f'\r{name}: {share}', end='\n' if have == total else '', file=sys.stderr, flush=True)
