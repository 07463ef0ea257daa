"""Streaming inference of video instance segmentation, its metric, data and drawing."""

import json
import runpy
import sys
import zipfile

import cv2
import mmcv
import numpy as np
import pycocotools.mask as rle
import pytest
import torch
from mmdet.models.trackers import MaskTrackRCNNTracker
from mmdet.models.vis import MaskTrackRCNN as MMDetMaskTrackRCNN
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.runner import Runner
from vis_data import CLASSES, ROOT, make_videos, small_config, small_model

from mmvos.apis import VISInferencer
from mmvos.inference import ShortSide, VISSession
from mmvos.registry import DATASETS
from mmvos.structures import InputError
from mmvos.utils import prepare_for_inference
from mmvos.videos import open_video


def frames_of(count, size=(100, 170), seed=0):
    rng = np.random.default_rng(seed)
    return [cv2.resize(rng.integers(0, 255, (10, 17, 3), np.uint8), size[::-1]) for _ in range(count)]


def key_of(result):
    found = result.pred_track_instances
    return (
        found.instances_id.tolist(),
        found.labels.tolist(),
        found.scores.tolist(),
        found.bboxes.tolist(),
        [m['counts'] for m in found.masks],
    )


@pytest.fixture(scope='module')
def model():
    return small_model().eval()


class TestSession:
    def test_results_of_a_video(self, model):
        frames = frames_of(3)
        results = list(VISSession(model).run(open_video(frames, video_id='clip')))
        assert [r.frame_index for r in results] == [0, 1, 2] and [r.is_last for r in results] == [False, False, True]
        for result, frame in zip(results, frames, strict=True):
            found = result.pred_track_instances
            assert (result.video_id, result.ori_shape, result.num_frames) == ('clip', (100, 170), 3)
            assert result.frame is frame and 0 < len(found) <= 6
            assert len(set(found.instances_id.tolist())) == len(found)
            assert all(m['size'] == [100, 170] and isinstance(m['counts'], str) for m in found.masks)
            assert found.bboxes[:, 2].max() <= 170 and found.bboxes[:, 3].max() <= 100 and found.bboxes.min() >= 0

    def test_frame_by_frame_equals_the_video(self, model):
        frames = frames_of(4)
        session = VISSession(model)
        live = [key_of(session.step(frame)) for frame in frames]
        assert live == [key_of(r) for r in VISSession(model).run(open_video(frames))]
        assert set(session.object_ids) >= set(live[-1][0])

    def test_nothing_of_a_video_reaches_the_next(self, model):
        first, second = frames_of(3, seed=1), frames_of(3, seed=2)
        alone = [key_of(r) for r in VISSession(model).run(open_video(second))]
        session = VISSession(model)
        list(session.run(open_video(first)))
        assert [key_of(r) for r in session.run(open_video(second))] == alone

    def test_two_sessions_do_not_mix(self, model):
        first, second = frames_of(3, seed=1), frames_of(3, seed=2)
        expected = [[key_of(r) for r in VISSession(model).run(open_video(frames))] for frames in (first, second)]
        a, b = VISSession(model), VISSession(model)
        mixed = [(key_of(a.step(x)), key_of(b.step(y))) for x, y in zip(first, second, strict=True)]
        assert [list(column) for column in zip(*mixed, strict=True)] == expected

    def test_the_attention_sees_the_previous_frame(self, model):
        """Without attention the scores of a frame do not depend on what came before (but rivals are dropped)."""
        frames = frames_of(2)
        for net, independent in ((model, False), (small_model(attention=False).eval(), True)):
            after = key_of(list(VISSession(net).run(open_video(frames)))[1])
            alone = key_of(VISSession(net).step(frames[1]))
            assert (set(after[2]) <= set(alone[2])) == independent

    def test_a_frame_without_detections_is_remembered_by_the_attention(self, model):
        frames = frames_of(2)
        session = VISSession(model)
        threshold = model.detector.roi_head.test_cfg.score_thr
        model.detector.roi_head.test_cfg.score_thr = 2.0
        try:
            assert len(session.step(frames[0]).pred_track_instances) == 0
        finally:
            model.detector.roi_head.test_cfg.score_thr = threshold
        assert len(session.state.memory.read_maps(model.kept_maps(model.raw_maps(session.view.view(frames[1], 1).image))))
        assert key_of(session.step(frames[1]))[0][0] == 0

    def test_what_it_remembers_does_not_grow(self, model):
        model.memory_cfg['max_instances'], limit = 8, model.memory_cfg.get('max_instances')
        try:
            session = VISSession(model)
            for frame in frames_of(12):
                session.step(frame)
        finally:
            model.memory_cfg.pop('max_instances') if limit is None else model.memory_cfg.update(max_instances=limit)
        memory = session.state.memory
        assert len(memory) <= 8 and len(memory['embeddings']) == len(memory) and len(memory._maps) == 1

    def test_instances_can_be_forgotten(self, model):
        session = VISSession(model)
        session.step(frames_of(1)[0])
        session.remove_objects([0])
        assert 0 not in session.object_ids
        with pytest.raises(KeyError, match='no instance 0'):
            session.remove_objects([0])

    def test_mixed_precision(self, model):
        result = VISSession(model, amp=True).step(frames_of(1)[0])
        assert result.pred_track_instances.scores.dtype == torch.float32 and len(result.pred_track_instances)

    @pytest.mark.parametrize(
        'frame, message', [(np.zeros((50, 60, 3), np.uint8), 'frame 1 is 60x50'), (np.zeros((100, 170), np.uint8), 'BGR uint8')]
    )
    def test_bad_input(self, model, frame, message):
        session = VISSession(model)
        session.step(frames_of(1)[0])
        with pytest.raises(InputError, match=message):
            session.step(frame)

    def test_padding_is_that_of_training(self, model):
        """Zeros after normalisation, on the right and below."""
        session = VISSession(model)
        session.step(np.zeros((100, 170, 3), np.uint8))
        frame = session.view.view(np.full((100, 170, 3), 7, np.uint8), 1)
        height, width = frame.img_shape
        assert frame.image.shape[-2:] == (96, 160) and (height, width) == (94, 160)
        assert not frame.image[:, :, height:].any() and frame.image[:, :, :height, :width].abs().min() > 0
        data = dict(inputs=[torch.full((1, 3, 94, 160), 7, dtype=torch.uint8)], data_samples=None)
        assert torch.allclose(model.data_preprocessor(data)['inputs'][0], frame.image)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('videos')
    make_videos(folder)
    return folder


def config_of_test(root, work_dir, **evaluator):
    cfg = small_config()
    cfg.merge_from_dict(Config.fromfile(ROOT / 'configs/_base_/default_runtime.py').to_dict())
    dataset = dict(
        type='SynthVISDataset',
        data_root=str(root),
        ann_file='instances.json',
        data_prefix=dict(img_path='JPEGImages'),
        test_mode=True,
    )
    cfg.merge_from_dict(
        dict(
            work_dir=str(work_dir),
            test_cfg=dict(type='VideoTestLoop'),
            test_dataloader=dict(batch_size=1, num_workers=0, dataset=dataset, sampler=dict(type='LongestFirstSampler')),
            test_evaluator=dict(type='YouTubeVISMetric', ann_file=str(root / 'instances.json'), **evaluator),
        )
    )
    return cfg


def test_the_test_loop(root, tmp_path):
    """Metric, submission and drawn frames of one run; then the metric once more."""
    cfg = config_of_test(root, tmp_path, outfile=str(tmp_path / 'results.zip'), outfile_prefix=str(tmp_path / 'results'))
    cfg.default_hooks.visualization.update(draw=True, out_dir=str(tmp_path / 'vis'), options=dict(score_thr=0.0))
    runner = Runner.from_cfg(cfg)
    figures = runner.test()
    assert set(figures) == {
        f'youtube_vis/segm_{name}' for name in ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l', 'AR@1', 'AR@10')
    }
    entries = json.loads((tmp_path / 'results.json').read_text())
    with zipfile.ZipFile(tmp_path / 'results.zip') as archive:
        assert archive.namelist() == ['results.json'] and json.loads(archive.read('results.json')) == entries
    assert {entry['video_id'] for entry in entries} == {1, 2, 3}
    assert all(len(e['segmentations']) == (5, 4, 6)[e['video_id'] - 1] for e in entries)
    assert len(list((tmp_path / 'vis' / 'video3').glob('*.jpg'))) == 6 and (tmp_path / 'vis' / 'video3.mp4').exists()
    assert runner.test() == figures


def test_inferencer_and_demo(root, tmp_path, monkeypatch, capsys):
    cfg = small_config()
    cfg.dump(tmp_path / 'config.py')
    model = small_model()
    torch.save(
        dict(state_dict=model.state_dict(), meta=dict(dataset_meta=dict(classes=CLASSES, cat_ids=(5, 6)))),
        tmp_path / 'weights.pth',
    )
    inferencer = VISInferencer(tmp_path / 'config.py', str(tmp_path / 'weights.pth'), 'cpu')
    assert tuple(inferencer.classes) == CLASSES
    folder = root / 'JPEGImages' / 'video1'
    expected = [key_of(r) for r in VISSession(prepare_for_inference(model)).run(open_video(folder))]
    assert [key_of(r) for r in inferencer(folder)] == expected
    command = [
        'vis_demo.py',
        folder,
        '--config',
        tmp_path / 'config.py',
        '--checkpoint',
        tmp_path / 'weights.pth',
        '--out-dir',
        tmp_path / 'out',
        '--device',
        'cpu',
    ]
    monkeypatch.setattr(sys, 'argv', list(map(str, command)))
    runpy.run_path(str(ROOT / 'demo' / 'vis_demo.py'), run_name='__main__')
    assert '5 frames' in capsys.readouterr().out and (tmp_path / 'out' / 'overlay.mp4').exists()
    entries = json.loads((tmp_path / 'out' / 'results.json').read_text())
    assert {e['category_id'] for e in entries} <= {5, 6} and all(len(e['segmentations']) == 5 for e in entries)


def test_a_missing_video_or_device_is_one_line(tmp_path):
    small_config().dump(tmp_path / 'config.py')
    with pytest.raises(FileNotFoundError, match='nowhere.mp4: video not found'):
        next(VISInferencer(tmp_path / 'config.py', None, 'cpu')('nowhere.mp4'))
    with pytest.raises(InputError, match='--device nonsense: not a device of this machine'):
        VISInferencer(tmp_path / 'config.py', None, 'nonsense')


def test_masks_are_encoded_exactly():
    from mmvos.models.vis.masktrack_rcnn import encode_masks

    masks = torch.rand(3, 20, 31) > 0.5
    codes = encode_masks(masks)
    assert all(np.array_equal(rle.decode(code), mask) for code, mask in zip(codes, masks.numpy(), strict=True))
    assert encode_masks(masks[:0]) == []


def test_data_items_are_videos(root):
    data = DATASETS.build(config_of_test(root, root).test_dataloader.dataset)
    video = data[2]['inputs']
    assert (video.video_id, len(video), video.metainfo['vis_id']) == ('video3', 6, 3)
    assert video.read(5).shape == (96, 160, 3) and data.video_lengths() == [5, 4, 6]


@torch.no_grad()
def test_results_equal_those_of_mmdet():
    """Without attention, and with mmdet's behaviour chosen: the same instances, frame by frame."""
    model = small_model(
        attention=False,
        **{
            'model.track_head.embed_head.final_relu': True,
            'model.tracker.unique_ids': False,
            'model.detector.test_cfg.rcnn.max_per_img': 3,
        },
    ).eval()
    frames = frames_of(4)
    pipeline = Compose(
        [
            dict(type='TransformBroadcaster', transforms=[dict(type='mmdet.Resize', scale=(160, 96), keep_ratio=True)]),
            dict(type='mmdet.PackTrackInputs'),
        ]
    )
    count = len(frames)
    data = pipeline(
        dict(
            img=frames,
            img_id=list(range(count)),
            frame_id=list(range(count)),
            ori_shape=[(100, 170)] * count,
            video_id=[1] * count,
        )
    )
    data = model.data_preprocessor(pseudo_collate([data]))
    ours, model.tracker = model.tracker, MaskTrackRCNNTracker(num_frames_retain=20)
    expected = MMDetMaskTrackRCNN.predict(model, data['inputs'], data['data_samples'])[0]
    model.tracker = ours
    total = 0
    for result, other in zip(VISSession(model).run(open_video(frames)), expected, strict=True):
        found, wanted = result.pred_track_instances, other.pred_track_instances
        assert found.instances_id.tolist() == wanted.instances_id.tolist()
        assert found.labels.tolist() == wanted.labels.tolist()
        torch.testing.assert_close(found.scores, wanted.scores)
        torch.testing.assert_close(found.bboxes, wanted.bboxes)
        masks = np.stack([rle.decode(code) for code in found.masks]).astype(bool)
        assert (masks == wanted.masks.numpy()).mean() > 0.9999
        total += len(found)
    assert total >= 8


@pytest.mark.parametrize('height, width', [(720, 1280), (718, 1280), (1080, 1920), (480, 854), (1280, 720), (90, 120)])
def test_frames_are_resized_as_in_training(height, width):
    rule = ShortSide(length=360, max_length=640)
    assert rule(height, width) == mmcv.rescale_size((width, height), (640, 360))[::-1]
