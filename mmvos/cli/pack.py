"""Pack a data set: its many small files become a few large ones, which training and tests read as fast, or faster.

examples:
  mmvos pack data/DAVIS packed/DAVIS
  mmvos pack data/DAVIS packed/DAVIS --include '*/480p/*' 'ImageSets/*'
  mmvos pack --check packed/DAVIS

A config reads it by two settings of the data set: data_root='packed/DAVIS', backend_args=dict(backend='pack'). Stopped and
started again, the command goes on. `tar xf` takes the shards apart again.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', nargs='?', help='folder of the data set')
    parser.add_argument('dest', nargs='?', help='folder of the packed copy')
    parser.add_argument('--shard-mb', type=int, default=1024, help='size of a shard; 0: one for each video')
    parser.add_argument('--include', nargs='+', default=[], metavar='PATTERN', help='pack only files whose paths match')
    parser.add_argument('--check', metavar='PACK', help='read every file of a packed data set and compare its checksum')


def run(args: argparse.Namespace) -> int:
    from mmvos.structures import InputError

    if args.check:
        return _check(args.check)
    if args.dest is None or args.shard_mb < 0:
        raise InputError('expected SOURCE DEST, and a size of shards that is not negative; see mmvos pack --help.')
    from mmvos.videos.packed import described
    from mmvos.videos.packing import pack

    made = pack(args.source, args.dest, args.shard_mb << 20, args.include, _show)
    print('{files} files of {folders} folders, {bytes} bytes in {shards} shards'.format(**described(made)))
    print(f"data set: data_root={args.dest!r}, backend_args=dict(backend='pack')")
    return 0


def _show(done: int, total: int) -> None:
    print(f'{done / 2**20:.0f} of {total / 2**20:.0f} MB', flush=True)


def _check(place: str) -> int:
    from mmvos.structures import InputError
    from mmvos.videos.packed import Pack, described

    pack, damaged = Pack(place), 0
    for path in pack.paths():
        try:
            pack.read(path)
        except InputError as error:
            print(f'error: {error}', flush=True)
            damaged += 1
    print('{files} files of {folders} folders, {bytes} bytes in {shards} shards'.format(**described(pack)))
    print(f'{damaged} files are damaged' if damaged else 'every file is as it was packed')
    return int(damaged > 0)
