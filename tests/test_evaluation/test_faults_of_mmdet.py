"""mmdet's metric and hook of YouTube-VIS: faults that MMVOS does not have."""

import cv2
import numpy as np
import pycocotools.mask as rle
import pytest
import torch
from mmdet.engine.hooks import TrackVisualizationHook
from mmdet.evaluation.metrics import YouTubeVISMetric as MMDetYouTubeVISMetric
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.visualization import TrackLocalVisualizer
from mmengine.structures import InstanceData
from vis_data import CLASSES

from mmvos.visualization import draw_instances


def track_sample(video_id, frames, detections=1, annotated=True):
    """What mmdet's metric and hook take."""
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[:, 2:5, 3] = mask[:, 3, 2:5] = True  # a cross: 5 pixels in a box of 9
    sample = TrackDataSample()
    samples = []
    for frame in range(frames):
        one = DetDataSample(
            metainfo=dict(
                video_id=video_id,
                img_id=10 * video_id + frame,
                ori_shape=(8, 8),
                ori_video_length=2,
                frame_id=frame,
                instances=[
                    dict(
                        bbox=[2, 2, 5, 5],
                        bbox_label=0,
                        instance_id=video_id,
                        mask=rle.encode(np.asfortranarray(mask[0].numpy().astype(np.uint8))),
                    )
                ]
                if annotated
                else [],
            )
        )
        one.pred_track_instances = InstanceData(
            bboxes=torch.tensor([[2.0, 2, 5, 5]])[:detections],
            scores=torch.ones(1)[:detections],
            labels=torch.zeros(1, dtype=torch.long)[:detections],
            masks=mask[:detections],
            instances_id=torch.ones(1, dtype=torch.long)[:detections],
        )
        samples.append(one)
    sample.video_data_samples = samples
    return sample


class TestFaultsOfMMDet:
    """What :class:`YouTubeVISMetric` and the session mend; a test that fails here means that a mend can be dropped."""

    def metric(self):
        metric = MMDetYouTubeVISMetric()
        metric.dataset_meta = dict(classes=CLASSES)
        return metric

    def test_second_evaluation(self):
        metric = self.metric()
        metric.process(None, [track_sample(1, 2).to_dict()])
        metric.evaluate(1)
        with pytest.raises(KeyError, match='images'):
            metric.process(None, [track_sample(1, 2).to_dict()])

    def test_no_results(self):
        metric = self.metric()
        metric.process(None, [track_sample(1, 2, detections=0).to_dict()])
        with pytest.raises(IndexError):
            metric.evaluate(1)

    def test_frame_by_frame(self):
        with pytest.raises(AttributeError, match='process_image'):
            self.metric().process(None, [track_sample(1, 1).to_dict()])

    def test_sizes_of_boxes(self):
        metric = self.metric()
        metric.process(None, [track_sample(1, 2).to_dict()])
        ((_, truth),) = metric.results
        assert truth[0]['areas'] == [9, 9] and rle.area(truth[0]['segmentations'][0]) == 5

    def test_drawing_while_testing(self, tmp_path):
        TrackLocalVisualizer.get_instance('vis_test')
        hook = TrackVisualizationHook(draw=True, test_out_dir=str(tmp_path / 'vis'))
        (tmp_path / 'a' / 'b').mkdir(parents=True)
        path = str(tmp_path / 'a' / 'b' / 'c.png')
        cv2.imwrite(path, np.zeros((8, 8, 3), np.uint8))
        frame = track_sample(1, 1)[0]
        frame.set_metainfo(dict(img_path=path))
        with pytest.raises(AssertionError):  # wants ground truth, which a test has not
            hook.visualize_single_image(frame, 0)
        drawn = draw_instances(np.zeros((8, 8, 3), np.uint8), frame.pred_track_instances, labels=False)
        assert drawn[3, 3].any() and not drawn[7, 7].any()
