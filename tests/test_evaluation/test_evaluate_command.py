"""Evaluation from the command line, of what people's data are like."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_files import flip, set_flag
from golden import GOLDEN_DIR, load_golden
from PIL import Image
from scored_videos import boxes, end_worker, expected_of, make_archive, write_videos

from mmvos.structures import write_label_map

REPOSITORY = Path(__file__).resolve().parents[2]


def evaluated(run_tool, protocol, folder):
    """The metrics of the predictions in a folder, from the command line."""
    places = ('--gt', folder / 'gt', '--pred', folder / 'pred', '--metrics', folder / 'metrics.json')
    status, _, errors = run_tool('evaluate.py', protocol, *places, '--workers', 1)
    assert status == 0, errors
    return json.loads((folder / 'metrics.json').read_text())


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
    metrics = evaluated(run_tool, protocol, tmp_path)
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
        metrics = evaluated(run_tool, protocol, tmp_path)
        if expected is None:  # all pixels were given to object 1, nothing to object 2; the first frame does not count
            expected = np.mean([(label_map == 1).sum() / (label_map > 0).sum() for label_map in maps[1:]]) / 2
        assert metrics['mIoU'] == pytest.approx(expected)


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


def test_a_worker_that_is_killed_is_one_line(root, run_tool, monkeypatch):
    monkeypatch.setattr('mmvos.evaluation.evaluate.score_video', end_worker)
    places = ('--gt', root / 'gt', '--pred', root / 'pred', '--metrics', root / 'm.json', '--quiet')
    status, _, errors = run_tool('evaluate.py', 'davis2017-semi', *places, '--workers', 2)
    assert status == 2 and errors.count('\n') == 1 and 'a worker process was killed' in errors
    assert not (root / 'm.json').exists()


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
