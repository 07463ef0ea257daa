"""Metrics as the loops drive them: frame by frame, video by video, on several ranks."""

import json
import multiprocessing

import numpy as np
import pytest
import torch
import torch.distributed as dist

from mmvos.evaluation import DAVISMetric, DAVISSubmission, MeanIoUMetric, YouTubeVOSMetric
from mmvos.registry import METRICS
from mmvos.structures import InputError, write_label_map
from mmvos.structures.run_length import encode_mask
from mmvos.videos.archive import MaskFiles


def video(seed, num_frames=5, shape=(24, 32)):
    """Annotations and predictions of two boxes that move."""
    rng = np.random.default_rng(seed)
    gt, pred = np.zeros((2, num_frames, *shape), np.uint8)
    for index in range(num_frames):
        gt[index, 4:12, 4 + index : 12 + index] = 1
        gt[index, 14:22, 10:20] = 2
        pred[index] = np.roll(gt[index], rng.integers(0, 4, 2), (0, 1))
    return gt, pred


def results(video_id, gt, pred, **extra):
    return [
        dict(
            video_id=video_id,
            frame_index=i,
            frame_name=f'{i:05d}',
            num_frames=len(gt),
            is_last=i == len(gt) - 1,
            ori_shape=pred[i].shape,
            object_ids=[1, 2],
            annotation=gt[i],
            pred_label_map=pred[i],
            **extra,
        )
        for i in range(len(gt))
    ]


def run(metric, videos):
    for video_id, (gt, pred) in videos.items():
        for result in results(video_id, gt, pred):
            metric.process(None, [result])
    return metric.evaluate(len(videos))


def test_files_hold_the_metrics_and_the_objects(tmp_path):
    metric = DAVISMetric(json_file=str(tmp_path / 'm.json'), csv_file=str(tmp_path / 'm.csv'))
    metrics = run(metric, {'b': video(0), 'a': video(1)})
    content = json.loads((tmp_path / 'm.json').read_text())
    assert all(content[name] == value for name, value in metrics.items())
    assert content['protocol'] == 'davis2017-semi'
    assert [(row['video'], row['object']) for row in content['per_object']] == [('a', 1), ('a', 2), ('b', 1), ('b', 2)]
    assert metrics['J-Mean'] == pytest.approx(np.mean([row['J-Mean'] for row in content['per_object']]), abs=1e-12)
    lines = (tmp_path / 'm.csv').read_text().splitlines()
    assert len(lines) == 5 and lines[0].startswith('video,object,frames,J-Mean')


def test_nothing_is_left_from_one_evaluation_to_the_next():
    metric = DAVISMetric()
    first = run(metric, {'a': video(0)})
    assert run(metric, {'a': video(0)}) == first != run(metric, {'a': video(1)})


def test_a_perfect_prediction():
    gt, _ = video(0)
    metrics = run(DAVISMetric('davis2016', temporal='all'), {'a': (gt, gt)})
    assert (metrics['J&F-Mean'], metrics['J-Decay']) == (1, 0)
    assert metrics['T-Mean'] >= 0
    assert 'T-Mean' not in run(DAVISMetric('davis2016'), {'a': (gt, gt)})  # not a sequence that counts for T


def test_annotations_are_read_from_files(tmp_path):
    gt, pred = video(0)
    metric, from_files = DAVISMetric('davis2016'), DAVISMetric('davis2016')
    expected = run(metric, {'a': (gt, pred)})
    for result in results('a', gt, pred, annotation_options=dict(binary=True)):
        path = tmp_path / f'{result["frame_name"]}.png'
        write_label_map(path, np.where(result['annotation'] > 0, np.uint8(255), np.uint8(0)))
        from_files.process(None, [dict(result, annotation=str(path))])
    assert from_files.evaluate(1) == expected


def test_errors_name_video_and_frame():
    gt, pred = video(0)
    metric = DAVISMetric()
    first, second = results('car', gt, pred)[:2]
    metric.process(None, [first])
    with pytest.raises(ValueError, match='car, frame 00001: the prediction is 31x24, the annotation is 32x24'):
        metric.process(None, [dict(second, pred_label_map=pred[1][:, 1:])])
    with pytest.raises(ValueError, match='dog: the first frame that DAVISMetric got is frame 1'):
        metric.process(None, [dict(second, video_id='dog')])


def test_a_missing_annotation_among_others_is_an_error_and_a_test_set_is_not_scored(tmp_path):
    gt, pred = video(0)
    metric = DAVISMetric()
    frames = results('car', gt, pred)
    with pytest.raises(ValueError, match='car, frame 00004: frame 00002 has no annotation, while others'):
        metric.process(None, [dict(frame, annotation=None) if frame['frame_index'] == 2 else frame for frame in frames])
    first_alone = [dict(frame, annotation=frame['annotation'] if frame['frame_index'] == 0 else None) for frame in frames]
    metric = DAVISMetric(json_file=str(tmp_path / 'm.json'))
    metric.process(None, first_alone)
    assert metric.evaluate(1) == {} and not (tmp_path / 'm.json').exists()


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match='expected one of davis2016'):
        DAVISMetric('davis2017')
    with pytest.raises(ValueError, match="temporal='yes'"):
        DAVISMetric('davis2016', temporal='yes')
    with pytest.raises(ValueError, match="last='drop'"):
        YouTubeVOSMetric(last='drop')
    with pytest.raises(ValueError, match="objects='all'"):
        MeanIoUMetric('all')
    with pytest.raises(ValueError, match="DAVISMetric: unknown setting 'strikt'; did you mean 'strict'"):
        DAVISMetric(strikt=False)
    with pytest.raises(ValueError, match="unknown setting 'max_proposals'"):
        DAVISMetric('davis2016', max_proposals=3)


def test_an_evaluation_without_videos_is_an_error():
    with pytest.raises(ValueError, match='no object was scored'):
        DAVISMetric().evaluate(0)


def test_mean_iou_counts_annotated_frames_only_and_resizes_the_prediction():
    gt = np.zeros((4, 6), np.uint8)
    gt[1:3, 1:5] = 1
    frames = results('a', [gt] * 5, [np.kron(gt, np.ones((2, 2), np.uint8))] * 5, group='cat')
    frames[1]['annotation'] = None
    frames[3]['pred_label_map'] = np.zeros((8, 12), np.uint8)
    metric = MeanIoUMetric()
    metric.process(None, frames)
    metrics = metric.evaluate(1)
    assert metrics['mIoU'] == metrics['class_mean'] == metrics['cat'] == 0.75
    metric = MeanIoUMetric()
    metric.process(None, [dict(frame, eval_frames=[0, 1, 2]) for frame in frames])
    assert metric.evaluate(1)['mIoU'] == 1


def test_mean_iou_prefers_scores_to_labels():
    """Resizing scores and labels differs where a boundary is crossed."""
    gt = np.array([[1, 1, 0, 0]], np.uint8)
    scores = torch.tensor([[0.1, 0.1, 0.2, 0.9, 0.9, 0.9, 0.9, 0.9]])
    scores = torch.stack([scores, 1 - scores])
    labels = np.asarray(scores.argmax(0), np.uint8)
    frame = results('a', gt[None], labels[None])[0]
    metric = MeanIoUMetric()
    metric.process(None, [dict(frame, pred_scores=scores)])
    assert metric.evaluate(1)['mIoU'] == 0.5  # column 1 is (0.2 + 0.9) / 2 background


def test_youtube_vos_without_categories():
    metrics = run(YouTubeVOSMetric(), {'a': video(0)})
    assert set(metrics) == {'overall', 'J_all', 'F_all'}


def test_prefix():
    assert 'val/J&F-Mean' in run(DAVISMetric(prefix='val'), {'a': video(0)})


def run_rank(rank, rendezvous, archive, answers):
    """One of three processes: metrics, what the writer returned, and the message of an evaluation without videos."""
    dist.init_process_group('gloo', init_method=f'file://{rendezvous}', rank=rank, world_size=3)
    metric, writer = DAVISMetric(), DAVISSubmission(archive)
    shares = [['a', 'b', 'c'], ['c', 'd'], []]  # 'c' twice, as a sampler that pads does; one rank has nothing
    for name in shares[rank]:
        for result in results(name, *video(ord(name))):
            metric.process(None, [result])
            writer.process(None, [result])
    answer = [metric.evaluate(4), writer.evaluate(4)]
    try:
        DAVISMetric().evaluate(0)
    except ValueError as error:
        answer.append(str(error))
    answers.put(answer)
    dist.destroy_process_group()


def test_ranks_with_unequal_shares(tmp_path):
    """Three processes give what one gives, one of them without a video, and all of them get an error."""
    context = multiprocessing.get_context('fork')
    archive, answers = str(tmp_path / 'ranks.zip'), context.Queue()
    processes = [context.Process(target=run_rank, args=(rank, tmp_path / 'rendezvous', archive, answers)) for rank in range(3)]
    for process in processes:
        process.start()
    received = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    expected = run(DAVISMetric(), {name: video(ord(name)) for name in 'abcd'})
    assert received == [[expected, {}, 'no object was scored.']] * 3
    files = MaskFiles(archive)
    for name in 'abcd':
        np.testing.assert_array_equal(files.read(files.folder_of(name), '00002'), video(ord(name))[1][2])


@pytest.mark.parametrize('painted, dice', [(None, 1), ('first', (1 + 2 * 4 / 12) / 2), ('last', (1 + 2 * 4 / 12) / 2)])
def test_instances_of_still_images_by_best_dice(painted, dice):
    """Two leaves of 8 pixels, both predicted exactly, which share 4: the one that is painted over keeps the other 4."""
    leaves = np.zeros((2, 4, 4), bool)
    leaves[0, :2], leaves[1, 1:3] = True, True
    sample = dict(
        pred_instances=dict(masks=torch.from_numpy(leaves)), instances=[dict(mask=encode_mask(leaf)) for leaf in leaves]
    )
    metric = METRICS.build(dict(type='InstanceSequenceMetric', painted=painted))
    metric.process(None, [sample])
    assert metric.evaluate(1) == pytest.approx({'SBD': dice, 'DiC': 0, '|DiC|': 0, 'SBD@2': dice})


def test_average_precision_at_further_thresholds():
    """Two objects of a class: the surer one is found exactly, the other one with an IoU of 0.65."""
    truth, found = np.zeros((2, 40, 40), bool), np.zeros((2, 40, 40), bool)
    truth[0, 30:, 30:] = found[0, 30:, 30:] = True
    truth[1, :20, :10] = found[1, :13, :10] = True
    boxes = [[30, 30, 40, 40], [0, 0, 10, 20]]
    sample = dict(
        img_id=1,
        ori_shape=(40, 40),
        pred_instances=dict(
            masks=torch.from_numpy(found),
            labels=torch.zeros(2, dtype=torch.long),
            scores=torch.tensor([0.9, 0.8]),
            bboxes=torch.tensor(boxes, dtype=torch.float32),
        ),
        instances=[dict(bbox=box, bbox_label=0, mask=encode_mask(mask)) for box, mask in zip(boxes, truth, strict=True)],
    )
    metric = METRICS.build(dict(type='InstanceCocoMetric', metric='segm', ap_ious=(0.6, 0.7), classwise=True))
    metric.dataset_meta = dict(classes=('leaf',))
    metric.process(None, [sample])
    figures = metric.evaluate(1)
    assert [figures[f'coco/segm_mAP_{iou}'] for iou in (50, 60, 70)] == pytest.approx([1, 1, 51 / 101], abs=1e-3)
    with pytest.raises(InputError, match=r'ap_ious has 0.62; expected some of 0.5, 0.55'):
        METRICS.build(dict(type='InstanceCocoMetric', ap_ious=(0.62,)))
