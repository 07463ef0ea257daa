"""Cases from public reports of bugs, about data sets, predictions and submissions."""

import json
import shutil
import zipfile

import cv2
import numpy as np
import pytest
from bad_files import flip, make_zip

from mmvos.structures import read_label_map, write_label_map

SHAPE = (48, 64)


def square(shift=0, value=1):
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[10 : 10 + 16, 8 + shift : 8 + shift + 16] = value
    return label_map


def write_davis(root, videos, split='val', masks=None):
    """DAVIS 2017: ``{video: names of its frames}``; a square that moves; masks of all frames or of the first ``masks``."""
    for video, names in videos.items():
        for index, name in enumerate(names):
            frame = root / f'JPEGImages/480p/{video}/{name}.jpg'
            frame.parent.mkdir(parents=True, exist_ok=True)
            background = np.random.default_rng(0).integers(0, 60, (*SHAPE, 3), dtype=np.uint8)
            cv2.imwrite(str(frame), background + 180 * square(index)[..., None])
            if masks is None or index < masks:
                write_label_map(root / f'Annotations/480p/{video}/{name}.png', square(index))
    path = root / f'ImageSets/2017/{split}.txt'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(f'{video}\n' for video in videos))


def write_youtube_vos(root, objects, frames, masks):
    """A validation set; ``objects``: ``{video: {id: frames}}``, ``masks``: ``{video: {frame: label map}}``."""
    for video, prompts in masks.items():
        for index, name in enumerate(frames):
            path = root / f'valid/JPEGImages/{video}/{name}.jpg'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((*SHAPE, 3), 20 * index, np.uint8) + 90 * square(index)[..., None])
        for name, label_map in prompts.items():
            write_label_map(root / f'valid/Annotations/{video}/{name}.png', label_map)
    meta = {
        video: dict(objects={key: dict(category='cat', frames=names) for key, names in listed.items()})
        for video, listed in objects.items()
    }
    (root / 'valid/meta.json').write_text(json.dumps(dict(videos=meta)))


@pytest.fixture
def model_test(run, tmp_path, small_config):
    """``model_test(dataset, evaluator, *options)``: ``mmvos test`` of a small model without weights of its own."""

    def ended(dataset, evaluator, submission, *options):
        config, how = tmp_path / 'config.py', dict(pipeline=[dict(type='PackVideo')], test_mode=True)
        config.write_text(
            f'_base_ = {str(small_config)!r}\n'
            f'test_dataloader = dict(dataset={dict(dataset, _delete_=True, **how)!r})\n'
            f'test_evaluator = {evaluator!r}\nsubmission = dict(type={submission!r})\n'
        )
        outputs = ('--work-dir', tmp_path / 'work', '--out', tmp_path / 'masks')
        return run('test', config, 'none', *outputs, *options)

    return ended


def evaluate(run, tmp_path, gt, pred, *options, protocol='davis2017-semi'):
    """Metrics of ``mmvos evaluate``, and its warnings."""
    out = tmp_path / 'metrics.json'
    command = ('evaluate', protocol, '--gt', gt, '--pred', pred, '--num-workers', 1, '--out', out, *options)
    code, _, errors = run(*command)
    assert code == 0, errors
    return json.loads(out.read_text()), errors


def test_08_byte_order_marks_in_lists_and_meta_files(run, model_test, tmp_path):
    davis = tmp_path / 'davis'
    write_davis(davis, {'cube': ['00000', '00001', '00002']})
    (davis / 'ImageSets/2017/val.txt').write_bytes('\ufeffcube\r\n'.encode())
    assert evaluate(run, tmp_path, davis, davis / 'Annotations/480p')[0]['J&F-Mean'] == 1
    vos = tmp_path / 'vos'
    write_youtube_vos(vos, {'v': {'1': ['00000', '00005']}}, ['00000', '00005'], {'v': {'00000': square()}})
    meta = vos / 'valid/meta.json'
    meta.write_bytes(b'\xef\xbb\xbf' + meta.read_bytes())
    dataset = dict(type='YouTubeVOSDataset', data_root=str(vos), split='valid')
    code, _, errors = model_test(dataset, [], 'YouTubeVOSSubmission', '--submission', tmp_path / 's.zip')
    assert code == 0, errors
    assert zipfile.ZipFile(tmp_path / 's.zip').namelist() == ['Annotations/v/00000.png', 'Annotations/v/00005.png']


def test_09_numbers_count_by_value_in_every_command(run, model_test, tmp_path):
    """Frames 8 ... 13: the prompt is in 8, the last frame, which does not count, is 13. Two commands, the same figures."""
    davis = tmp_path / 'davis'
    write_davis(davis, {'cube': [str(i) for i in range(8, 14)]})
    dataset = dict(type='DAVIS2017Dataset', data_root=str(davis), ann_file='ImageSets/2017/val.txt')
    evaluator = [dict(type='DAVISMetric', protocol='davis2017-semi')]
    code, _, errors = model_test(dataset, evaluator, 'DAVISSubmission', '--metrics', tmp_path / 'test.json')
    assert code == 0, errors
    np.testing.assert_array_equal(read_label_map(tmp_path / 'masks/cube/8.png'), square())
    report, _ = evaluate(run, tmp_path, davis, tmp_path / 'masks')
    tested = json.loads((tmp_path / 'test.json').read_text())
    assert 0 < tested['J&F-Mean'] < 1
    assert tested == pytest.approx({name: report[name] for name in tested}, abs=1e-12)
    shutil.copytree(davis / 'Annotations/480p', tmp_path / 'pred')
    write_label_map(tmp_path / 'pred/cube/13.png', square(value=0))
    assert evaluate(run, tmp_path, davis, tmp_path / 'pred')[0]['J&F-Mean'] == 1
    write_label_map(tmp_path / 'pred/cube/9.png', square(value=0))
    assert evaluate(run, tmp_path, davis, tmp_path / 'pred')[0]['J&F-Mean'] == pytest.approx(3 / 4)


def test_09_the_prompt_of_youtube_vos_is_in_frame_8(model_test, tmp_path):
    frames = [str(i) for i in range(8, 14)]
    write_youtube_vos(tmp_path / 'vos', {'v': {'1': frames}}, frames, {'v': {name: square(i) for i, name in enumerate(frames)}})
    dataset = dict(type='YouTubeVOSDataset', data_root=str(tmp_path / 'vos'), split='valid')
    code, _, errors = model_test(dataset, [], 'YouTubeVOSSubmission', '--submission', tmp_path / 's.zip')
    assert code == 0, errors
    assert sorted(zipfile.ZipFile(tmp_path / 's.zip').namelist()) == sorted(f'Annotations/v/{name}.png' for name in frames)
    np.testing.assert_array_equal(read_label_map(tmp_path / 'masks/v/8.png'), square())


def test_11_an_object_that_is_listed_but_absent(model_test, tmp_path, caplog):
    """A warning with the file's name; the video is done, and the next one."""
    frames = ['00000', '00005', '00010']
    objects = {'a': {'1': frames, '2': frames[1:]}, 'b': {'1': frames}}
    masks = {'a': {'00000': square(), '00005': square(1)}, 'b': {'00000': square()}}
    write_youtube_vos(tmp_path / 'vos', objects, frames, masks)
    dataset = dict(type='YouTubeVOSDataset', data_root=str(tmp_path / 'vos'), split='valid')
    code, out, errors = model_test(dataset, [], 'YouTubeVOSSubmission', '--submission', tmp_path / 's.zip')
    assert code == 0, errors
    assert 'a/00005.png: object 2 is listed for this frame, but has no pixel in it' in out + errors + caplog.text
    assert len(zipfile.ZipFile(tmp_path / 's.zip').namelist()) == 6


def test_12_ids_that_do_not_occur(run, tmp_path):
    """Ids 10 and 20: the official rule counts twenty objects, and the report says that 18 of them score 1 by it."""
    for index in range(5):
        label_map = square(index, 10) + np.roll(square(index, 20), 20, 0)
        write_label_map(tmp_path / f'gt/Annotations/480p/two/{index:05d}.png', label_map)
        write_label_map(tmp_path / f'pred/two/{index:05d}.png', np.zeros(SHAPE, np.uint8))
    report, errors = evaluate(run, tmp_path, tmp_path / 'gt', tmp_path / 'pred', '--split', 'all')
    assert report['J&F-Mean'] == pytest.approx(0.9)
    assert '18 of 20 objects have no pixel in any annotation and score 1' in errors and len(report['warnings']) == 1


def test_12_annotations_of_0_and_255(run, tmp_path):
    for index in range(3):
        write_label_map(tmp_path / f'gt/Annotations/480p/two/{index:05d}.png', square(index, 255))
        write_label_map(tmp_path / f'pred/two/{index:05d}.png', square(index))
    command = ('--gt', tmp_path / 'gt', '--pred', tmp_path / 'pred', '--split', 'all', '--num-workers', 1, '--quiet')
    code, _, errors = run('evaluate', 'davis2017-semi', *command)
    assert code == 2 and errors.count('\n') == 1
    assert f'{tmp_path}/gt/Annotations/480p/two/00000.png: ' in errors and 'void (255)' in errors


def archive_of(folder, path, compression):
    return make_zip(path, {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob('*.png'))}, compression)


@pytest.mark.parametrize('damage', ['checksum', 'deflate', 'lost', 'half'])
def test_17_a_submission_that_was_damaged_on_the_way(run, tmp_path, damage):
    davis = tmp_path / 'davis'
    write_davis(davis, {'cube': ['00000', '00001', '00002']})
    path = archive_of(davis / 'Annotations/480p', tmp_path / 's.zip', 8 if damage == 'deflate' else 0)
    data = path.read_bytes()
    second = data.index(b'cube/00001.png')
    if damage == 'checksum':
        flip(path, b'cube/00001.png', 14 + 40)  # in the picture, behind its signature
    elif damage == 'deflate':
        flip(path, b'cube/00001.png', 14 + 1)
    elif damage == 'lost':
        path.write_bytes(data[: second + 30] + data[second + 60 :])
    else:
        path.write_bytes(data[: len(data) // 2])
    code, out, errors = run('validate', 'davis2017-semi', path, '--gt', davis)
    assert code == 1 and not errors and out
    if damage != 'half':  # one line for each damaged entry
        assert sum(line.startswith('cube/00001.png: damaged') for line in out.splitlines()) == 1
    code, _, errors = run('evaluate', 'davis2017-semi', '--gt', davis, '--pred', path, '--quiet', '--num-workers', 1)
    assert code == 2 and errors.count('\n') == 1 and 's.zip' in errors and 'Invalid argument' not in errors


def test_18_names_with_spaces(run, model_test, tmp_path):
    """A line of a list is a name, for every command and data set."""
    davis, names = tmp_path / 'davis', ['00000', '00001', '00002']
    write_davis(davis, {'my cat': names, 'dog': names, 'my dog': names})
    (tmp_path / 'list.txt').write_text('my cat\nmy dog\n')
    report, _ = evaluate(run, tmp_path, davis, davis / 'Annotations/480p', '--sequences', tmp_path / 'list.txt')
    assert {row['video'] for row in report['per_object']} == {'my cat', 'my dog'}
    archive = archive_of(davis / 'Annotations/480p', tmp_path / 's.zip', 0)
    code, out, errors = run('validate', 'davis2017-semi', archive, '--gt', davis)
    assert code == 0, out + errors
    shutil.copytree(davis / 'ImageSets/2017', davis / 'ImageSets/2016')
    for kind, year in (('DAVIS2016Dataset', 2016), ('DAVIS2017Dataset', 2017)):
        dataset = dict(type=kind, data_root=str(davis), ann_file=f'ImageSets/{year}/val.txt')
        code, _, errors = model_test(dataset, [], 'DAVISSubmission')
        assert code == 0, errors
        assert sorted(p.name for p in (tmp_path / 'masks').iterdir()) == ['dog', 'my cat', 'my dog']
        shutil.rmtree(tmp_path / 'masks')


def test_23_the_first_masks_of_test_dev(model_test, tmp_path):
    """A submission from first masks alone; frames without annotation are not scored."""
    davis, names = tmp_path / 'davis', ['00000', '00001', '00002']
    write_davis(davis, {'a': names, 'b': names}, split='test-dev', masks=1)
    dataset = dict(type='DAVIS2017Dataset', data_root=str(davis), ann_file='ImageSets/2017/val.txt')
    options = ('--cfg-options', 'test_dataloader.dataset.ann_file=ImageSets/2017/test-dev.txt')
    evaluator = [dict(type='DAVISMetric', protocol='davis2017-semi')]
    code, out, errors = model_test(dataset, evaluator, 'DAVISSubmission', '--submission', tmp_path / 's.zip', *options)
    assert code == 0, errors
    assert sorted(zipfile.ZipFile(tmp_path / 's.zip').namelist()) == [f'{v}/{n}.png' for v in 'ab' for n in names]


def test_24_later_masks_that_hold_old_and_new_objects(model_test, tmp_path):
    """As LVOS has them: only the new object is prompted there."""
    frames = ['00000', '00005', '00010']
    both = np.where(square(0, 2) > 0, 1, np.roll(square(0, 2), 30, 1))  # object 1 stays where it was, object 2 comes
    write_youtube_vos(
        tmp_path / 'vos', {'v': {'1': frames, '2': frames[1:]}}, frames, {'v': {'00000': square(), '00005': both}}
    )
    dataset = dict(type='YouTubeVOSDataset', data_root=str(tmp_path / 'vos'), split='valid')
    code, _, errors = model_test(dataset, [], 'YouTubeVOSSubmission')
    assert code == 0, errors
    first, second = (read_label_map(tmp_path / f'masks/v/{name}.png') for name in frames[:2])
    assert set(np.unique(first)) == {0, 1}
    np.testing.assert_array_equal(second == 2, both == 2)  # what the prompt shows
