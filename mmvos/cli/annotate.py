"""Open the annotation page: click on objects, look at their masks, propagate, correct, export.

examples:
  mmvos annotate                       the page, with the projects of ./mmvos_projects
  mmvos annotate video.mp4             a new project for a video file or a folder of frames
  mmvos annotate --projects DIR        projects in another folder
  mmvos annotate --config feature-propagation   another video model

The page is at http://127.0.0.1:8000 and can be reached from this machine only, unless --host says otherwise.
"""

import argparse
import errno
import socket

from .options import add_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('video', nargs='?', help='video file or folder of frames to make a project for')
    parser.add_argument('--projects', default='mmvos_projects', metavar='DIR', help='folder of the projects')
    add_model(parser, 'recall-vos')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen at (default: 127.0.0.1)')
    parser.add_argument('--port', type=int, default=8000, help='port to listen at; 0: any free one (default: 8000)')
    parser.add_argument('--open', action='store_true', help='open the page in the browser')
    parser.add_argument('--max-upload', type=int, default=2048, metavar='MIB', help='largest video that may be uploaded')


def run(args: argparse.Namespace) -> None:
    import webbrowser
    from pathlib import Path

    from mmvos.structures import InputError

    try:
        import uvicorn

        from mmvos.web.app import create_app
    except ImportError as error:
        raise InputError(f'{error.name} is not installed; the page needs: pip install "mmvos[web]"') from error
    server = listen(args.host, args.port)  # before the models are read: a port in use is said at once
    from mmvos.apis import VOSInferencer
    from mmvos.apis.click_segmenter import init_click_segmenter
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
        place += f'#{workspace.create(Path(args.video))}'
    print(f'MMVOS annotate: {place}  (Ctrl-C ends it; projects are in {args.projects})', flush=True)
    if args.open:
        webbrowser.open(place)
    everywhere = args.host in ('', '0.0.0.0', '::')
    app = create_app(workspace, hosts=[] if everywhere else ['127.0.0.1', 'localhost', '::1', args.host])
    uvicorn.Server(uvicorn.Config(app, log_level='warning')).run([server])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; InputError, naming the options, where that is not possible."""
    from mmvos.structures import InputError

    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OverflowError as error:
        raise InputError(f'--port {port}: expected 0 to 65535.') from error
    except OSError as error:
        hint = f'is another one running? Try --port {port + 1}' if error.errno == errno.EADDRINUSE else 'see --host and --port'
        raise InputError(f'cannot listen at {host}:{port} ({error.strerror or error}); {hint}.') from error
