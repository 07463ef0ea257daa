"""Small scored videos, and their scores by definition."""

import os
import signal

import numpy as np

from mmvos.evaluation import DAVISMetric, zip_writer
from mmvos.evaluation.protocols import MASK_PROTOCOLS
from mmvos.structures import write_label_map
from mmvos.videos.archive import MaskFiles


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


def end_worker(*_, **__):
    """Stands for the scoring of a video in a process that runs out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
