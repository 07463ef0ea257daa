"""Do many videos: each once, what is missing after a stop, and a list of those that failed.

examples:
  mmvos batch videos/ --prompts masks/ --out-dir results        masks/<video>.png, or masks/<video>/<frame>.png
  mmvos batch 'videos/*/left*.mp4' --config sta-masktrack-rcnn --out-dir results
  mmvos batch list.jsonl --out-dir s3://bucket/results --workers 2
  mmvos batch configs/recall_vos/recall-vos_lite0.py --out-dir results          the videos of its test data
  mmvos batch s3://bucket/videos --prompts s3://bucket/masks --out-dir s3://bucket/results --ray auto --workers 16 --gpus 1

A line of list.jsonl: {"video": "a.mp4", "name": "a", "prompts": {"0": "a.png"}}, or "prompts": "a.png", or "clicks":
["1:320,240"], "boxes": ["2:10,20,90,80"], "at": 0. The folder of the results gets one per video, complete when it has its
done.json, and failures.json. Give the command again to do what is missing. Under torchrun, srun and in arrays of slurm jobs
each process does its share. The exit code is 3 if a video failed.
"""

import argparse
import os
from typing import Any

from .options import add_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', help='folder, glob, list (*.jsonl) or config (*.py); path or URL')
    parser.add_argument('--out-dir', '--out', required=True, metavar='DIR', help='where the results go; path or URL')
    parser.add_argument('--prompts', default='', metavar='DIR', help='masks of the first frames; path or URL')
    add_model(parser, 'recall-vos; with a config as source, that')
    parser.add_argument('--fit-masks', action='store_true', help='resize masks of another size (nearest neighbour)')
    parser.add_argument('--binary', action='store_true', help='masks are black and white: whatever is not 0 is object 1')
    parser.add_argument('--overlay', default='', metavar='NAME', help='draw the results, too: overlay.mp4, .gif or .webp')
    parser.add_argument('--export', nargs='+', default=[], metavar='FORMAT', help='further forms, such as coco, cvat, cutouts')
    parser.add_argument(
        '--workers', type=int, default=0, metavar='N', help='processes (default: one per GPU; on a CPU one per core)'
    )
    parser.add_argument('--threads', type=int, default=0, help='threads per process (default: the cores divided by workers)')
    parser.add_argument('--retries', type=int, default=1, help='how often a video that failed is tried again')
    parser.add_argument('--ray', nargs='?', const='local', metavar='ADDRESS', help='workers on a Ray cluster (mmvos[ray])')
    parser.add_argument('--gpus', type=float, default=0, help='GPUs per worker with --ray, also parts of one')


def run(args: argparse.Namespace) -> int:
    from contextlib import nullcontext
    from functools import partial

    from mmvos.batch import Destination, Share, Worker, WorkerSettings, find_tasks, run_batch
    from mmvos.exports import check_exports
    from mmvos.structures import InputError
    from mmvos.utils.command_line import SOME_FAILED
    from mmvos.utils.run_lock import run_lock

    if min(args.workers, args.threads, args.retries, args.gpus) < 0:
        raise InputError('--workers, --threads, --retries and --gpus are numbers from 0.')
    check_exports(args.export)
    share, destination = Share.from_environment(), Destination(args.out_dir)
    settings = WorkerSettings(
        destination.place.path if destination.place.is_local else args.out_dir,
        config=args.config or '',
        checkpoint=args.checkpoint or '',
        amp=args.amp,
        overlay=args.overlay,
        export=tuple(args.export),
        fit_masks=args.fit_masks,
        binary=args.binary,
        dataset=args.source if args.source.endswith('.py') else '',
    )
    folder = destination.place.path
    lock = run_lock(os.path.join(folder, f'{share}.part'), '--out-dir') if destination.place.is_local else nullcontext()
    with lock:
        tasks = share.of(find_tasks(args.source, args.prompts))
        _check_apart(destination, args.source)
        destination.agree(settings.of_results())
        destination.remove_parts()
        done = destination.done(task.name for task in tasks)
        missing = [task for task in tasks if task.name not in done]
        pool = _pool(args, partial(Worker, settings), len(missing))
        result = run_batch(missing, pool, args.retries, len(done))
        destination.remove_parts()
        destination.write_json('failures.json' if share.count == 1 else f'failures-{share}.json', result.failures())
    frames = sum(summary['frames'] for summary in result.finished.values())
    print(f'{len(result.finished)} videos done ({frames} frames), {len(done)} were done before, {len(result.failed)} failed')
    for failure in result.failures():
        print(f'failed after {failure["tries"]} tries: {failure["name"]}: {failure["reason"]}')
    return SOME_FAILED if result.failed else 0


def _check_apart(destination: Any, source: str) -> None:
    from mmvos.structures import InputError

    if destination.place.is_local and os.path.isdir(source) and os.path.samefile(source, destination.place.path):
        raise InputError(f'--out-dir {destination.place.url}: is the folder of the videos; give another one.')


def _pool(args: argparse.Namespace, make_worker: Any, videos: int) -> Any:
    from mmvos.batch.local_pool import LocalPool, local_cores, local_devices

    if args.ray:
        from mmvos.batch.ray_pool import RayPool

        address = '' if args.ray == 'local' else args.ray
        return RayPool(make_worker, args.workers or local_cores(), address, args.threads or 1, args.gpus)
    return LocalPool(make_worker, *local_devices(args.device, args.workers, args.threads, most=videos))
