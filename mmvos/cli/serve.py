"""Take videos over HTTP, do them one after the other, hand out the results.

examples:
  mmvos serve                                       http://127.0.0.1:8001, with the jobs of ./mmvos_jobs
  mmvos serve --videos /data/videos                 jobs may name a video there instead of sending it
  mmvos serve --config sta-masktrack-rcnn --workers 2
  mmvos serve --host 0.0.0.0 --token-file token.txt

  curl -F video=@clip.mp4 -F mask=@first.png http://127.0.0.1:8001/api/jobs

Jobs and results are in --jobs; after a stop or a crash the same command goes on with them. The server can be reached from
this machine only, unless --host says otherwise. The token may also be in the environment, as MMVOS_TOKEN.
"""

import argparse
import os
from typing import Any

from .options import add_model, add_server


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--jobs', default='mmvos_jobs', metavar='DIR', help='folder of the jobs and their results')
    parser.add_argument('--videos', metavar='DIR', help='folder of videos that jobs may name (default: none)')
    add_model(parser, 'recall-vos')
    parser.add_argument('--overlay', default='overlay.mp4', metavar='NAME', help='drawn results, .mp4, .gif or .webp; "": none')
    parser.add_argument('--export', nargs='+', metavar='FORMAT', help='further forms of masks (default: youtube-vis); "": none')
    parser.add_argument('--workers', type=int, default=1, metavar='N', help='processes with a model each (default: 1)')
    parser.add_argument('--threads', type=int, default=0, help='threads per process (default: the cores divided by workers)')
    parser.add_argument('--retries', type=int, default=1, help='how often a video that failed is tried again')
    parser.add_argument('--queue', type=int, default=100, metavar='N', help='how many jobs may wait (default: 100)')
    parser.add_argument('--token-file', metavar='FILE', help='file with the token that requests must bring')
    add_server(parser, 8001)


def run(args: argparse.Namespace) -> None:
    from functools import partial
    from pathlib import Path

    from mmvos.structures import InputError

    try:
        import python_multipart  # noqa: F401  # it reads forms

        from mmvos.web.service.app import ServiceSettings, create_app
        from mmvos.web.serving import hosts_of, listen, serve
    except ImportError as error:
        raise InputError(f'{error.name} is not installed; the server needs: pip install "mmvos[web]"') from error
    from mmvos.batch import Worker
    from mmvos.batch.local_pool import LocalPool, local_devices
    from mmvos.utils.run_lock import run_lock
    from mmvos.web.service.jobs import JobFolder
    from mmvos.web.service.queue import JobQueue

    if args.workers < 1 or args.queue < 1 or min(args.threads, args.retries) < 0:
        raise InputError('--workers and --queue are numbers from 1, --threads and --retries from 0.')
    videos = Path(args.videos).absolute() if args.videos else None
    if videos and not videos.is_dir():
        raise InputError(f'--videos {args.videos}: is no folder.')
    token = _token(args.token_file)
    listener = listen(args.host, args.port)  # before the model is read: a port in use is said at once
    with run_lock(args.jobs, '--jobs'):
        folder = JobFolder(Path(args.jobs))
        settings, prompted = _settings(args, str(folder.results))
        pool = LocalPool(partial(Worker, settings), *local_devices(args.device, args.workers, args.threads))
        queue = JobQueue(folder, pool, args.queue, args.retries, videos)
        service = ServiceSettings(args.config or 'recall-vos', prompted, args.max_upload << 20, hosts_of(args.host), token)
        place = f'http://{args.host}:{listener.getsockname()[1]}/api/jobs'
        print(f'MMVOS serve: {place}  (Ctrl-C ends it; jobs are in {args.jobs})', flush=True)

        def end_events() -> None:
            queue.closing = True

        try:
            serve(create_app(queue, service), listener, end_events)
        finally:
            queue.close()


def _token(path: str | None) -> str:
    from mmvos.structures import InputError
    from mmvos.structures.files import read_text

    token = read_text(path, 'a token').strip() if path else os.environ.get('MMVOS_TOKEN', '')
    if path and not token:
        raise InputError(f'{path}: is empty; expected a token.')
    return token


def _settings(args: argparse.Namespace, results: str) -> tuple[Any, bool]:
    """Settings of the workers, and whether the model needs prompts: it is made here once, so that a mistake shows at once."""
    from dataclasses import replace

    from mmvos.apis import VOSInferencer
    from mmvos.batch import Worker, WorkerSettings
    from mmvos.exports import check_exports

    export = [name for name in args.export or [] if name]
    check_exports(export)
    settings = WorkerSettings(results, args.config or '', args.checkpoint or '', args.amp, args.overlay)
    worker = Worker(settings, 'cpu', 1)
    gives_masks = isinstance(worker.inferencer, VOSInferencer)
    if args.export is None and gives_masks:
        export = ['youtube-vis']
    return replace(settings, export=tuple(export)), worker.prompted
