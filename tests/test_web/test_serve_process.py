"""``mmvos serve`` as a user starts it: the examples of its page, and jobs through a kill."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('fastapi', reason='the extra "web" is not installed')
pytest.importorskip('python_multipart', reason='the extra "web" is not installed')

from mini_models import save_random_weights  # noqa: E402

from mmvos.apis import VOSInferencer  # noqa: E402
from mmvos.structures import Polygon, write_label_map  # noqa: E402
from mmvos.testing.small_videos import moving_squares  # noqa: E402
from mmvos.visualization import VideoWriter  # noqa: E402

ROOT = Path(__file__).parents[2]
MINI = 'rgmp/rgmp_mini_synthvos.py'


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return save_random_weights(MINI, tmp_path_factory.mktemp('weights') / 'mini.pth')


@pytest.fixture
def there(tmp_path):
    """A folder with ``clip.mp4`` and the label map of its first frame, ``first.png``."""
    frames, label_maps = moving_squares(6, 96, 160)
    with VideoWriter(tmp_path / 'there' / 'clip.mp4', 10) as writer:
        for frame in frames:
            writer.write(frame)
    write_label_map(tmp_path / 'there' / 'first.png', label_maps[0])
    return tmp_path / 'there'


class Server:
    """A server in a process of its own; its address, and requests to it."""

    def __init__(self, folder, *options):
        command = [sys.executable, '-W', 'ignore', '-m', 'mmvos', 'serve', '--port', '0', '--device', 'cpu', '--threads', '1']
        command += ['--jobs', str(folder / 'jobs'), *map(str, options)]
        self.log = folder / 'log.txt'
        with open(self.log, 'a') as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        assert 'http://' in line, self.log.read_text()
        self.url = re.search(r'(http://[^/]*)/', line)[1]

    def request(self, path, content=None):
        data, headers = json.dumps(content).encode() if content else None, {'Content-Type': 'application/json'}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=30) as answer:
            return json.load(answer)

    def states(self):
        return [job['state'] for job in self.request('/api/jobs')]

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(120)  # a busy machine
        self.process.stdout.close()
        return self.process.returncode


def test_the_examples_of_the_page_run_and_a_stop_is_clean(weights, there, tmp_path):
    if not shutil.which('curl'):
        pytest.skip('curl is not installed')
    page = (ROOT / 'docs' / 'en' / 'serve.md').read_text()
    script = '\n'.join(re.findall(r'```bash\n(.*?)```', page, re.DOTALL))
    assert script.count('curl ') == 13
    server = Server(tmp_path, '--videos', there, '--config', MINI, '--checkpoint', weights)
    try:
        script = script.replace('http://127.0.0.1:8001', server.url)
        done = subprocess.run(['bash', '-euxc', script], cwd=there, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr + server.log.read_text()
    finally:
        status = server.end(signal.SIGTERM)
    assert status == 128 + signal.SIGTERM and server.log.read_text() == 'error: stopped by SIGTERM.\n'
    assert sorted(path.name for path in there.iterdir()) == [
        *('all.zip', 'clip.mp4', 'first.png', 'job.json', 'masks.zip', 'overlay.mp4', 'youtube-vis.json')
    ]
    found = json.loads((there / 'youtube-vis.json').read_text())
    assert found['videos'][0]['length'] == 6 and found['annotations'][0]['segmentations'][0]


@pytest.mark.scale
@pytest.mark.parametrize('count', [4, 50])
def test_no_job_is_lost_by_a_kill(weights, there, tmp_path, count):
    """Every job is done once and right, though the server is killed when a third of them are done."""
    options = ('--videos', there, '--config', MINI, '--checkpoint', weights, '--overlay', '', '--export', '')
    server, start = Server(tmp_path, *options), time.monotonic()
    prompt = {'0': [dict(object_id=3, polygon=[[15, 10], [43, 10], [43, 38], [15, 38]])]}
    sent = [server.request('/api/jobs', dict(video='clip.mp4', name=str(i), prompts=prompt))['id'] for i in range(count)]
    accepted = time.monotonic() - start
    while server.states().count('done') < max(count // 3, 1):
        time.sleep(0.02)
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    before = {path.parent.name: path.stat().st_mtime_ns for path in (tmp_path / 'jobs' / 'results').glob('*/done.json')}
    server = Server(tmp_path, *options)
    try:
        answers = []
        while not all(state == 'done' for state in server.states()):
            asked = time.monotonic()
            server.request('/api')
            answers.append(time.monotonic() - asked)
            time.sleep(0.05)
        assert [job['id'] for job in server.request('/api/jobs')] == sent[::-1]
    finally:
        server.end(signal.SIGTERM)
    print(
        f'\n{count} jobs: accepted in {accepted:.2f} s, {len(before)} done before the kill, all after '
        f'{time.monotonic() - start:.1f} s; slowest of {len(answers)} answers while it worked {1000 * max(answers):.0f} ms'
    )
    results = tmp_path / 'jobs' / 'results'
    after = {path.parent.name: path.stat().st_mtime_ns for path in results.glob('*/done.json')}
    assert set(after) == set(sent) and before.items() <= after.items() and len(before) < count
    assert not (results / '.parts').exists()
    plain = plain_masks(there, weights, tmp_path / 'plain')
    for job in sent:
        assert {path.name: path.read_bytes() for path in (results / job / 'masks').iterdir()} == plain


def plain_masks(there, weights, out):
    """Files of the masks that a plain loop makes of the same video."""
    corners = ((15, 10), (43, 10), (43, 38), (15, 38))
    label_map = 3 * Polygon(corners).mask((96, 160)).astype(np.uint8)
    VOSInferencer(MINI, weights, 'cpu').save(there / 'clip.mp4', out, label_map, '', False)
    return {path.name: path.read_bytes() for path in (out / 'masks').iterdir()}
