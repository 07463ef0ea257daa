"""The HTTP interface of the annotation page, from an uploaded video to a downloaded archive."""

import io
import time
import zipfile

import cv2
import numpy as np
import pytest

fastapi = pytest.importorskip('fastapi', reason='the extra "web" is not installed')
from fastapi.testclient import TestClient  # noqa: E402

from mmvos.structures import Prompt  # noqa: E402
from mmvos.visualization import VideoWriter  # noqa: E402
from mmvos.web.app import create_app  # noqa: E402
from mmvos.web.workspace import Workspace  # noqa: E402
from tests.test_interaction.test_project_and_propagation import DriftingSession  # noqa: E402

SIZE = (32, 48)


class SquareSegmenter:
    """A square around the last click; given masks stay."""

    def label_map(self, frame, prompts: list[Prompt], key=None):
        label_map = np.zeros(frame.shape[:2], np.uint8)
        for prompt in prompts:
            outline = prompt.outline(frame.shape[:2])
            if outline is not None and not prompt.needs_segmenter:
                label_map[outline] = prompt.object_id
            for click in prompt.clicks[-1:]:
                x, y = int(click.x), int(click.y)
                label_map[y - 4 : y + 4, x - 4 : x + 4] = prompt.object_id
        return label_map


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / 'work', SquareSegmenter(), DriftingSession, max_upload=1 << 20)


@pytest.fixture
def client(workspace):
    with TestClient(create_app(workspace)) as client:
        yield client


@pytest.fixture
def video(tmp_path):
    with VideoWriter(tmp_path / 'clip.mp4', 10) as writer:
        for i in range(6):
            writer.write(np.full((*SIZE, 3), 20 * i, np.uint8))
    return (tmp_path / 'clip.mp4').read_bytes()


def upload(client, video, name='my clip.mp4'):
    response = client.post('/api/projects', files={'file': (name, video, 'video/mp4')})
    assert response.status_code == 200, response.text
    return response.json()


def mask(client, key, index):
    response = client.get(f'/api/projects/{key}/masks/{index}.png')
    return cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_UNCHANGED)


def wait(client, key):
    for _ in range(200):
        progress = client.get(f'/api/projects/{key}/propagation').json()
        if progress['state'] != 'running':
            return progress
        time.sleep(0.02)
    raise AssertionError('the propagation does not end')


def test_from_upload_to_export(client, video):
    project = upload(client, video)
    key = project['key']
    assert (project['frames'], project['width'], project['height']) == (6, 48, 32)
    assert [o['id'] for o in project['objects']] == [1]
    assert client.get('/').text.startswith('<!doctype html>')
    assert client.get(f'/api/projects/{key}/frames/2.jpg').headers['content-type'] == 'image/jpeg'

    body = dict(object_id=1, clicks=[[20, 16, True]])
    changed = client.put(f'/api/projects/{key}/frames/2/prompts', json=body).json()
    assert changed['trusted'] == [2] and changed['can_undo']
    assert mask(client, key, 2)[16, 20] == 1
    assert client.get(f'/api/projects/{key}/frames/2/prompts').json() == [body]

    client.post(f'/api/projects/{key}/propagation', json={})
    progress = wait(client, key)
    assert (progress['state'], progress['message']) == ('done', '')
    assert client.get(f'/api/projects/{key}').json()['annotated'] == list(range(6))
    assert mask(client, key, 5)[16, 23] == 1 and mask(client, key, 0)[16, 22] == 1

    archive = client.get(f'/api/projects/{key}/exports/masks.zip')
    names = zipfile.ZipFile(io.BytesIO(archive.content)).namelist()
    assert names == [f'masks/{i:05d}.png' for i in range(6)]
    for form in client.get('/api/exports').json():
        assert client.get(f'/api/projects/{key}/exports/{form["name"]}.zip').status_code == 200


def test_undo_and_a_correction_of_a_propagated_mask(client, video):
    key = upload(client, video)['key']
    client.put(f'/api/projects/{key}/frames/0/prompts', json=dict(object_id=1, clicks=[[20, 16, True]]))
    client.post(f'/api/projects/{key}/propagation', json={})
    wait(client, key)
    propagated = mask(client, key, 4)
    client.put(f'/api/projects/{key}/frames/4/prompts', json=dict(object_id=1, clicks=[[8, 8, True]]))
    assert 'mask' in client.get(f'/api/projects/{key}/frames/4/prompts').json()[0]  # the click corrects what was there
    assert mask(client, key, 4)[8, 8] == 1
    undone = client.post(f'/api/projects/{key}/undo').json()
    assert undone['frame'] == 4 and undone['project']['trusted'] == [0]
    assert np.array_equal(mask(client, key, 4), propagated)
    assert client.post(f'/api/projects/{key}/redo').json()['project']['trusted'] == [0, 4]


def test_objects_are_named_and_removed(client, video):
    key = upload(client, video)['key']
    project = client.post(f'/api/projects/{key}/objects').json()
    assert [o['id'] for o in project['objects']] == [1, 2]
    project = client.patch(f'/api/projects/{key}/objects/2', json=dict(name='dog')).json()
    assert project['objects'][1]['name'] == 'dog'
    client.put(f'/api/projects/{key}/frames/0/prompts', json=dict(object_id=2, clicks=[[20, 16, True]]))
    project = client.delete(f'/api/projects/{key}/objects/2').json()
    assert [o['id'] for o in project['objects']] == [1] and project['trusted'] == []
    assert mask(client, key, 0).max() == 0


def test_a_project_survives_a_restart(client, workspace, video):
    key = upload(client, video)['key']
    client.put(f'/api/projects/{key}/frames/1/prompts', json=dict(object_id=1, clicks=[[20, 16, True]]))
    again = Workspace(workspace.root, SquareSegmenter(), DriftingSession)
    assert [p['name'] for p in again.list()] == ['my clip']
    assert again.project(key).trusted == [1]


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'status', 'words'),
    [
        ('GET', 'projects/zzz', None, 404, 'no project'),
        ('GET', 'projects/__', None, 404, 'no project'),
        ('GET', 'projects/KEY/frames/99.jpg', None, 422, 'no frame 99; the video has 6'),
        ('PUT', 'projects/KEY/frames/99/prompts', dict(object_id=1, clicks=[[1, 1, True]]), 422, 'no frame 99'),
        ('PUT', 'projects/KEY/frames/0/prompts', dict(object_id=5, clicks=[[1, 1, True]]), 422, 'no object 5'),
        ('PUT', 'projects/KEY/frames/0/prompts', dict(object_id=1, clicks=[[1]]), 422, 'not a prompt'),
        ('PUT', 'projects/KEY/frames/0/prompts', dict(object_id=1, clicks=[[900, 1, True]]), 422, 'outside the frame'),
        ('PUT', 'projects/KEY/frames/0/prompts', dict(object_id=1, mask=dict(size=[32, 48], counts='zz')), 422, 'mask'),
        ('POST', 'projects/KEY/propagation', {}, 422, 'no frame is set'),
        ('POST', 'projects/KEY/propagation', dict(first='x'), 422, 'expected a number'),
        ('GET', 'projects/KEY/exports/zap.zip', None, 404, 'not known'),
        ('DELETE', 'projects/KEY/objects/7', None, 422, 'no object 7'),
    ],
)
def test_what_is_wrong_is_one_sentence(client, video, method, path, body, status, words):
    key = upload(client, video)['key']
    response = client.request(method, f'/api/{path.replace("KEY", key)}', json=body)
    assert response.status_code == status
    assert words in response.text and 'Traceback' not in response.text


def test_uploads_are_bounded_and_checked(client, workspace):
    response = client.post('/api/projects', files={'file': ('big.mp4', b'0' * (2 << 20), 'video/mp4')})
    assert response.status_code == 413 and 'larger than 1 MiB' in response.text
    response = client.post('/api/projects', files={'file': ('text.mp4', b'hello', 'video/mp4')})
    assert response.status_code == 422 and 'cannot be opened as a video' in response.text
    assert list(workspace.root.iterdir()) == []
