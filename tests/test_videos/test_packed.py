"""Packed data sets: byte for byte what was packed, safe when damaged, resumable, shared by threads and processes."""

import json
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from mmengine.fileio import get, isdir, list_dir_or_file

from mmvos.cli.main import main
from mmvos.structures import InputError, MissingFileError
from mmvos.videos import packing
from mmvos.videos.packed import Pack, PackBackend
from mmvos.videos.packing import files_below, pack, shards_of


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr('mmvos.structures.atomic._sync', lambda path: None)


@pytest.fixture
def source(tmp_path):
    """Files of several sizes, names and depths, frames and masks of two videos."""
    rng = np.random.default_rng(0)
    root = tmp_path / 'source'
    names = ['meta.json', 'lists/train.txt', 'lists/empty.txt', 'lists/ünï code.txt', f'lists/{"long" * 40}.txt']
    names += [f'{kind}/480p/{video}/{i:05d}' for kind in ('frames', 'masks') for video in 'ab' for i in range(5)]
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'' if 'empty' in name else rng.bytes(400 + 97 * number))
    (root / '.hidden').write_text('not packed')
    return root


def contents(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file() and p.name[0] != '.'}


@pytest.mark.parametrize('size', [0, 3000, 1 << 20])
def test_a_pack_holds_the_bytes_of_every_file(source, tmp_path, size):
    expected = contents(source)
    made = pack(str(source), str(tmp_path / 'pack'), size)
    assert {path: made.read(path) for path in made.paths()} == expected
    assert set(os.listdir(tmp_path / 'pack')) == {'pack.json', 'index.bin', 'names.bin', *(name for name, _ in made.shards)}
    for name, _ in made.shards:  # plain archives
        with tarfile.open(tmp_path / 'pack' / name) as archive:
            archive.extractall(tmp_path / 'again', filter='data')
    assert contents(tmp_path / 'again') == expected
    assert 'frames/480p/a/00004' in made and 'frames/480p/a/00005' not in made and 'frames' not in made
    assert made.read('frames/480p/b/00004') == expected['frames/480p/b/00004']
    assert len(made.shards) == {0: 4, 3000: 18, 1 << 20: 1}[size]


def test_frames_and_masks_of_a_video_lie_together(source):
    shards = shards_of(files_below(str(source)), 21000)
    for video in 'ab':
        assert sum(any(f'/{video}/' in file.path for file in shard) for shard in shards) == 1
    wanted = files_below(str(source), ['*/a/*', 'lists/*'])
    assert {file.path.split('/')[0] for file in wanted} == {'frames', 'masks', 'lists'}
    assert not any('/b/' in file.path for file in wanted)


def test_the_backend_answers_as_folders_do(source, tmp_path):
    pack(str(source), str(tmp_path / 'pack'))
    args, root = dict(backend='pack'), f'{tmp_path}/pack'
    assert get(f'{root}/lists/train.txt', backend_args=args) == (source / 'lists/train.txt').read_bytes()
    for options in (dict(), dict(recursive=True), dict(list_dir=False), dict(recursive=True, list_dir=False, suffix='.txt')):
        found = sorted(list_dir_or_file(root, backend_args=args, **options))
        assert found == sorted(list_dir_or_file(str(source), **options))
    assert isdir(f'{root}/masks/480p/', backend_args=args) and not isdir(f'{root}/masks/720p', backend_args=args)
    backend = PackBackend()
    assert backend.isfile(f'{root}/meta.json') and not backend.isfile(f'{root}/masks') and backend.exists(f'{root}/masks')
    with pytest.raises(MissingFileError, match='none: not found in this packed data set'):
        backend.get(f'{root}/none')
    with pytest.raises(MissingFileError, match=r'no packed data set there \(pack.json'):
        backend.get(f'{source}/meta.json')


class Stop(Exception):
    pass


def test_packing_goes_on_where_it_stopped(source, tmp_path, monkeypatch):
    written, stop_at = [], 3
    write = packing._write_shard

    def counting(folder, place, files):
        if len(written) == stop_at:
            place.write_bytes(b'half')  # as a machine that loses power leaves it
            raise Stop
        written.append(place.name)
        return write(folder, place, files)

    monkeypatch.setattr(packing, '_write_shard', counting)
    with pytest.raises(Stop):
        pack(str(source), str(tmp_path / 'pack'), 3000)
    with pytest.raises(MissingFileError, match=r'pack\.json: not found'):
        Pack(str(tmp_path / 'pack'))
    changed = source / 'frames/480p/a/00000'  # of the second shard; the first holds meta.json
    changed.write_bytes(b'other')
    stop_at, written = 99, []
    made = pack(str(source), str(tmp_path / 'pack'), 3000)
    assert 'shard-00000.tar' not in written and 'shard-00001.tar' in written
    assert {path: made.read(path) for path in made.paths()} == contents(source)
    assert main(['pack', '--check', str(tmp_path / 'pack')]) == 0
    with pytest.raises(InputError, match='there is a packed data set already'):
        pack(str(source), str(tmp_path / 'pack'))


def code_of(*argv):
    try:
        return main(list(argv))
    except SystemExit as end:
        return end.code


def damage_shard(root):
    path = root / 'shard-00000.tar'
    data = bytearray(path.read_bytes())
    data[600] ^= 1
    path.write_bytes(data)


def cut(name):
    return lambda root: (root / name).write_bytes((root / name).read_bytes()[:-9])


def edit(**changes):
    def change(root):
        meta = json.loads((root / 'pack.json').read_text())
        (root / 'pack.json').write_text(json.dumps({**meta, **changes}))

    return change


@pytest.mark.parametrize(
    'damage, says',
    [
        (damage_shard, r'shard-00000\.tar: damaged: .* is not what was packed'),
        (cut('shard-00001.tar'), r'shard-00001\.tar: damaged: it has \d+ bytes; expected'),
        (lambda root: (root / 'shard-00001.tar').unlink(), r'shard-00001\.tar: not found'),
        (cut('index.bin'), r'index\.bin: damaged: its checksum'),
        (cut('names.bin'), r'names\.bin: damaged'),
        (lambda root: (root / 'names.bin').unlink(), r'names\.bin: not found'),
        (cut('pack.json'), r'pack\.json: broken JSON'),
        (edit(format='x'), "the format is 'x'"),
        (edit(shards=[]), 'does not agree'),
        (edit(shards=[['../../etc/passwd', 10**9]] * 10), 'a shard in another folder'),
        (edit(folders={'a': [0, 10**9]}), 'does not agree'),
        (edit(folders=3), 'not the description'),
    ],
)
def test_a_damaged_pack_is_named(source, tmp_path, damage, says):
    pack(str(source), str(tmp_path / 'pack'), 3000)
    damage(tmp_path / 'pack')
    with pytest.raises(InputError, match=says):
        made = Pack(str(tmp_path / 'pack'))
        assert [made.read(path) for path in made.paths()]
    assert code_of('pack', '--check', str(tmp_path / 'pack')) in (1, 2)


def test_what_cannot_be_packed_is_named(source, tmp_path, capsys):
    with pytest.raises(MissingFileError, match='folder not found'):
        pack(str(tmp_path / 'none'), str(tmp_path / 'pack'))
    with pytest.raises(InputError, match='lies in the data set itself'):
        pack(str(source), str(source / 'pack'))
    with pytest.raises(InputError, match='no files found that match'):
        pack(str(source), str(tmp_path / 'pack'), include=['*.avi'])
    (source / 'loop').symlink_to(source)
    with pytest.raises(InputError, match='leads to a folder above itself'):
        pack(str(source), str(tmp_path / 'pack'))
    assert code_of('pack', str(source)) == 2 and 'SOURCE DEST' in capsys.readouterr().err


def read_all(root, seed):
    """Sum of the sizes of all files, read in another order."""
    backend = PackBackend()
    paths = sorted(backend.list_dir_or_file(root, list_dir=False, recursive=True))
    np.random.default_rng(seed).shuffle(paths)
    return sum(len(backend.get(f'{root}/{path}')) for path in paths)


def test_threads_and_forked_processes_share_a_pack(source, tmp_path, monkeypatch):
    monkeypatch.setattr('mmvos.videos.packed.MAX_OPEN', 2)  # files are closed and opened all the time
    root = str(tmp_path / 'pack')
    pack(str(source), root, 3000)
    expected = read_all(root, 0)
    assert expected == sum(map(len, contents(source).values()))
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(read_all, [root] * 40, range(40))) == {expected}
    with get_context('fork').Pool(4) as processes:
        assert set(processes.starmap(read_all, [(root, seed) for seed in range(40)])) == {expected}


def test_the_script_is_the_command(source, tmp_path):
    script = Path(__file__).parents[2] / 'tools/dataset_converters/pack.py'
    assert "run_module('mmvos.cli.pack')" in script.read_text()
    assert main(['pack', str(source), str(tmp_path / 'pack'), '--shard-mb', '0']) == 0
    assert len(Pack(str(tmp_path / 'pack')).shards) == 4
