"""The annotation page in a real browser, from an empty start to a downloaded archive; skipped where there is no Chromium."""

import os
import re
import shutil
import socket
import threading
import time
import zipfile

import cv2
import numpy as np
import pytest

uvicorn = pytest.importorskip('uvicorn', reason='the extra "web" is not installed')
sync_api = pytest.importorskip('playwright.sync_api', reason='the extra "screenshots" is not installed')
from drifting_session import SIZE, SlowSession, SquareSegmenter

from mmvos.visualization import VideoWriter
from mmvos.web.app import create_app
from mmvos.web.workspace import Workspace

CHROMIUM = os.environ.get('MMVOS_CHROMIUM') or shutil.which('chromium') or shutil.which('chromium-browser')
pytestmark = pytest.mark.skipif(not CHROMIUM, reason='no Chromium is installed')
FRAMES = 24


@pytest.fixture(scope='module')
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'])
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path):
    workspace = Workspace(tmp_path / 'work', SquareSegmenter(), SlowSession, max_upload=1 << 20)
    listening = socket.create_server(('127.0.0.1', 0))
    server = uvicorn.Server(uvicorn.Config(create_app(workspace, ['127.0.0.1']), log_level='warning'))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    server.address = f'http://127.0.0.1:{listening.getsockname()[1]}/'
    yield server
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def page(browser, server):
    context = browser.new_context(viewport=dict(width=1100, height=700))
    page = context.new_page()
    page.set_default_timeout(15000)
    faults = []
    page.on('pageerror', lambda error: faults.append(str(error)))
    page.goto(server.address)
    yield page
    context.close()
    assert not faults


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / 'my clip.mp4'
    with VideoWriter(path, 10) as writer:
        for i in range(FRAMES):
            writer.write(np.full((*SIZE, 3), 5 * i, np.uint8))
    return path


class Hand:
    """What an annotator does."""

    def __init__(self, page):
        self.page = page

    def open(self, clip):
        self.page.set_input_files('#upload', clip)
        self.page.wait_for_selector('#canvas', state='visible')
        self.saved()

    def saved(self):
        sync_api.expect(self.page.locator('#saved')).to_have_text('all changes are saved')
        self.page.wait_for_timeout(50)

    def at(self, x, y):
        """A pixel of the frame on the screen."""
        box = self.page.locator('#canvas').bounding_box()
        scale = min(box['width'] / SIZE[1], box['height'] / SIZE[0])
        left, top = box['x'] + (box['width'] - SIZE[1] * scale) / 2, box['y'] + (box['height'] - SIZE[0] * scale) / 2
        return left + x * scale, top + y * scale

    def click(self, x, y, **options):
        self.page.mouse.click(*self.at(x, y), **options)
        self.saved()

    def drag(self, start, end, **options):
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down(**options)
        self.page.mouse.move(*self.at(*end), steps=4)
        self.page.mouse.up(**options)
        self.saved()

    def key(self, key):
        self.page.keyboard.press(key)
        self.page.wait_for_timeout(30)
        self.saved()

    def mask(self, frame):
        """The label map that the server has."""
        key = self.page.url.partition('#')[2]
        data = self.page.request.get(f'{self.page.url.partition("#")[0]}api/projects/{key}/masks/{frame}.png').body()
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)

    def prompts(self, frame):
        key = self.page.url.partition('#')[2]
        return self.page.request.get(f'{self.page.url.partition("#")[0]}api/projects/{key}/frames/{frame}/prompts').json()

    def position(self, frame):
        sync_api.expect(self.page.locator('#position')).to_have_text(f'{frame + 1} / {FRAMES}')

    def message(self, words):
        sync_api.expect(self.page.locator('#message')).to_contain_text(words)


@pytest.fixture
def hand(page):
    return Hand(page)


def test_from_an_empty_page_to_a_downloaded_archive(page, hand, clip, tmp_path):
    expect = sync_api.expect
    expect(page.locator('#export')).to_be_hidden()
    hand.open(clip)
    expect(page.locator('#name')).to_have_text('my clip')
    hand.position(0)

    # clicks: on the object, beside it
    hand.click(20, 16)
    assert hand.mask(0)[16, 20] == 1
    hand.click(40, 8, button='right')
    first = hand.prompts(0)[0]['clicks']
    assert [sign for _, _, sign in first] == [True, False]
    assert np.allclose([c[:2] for c in first], [[20, 16], [40, 8]], atol=0.2)
    hand.key('Control+z')
    assert len(hand.prompts(0)[0]['clicks']) == 1
    hand.key('Control+Shift+z')
    assert len(hand.prompts(0)[0]['clicks']) == 2
    page.click('#undo')
    hand.saved()

    # a second object with a name and a colour, painted
    hand.key('n')
    page.locator('#objects input[type=text]').nth(1).fill('dog')
    hand.key('Enter')
    page.locator('#objects input[type=color]').nth(1).fill('#0a141e')
    hand.saved()
    hand.key('3')
    hand.drag((30, 24), (44, 24))
    assert hand.mask(0)[24, 37] == 2 and hand.mask(0)[16, 20] == 1
    hand.drag((30, 24), (37, 24), button='right')  # erases
    assert hand.mask(0)[24, 31] == 0
    assert np.count_nonzero(hand.mask(0) == 2) > 0

    # propagation: it shows how far it is, and stops
    page.click('#propagate')
    expect(page.locator('#progress p')).to_have_text(re.compile(rf'\d+ of {FRAMES} frames, [\d.]+ frames/s'))
    page.wait_for_timeout(200)
    hand.key('Escape')
    hand.message('Stopped; the masks so far are kept.')
    assert hand.mask(1).any() and not hand.mask(FRAMES - 1).any()

    # steps, the slider, and the frames that are set
    hand.key('Home')
    hand.key('ArrowRight')
    hand.position(1)
    hand.key('Shift+ArrowRight')
    hand.position(11)
    page.locator('#frame').fill('20')
    hand.position(20)
    hand.key(',')
    hand.position(0)

    # to the end, a correction there, and again
    hand.key('p')
    hand.message('Done.')
    drifted = hand.mask(20)
    assert (drifted == 1).any() and not drifted[4, 4]
    page.locator('#frame').fill('20')
    hand.position(20)
    hand.key('1')
    page.locator('#objects li').nth(0).click(position=dict(x=4, y=4))
    hand.click(5, 5)
    assert hand.mask(20)[5, 5] == 1
    page.click('#propagate')
    page.wait_for_selector('#stop', state='visible')
    page.wait_for_selector('#stop', state='hidden')
    hand.message('Done.')
    assert hand.mask(20)[5, 5] == 1 and hand.mask(21)[5, 6] == 1

    # a reloaded page, and the project opened from the list
    page.reload()
    expect(page.locator('#objects input[type=text]').nth(1)).to_have_value('dog')
    expect(page.locator('#objects input[type=color]').nth(1)).to_have_value('#0a141e')
    page.click('#home')
    page.click('#projects .project')
    expect(page.locator('#name')).to_have_text('my clip')

    page.click('#export')
    expect(page.locator('#export-note')).to_have_text(f'All {FRAMES} frames have masks.')
    with page.expect_download() as download:
        page.click('#export-start')
    download.value.save_as(tmp_path / 'out.zip')
    assert download.value.suggested_filename == 'my clip-masks.zip'
    with zipfile.ZipFile(tmp_path / 'out.zip') as archive:
        assert archive.namelist() == [f'masks/{i:05d}.png' for i in range(FRAMES)]
        stored = cv2.imdecode(np.frombuffer(archive.read('masks/00020.png'), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(stored.any(2), hand.mask(20) > 0)


def test_boxes_strokes_and_signs(page, hand, clip):
    hand.open(clip)
    hand.key('2')
    hand.drag((8, 6), (30, 26))
    assert np.allclose(hand.prompts(0)[0]['box'], [8, 6, 30, 26], atol=0.3)
    hand.key('4')
    hand.key('x')
    hand.drag((4, 4), (20, 4))
    (stroke,) = hand.prompts(0)[0]['scribbles']
    assert stroke['positive'] is False and len(stroke['points']) > 2
    hand.key('Delete')
    assert hand.prompts(0) == []


def test_zoom_keeps_pointing_exact(page, hand, clip):
    hand.open(clip)
    x, y = hand.at(12, 10)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    page.mouse.click(x, y)
    hand.saved()
    assert np.allclose(hand.prompts(0)[0]['clicks'][0][:2], [12, 10], atol=0.2)


def test_errors_are_said_in_words(page, hand, clip, server, tmp_path):
    (tmp_path / 'notes.mp4').write_text('no video')
    page.set_input_files('#upload', tmp_path / 'notes.mp4')
    hand.message('notes.mp4: cannot be opened as a video')
    (tmp_path / 'large.mp4').write_bytes(b'0' * (2 << 20))
    page.set_input_files('#upload', tmp_path / 'large.mp4')
    hand.message('large.mp4 has 2 MiB; this server takes videos of up to 1 MiB')
    hand.open(clip)
    page.locator('#objects button').click()  # a question comes first; Playwright answers no
    assert page.locator('#objects li').count() == 1
    page.once('dialog', lambda dialog: dialog.accept())
    page.locator('#objects button').click()
    hand.saved()
    page.mouse.click(*hand.at(10, 10))
    hand.message('Make an object first')
    server.should_exit = True
    time.sleep(0.3)
    page.click('#add-object')
    hand.message('The server does not answer.')
