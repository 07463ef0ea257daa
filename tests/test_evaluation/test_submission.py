"""Writers and validators: what one writes the other accepts, and every fault is named."""

import json
import re
import zipfile

import bad_files
import numpy as np
import pytest
from bad_files import add_symlink, encoded, flip, huge_png, set_flag
from PIL import Image
from submissions import FRAMES, SIZE, label_map, make_zip, problems

from mmvos.evaluation import DAVIS2016Submission, DAVISSubmission, LabelMapWriter, YouTubeVOSSubmission, zip_writer
from mmvos.structures import DAVIS_PALETTE, read_label_map, read_palette, write_label_map

SEQUENCES = ['bear', 'train']


@pytest.fixture
def davis(tmp_path):
    root = tmp_path / 'DAVIS'
    for sequence in SEQUENCES:
        for frame in FRAMES:
            path = root / 'JPEGImages/480p' / sequence / f'{frame}.jpg'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new('RGB', SIZE[::-1]).save(path)
            for kind in ('Annotations', 'Annotations_unsupervised'):
                write_label_map(root / kind / '480p' / sequence / f'{frame}.png', label_map(1, 2, 255))
    (root / 'ImageSets/2017').mkdir(parents=True)
    (root / 'ImageSets/2017/val.txt').write_text('\n'.join(SEQUENCES))
    (root / 'ImageSets/480p').mkdir(parents=True)
    (root / 'ImageSets/480p/val.txt').write_text(
        '\n'.join(f'/JPEGImages/480p/{s}/{f}.jpg /Annotations/480p/{s}/{f}.png' for s in SEQUENCES for f in FRAMES)
    )
    return root


def feed(writer, videos=SEQUENCES, prediction=None, **extra):
    prediction = label_map(1, 2) if prediction is None else prediction
    for video in videos:
        for i, frame in enumerate(FRAMES):
            writer.process(
                None,
                [
                    dict(
                        dict(
                            video_id=video,
                            frame_index=i,
                            frame_name=frame,
                            num_frames=len(FRAMES),
                            ori_shape=SIZE,
                            is_last=i == len(FRAMES) - 1,
                            object_ids=[1, 2],
                            pred_label_map=prediction,
                        ),
                        **extra,
                    )
                ],
            )
    return writer.evaluate(len(videos))


def davis_content(value):
    return {f'{sequence}/{frame}.png': value for sequence in SEQUENCES for frame in FRAMES}


@pytest.mark.parametrize(
    'writer, fmt',
    [
        (DAVISSubmission, 'davis2017-semi'),
        (lambda path: DAVISSubmission(path, max_proposals=20), 'davis2017-unsup'),
        (DAVIS2016Submission, 'davis2016'),
    ],
)
def test_davis(davis, tmp_path, writer, fmt):
    path = tmp_path / 'out' / 'results.zip'
    assert feed(writer(str(path))) == {}
    assert problems(fmt, path, davis) == []
    assert [p.name for p in path.parent.iterdir()] == ['results.zip']  # nothing is left beside it
    first = path.read_bytes()
    feed(writer(str(path)), videos=SEQUENCES[::-1])
    assert path.read_bytes() == first  # whatever the order of the videos, and at any time


def test_davis2016_writes_grey_masks(tmp_path):
    path = tmp_path / 'results.zip'
    feed(DAVIS2016Submission(str(path)), prediction=label_map(1, 2))
    with zipfile.ZipFile(path) as archive, archive.open('bear/00001.png') as file, Image.open(file) as image:
        assert image.mode == 'L'
        np.testing.assert_array_equal(np.array(image), np.where(label_map(1, 2) > 0, 255, 0))


def test_an_archive_is_there_complete_or_not_at_all(tmp_path):
    path = tmp_path / 'results.zip'
    path.write_bytes(b'of the last run')
    with pytest.raises(RuntimeError), zip_writer(path) as add:
        add('a.png', b'1')
        raise RuntimeError
    assert path.read_bytes() == b'of the last run'
    assert [p.name for p in tmp_path.iterdir()] == ['results.zip']


def test_ids_that_the_server_does_not_take_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r'bear, frame 00000: object 3 was predicted but not given; given are \[1, 2\]'):
        feed(DAVISSubmission(str(tmp_path / 'a.zip')), prediction=label_map(3))
    with pytest.raises(ValueError, match='proposal 21, but the server takes at most 20'):
        feed(DAVISSubmission(str(tmp_path / 'a.zip'), max_proposals=20), prediction=label_map(21))
    with pytest.raises(ValueError, match='expected the name of a .zip file'):
        DAVISSubmission(str(tmp_path / 'a'))


def test_label_maps_keep_the_palette_of_the_annotation(tmp_path):
    palette = DAVIS_PALETTE[::-1].copy()
    write_label_map(tmp_path / 'annotation.png', label_map(1), palette)
    feed(LabelMapWriter(str(tmp_path / 'with')), annotation=str(tmp_path / 'annotation.png'))
    feed(LabelMapWriter(str(tmp_path / 'without')))
    np.testing.assert_array_equal(read_palette(tmp_path / 'with/bear/00003.png'), palette)
    np.testing.assert_array_equal(read_palette(tmp_path / 'without/bear/00003.png'), DAVIS_PALETTE)
    np.testing.assert_array_equal(read_label_map(tmp_path / 'with/train/00002.png'), label_map(1, 2))


def test_a_video_cannot_be_written_outside_of_the_folder(tmp_path):
    with pytest.raises(ValueError, match='relative path'):
        feed(LabelMapWriter(str(tmp_path / 'out')), videos=['../other'])


@pytest.mark.parametrize(
    'fmt, content, message',
    [
        ('davis2017-semi', {'bear/00000.png': label_map(1)}, 'bear/00001.png: missing, and 2 more'),
        ('davis2017-semi', {'bear/00000.png': label_map(1)}, 'train/: missing, 4 label maps expected'),
        (
            'davis2017-semi',
            dict(davis_content(label_map(1)), **{'bear/00004.png': label_map(1)}),
            'bear/00004.png: no such frame',
        ),
        ('davis2017-semi', davis_content(label_map(3)), r'bear/00000.png: holds id 3; given were \[1, 2\]'),
        ('davis2017-semi', davis_content(label_map(255)), 'holds id 255'),
        ('davis2017-unsup', davis_content(label_map(21)), r'holds id 21; proposals have ids 1..20'),
        ('davis2017-unsup', davis_content(label_map(255)), r'holds void \(255\)'),
        ('davis2017-semi', davis_content(label_map(1)[:, 1:]), 'bear/00000.png: 15x12, the frame is 16x12'),
        ('davis2017-semi', davis_content(b'no image'), 'bear/00000.png: cannot be read as an image. Expected PNG'),
        (
            'davis2017-semi',
            {f'Annotations/{k}': v for k, v in davis_content(label_map(1)).items()},
            'the videos are below Annotations/; they must be at the top level',
        ),
        ('davis2017-semi', dict(davis_content(label_map(1)), **{'__MACOSX/bear/._00000.png': b''}), 'hidden file'),
        ('davis2017-semi', dict(davis_content(label_map(1)), **{'.DS_Store': b''}), '.DS_Store: hidden file'),
        ('davis2017-semi', {k.replace('/', '\\'): v for k, v in davis_content(label_map(1)).items()}, 'backslashes'),
    ],
)
def test_faults_of_davis(davis, tmp_path, fmt, content, message):
    found = problems(fmt, make_zip(tmp_path / 'results.zip', content), davis)
    assert any(re.search(message, problem) for problem in found), found


@pytest.mark.parametrize('mode', ['RGB', '1', 'I;16'])
def test_png_of_another_mode(davis, tmp_path, mode):
    Image.new(mode, SIZE[::-1]).save(tmp_path / 'image.png')
    content = davis_content((tmp_path / 'image.png').read_bytes())
    found = problems('davis2016', make_zip(tmp_path / 'results.zip', content), davis)
    assert len(found) == 8 and 'bear/00000.png: a PNG image of mode' in found[0]


def test_not_a_zip_file(davis, tmp_path):
    (tmp_path / 'a.zip').write_text('x')
    assert 'not a zip file' in problems('davis2016', tmp_path / 'a.zip', davis)[0]
    with pytest.raises(FileNotFoundError, match='b.zip: not found'):
        problems('davis2016', tmp_path / 'b.zip', davis)
    with pytest.raises(FileNotFoundError, match='test-dev.txt: list of the split'):
        feed(DAVISSubmission(str(tmp_path / 'c.zip')))
        problems('davis2017-semi', tmp_path / 'c.zip', davis, split='test-dev')


@pytest.fixture
def youtube_vos(tmp_path):
    root = tmp_path / 'valid'
    for frame in FRAMES:
        path = root / 'JPEGImages/v1' / f'{frame}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', SIZE[::-1]).save(path)
    objects = {'2': dict(category='dog', frames=FRAMES[:3:2]), '5': dict(category='cat', frames=FRAMES[2:3])}
    (root / 'meta.json').write_text(json.dumps(dict(videos=dict(v1=dict(objects=objects)))))
    return tmp_path


def test_youtube_vos(youtube_vos, tmp_path):
    path = tmp_path / 'results.zip'
    feed(YouTubeVOSSubmission(str(path)), ['v1'], label_map(2), submit_frames=[FRAMES[0], FRAMES[2]], object_ids=[2, 5])
    assert zipfile.ZipFile(path).namelist() == ['Annotations/v1/00000.png', 'Annotations/v1/00002.png']
    assert problems('youtube-vos', path, youtube_vos) == []


@pytest.mark.parametrize(
    'content, message',
    [
        ({'v1/00000.png': label_map(2)}, 'the videos are at the top level of the archive; they must be below Annotations/'),
        ({'Annotations/v1/00000.png': label_map(2)}, 'Annotations/v1/00002.png: missing.'),
        ({'Annotations/v2/00000.png': label_map(2)}, 'Annotations/v1/: missing, 2 label maps expected'),
        ({'Annotations/v2/00000.png': label_map(2)}, 'Annotations/v2/: no such video in this split'),
        ({'Annotations/v1/00000.png': label_map(1)}, 'Annotations/v1/00000.png: holds id 1; given were [2, 5]'),
        ({'Annotations/v1/00000.png': label_map(5)}, 'Annotations/v1/00000.png: holds object 5, which begins in frame 00002'),
    ],
)
def test_faults_of_youtube_vos(youtube_vos, tmp_path, content, message):
    found = problems('youtube-vos', make_zip(tmp_path / 'results.zip', content), youtube_vos)
    assert any(message in problem for problem in found), found


def good_entries(tmp_path):
    write_label_map(tmp_path / 'one.png', label_map(1))
    return {name: (tmp_path / 'one.png').read_bytes() for name in davis_content(None)}


@pytest.mark.parametrize(
    'more, expected',
    [
        ({'/etc/evil.png': b'x'}, '/etc/evil.png: an absolute path or one that leads out of its folder'),
        ({'../evil.png': b'x'}, '../evil.png: an absolute path or one that leads out of its folder'),
        ({'other/00000.png': b'x'}, 'other/: no such video in this split (1 files).'),
        ({'Bear/00000.png': b'x'}, 'Bear/: no such video in this split'),
        ({'readme.txt': b'x'}, 'readme.txt: not expected; the archive holds nothing but label maps.'),
        ({'bear/notes.txt': b'x'}, 'bear/notes.txt: no such frame'),
        ({'bear/deep/00000.png': b'x'}, 'bear/deep/: no such video'),
        ({'bear/00001.png': huge_png()}, 'bear/00001.png: declares more pixels than any video frame has'),
        ({'bear/00001.png': b'\x89PNG\r\n\x1a\n' + b'\0' * 50}, 'bear/00001.png: cannot be read as an image'),
    ],
)
def test_whatever_does_not_belong_into_an_archive_makes_it_unfit(davis, tmp_path, more, expected):
    entries = good_entries(tmp_path)
    assert problems('davis2017-semi', bad_files.make_zip(tmp_path / 'a.zip', entries), davis) == []
    found = problems('davis2017-semi', bad_files.make_zip(tmp_path / 'b.zip', {**entries, **more}), davis)
    assert len(found) == 1 and found[0].startswith(expected), found


def test_a_symbolic_link_makes_an_archive_unfit(davis, tmp_path):
    entries = good_entries(tmp_path)
    del entries['bear/00001.png']
    path = add_symlink(bad_files.make_zip(tmp_path / 'a.zip', entries), 'bear/00001.png', '00000.png')
    assert 'bear/00001.png: a symbolic link; expected plain files.' in problems('davis2017-semi', path, davis)


@pytest.mark.parametrize(
    'damage, expected',
    [
        (lambda p: flip(p, b'IDAT', 6), 'bear/00000.png: damaged, cannot be unpacked (Bad CRC-32'),
        (lambda p: set_flag(p, flag=1), 'bear/00000.png: encrypted'),
        (lambda p: set_flag(p, method=97), 'bear/00000.png: damaged, cannot be unpacked'),
    ],
)
def test_damage_is_one_line_per_entry(davis, tmp_path, damage, expected):
    path = damage(bad_files.make_zip(tmp_path / 'a.zip', good_entries(tmp_path)))
    found = problems('davis2017-semi', path, davis)
    assert found[0].startswith(expected) and len(found) in (1, 8)


def test_frames_turned_by_exif_are_as_large_as_they_look(davis, tmp_path):
    """A photograph of 16 x 12 that is stored turned: its masks are 16 wide and 12 high."""
    for sequence in SEQUENCES:
        for frame in FRAMES:
            turned = encoded(np.zeros((*SIZE[::-1], 3), np.uint8), 'JPEG', 6)
            (davis / 'JPEGImages/480p' / sequence / f'{frame}.jpg').write_bytes(turned)
    assert problems('davis2017-semi', bad_files.make_zip(tmp_path / 'a.zip', good_entries(tmp_path)), davis) == []
