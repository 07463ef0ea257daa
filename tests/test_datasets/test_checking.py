"""``mmvos doctor --data``: a line for every fault of the files, none for files that are right."""

import json
import shutil

import pytest
from benchmark_files import write_benchmarks

from mmvos.cli.main import main
from mmvos.datasets.checking import LAYOUTS, check
from mmvos.datasets.downloads import SOURCES
from mmvos.structures import InputError
from mmvos.videos.packing import pack


@pytest.fixture(scope='module')
def benchmarks(tmp_path_factory):
    root = tmp_path_factory.mktemp('benchmarks')
    write_benchmarks(root)
    return root


@pytest.fixture
def data(benchmarks, tmp_path):
    """A copy that may be damaged."""

    def of(name):
        folder = SOURCES[name].folder
        return shutil.copytree(benchmarks / folder, tmp_path / folder)

    return of


#: folders that the small benchmarks have
PRESENT = [
    *('davis2016', 'davis2017', 'davis2017-unsup', 'ytvos2018', 'ytvis2019', 'ytvis2021', 'ovis', 'segtrack', 'fbms'),
    *('youtube-objects', 'msra10k', 'duts', 'dut-omron', 'ecssd', 'voc2012'),
]


@pytest.mark.parametrize('name', PRESENT)
def test_files_that_are_right_have_no_fault_but_their_number(benchmarks, name):
    for everything in (False, True):
        for report in check(name, str(benchmarks / SOURCES[name].folder), everything):
            assert report.videos and report.frames >= report.videos and report.read
            assert [line.split(';')[0] for line in report.problems] == [f'{report.videos} videos']
            assert str(report).endswith('1 faults') and f'{report.videos} of ' in str(report)
            assert report.masks or report.split not in ('train', 'all') or 'vis' in name


def test_names_are_those_of_downloads():
    assert set(LAYOUTS) <= set(SOURCES)


def remove(path):
    return lambda root: (root / path).unlink()


def write(path, data):
    return lambda root: (root / path).write_bytes(data)


def list_missing_frame(root):
    meta = json.loads((root / 'train/meta.json').read_text())
    meta['videos']['a1']['objects']['1']['frames'].append('00099')
    (root / 'train/meta.json').write_text(json.dumps(meta))


FAULTS = {
    'a mask fewer': ('davis2017', remove('Annotations/480p/a/00003.png'), ['a: 5 frames, but 4 masks']),
    'no first mask': ('davis2017', remove('Annotations/480p/a/00000.png'), ['00000.png: mask of the first frame not found']),
    'a frame fewer': ('davis2017', remove('JPEGImages/480p/a/00002.jpg'), ['00002.jpg: frame not found, but there is a mask']),
    'a broken frame': ('davis2017', write('JPEGImages/480p/b/00000.jpg', b'\xff\xd8\xff'), ['b/00000.jpg: cannot be']),
    'a broken mask in between': ('davis2017', write('Annotations/480p/b/00003.png', b'no'), ['b/00003.png: cannot be read']),
    'a mask of another size': ('davis2017', None, ['00000.png: the mask is 48x32, its frame is 96x64']),
    'a listed mask is missing': (
        'ytvos2018',
        remove('train/Annotations/a2/00010.png'),
        ['a2/00010.png: not found, nor are 0 more listed masks'],
    ),
    'a listed frame is missing': ('ytvos2018', list_missing_frame, ['00099.jpg: frame not found, but .*meta.json lists it']),
    'broken JSON': ('ytvos2018', write('valid/meta.json', b'{'), ['meta.json: broken JSON']),
    'a frame of a json': ('ytvis2019', remove('valid/JPEGImages/v1/00005.jpg'), [r'00005.jpg: not found \(1 of 3 frames']),
    'no definition': ('fbms', remove('Testset/cars/GroundTruth/carsDef.dat'), ['carsDef.dat: not found']),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_every_fault_is_a_line(data, fault, capsys):
    name, damage, says = FAULTS[fault]
    root = data(name)
    if damage is None:
        import cv2

        path = str(root / 'Annotations/480p/a/00000.png')
        cv2.imwrite(path, cv2.imread(path, cv2.IMREAD_UNCHANGED)[::2, ::2, 0] * 0)
    else:
        damage(root)
    assert main(['doctor', '--data', name, str(root), *(['--all'] if 'between' in fault else [])]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if 'WRONG' in line and ' videos; the' not in line]
    assert len(lines) == len(says), lines
    for line, text in zip(lines, says, strict=True):
        import re

        assert re.search(text, line), line


def test_a_packed_copy_is_checked_as_the_folder_is(benchmarks, tmp_path):
    pack(str(benchmarks / 'DAVIS'), str(tmp_path / 'packed'))
    left = check('davis2017', str(benchmarks / 'DAVIS'))
    right = check('davis2017', str(tmp_path / 'packed'))
    assert [str(report) for report in left] == [str(report) for report in right]


def test_what_is_not_there(tmp_path, monkeypatch, capsys):
    with pytest.raises(InputError, match='no split of mose found. Expected one of: train/JPEGImages, valid/JPEGImages'):
        check('mose', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(['doctor', '--data']) == 0
    assert main(['doctor', '--data', 'ecssd']) == 1
    assert 'no split of ecssd found' in capsys.readouterr().out
    assert main(['doctor', '--data', 'imagenet']) == 2
