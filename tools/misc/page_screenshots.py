"""Pictures of the annotation page for the documentation, from an empty page to an export, taken in a real Chromium.

    pip install "mmvos[web,screenshots]"        and Chromium, e.g. apt-get install chromium
    python tools/misc/page_screenshots.py [--out-dir docs/en/figures]

The video is the one of `make demo`; its objects are clicked on as an annotator with a steady hand would. Writes
page_<step>.webp, and fails on any error in the browser's console.
"""

import argparse
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import cv2
import numpy as np

from mmvos.apis import VOSInferencer, init_click_segmenter
from mmvos.datasets.synth import write_demo_video
from mmvos.interaction import InteractiveSegmenter
from mmvos.models.interactive import next_click
from mmvos.structures import InputError, read_label_map
from mmvos.utils import command_line
from mmvos.videos import open_video
from mmvos.visualization import VideoWriter
from mmvos.web.app import create_app
from mmvos.web.workspace import Workspace

#: the objects that are annotated: (their ids in the demo's label maps, what they are called)
OBJECTS = ((1, 'quokka'), (3, 'astronaut'))
WIDE, NARROW = dict(width=1200, height=720), dict(width=420, height=860)


def serve(folder: Path) -> tuple:
    """The real application with the shipped models; the server and its address."""
    import uvicorn

    inferencer = VOSInferencer(cfg_options={'model.test_cfg.keep_scores': True})
    workspace = Workspace(folder, InteractiveSegmenter(init_click_segmenter()), inferencer.session)
    listening = socket.create_server(('127.0.0.1', 0))
    server = uvicorn.Server(uvicorn.Config(create_app(workspace), log_level='warning'))
    threading.Thread(target=server.run, args=([listening],), daemon=True).start()
    return server, f'http://127.0.0.1:{listening.getsockname()[1]}/'


class Annotator:
    """Works on the page and takes pictures of it."""

    def __init__(self, browser, address: str, out_dir: Path) -> None:
        self.address, self.out_dir = address, out_dir
        self.context = browser.new_context(viewport=WIDE, color_scheme='light')
        self.page = self.context.new_page()
        self.page.set_default_timeout(300_000)
        self.faults: list[str] = []
        self.page.on('console', lambda one: self.faults.append(one.text) if one.type == 'error' else None)
        self.page.on('pageerror', lambda error: self.faults.append(str(error)))
        self.page.goto(address)

    def shoot(self, step: str, rows: int | None = None) -> None:
        self.page.wait_for_timeout(400)
        picture = cv2.imdecode(np.frombuffer(self.page.screenshot(), np.uint8), cv2.IMREAD_COLOR)[:rows]
        path = self.out_dir / f'page_{step}.webp'
        path.write_bytes(cv2.imencode('.webp', picture, [cv2.IMWRITE_WEBP_QUALITY, 78])[1].tobytes())
        print(f'{path}: {path.stat().st_size >> 10} KiB', flush=True)

    def saved(self) -> None:
        self.page.wait_for_timeout(50)
        self.page.wait_for_function("document.getElementById('saved').textContent.startsWith('all')")

    def click(self, truth: np.ndarray, object_id: int, frame: int, clicks: int) -> None:
        """Make an object's mask of a frame like ``truth``, as well as so many clicks can."""
        height, width = truth.shape
        for _ in range(clicks):
            key = self.page.url.partition('#')[2]
            data = self.page.request.get(f'{self.address}api/projects/{key}/masks/{frame}.png').body()
            found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            x, y, positive = next_click(truth, found == object_id)
            box = self.page.locator('#canvas').bounding_box()
            scale = min(box['width'] / width, box['height'] / height)
            self.page.mouse.click(
                box['x'] + (box['width'] - width * scale) / 2 + x * scale,
                box['y'] + (box['height'] - height * scale) / 2 + y * scale,
                button='left' if positive else 'right',
            )
            self.saved()

    def propagate(self) -> None:
        self.page.click('#propagate')
        self.page.wait_for_selector('#stop', state='visible')

    def finish(self) -> None:
        self.page.wait_for_selector('#stop', state='hidden')
        self.page.click('#message button')


def work(annotator: Annotator, clip: Path, truth: list[np.ndarray]) -> None:
    """From the empty page to the export."""
    page = annotator.page
    annotator.shoot('empty', rows=320)  # nothing is below
    page.set_input_files('#upload', clip)
    page.wait_for_selector('#canvas', state='visible')
    annotator.saved()
    for number, (true_id, name) in enumerate(OBJECTS, 1):
        if number > 1:
            page.click('#add-object')
            annotator.saved()
        page.locator('#objects input[type=text]').last.fill(name)
        page.keyboard.press('Enter')
        annotator.saved()
        annotator.click(truth[0] == true_id, number, 0, 6)
    annotator.shoot('click')
    annotator.propagate()
    page.wait_for_function("document.querySelector('#progress progress').value > 0.4")
    annotator.shoot('propagate')
    annotator.finish()
    last = len(truth) - 1
    page.locator('#frame').fill(str(last))
    page.wait_for_timeout(1000)
    annotator.click(truth[last] == OBJECTS[-1][0], len(OBJECTS), last, 3)
    page.emulate_media(color_scheme='dark')
    annotator.shoot('correct_dark')
    page.set_viewport_size(NARROW)
    annotator.shoot('narrow_dark')
    page.emulate_media(color_scheme='light')
    page.set_viewport_size(WIDE)
    annotator.propagate()
    annotator.finish()
    page.click('#export')
    annotator.shoot('export')
    with page.expect_download() as download:
        page.click('#export-start')
    print(f'{download.value.suggested_filename} was downloaded')


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out-dir', default='docs/en/figures', help='where the pictures go (default: %(default)s)')
    parser.add_argument('--frames', type=int, default=16, help='length of the video (default: %(default)s)')
    parser.add_argument('--chromium', default=shutil.which('chromium') or shutil.which('chromium-browser'), metavar='FILE')
    args = parser.parse_args()
    if not args.chromium:
        raise InputError('no Chromium is installed; expected one in the path, or --chromium FILE.')
    from playwright.sync_api import sync_playwright

    out_dir = Path(args.out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='mmvos-') as folder, sync_playwright() as playwright:
        frames = Path(write_demo_video(folder, num_frames=args.frames))
        video, clip = open_video(frames), Path(folder) / 'garage.mp4'
        with VideoWriter(clip, 15) as writer:
            for _, frame in video:
                writer.write(frame)
        masks = Path(folder) / 'Annotations' / frames.relative_to(Path(folder) / 'JPEGImages')
        truth = [read_label_map(masks / f'{name}.png') for name in video.frame_names]
        server, address = serve(Path(folder) / 'projects')
        browser = playwright.chromium.launch(executable_path=args.chromium, args=['--no-sandbox'])
        annotator = Annotator(browser, address, out_dir)
        work(annotator, clip, truth)
        browser.close()
        server.should_exit = True
    if annotator.faults:
        raise InputError(f'the browser reports: {annotator.faults[0]}')


if __name__ == '__main__':
    main()
