"""Data and metric of video instance segmentation, beside mmdet's where they mend it."""

import copy
import json
import zipfile

import numpy as np
import pycocotools.mask as rle
import pytest
import torch
from golden import GOLDEN_DIR, load_golden
from mmdet.datasets.base_video_dataset import BaseVideoDataset
from vis_data import CLASSES, make_videos, training_batch

from mmvos.datasets import OVISDataset, SynthVISDataset, YouTubeVISDataset
from mmvos.evaluation import YouTubeVISMetric
from mmvos.evaluation.functional.youtube_vis import youtube_vis_problems
from mmvos.evaluation.metrics.youtube_vis_metric import MMDET_NAMES
from mmvos.structures import InstanceTracks, load_youtube_vis


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('videos')
    make_videos(folder)
    return folder


def coco_video(data):
    """The layout of YouTube-VIS to COCO-video."""
    images, annotations = [], []
    for video in data['videos']:
        for frame, name in enumerate(video['file_names']):
            images.append(
                dict(
                    id=len(images) + 1,
                    video_id=video['id'],
                    frame_id=frame,
                    file_name=name,
                    height=video['height'],
                    width=video['width'],
                )
            )
    for track in data['annotations']:
        for frame, mask in enumerate(track['segmentations']):
            if mask:
                image = [i for i in images if (i['video_id'], i['frame_id']) == (track['video_id'], frame)][0]
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        video_id=track['video_id'],
                        image_id=image['id'],
                        segmentation=mask,
                        category_id=track['category_id'],
                        instance_id=track['id'],
                        bbox=track['bboxes'][frame],
                        area=track['areas'][frame],
                        iscrowd=track['iscrowd'],
                    )
                )
    videos = [dict(id=v['id'], name=f'video{v["id"]}', height=v['height'], width=v['width']) for v in data['videos']]
    return dict(categories=data['categories'], videos=videos, images=images, annotations=annotations)


class TestData:
    def dataset(self, folder, data, cls=SynthVISDataset, **options):
        (folder / 'a.json').write_text(json.dumps(data))
        return cls(data_root=str(folder), ann_file='a.json', data_prefix=dict(img_path=''), **options)

    def test_both_layouts_give_the_same(self, root, tmp_path):
        data = json.loads((root / 'instances.json').read_text())
        (tmp_path / 'coco.json').write_text(json.dumps(coco_video(data)))
        converted = load_youtube_vis(tmp_path / 'coco.json')
        assert converted['annotations'] == data['annotations']
        assert [v['file_names'] for v in converted['videos']] == [v['file_names'] for v in data['videos']]
        one, other = self.dataset(tmp_path, data), self.dataset(tmp_path, coco_video(data))
        assert len(one) == len(other) == 3
        for i in range(3):
            assert one.get_data_info(i)['images'] == other.get_data_info(i)['images']

    def test_annotations_arrive_at_the_model(self, root):
        data = json.loads((root / 'instances.json').read_text())
        batch = training_batch(root, keys=((0, 2),))
        sample = batch['data_samples'][0].get_key_frames()[0]
        tracks = [a for a in data['annotations'] if a['video_id'] == 1]
        found = sample.gt_instances
        assert found.instances_ids.tolist() == [a['id'] for a in tracks]
        assert found.labels.tolist() == [a['category_id'] - 1 for a in tracks]
        for mask, track in zip(found.masks.masks, tracks, strict=True):
            truth = rle.decode(track['segmentations'][2])
            assert np.array_equal(mask, truth[:, ::-1] if sample.flip else truth)

    def test_videos_without_annotation_are_left_out_of_training(self, tmp_path):
        """mmdet keeps their frames, with a length of 0."""
        data = make_videos(tmp_path)
        data['annotations'] = [a for a in data['annotations'] if a['video_id'] != 2]
        assert [v['video_id'] for v in map(self.dataset(tmp_path, data).get_data_info, range(2))] == [1, 3]
        (tmp_path / 'coco.json').write_text(json.dumps(coco_video(data)))
        theirs = BaseVideoDataset(ann_file=str(tmp_path / 'coco.json'), metainfo=dict(classes=CLASSES), pipeline=[])
        info = theirs.get_data_info(1)
        assert info['video_length'] == 0 and len(info['images']) == 4

    def test_frames_without_objects_and_crowds(self, tmp_path):
        data = make_videos(tmp_path, lengths=(4,))
        data['annotations'] = data['annotations'][:1]
        data['annotations'][0]['segmentations'][1] = None
        info = self.dataset(tmp_path, data).get_data_info(0)
        assert [image['frame_id'] for image in info['images']] == [0, 2, 3] and info['video_length'] == 3
        data['annotations'][0]['iscrowd'] = 1
        with pytest.raises(ValueError, match='no frame is left'):
            len(self.dataset(tmp_path, data))

    def test_small_and_empty_frames_stay_if_asked_for(self, tmp_path):
        data = make_videos(tmp_path, lengths=(4,))
        data['annotations'] = data['annotations'][:1]
        data['annotations'][0]['segmentations'][1] = None
        height = data['videos'][0]['height']
        kept = self.dataset(tmp_path, data, filter_cfg=dict(filter_empty_gt=False, min_size=height))
        assert len(kept.get_data_info(0)['images']) == 4
        with pytest.raises(ValueError, match='no frame is left'):
            len(self.dataset(tmp_path, data, filter_cfg=dict(min_size=height + 1)))
        with pytest.raises(ValueError, match=r"SynthVISDataset\.filter_cfg.*'min_sise'.*min_size"):
            self.dataset(tmp_path, data, filter_cfg=dict(min_sise=8))

    def test_an_instance_with_id_0_is_an_instance(self, tmp_path):
        """mmdet takes 0 for "no id" and writes the position in the frame instead."""
        data = coco_video(make_videos(tmp_path, lengths=(3,)))
        for annotation in data['annotations']:
            annotation['instance_id'] = 1 - annotation['instance_id'] % 2  # 0 and 1
        ids = {
            i['instance_id'] for image in self.dataset(tmp_path, data).get_data_info(0)['images'] for i in image['instances']
        }
        assert len(ids) == 2 and 0 not in ids

    def test_classes_are_matched_by_name(self, tmp_path):
        data = make_videos(tmp_path, lengths=(3,))
        data['categories'] = [dict(id=2, name='square'), dict(id=1, name='Disc')]
        dataset = self.dataset(tmp_path, data, metainfo=dict(classes=CLASSES))
        assert dataset.metainfo['cat_ids'] == (1, 2)
        assert dataset.get_data_info(0)['images'][0]['instances'][0]['bbox_label'] == 0
        with pytest.raises(ValueError, match="no category named 'giraffe'"):
            self.dataset(tmp_path, data, metainfo=dict(classes=('disc', 'giraffe')))

    @pytest.mark.parametrize(
        'cls, options, count, first',
        [
            (YouTubeVISDataset, dict(dataset_version='2019'), 40, 'person'),
            (YouTubeVISDataset, dict(dataset_version='2021'), 40, 'airplane'),
            (OVISDataset, dict(), 25, 'Person'),
        ],
    )
    def test_benchmarks(self, tmp_path, cls, options, count, first):
        data = make_videos(tmp_path, lengths=(3,))
        names = cls(ann_file='', lazy_init=True, test_mode=True, **options).metainfo['classes']
        assert len(names) == count and names[0] == first
        data.update(categories=[dict(id=i, name=n) for i, n in enumerate(names, 1)], annotations=None)
        dataset = self.dataset(tmp_path, data, cls, test_mode=True, **options)
        assert dataset.metainfo['cat_ids'] == tuple(range(1, count + 1))
        with pytest.raises(ValueError, match='a.json: no annotations'):
            self.dataset(tmp_path, data, cls, **options)

    @pytest.mark.parametrize(
        'change, message',
        [
            (lambda d: d.pop('videos'), 'no videos'),
            (lambda d: d['videos'][0].update(length=9), 'length 9 but 5'),
            (lambda d: d['annotations'][0].update(video_id=77), 'of video 77'),
            (lambda d: d['annotations'][0]['segmentations'].pop(), '4 segmentations'),
            (lambda d: d['videos'].append(d['videos'][0]), 'two videos have the id 1'),
        ],
    )
    def test_broken_files_are_named(self, root, tmp_path, change, message):
        data = json.loads((root / 'instances.json').read_text())
        change(data)
        (tmp_path / 'broken.json').write_text(json.dumps(data))
        with pytest.raises(ValueError, match=f'broken.json: .*{message}'):
            load_youtube_vis(tmp_path / 'broken.json')


def golden_frames(results, videos):
    """Results in the submission's layout as per-frame predictions, with ids that are numbered within the video."""
    for video in videos:
        tracks = [r for r in results if r['video_id'] == video['id']]
        for frame in range(video['length']):
            here = [(i, t) for i, t in enumerate(tracks) if t['segmentations'][frame]]
            yield dict(
                video_id=f'video {video["id"]}',
                vis_id=video['id'],
                frame_index=frame,
                frame_name=f'{frame:05d}',
                num_frames=video['length'],
                is_last=frame == video['length'] - 1,
                pred_track_instances=dict(
                    instances_id=torch.tensor([i for i, _ in here]),
                    scores=torch.tensor([t['score'] for _, t in here]),
                    labels=torch.tensor([t['category_id'] - 1 for _, t in here]),
                    bboxes=torch.zeros(len(here), 4),
                    masks=[t['segmentations'][frame] for _, t in here],
                ),
            )


class TestMetric:
    def run(self, metric, frames, times=1):
        for _ in range(times):
            for frame in frames:
                metric.process(None, [frame])
            figures = metric.evaluate(1)
        return figures

    def test_official_figures_also_for_sizes_and_twice(self, tmp_path):
        """mmdet's metric takes sizes from boxes: its APs and APm differ from the official ones on the same data."""
        gt = json.loads((GOLDEN_DIR / 'ytvis_gt.json').read_text())
        results = [r for r in json.loads((GOLDEN_DIR / 'ytvis_results.json').read_text()) if any(r['segmentations'])]
        expected = load_golden('ytvis_eval')[0]['extra']
        metric = YouTubeVISMetric(str(GOLDEN_DIR / 'ytvis_gt.json'), list(MMDET_NAMES), outfile=str(tmp_path / 'results.zip'))
        figures = self.run(metric, list(golden_frames(results, gt['videos'])), times=2)
        for name, official in MMDET_NAMES.items():
            value = figures[f'youtube_vis/segm_{name}']
            assert value == pytest.approx(expected['without_the_all_null_result'][official], abs=1e-9), name
        of_boxes = expected['without_it_and_with_box_areas']['APm']
        assert figures['youtube_vis/segm_mAP_m'] != pytest.approx(of_boxes, abs=0.1)
        with zipfile.ZipFile(tmp_path / 'results.zip') as archive:
            assert not list(youtube_vis_problems(gt, json.loads(archive.read('results.json'))))

    def test_no_results_at_all(self, root, tmp_path):
        gt = load_youtube_vis(root / 'instances.json')
        metric = YouTubeVISMetric(str(root / 'instances.json'), outfile=str(tmp_path / 'r.zip'))
        figures = self.run(metric, list(golden_frames([], gt['videos'])))
        assert figures['youtube_vis/segm_mAP'] == 0 and not (tmp_path / 'r.zip').exists()

    def test_perfect_results(self, root):
        gt = load_youtube_vis(root / 'instances.json')
        results = [dict(a, score=0.9) for a in gt['annotations']]
        figures = self.run(YouTubeVISMetric(str(root / 'instances.json')), list(golden_frames(results, gt['videos'])))
        assert figures['youtube_vis/segm_mAP'] == pytest.approx(1)

    def test_track_score_and_category(self):
        tracks = InstanceTracks(cat_ids=(10, 20, 30))
        mask = dict(size=[2, 2], counts='04')
        for frame, (label, score) in enumerate([(2, 0.9), (1, 0.5), (1, 0.1), (2, 0.5)]):
            tracks.add(2 * frame, dict(instances_id=[4], labels=[label], scores=[score], masks=[mask]))
        (result,) = tracks.results(8, 8)
        assert result == dict(video_id=8, score=pytest.approx(0.5), category_id=20, segmentations=[mask, None] * 4)

    def test_bad_settings(self, tmp_path):
        with pytest.raises(ValueError, match='needs ann_file'):
            YouTubeVISMetric()
        with pytest.raises(ValueError, match='needs outfile'):
            YouTubeVISMetric(format_only=True)
        with pytest.raises(FileNotFoundError, match='none.json'):
            YouTubeVISMetric(str(tmp_path / 'none.json'))


def test_results_do_not_share_memory_with_the_metric(root):
    gt = load_youtube_vis(root / 'instances.json')
    frames = list(golden_frames([dict(a, score=0.9) for a in gt['annotations']], gt['videos']))
    before = copy.deepcopy(frames[0]['pred_track_instances']['masks'])
    metric = YouTubeVISMetric(str(root / 'instances.json'))
    for frame in frames:
        metric.process(None, [frame])
    metric.evaluate(1)
    assert frames[0]['pred_track_instances']['masks'] == before
