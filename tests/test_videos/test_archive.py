"""Zip files from outside: damaged, encrypted and malicious ones."""

import pickle
import zipfile

import numpy as np
import pytest
from bad_files import add_symlink, encoded, flip, make_zip, set_flag

from mmvos.structures import InputError
from mmvos.videos.archive import Archive, MaskFiles

MASK = np.zeros((12, 16), np.uint8)
MASK[2:8, 2:8] = 1
PNG = encoded(MASK)


@pytest.fixture
def good(tmp_path):
    return make_zip(tmp_path / 'p.zip', {'v/0.png': PNG, 'v/1.png': PNG})


def read(path):
    return Archive(path).read('v/0.png', 10_000)


def test_contents_are_read_also_in_another_process(good):
    assert read(good) == PNG
    files = pickle.loads(pickle.dumps(MaskFiles(good)))
    np.testing.assert_array_equal(files.read(files.folder_of('v'), '1', (12, 16)), MASK)
    with pytest.raises(FileNotFoundError, match="p.zip: no predictions of video 'w'"):
        files.folder_of('w')
    with pytest.raises(FileNotFoundError, match='p.zip, v/2.png: not found in the archive'):
        files.read('v', '2')


@pytest.mark.parametrize(
    'damage, message',
    [
        (lambda p: flip(p, b'IDAT', 6), r'p.zip, v/0.png: damaged, cannot be unpacked \(Bad CRC-32'),
        (lambda p: flip(p, b'PK\x03\x04', 2), 'p.zip, v/0.png: damaged'),
        (lambda p: set_flag(p, flag=1), 'p.zip, v/0.png: encrypted; expected an archive without a password'),
        (lambda p: set_flag(p, method=97), 'p.zip, v/0.png: damaged, cannot be unpacked .*compression'),
        (lambda p: p.write_bytes(p.read_bytes()[:-30]), 'p.zip: not a zip file, or damaged'),
        (lambda p: p.write_bytes(p.read_bytes()[:40] + p.read_bytes()[90:]), 'p.zip, v/0.png: damaged'),
        (lambda p: p.write_bytes(b''), 'p.zip: not a zip file, or damaged'),
        (lambda p: p.write_text('text'), 'p.zip: not a zip file, or damaged'),
    ],
    ids=['crc', 'header', 'encrypted', 'method', 'table', 'middle', 'empty', 'text'],
)
def test_damage_is_named(good, damage, message):
    damage(good)
    with pytest.raises(InputError, match=message) as found:
        read(good)
    assert 'Invalid argument' not in str(found.value)


def test_a_broken_deflate_stream_is_named(tmp_path):
    path = make_zip(tmp_path / 'p.zip', {'v/0.png': bytes(range(256)) * 20}, zipfile.ZIP_DEFLATED)
    flip(path, b'v/0.png', 12)
    with pytest.raises(InputError, match='p.zip, v/0.png: damaged'):
        read(path)


def test_bombs_are_not_unpacked(tmp_path):
    path = make_zip(tmp_path / 'p.zip', {'v/0.png': b'\0' * 50_000_000}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match='p.zip, v/0.png: [0-9]+ bytes that unpack to 50000000'):
        Archive(path).read('v/0.png', 2**26)
    with pytest.raises(InputError, match='p.zip, v/0.png: unpacks to 50000000 bytes; expected at most 10000'):
        read(path)
    data = bytearray(make_zip(tmp_path / 'q.zip', {'v/0.png': b'\0' * 50_000}, zipfile.ZIP_DEFLATED).read_bytes())
    for start in (data.index(b'PK\x03\x04') + 22, data.index(b'PK\x01\x02') + 24):
        data[start : start + 4] = (100).to_bytes(4, 'little')  # the table says 100 bytes
    (tmp_path / 'q.zip').write_bytes(bytes(data))
    with pytest.raises(InputError, match='q.zip, v/0.png: '):
        Archive(tmp_path / 'q.zip').read('v/0.png', 1000)


def test_odd_names_are_told(tmp_path):
    names = ['/etc/evil.png', '../x.png', 'a/../../x.png', 'C:/x.png', 'v\\0.png', '__MACOSX/v/0.png', 'v/.DS_Store']
    path = make_zip(tmp_path / 'p.zip', dict.fromkeys(names, PNG))
    with pytest.warns(UserWarning, match='Duplicate'), zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('v/2.png', PNG)
        archive.writestr('v/2.png', PNG)
    add_symlink(path, 'v/1.png', '/etc/passwd')
    problems = '\n'.join(Archive(path).problems().values())
    for name in names[:4]:
        assert f'{name}: an absolute path or one that leads out of its folder' in problems
    assert 'v\\0.png: backslashes' in problems and 'v/1.png: a symbolic link' in problems
    assert '__MACOSX/v/0.png: hidden file' in problems and 'v/.DS_Store: hidden file' in problems
    assert 'v/2.png: 2 times in the archive' in problems


def test_its_file_is_closed_with_it(good):
    """Not when the garbage collector comes to it: within a cycle, as of an error's traceback, Python may free the file open."""
    archive = Archive(good)
    file = archive._file()
    del archive
    assert file.fp is None
