"""The HTTP interface of the annotation page, from an uploaded video to a downloaded archive."""

import errno
import io
import time
import zipfile

import cv2
import numpy as np
import pytest
from drifting_session import SIZE, DriftingSession, SlowSession, SquareSegmenter

fastapi = pytest.importorskip('fastapi', reason='the extra "web" is not installed')
from fastapi.testclient import TestClient

from mmvos.videos import open_video
from mmvos.visualization import VideoWriter
from mmvos.web.app import create_app
from mmvos.web.frames import FrameCache
from mmvos.web.guard import MAX_BODY
from mmvos.web.workspace import Workspace


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
    response = client.post('/api/projects', params=dict(name=name), content=video)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_full_disk_is_told_and_other_failures_are_not_hidden(client, video, monkeypatch):
    monkeypatch.setattr('mmvos.web.app._begin', lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, 'no space')))
    response = client.post('/api/projects', params=dict(name='a.mp4'), content=video)
    assert (response.status_code, response.json()['detail']) == (507, 'the disk of the server is full.')
    assert client.get('/api/projects').json() == []
    monkeypatch.setattr('mmvos.web.app._begin', lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, 'broken disk')))
    with pytest.raises(OSError, match='broken disk'):
        client.post('/api/projects', params=dict(name='a.mp4'), content=video)


def mask(client, key, index):
    response = client.get(f'/api/projects/{key}/masks/{index}.png')
    return cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_UNCHANGED)


def wait(client, key, job='propagation'):
    for _ in range(500):
        progress = client.get(f'/api/projects/{key}/{job}').json()
        if progress['state'] != 'running':
            return progress
        time.sleep(0.02)
    raise AssertionError(f'the {job} does not end')


def export(client, key, form):
    assert client.post(f'/api/projects/{key}/export', json=dict(format=form)).status_code == 200
    assert wait(client, key, 'export')['state'] == 'done'
    response = client.get(f'/api/projects/{key}/exports/{form}.zip')
    assert response.status_code == 200, response.text
    return zipfile.ZipFile(io.BytesIO(response.content))


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

    assert export(client, key, 'masks').namelist() == [f'masks/{i:05d}.png' for i in range(6)]
    forms = client.get('/api/settings').json()['exports']
    assert len(forms) >= 10 and forms[0]['name'] == 'masks'
    for form in forms:
        assert export(client, key, form['name']).namelist()


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


def test_what_an_object_gives_up_goes_back_to_its_neighbour(client, video):
    key = upload(client, video)['key']
    client.post(f'/api/projects/{key}/objects')
    place = f'/api/projects/{key}/frames/1/prompts'
    client.put(place, json=dict(object_id=1, clicks=[[20, 16, True]]))
    alone = mask(client, key, 1)
    client.put(place, json=dict(object_id=2, clicks=[[22, 16, True]]))
    both = mask(client, key, 1)
    assert (both[12:20, 18:26] == 2).all() and (both[12:20, 16:18] == 1).all()
    client.put(place, json=dict(object_id=2, clicks=[[22, 16, True], [40, 16, True]]))
    moved = mask(client, key, 1)
    assert np.array_equal(moved == 1, alone == 1) and (moved[12:20, 36:44] == 2).all()
    client.put(place, json=dict(object_id=2, clicks=[[22, 16, True]]))
    client.put(place, json=dict(object_id=2))
    assert np.array_equal(mask(client, key, 1), alone)


def test_objects_are_named_and_removed(client, video):
    key = upload(client, video)['key']
    project = client.post(f'/api/projects/{key}/objects').json()
    assert [o['id'] for o in project['objects']] == [1, 2]
    project = client.patch(f'/api/projects/{key}/objects/2', json=dict(name='dog')).json()
    assert project['objects'][1]['name'] == 'dog'
    project = client.patch(f'/api/projects/{key}/objects/2', json=dict(colour=[1, 2, 3])).json()
    assert (project['objects'][1]['name'], project['objects'][1]['colour']) == ('dog', [1, 2, 3])
    client.put(f'/api/projects/{key}/frames/0/prompts', json=dict(object_id=2, clicks=[[20, 16, True]]))
    project = client.delete(f'/api/projects/{key}/objects/2').json()
    assert [o['id'] for o in project['objects']] == [1] and project['trusted'] == []
    assert mask(client, key, 0).max() == 0


def test_a_project_survives_a_restart(client, workspace, video):
    key = upload(client, video)['key']
    client.put(f'/api/projects/{key}/frames/1/prompts', json=dict(object_id=1, clicks=[[20, 16, True]]))
    again = Workspace(workspace.root, SquareSegmenter(), DriftingSession)
    assert [(p['name'], p['objects']) for p in again.list()] == [('my clip', 1)]
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
        ('POST', 'projects/KEY/export', dict(format='zap'), 422, 'not known; expected one of coco'),
        ('GET', 'projects/KEY/exports/masks.zip', None, 404, 'start one first'),
        ('PATCH', 'projects/KEY/objects/1', dict(name=5), 422, 'expected a text'),
        ('PATCH', 'projects/KEY/objects/1', dict(colour=[1, 2, 300]), 422, 'red, green and blue'),
        ('DELETE', 'projects/KEY/objects/7', None, 422, 'no object 7'),
    ],
)
def test_what_is_wrong_is_one_sentence(client, video, method, path, body, status, words):
    key = upload(client, video)['key']
    response = client.request(method, f'/api/{path.replace("KEY", key)}', json=body)
    assert response.status_code == status
    assert words in response.text and 'Traceback' not in response.text


def test_uploads_are_bounded_and_checked(client, workspace):
    response = client.post('/api/projects?name=big.mp4', content=b'0' * (2 << 20))
    assert response.status_code == 413 and 'larger than 1 MiB' in response.text
    taken = 0

    def endless():  # no length is told beforehand
        nonlocal taken
        for _ in range(64):
            taken += 1
            yield b'0' * (1 << 18)

    response = client.post('/api/projects?name=big.mp4', content=endless())
    assert response.status_code == 413 and 'larger than 1 MiB' in response.text
    response = client.post('/api/projects?name=text.mp4', content=b'hello')
    assert response.status_code == 422 and response.json()['detail'].startswith('text.mp4: cannot be opened as a video')
    assert list(workspace.root.iterdir()) == []


def test_other_bodies_are_bounded(client, video):
    key = upload(client, video)['key']
    response = client.put(f'/api/projects/{key}/frames/0/prompts', content=b'[' + b' ' * MAX_BODY)
    assert response.status_code == 413 and 'what was sent is larger than 16 MiB' in response.text


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        ({}, 200),
        ({'Host': 'localhost:8000', 'Origin': 'http://localhost:8000'}, 200),
        ({'Origin': 'https://elsewhere.example'}, 403),
        ({'Origin': 'http://127.0.0.1:9999'}, 403),
        ({'Origin': 'null'}, 403),
        ({'Host': 'elsewhere.example'}, 403),
    ],
)
def test_other_sites_cannot_use_the_server(workspace, headers, status):
    with TestClient(create_app(workspace, hosts=['127.0.0.1', 'localhost']), base_url='http://127.0.0.1:8000') as client:
        response = client.get('/api/projects', headers=headers)
    assert response.status_code == status


def long_video(path, frames):
    with VideoWriter(path, 10) as writer:
        for i in range(frames):
            writer.write(np.full((*SIZE, 3), i % 200, np.uint8))
    return path.read_bytes()


def test_two_people_work_side_by_side(tmp_path):
    workspace = Workspace(tmp_path / 'work', SquareSegmenter(), SlowSession)
    clip = long_video(tmp_path / 'long.mp4', 30)
    with TestClient(create_app(workspace)) as one, TestClient(create_app(workspace)) as other:
        first, second = upload(one, clip)['key'], upload(other, clip)['key']
        for client, key, x in ((one, first, 10), (other, second, 30)):
            client.put(f'/api/projects/{key}/frames/0/prompts', json=dict(object_id=1, clicks=[[x, 16, True]]))
        one.post(f'/api/projects/{first}/propagation', json={})
        begin = one.get(f'/api/projects/{first}/propagation').json()['done']
        for i in range(5):
            body = dict(object_id=1, clicks=[[30 + i, 16, True]])
            assert other.put(f'/api/projects/{second}/frames/0/prompts', json=body).status_code == 200
        meanwhile = one.get(f'/api/projects/{first}/propagation').json()
        # a click waits for the frame in hand, no longer
        assert meanwhile['state'] == 'running' and meanwhile['done'] - begin <= 10
        other.post(f'/api/projects/{second}/propagation', json={})
        both = [wait(one, first), wait(other, second)]
        assert [p['state'] for p in both] == ['done', 'done']
        for client, key, x in ((one, first, 10), (other, second, 34)):
            assert mask(client, key, 4)[16, x + 4] == 1 and mask(client, key, 4).sum() == 64


def test_what_a_person_sets_during_a_propagation_stays(tmp_path):
    workspace = Workspace(tmp_path / 'work', SquareSegmenter(), SlowSession)
    with TestClient(create_app(workspace)) as client:
        key = upload(client, long_video(tmp_path / 'long.mp4', 30))['key']
        client.put(f'/api/projects/{key}/frames/0/prompts', json=dict(object_id=1, clicks=[[10, 16, True]]))
        client.post(f'/api/projects/{key}/propagation', json={})
        client.put(f'/api/projects/{key}/frames/28/prompts', json=dict(object_id=1, clicks=[[8, 8, True]]))
        set_by_hand = mask(client, key, 28)
        assert client.get(f'/api/projects/{key}/propagation').json()['state'] == 'running'
        wait(client, key)
        assert np.array_equal(mask(client, key, 28), set_by_hand) and mask(client, key, 27).any()


def test_a_stopped_propagation_keeps_its_masks_and_a_deleted_object_does_not_return(tmp_path):
    workspace = Workspace(tmp_path / 'work', SquareSegmenter(), SlowSession)
    with TestClient(create_app(workspace)) as client:
        key = upload(client, long_video(tmp_path / 'long.mp4', 60))['key']
        client.put(f'/api/projects/{key}/frames/0/prompts', json=dict(object_id=1, clicks=[[10, 16, True]]))
        client.post(f'/api/projects/{key}/propagation', json={})
        time.sleep(0.3)
        stopped = client.delete(f'/api/projects/{key}/propagation').json()
        assert stopped['state'] == 'stopped' and 0 < stopped['done'] < 60
        assert len(client.get(f'/api/projects/{key}').json()['annotated']) == stopped['done']
        client.post(f'/api/projects/{key}/propagation', json={})
        client.delete(f'/api/projects/{key}/objects/1')
        time.sleep(0.15)
        assert client.get(f'/api/projects/{key}/propagation').json()['state'] == 'stopped'
        assert not any(mask(client, key, i).any() for i in range(5))


def test_frames_come_in_any_order_in_a_bounded_room(tmp_path):
    long_video(tmp_path / 'long.mp4', 120)
    video, size = open_video(tmp_path / 'long.mp4'), SIZE[0] * SIZE[1] * 3
    cache = FrameCache(max_bytes=40 * size, max_decoders=2)
    frames = [frame for _, frame in video]
    for index in [0, 1, 2, 100, 99, 98, 60, 119, 0, 118]:
        assert np.array_equal(cache.read('a', video, index), frames[index])
    decoded = []
    video.read = lambda index: decoded.append(index) or np.zeros((*SIZE, 3), np.uint8)
    cache.read('a', video, 80)
    cache.read('a', video, 79)  # one step back: decoded with the one before
    assert decoded == list(range(65, 81))
    assert cache._bytes == sum(f.nbytes for f in cache._frames.values()) <= 40 * size
    cache.forget('a')
    assert not cache._frames and cache._bytes == 0
    cache.close()
