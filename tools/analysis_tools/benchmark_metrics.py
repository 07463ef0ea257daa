"""How long scoring takes, per frame and object, stage by stage; beside it the package vos-benchmark where installed.

    python tools/analysis_tools/benchmark_metrics.py                       # generated masks, 480x854, 1 and 5 objects
    python tools/analysis_tools/benchmark_metrics.py --gt DIR --pred DIR   # <video>/<frame>.png of your own

All of it on one core. Numbers are compared on the same frames: the largest difference of any object's J or F is printed.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence

os.environ.setdefault('OMP_NUM_THREADS', '1')

import cv2
import numpy as np

from mmvos.evaluation.evaluate import score_videos
from mmvos.evaluation.functional import score_objects
from mmvos.evaluation.functional.boundary import boundary_map, boundary_radius, dilate_disc, mask_box
from mmvos.evaluation.scoring import DAVIS2016Scoring, DAVISSemiScoring
from mmvos.structures import folder_names, object_ids_of, read_label_map, write_label_map
from mmvos.utils import command_line
from mmvos.utils.cores import available_cores
from mmvos.videos import LabelSource
from mmvos.videos.archive import MaskFiles
from mmvos.videos.layouts import AnnotatedVideo, masks_in


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--gt', metavar='DIR', help='annotations, <video>/<frame>.png')
    parser.add_argument('--pred', metavar='DIR', help='predictions, likewise')
    parser.add_argument('--frames', type=int, default=24, help='frames per generated video (default: 24)')
    parser.add_argument('--size', type=int, nargs=2, default=[480, 854], metavar=('H', 'W'))
    parser.add_argument('--repeat', type=int, default=3, help='the best of so many rounds counts (default: 3)')
    parser.add_argument('--workers', type=int, nargs='+', default=[1, 2, 4], help='numbers of processes to try')
    args = parser.parse_args()
    if bool(args.gt) != bool(args.pred):
        parser.error('--gt and --pred go together.')
    return args


def blob(rng: np.random.Generator, shape, centre, radius: float, frame: int) -> np.ndarray:
    """A wobbling star-shaped region, bool ``(H, W)``."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle, distance = np.arctan2(y - centre[0], x - centre[1]), np.hypot(y - centre[0], x - centre[1])
    edge = np.full(shape, float(radius))
    for wave in range(2, 8):
        edge += radius / (1.5 * wave) * np.sin(wave * angle + rng.uniform(0, 2 * np.pi) + 0.1 * frame)
    return distance < edge


def generate(folder: str, num_objects: int, num_frames: int, shape) -> None:
    """Videos of wobbling objects, and predictions that are moved by (3, 2) pixels and lack small parts."""
    columns = np.linspace(0, shape[1], num_objects + 2)[1:-1]
    radius = min(shape) / (3.5 if num_objects == 1 else 5)
    for frame in range(num_frames):
        gt = np.zeros(shape, np.uint8)
        for i, column in enumerate(columns):
            centre = shape[0] / 2 + shape[0] / 8 * np.sin(0.2 * frame + i), column + 2 * frame
            gt[blob(np.random.default_rng(i), shape, centre, radius, frame)] = i + 1
        pred = cv2.erode(np.roll(gt, (3, 2), (0, 1)), np.ones((3, 3), np.uint8))
        for name, label_map in (('gt', gt), ('pred', pred)):
            write_label_map(os.path.join(folder, name, f'objects{num_objects}', f'{frame:05d}.png'), label_map)


def best(function: Callable, items: Sequence[tuple], repeat: int) -> float:
    """Seconds of processor time for all items: of each, the fastest of some rounds (other programs disturb less so)."""
    fastest = np.full(len(items), np.inf)
    for _ in range(repeat):
        for i, item in enumerate(items):
            start = time.process_time()
            function(*item)
            fastest[i] = min(fastest[i], time.process_time() - start)
    return float(fastest.sum())


def time_ours(files: list[tuple], ids: list[int], repeat: int) -> dict[str, float]:
    """Seconds for all frames, by stage; files are pairs of annotation and prediction."""
    masks = [tuple(map(read_label_map, pair)) for pair in files]

    def crops(gt: np.ndarray, pred: np.ndarray, then: Callable = lambda *_: None) -> None:
        radius = boundary_radius(*gt.shape)
        box = mask_box(gt | pred)
        gt, pred = gt[box], pred[box]
        for object_id in ids:
            gt_mask, pred_mask = gt == object_id, pred == object_id
            inner = mask_box((gt_mask | pred_mask).view(np.uint8))
            then(gt_mask[inner], pred_mask[inner], radius)

    def contours(gt: np.ndarray, pred: np.ndarray, _: int) -> np.ndarray:
        return boundary_map(gt) | boundary_map(pred) << 1

    def dilation(gt: np.ndarray, pred: np.ndarray, radius: int) -> None:
        dilate_disc(contours(gt, pred, radius), radius)

    times = {
        'read 2 PNG files': best(lambda *pair: [read_label_map(f) for f in pair], files, repeat),
        'boxes and crops': best(crops, masks, repeat),
    }
    with_contours = best(lambda *pair: crops(*pair, contours), masks, repeat)
    with_dilation = best(lambda *pair: crops(*pair, dilation), masks, repeat)
    times['contours'] = with_contours - times['boxes and crops']
    times['dilation'] = with_dilation - with_contours
    times['all computation'] = best(lambda *pair: score_objects(*pair, ids), masks, repeat)
    times['with files'] = best(lambda *pair: score_objects(*map(read_label_map, pair), ids), files, repeat)
    return times


def time_theirs(files: list[tuple], repeat: int) -> dict[str, float] | None:
    """The same of vos-benchmark, with its own way of reading files; None where it is not installed."""
    try:
        from PIL import Image
        from vos_benchmark.evaluator import Evaluator
    except ImportError:
        return None

    def read(path: str) -> np.ndarray:
        return np.array(Image.open(path))

    def feed(gt: np.ndarray, pred: np.ndarray) -> None:
        Evaluator().feed_frame(pred, gt)

    return {
        'read 2 PNG files': best(lambda *pair: [read(f) for f in pair], files, repeat),
        'all computation': best(feed, [tuple(map(read, pair)) for pair in files], repeat),
        'with files': best(lambda *pair: feed(*map(read, pair)), files, repeat),
    }


def largest_difference(files: list[tuple], ids: list[int]) -> float:
    """Between the two packages, over J and F of all objects (means over the frames), as fractions."""
    from vos_benchmark.evaluator import Evaluator

    evaluator, ours = Evaluator(), []
    for pair in files:
        gt, pred = map(read_label_map, pair)
        evaluator.feed_frame(pred, gt)
        ours.append(score_objects(gt, pred, ids))
    ours = np.mean(ours, axis=0)  # (2, objects)
    theirs = np.array([[scores[i] / 100 for i in ids] for scores in evaluator.conclude()])
    return float(np.abs(ours - theirs).max())


def report(name: str, files: list[tuple], repeat: int) -> None:
    first = read_label_map(files[0][0])
    ids = object_ids_of(first) or [int(first.max())]  # 255 alone: a DAVIS 2016 mask
    ours, theirs = time_ours(files, ids, repeat), time_theirs(files, repeat)
    scale = 1000 / len(files)
    print(f'\n{name}: {len(files)} frames {first.shape[1]}x{first.shape[0]}, {len(ids)} object(s); ms of processor time')
    print(f'{"":<18}{"MMVOS: per frame":>22}{"per object":>12}{"vos-benchmark: per frame":>31}{"per object":>12}')
    for stage, seconds in ours.items():
        line = f'{stage:<18}{seconds * scale:>22.2f}{seconds * scale / len(ids):>12.2f}'
        if theirs and stage in theirs:
            line += f'{theirs[stage] * scale:>31.2f}{theirs[stage] * scale / len(ids):>12.2f}'
            line += f'   {theirs[stage] / seconds:.1f}x'
        print(line)
    if theirs:
        print(f'largest difference of any J or F: {largest_difference(files, ids):.1e}')


@command_line
def main() -> None:
    args = parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temporary:
        if not args.gt:
            args.gt, args.pred = (os.path.join(temporary, name) for name in ('gt', 'pred'))
            for num_objects in (1, 5):
                generate(temporary, num_objects, args.frames, tuple(args.size))
        videos = []
        for video in folder_names(args.gt):
            frames = list(masks_in(os.path.join(args.gt, video)))
            files = [tuple(os.path.join(root, video, f'{frame}.png') for root in (args.gt, args.pred)) for frame in frames]
            report(video, files, args.repeat)
            videos.append(AnnotatedVideo(video, frames, [LabelSource(gt) for gt, _ in files]))
        many = videos[0].annotations[0].read().max() < 255
        scoring = DAVISSemiScoring() if many else DAVIS2016Scoring(temporal='none')
        print(
            f'\nfrom files, {sum(len(v.frames) for v in videos)} frames of {len(videos)} videos '
            f'({available_cores()} cores), seconds of wall time:'
        )
        for workers in args.workers:
            seconds = []
            for _ in range(args.repeat):
                start = time.perf_counter()
                score_videos(videos, MaskFiles(args.pred), scoring, workers)
                seconds.append(time.perf_counter() - start)
            print(f'  {workers} process(es): {min(seconds):.2f}')


if __name__ == '__main__':
    main()
