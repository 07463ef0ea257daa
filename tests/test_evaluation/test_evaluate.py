"""Scoring files: every protocol, folders and archives, several processes, and faults named."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_files import flip, set_flag
from golden import GOLDEN_DIR, load_golden
from PIL import Image

from mmvos.evaluation import DAVISMetric, zip_writer
from mmvos.evaluation.protocols import MASK_PROTOCOLS
from mmvos.structures import write_label_map
from mmvos.videos.archive import MaskFiles
from mmvos.videos.layouts import YOUTUBE_VOS, read_davis

REPOSITORY = Path(__file__).resolve().parents[2]


def boxes(seed, num_frames=6, shape=(30, 40)):
    """Label maps of two boxes that move."""
    rng = np.random.default_rng(seed)
    maps = np.zeros((num_frames, *shape), np.uint8)
    for index in range(num_frames):
        top, left = rng.integers(0, 4, 2)
        maps[index, 3 + top : 15 + top, 5 + index : 18 + index] = 1
        maps[index, 18 + top : 26 + top, 20 + left : 32 + left] = 2
    return maps


def write_videos(folder, videos):
    for name, maps in videos.items():
        for index, label_map in enumerate(maps):
            write_label_map(folder / name / f'{index:05d}.png', label_map)


def make_archive(folder, path, top=''):
    with zip_writer(path) as add:
        for file in sorted(folder.rglob('*.png')):
            add(top + str(file.relative_to(folder)), file.read_bytes())
    return path


@pytest.fixture
def root(tmp_path):
    """A data set in the layout of DAVIS 2017, and predictions beside it."""
    videos = {name: boxes(i, 5 + i) for i, name in enumerate(['bear', 'train', 'bus'])}
    write_videos(tmp_path / 'gt/Annotations/480p', videos)
    write_videos(tmp_path / 'gt/Annotations_unsupervised/480p', videos)
    write_videos(tmp_path / 'pred', {name: np.roll(maps, 2, 2) for name, maps in videos.items()})
    (tmp_path / 'gt/ImageSets/2017').mkdir(parents=True)
    (tmp_path / 'gt/ImageSets/2017/val.txt').write_text('train\nbear\n')
    return tmp_path


def expected_of(root, protocol, names):
    """The same through the metric of tools/test.py."""
    metric = DAVISMetric(protocol)
    gt, pred = MaskFiles(root / 'gt'), MaskFiles(root / 'pred')
    for name in names:
        frames = sorted(p.stem for p in (root / 'pred' / name).iterdir())
        for index, frame in enumerate(frames):
            metric.process(
                None,
                [
                    dict(
                        video_id=name,
                        frame_index=index,
                        frame_name=frame,
                        num_frames=len(frames),
                        is_last=index == len(frames) - 1,
                        annotation=gt.read(gt.folder_of(name), frame),
                        pred_label_map=pred.read(pred.folder_of(name), frame),
                    )
                ],
            )
    return metric.evaluate(len(names))


def score(root, protocol='davis2017-semi', predictions=None, **options):
    return MASK_PROTOCOLS[protocol].evaluate(root / 'gt', predictions or root / 'pred', **options)


@pytest.mark.parametrize('protocol', ['davis2016', 'davis2017-semi', 'davis2017-unsup'])
def test_davis(root, protocol):
    (root / 'gt/ImageSets/2016').mkdir()
    (root / 'gt/ImageSets/2016/val.txt').write_text(
        ''.join(
            f'/JPEGImages/480p/{name}/{i:05d}.jpg /Annotations/480p/{name}/{i:05d}.png\n'
            for name in ('train', 'bear')
            for i in range(5)
        )
    )
    report = score(root, protocol)
    assert [row['video'] for row in report.rows] == sorted([row['video'] for row in report.rows], reverse=True)
    assert report.metrics == pytest.approx(expected_of(root, protocol, ['train', 'bear']), abs=1e-12)
    assert 0.3 < report.metrics['J-Mean'] < 0.95
    archive = make_archive(root / 'pred', root / 'pred.zip')
    assert score(root, protocol, archive, num_workers=2) == report
    videos = MASK_PROTOCOLS[protocol].source.videos(root / 'gt', 'all')
    assert [video.video_id for video in videos] == ['bear', 'bus', 'train']


def test_annotations_against_themselves(root):
    for protocol in ('davis2017-semi', 'davis2017-unsup'):
        metrics = score(root, protocol, root / 'gt').metrics
        assert metrics['J&F-Mean'] == metrics['J-Recall'] == metrics['F-Recall'] == 1


def test_progress_counts_frames(root):
    told = []
    score(root, progress=lambda *counts: told.append(counts))
    assert told == [(6, 11), (11, 11)]  # the longest video comes first


@pytest.mark.parametrize(
    'convention, options',
    [
        ('after_first_appearance', {}),
        ('after_first_appearance_drop_last', dict(last='exclude')),
        ('from_first_appearance', dict(first='include')),
    ],
)
def test_youtube_vos(tmp_path, convention, options):
    """The golden masks as files, every 5th frame's name, in an archive as the server takes it."""
    description, arrays = load_golden('ytvos_metrics')
    for video in description['meta']['videos']:
        for kind in ('gt', 'pred'):
            for index, label_map in enumerate(arrays[f'{video}/{kind}']):
                folder = tmp_path / ('valid/Annotations' if kind == 'gt' else 'pred') / video
                write_label_map(folder / f'{5 * index:05d}.png', label_map)
    (tmp_path / 'valid/meta.json').write_text(json.dumps(description['meta']))
    videos, below = YOUTUBE_VOS.videos(tmp_path), YOUTUBE_VOS.videos(tmp_path / 'valid')
    assert [str(a) for a in below[0].annotations] == [str(a) for a in videos[0].annotations]
    archive = make_archive(tmp_path / 'pred', tmp_path / 'pred.zip', 'Annotations/')
    report = MASK_PROTOCOLS['youtube-vos'].evaluate(tmp_path, archive, options=options)
    scores, rows = report.metrics, report.rows
    assert scores == pytest.approx(description['expected'][convention]['scores'], abs=1e-12)
    assert len(rows) == (6 if options.get('last') == 'exclude' else 7)
    (tmp_path / 'valid/Annotations/c3/00030.png').unlink()
    with pytest.raises(FileNotFoundError, match='c3/00030.png: not found, but meta.json lists this frame'):
        YOUTUBE_VOS.videos(tmp_path)


@pytest.mark.parametrize('protocol', ['segtrack-v2', 'youtube-objects', 'fbms', 'youtube-objects-semi'])
def test_mean_iou_of_the_flat_layout(tmp_path, run_tool, protocol):
    """Sparse 0/255 masks, smaller than the predictions; shots of two classes."""
    masks = {name: (boxes(i) > 0).astype(np.uint8) for i, name in enumerate(['cat_1', 'cat_2', 'dog_1'])}
    for name, maps in masks.items():
        for index in range(6):
            path = tmp_path / f'gt/JPEGImages/{name}/{index:05d}.jpg'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new('RGB', (80, 60)).save(path)
            write_label_map(tmp_path / f'pred/{name}/{index:05d}.png', np.kron(maps[index], np.ones((2, 2), np.uint8)))
        for index in (1, 4):
            write_label_map(tmp_path / f'gt/Annotations/{name}/{index:05d}.png', maps[index] * np.uint8(255))
    write_label_map(tmp_path / 'pred/cat_2/00004.png', np.zeros((60, 80), np.uint8))
    (tmp_path / 'gt/ImageSets').mkdir()
    (tmp_path / 'gt/ImageSets/test.txt').write_text('cat_1 cat\ncat_2 cat\ndog_1 dog\n')
    status, _, errors = run_tool(
        'evaluate.py',
        protocol,
        '--gt',
        tmp_path / 'gt',
        '--pred',
        tmp_path / 'pred',
        '--metrics',
        tmp_path / 'metrics.json',
        '--workers',
        1,
    )
    assert status == 0, errors
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    half = 0 if protocol.endswith('semi') else 0.5  # of cat_2; the first annotated frame does not count
    assert metrics['cat'] == (1 + half) / 2 and metrics['dog'] == 1
    assert metrics['mIoU'] == metrics['class_mean'] == ((1 + half) / 2 + 1) / 2
    assert metrics['video_mean'] == pytest.approx((2 + half) / 3)


def test_segtrack(tmp_path, run_tool):
    """Its own layout: the union of the objects, or every object by itself."""
    maps = boxes(0, 3)
    for folder in ('ImageSets', 'JPEGImages/bmx'):
        (tmp_path / 'gt' / folder).mkdir(parents=True)
    (tmp_path / 'gt/ImageSets/all.txt').write_text('*bmx\n')
    (tmp_path / 'gt/ImageSets/bmx.txt').write_text('bmx\n' + ''.join(f'f{i}\n' for i in range(3)))
    for index, label_map in enumerate(maps):
        Image.new('RGB', (40, 30)).save(tmp_path / f'gt/JPEGImages/bmx/f{index}.png')
        for k in (1, 2):
            path = tmp_path / f'gt/GroundTruth/bmx/{k}/f{index}.bmp'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((label_map == k).astype(np.uint8) * np.uint8(255)).save(path)
        write_label_map(tmp_path / f'pred/bmx/f{index}.png', np.where(label_map == 2, np.uint8(1), label_map))
    for protocol, expected in (('segtrack-v2', 1.0), ('segtrack-v2-semi', None)):
        status, _, errors = run_tool(
            'evaluate.py',
            protocol,
            '--gt',
            tmp_path / 'gt',
            '--pred',
            tmp_path / 'pred',
            '--metrics',
            tmp_path / 'metrics.json',
            '--workers',
            1,
        )
        assert status == 0, errors
        metrics = json.loads((tmp_path / 'metrics.json').read_text())
        if expected is None:  # all pixels were given to object 1, nothing to object 2; the first frame does not count
            expected = np.mean([(label_map == 1).sum() / (label_map > 0).sum() for label_map in maps[1:]]) / 2
        assert metrics['mIoU'] == pytest.approx(expected)


def faulty(root, frame, change):
    path = root / 'pred' / 'train' / f'{frame}.png'
    change(path)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        score(root, num_workers=2)
    return str(error.value)


def test_faults_are_named(root):
    path = str(root / 'pred/train/00002.png')
    gt = boxes(1)
    assert faulty(root, '00002', lambda p: p.unlink()) == f'{path}: not found. Expected a mask.'
    message = faulty(root, '00002', lambda p: write_label_map(p, gt[2][:, 1:]))
    assert message.startswith(f'{path}: the mask is 39x30, its frame is 40x30')
    message = faulty(root, '00002', lambda p: write_label_map(p, np.where(gt[2] == 2, np.uint8(7), gt[2])))
    annotation = root / 'gt/Annotations/480p/train/00002.png'
    assert message == (f'{path}, annotation {annotation}: the prediction has object 7, the first annotation only objects 1..2.')
    message = faulty(root, '00002', lambda p: Image.new('RGB', (40, 30)).save(p))
    assert message.startswith(f'{path}: this mask is a RGB image')


def test_missing_videos_are_named_before_the_work_begins(root):
    for video in ('train', 'bear'):
        (root / 'pred' / video).rename(root / f'{video}-elsewhere')
    with pytest.raises(FileNotFoundError, match="no predictions of video 'train'.* 1 more: bear"):
        score(root)
    with pytest.raises(FileNotFoundError, match='nowhere: not found'):
        MaskFiles(root / 'nowhere')
    with pytest.raises(ValueError, match='not a zip file'):
        MaskFiles(root / 'gt/ImageSets/2017/val.txt')


def test_an_unknown_split_is_an_error(root):
    with pytest.raises(FileNotFoundError, match='ImageSets/2017/test-dev.txt: list of the split .test-dev. not found'):
        score(root, split='test-dev')
    (root / 'empty.txt').write_text('\n')
    with pytest.raises(ValueError, match='empty.txt: the list is empty'):
        read_davis(root / 'empty.txt', root, root)


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Run a script of tools/ with arguments: its exit status, what it printed, and its errors."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(REPOSITORY / 'tools' / name), run_name='__main__')
        return end.value.code, *capsys.readouterr()

    return run


def test_command_line(root, run_tool):
    status, output, errors = run_tool(
        'evaluate.py',
        'davis2017-semi',
        '--gt',
        root / 'gt',
        '--pred',
        root / 'pred',
        '--metrics',
        root / 'metrics.json',
        '--csv',
        root / 'objects.csv',
        '--workers',
        1,
    )
    assert status == 0, errors
    content = json.loads((root / 'metrics.json').read_text())
    expected = expected_of(root, 'davis2017-semi', ['train', 'bear'])
    assert {key: content[key] for key in expected} == pytest.approx(expected, abs=1e-12)
    assert [(row['video'], row['object']) for row in content['per_object']] == [
        ('train', 1),
        ('train', 2),
        ('bear', 1),
        ('bear', 2),
    ]
    assert len((root / 'objects.csv').read_text().splitlines()) == 5
    assert f'J-Mean: {expected["J-Mean"]:.4f}' in output
    (root / 'some.txt').write_text('bear\n')
    status, output, errors = run_tool(
        'evaluate.py',
        'davis2017-semi',
        '--gt',
        root / 'gt',
        '--pred',
        root / 'pred',
        '--sequences',
        root / 'some.txt',
        '--quiet',
        '--workers',
        1,
    )
    assert status == 0, errors
    assert f'J-Mean: {expected_of(root, "davis2017-semi", ["bear"])["J-Mean"]:.4f}' in output
    (root / 'pred/bear/00002.png').unlink()
    status, _, errors = run_tool('evaluate.py', 'davis2017-semi', '--gt', root / 'gt', '--pred', root / 'pred')
    assert status == 2
    assert errors.splitlines()[-1] == f'error: {root / "pred/bear/00002.png"}: not found. Expected a mask.'


def test_command_line_of_youtube_vis(tmp_path, run_tool):
    status, _, errors = run_tool(
        'evaluate.py',
        'youtube-vis',
        '--gt',
        GOLDEN_DIR / 'ytvis_gt.json',
        '--pred',
        GOLDEN_DIR / 'ytvis_results.json',
        '--metrics',
        tmp_path / 'metrics.json',
    )
    assert status == 0, errors
    content = json.loads((tmp_path / 'metrics.json').read_text())
    stats = load_golden('ytvis_eval')[0]['stats']
    assert {key: content[key] for key in stats} == pytest.approx(stats, abs=1e-9)


def test_command_line_of_the_validator(root, run_tool):
    status, output, _ = run_tool(
        'validate_submission.py',
        'youtube-vis',
        make_archive(root / 'pred', root / 'a.zip'),
        '--gt',
        GOLDEN_DIR / 'ytvis_gt.json',
    )
    assert status == 1
    assert 'it must hold results.json at its top level' in output


# what people's data are like


def test_names_with_spaces_and_a_byte_order_mark(root, run_tool):
    for folder in ('gt/Annotations/480p', 'pred'):
        (root / folder / 'bear').rename(root / folder / 'my cat')
    (root / 'gt/ImageSets/2017/val.txt').write_bytes('\ufeffmy cat\r\ntrain\r\n'.encode())
    (root / 'some.txt').write_text('my cat\n')
    arguments = ('davis2017-semi', '--gt', root / 'gt', '--pred', root / 'pred', '--workers', 1)
    status, output, errors = run_tool('evaluate.py', *arguments, '--sequences', root / 'some.txt')
    assert status == 0, errors
    assert [line.split('  ')[0] for line in output.splitlines()[2:4]] == ['my cat', 'my cat']


def test_an_id_that_no_annotation_shows_is_told(tmp_path, run_tool):
    """Ids 10 and 20: by the official rule there are twenty objects, of which 18 are empty and score 1."""
    gt = boxes(0) * np.uint8(10)
    write_videos(tmp_path / 'gt/Annotations/480p', {'v': gt})
    write_videos(tmp_path / 'pred', {'v': np.zeros_like(gt)})
    arguments = ('davis2017-semi', '--gt', tmp_path / 'gt', '--pred', tmp_path / 'pred', '--split', 'all', '--workers', 1)
    status, output, errors = run_tool('evaluate.py', *arguments, '--metrics', tmp_path / 'm.json')
    assert status == 0 and 'J-Mean: 0.9000' in output
    assert 'warning: 18 of 20 objects have no pixel in any annotation and score 1' in errors
    content = json.loads((tmp_path / 'm.json').read_text())
    assert len(content['warnings']) == 1
    assert [row['object'] for row in content['per_object'] if 'note' not in row] == [10, 20]


def test_black_and_white_annotations_are_named_and_not_the_prediction(tmp_path, run_tool):
    gt = (boxes(0) > 0).astype(np.uint8) * np.uint8(255)
    write_videos(tmp_path / 'gt/Annotations/480p', {'v': gt})
    write_videos(tmp_path / 'pred', {'v': gt // 255})
    arguments = ('--gt', tmp_path / 'gt', '--pred', tmp_path / 'pred', '--split', 'all', '--workers', 1, '--quiet')
    status, _, errors = run_tool('evaluate.py', 'davis2017-semi', *arguments)
    name = tmp_path / 'gt/Annotations/480p/v/00000.png'
    assert status == 2
    assert (
        errors
        == f'error: {name}: the first annotation holds no object (pixel value 1..254). All that it holds is void (255).\n'
    )
    assert run_tool('evaluate.py', 'davis2016', *arguments)[0] == 0


@pytest.mark.parametrize(
    'arguments, message',
    [
        (('davis2016', '--no-strict'), "davis2016: unknown setting 'strict'"),
        (('davis2017-semi', '--first', 'include'), "davis2017-semi: unknown setting 'first'"),
        (('youtube-vos', '--no-temporal'), "youtube-vos: unknown setting 'temporal'"),
    ],
)
def test_an_option_of_another_protocol_is_an_error(root, run_tool, arguments, message):
    status, _, errors = run_tool('evaluate.py', *arguments, '--gt', root / 'gt', '--pred', root / 'pred', '--quiet')
    assert status == 2 and errors.startswith(f'error: {message}')


@pytest.mark.parametrize('damage', [lambda p: flip(p, b'IDAT', 6), lambda p: set_flag(p, flag=1)])
def test_a_damaged_entry_stops_the_scoring_also_where_it_does_not_count(root, run_tool, damage):
    """The first label map, which the protocol does not look at."""
    archive = damage(make_archive(root / 'pred', root / 'p.zip'))
    status, _, errors = run_tool('evaluate.py', 'davis2017-semi', '--gt', root / 'gt', '--pred', archive, '--quiet')
    assert status == 2 and errors.startswith(f'error: {archive}, ') and errors.count('\n') == 1


@pytest.mark.parametrize('number', [0, -1])
def test_a_number_of_problems_below_one_is_refused(root, run_tool, number):
    archive = make_archive(root / 'pred', root / 'a.zip')
    status, _, errors = run_tool(
        'validate_submission.py', 'davis2017-semi', archive, '--gt', root / 'gt', '--max-problems', number
    )
    assert status == 2 and f'--max-problems is {number}' in errors


@pytest.mark.parametrize(
    'text, message',
    [
        ('[' * 100_000, 'r.json: JSON nested too deeply'),
        ('[{"score": NaN}]', 'r.json: broken JSON'),
        ('{"a": 1}', 'r.json: expected a list of results, got dict'),
        ('[[1]]', 'r.json: result 0: expected an object, got list'),
        ('[{"video_id": [], "category_id": 1, "score": 1, "segmentations": []}]', r'r.json: result 0: video_id [] is not'),
    ],
)
def test_odd_results_of_youtube_vis_are_named(tmp_path, run_tool, text, message):
    (tmp_path / 'r.json').write_text(text)
    status, _, errors = run_tool(
        'evaluate.py', 'youtube-vis', '--gt', GOLDEN_DIR / 'ytvis_gt.json', '--pred', tmp_path / 'r.json', '--quiet'
    )
    assert status == 2 and errors.count('\n') == 1 and message in errors


def test_codes_that_would_crash_the_decoder_are_named(tmp_path, run_tool):
    """In results and in the annotation file: an empty code crashed pycocotools, a cut one kept it busy for ever."""
    truth, results = (json.loads((GOLDEN_DIR / f'ytvis_{name}.json').read_text()) for name in ('gt', 'results'))

    def status_of(truth, results):
        for name, content in (('gt', truth), ('r', results)):
            (tmp_path / f'{name}.json').write_text(json.dumps(content))
        paths = ('--gt', tmp_path / 'gt.json', '--pred', tmp_path / 'r.json')
        status, _, errors = run_tool('evaluate.py', 'youtube-vis', *paths, '--quiet')
        return status, errors

    code = next(mask for mask in results[0]['segmentations'] if mask)
    whole = code['counts']
    for counts in ('', whole[:-2], whole + '3', 'zz'):
        code['counts'] = counts
        status, errors = status_of(truth, results)
        assert status == 2 and 'r.json: result 0' in errors and 'counts' in errors
    code['counts'] = whole
    for annotation in truth['annotations'][:1]:
        annotation['segmentations'] = [mask and dict(mask, counts='') for mask in annotation['segmentations']]
    status, errors = status_of(truth, results)
    assert status == 2 and 'gt.json: annotation' in errors
