"""Open the annotation page: click on objects, look at their masks, propagate, correct, export.

examples:
  mmvos annotate                       the page, with the projects of ./mmvos_projects
  mmvos annotate video.mp4             a new project for a video file or a folder of frames
  mmvos annotate video.mp4 --masks cvat.xml     the same, with masks of CVAT, LabelMe or a folder of label maps
  mmvos annotate --projects DIR        projects in another folder
  mmvos annotate --config feature-propagation   another video model

The page is at http://127.0.0.1:8000 and can be reached from this machine only, unless --host says otherwise.
"""

import argparse

from .options import add_model, add_server


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('video', nargs='?', help='video file or folder of frames to make a project for')
    parser.add_argument(
        '--masks', metavar='PATH', help='what is set already: a file of CVAT, a folder of LabelMe files, or one of label maps'
    )
    parser.add_argument('--projects', default='mmvos_projects', metavar='DIR', help='folder of the projects')
    add_model(parser, 'recall-vos')
    add_server(parser, 8000)
    parser.add_argument('--open', action='store_true', help='open the page in the browser')


def run(args: argparse.Namespace) -> None:
    import webbrowser
    from pathlib import Path

    from mmvos.structures import InputError
    from mmvos.videos import open_video

    if args.masks and not args.video:
        raise InputError(f'--masks {args.masks}: of which video? Expected mmvos annotate VIDEO --masks {args.masks}.')
    try:
        from mmvos.web.app import create_app
        from mmvos.web.serving import hosts_of, listen, serve
    except ImportError as error:
        raise InputError(f'{error.name} is not installed; the page needs: pip install "mmvos[web]"') from error
    if args.video:
        open_video(args.video)  # before the models are read: what is no video, or a port in use, is said at once
    server = listen(args.host, args.port)
    from mmvos.apis import VOSInferencer, init_click_segmenter
    from mmvos.interaction import InteractiveSegmenter
    from mmvos.web.workspace import Workspace

    chosen = dict(model=args.config) if args.config else {}
    inferencer = VOSInferencer(
        **chosen, weights=args.checkpoint, device=args.device, amp=args.amp, cfg_options={'model.test_cfg.keep_scores': True}
    )
    segmenter = InteractiveSegmenter(init_click_segmenter(device=args.device), frames=16)
    workspace = Workspace(Path(args.projects), segmenter, inferencer.session, args.max_upload << 20)
    place = f'http://{args.host}:{server.getsockname()[1]}/'
    if args.video:
        place += f'#{workspace.create(Path(args.video), masks=[args.masks] if args.masks else [])}'
    print(f'MMVOS annotate: {place}  (Ctrl-C ends it; projects are in {args.projects})', flush=True)
    if args.open:
        webbrowser.open(place)
    serve(create_app(workspace, hosts_of(args.host)), server)
