"""The queue behind ``mmvos serve``: what is taken, refused, done, cancelled, and what a restart finds."""

import io
import json
import time
import zipfile

import numpy as np
import pytest

fastapi = pytest.importorskip('fastapi', reason='the extra "web" is not installed')
pytest.importorskip('python_multipart', reason='the extra "web" is not installed')
from fastapi.testclient import TestClient

from mmvos.interaction import PROMPT_SCHEMA, prompt_to_json
from mmvos.structures import Box, Click, Polygon, Prompt, Scribble, encode_mask, write_label_map
from mmvos.visualization import VideoWriter
from mmvos.web.service.app import ServiceSettings, create_app
from mmvos.web.service.jobs import JobFolder
from mmvos.web.service.queue import JobQueue
from tests.test_web.stand_ins import FAILING, SLOW, QuickPool

SIZE = (32, 48)


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    root = tmp_path_factory.mktemp('there')
    for name in ('videos/clip.mp4', 'secret.mp4'):
        with VideoWriter(root / name, 10) as writer:
            for i in range(3):
                writer.write(np.full((*SIZE, 3), 20 * i, np.uint8))
    (root / 'videos' / 'link.mp4').symlink_to(root / 'secret.mp4')
    return root / 'videos'


@pytest.fixture
def clip(videos):
    return (videos / 'clip.mp4').read_bytes()


def queue_in(root, videos=None, max_waiting=100, workers=1):
    folder = JobFolder(root)
    return JobQueue(folder, QuickPool(str(folder.results), workers), max_waiting=max_waiting, videos=videos)


@pytest.fixture(scope='module')
def shared(tmp_path_factory, videos):
    """A server for all tests that leave it as it was."""
    queue = queue_in(tmp_path_factory.mktemp('shared'), videos)
    with TestClient(create_app(queue, ServiceSettings('stand-in', max_upload=1 << 20))) as client:
        client.queue = queue
        yield client


def prompts(object_id=1):
    return {'0': [dict(object_id=object_id, box=[2, 3, 20, 30])]}


def send(client, object_id=1, status=202):
    response = client.post('/api/jobs', json=dict(video='clip.mp4', prompts=prompts(object_id)))
    assert response.status_code == status, response.text
    return response.json()


def wait(client, job, *states):
    for _ in range(600):
        found = client.get(f'/api/jobs/{job["id"]}').json()
        if found['state'] in states:
            return found
        time.sleep(0.02)
    raise AssertionError(f'the job stays {found["state"]}')


def mask_file(tmp_path, size=SIZE, object_id=7):
    label_map = np.zeros(size, np.uint8)
    label_map[4:20, 6:30] = object_id
    write_label_map(tmp_path / 'mask.png', label_map)
    return (tmp_path / 'mask.png').read_bytes()


def test_a_video_is_sent_followed_and_fetched(shared, clip, tmp_path):
    files = {
        'video': ('a b.mp4', clip),
        'mask': ('x', mask_file(tmp_path)),
        'prompts': ('p', json.dumps({'2': prompts()['0']})),
    }
    response = shared.post('/api/jobs', files=files)
    job = response.json()
    assert response.status_code == 202 and response.headers['Location'] == f'/api/jobs/{job["id"]}'
    assert (job['name'], job['total'], job['results']) == ('a b', 3, [])
    with shared.stream('GET', f'/api/jobs/{job["id"]}/events') as events:
        told = [json.loads(line[6:]) for line in events.iter_lines() if line.startswith('data: ')]
    assert told[-1]['state'] == 'done' and told[-1]['frames'] == 2 and told[-1]['created'] <= told[-1]['started']
    assert told[-1] == shared.get(f'/api/jobs/{job["id"]}').json()
    assert told[-1]['results'] == ['all.zip', 'masks.zip', 'youtube-vis.json']

    def fetch(name):
        return shared.get(f'/api/jobs/{job["id"]}/results/{name}').content

    assert zipfile.ZipFile(io.BytesIO(fetch('masks.zip'))).namelist() == ['00000.png', '00001.png']
    assert 'masks/00001.png' in zipfile.ZipFile(io.BytesIO(fetch('all.zip'))).namelist()
    video, masks = json.loads(fetch('youtube-vis.json'))
    assert video.endswith(f'{job["id"]}/video.mp4') and masks == [0]
    assert shared.get('/api').json()['jobs']['done'] >= 1
    assert shared.delete(f'/api/jobs/{job["id"]}').status_code == 204
    assert shared.get(f'/api/jobs/{job["id"]}').status_code == 404
    assert not list(shared.queue.folder.root.glob(f'*/{job["id"]}'))


@pytest.mark.parametrize('name', ['../secret.mp4', 'link.mp4', 'x/../../secret.mp4', '', '.', '/etc/passwd', 'a\0b', 'no.mp4'])
def test_only_videos_of_the_servers_folder_can_be_named(shared, name):
    response = shared.post('/api/jobs', json=dict(video=name, prompts=prompts()))
    assert response.status_code == 422 and 'is not in the folder of this server' in response.json()['detail']


def test_only_results_of_a_job_can_be_fetched(shared):
    job = wait(shared, send(shared), 'done')
    for name in ('done.json', '..%2f..%2fjobs%2f' + job['id'] + '%2fjob.json', '.', '%2e%2e', 'masks', 'x.zip'):
        assert shared.get(f'/api/jobs/{job["id"]}/results/{name}').status_code == 404
    assert shared.get('/api/jobs/..%2f..').status_code == 404


def one(**prompt):
    return {'0': [dict(object_id=1, **prompt)]}


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ({}, 'needs a prompt'),
        ({'3': prompts()['0']}, 'a prompt is at frame 3, but there are 3 frames'),
        ({'-1': prompts()['0']}, "frame '-1'"),
        ([], 'needs a prompt'),
        ([1], 'prompts by frame'),
        ({'0': []}, 'expected a list of prompts'),
        ({'0': [1]}, 'not a prompt'),
        (one(), 'points at nothing'),
        (one(clicks=[[1, 2]]), 'not a prompt'),
        (one(clicks=[[48.5, 2, True]]), 'lies outside the frame 48x32'),
        (one(box=[5, 5, 5, 9]), 'the box (5, 5, 5, 9) is empty'),
        (one(polygon=[[1, 1], [2, 2]]), '2 corners'),
        (one(circle=[1, 2, 3]), 'circle'),
        (one(mask=dict(size=[30000, 30000], counts='PPPP')), 'a mask is 30000x30000, the frame is 48x32'),
        ({'0': prompts()['0'] * 2}, 'expected one per object'),
        ({'0': [dict(object_id=255, box=[1, 1, 9, 9])]}, 'expected 1 to 254'),
    ],
)
def test_prompts_that_do_not_fit_are_refused_at_once(shared, content, words):
    before = len(list(shared.queue.folder.jobs.iterdir()))
    response = shared.post('/api/jobs', json=dict(video='clip.mp4', prompts=content))
    assert response.status_code == 422 and words in response.json()['detail']
    assert len(list(shared.queue.folder.jobs.iterdir())) == before


def test_forms_that_are_none_are_refused(shared, clip, tmp_path):
    def post(**options):
        response = shared.post('/api/jobs', **options)
        assert response.status_code == 422 and str(tmp_path) not in response.text
        return response.json()['detail']

    mask, video = mask_file(tmp_path), ('v.mp4', clip)
    assert "content type is 'text/plain'" in post(content=b'x', headers={'content-type': 'text/plain'})
    assert 'broken JSON' in post(content=b'{"video": NaN}', headers={'content-type': 'application/json'})
    assert 'brings no video' in post(files=dict(mask=mask))
    assert "the field 'videos'" in post(files=dict(videos=video))
    assert 'v.mp4: ' in post(files=dict(video=('v.mp4', b'no video'), mask=mask))
    assert 'mask_1.png' in post(files=dict(video=video, mask_1=b'no mask'))
    assert 'the mask of frame 0 is 48x31' in post(files=dict(video=video, mask=mask_file(tmp_path, (31, 48))))
    assert 'shows no object' in post(files=dict(video=video, mask=mask_file(tmp_path, object_id=0)))
    assert 'frame 0 has a mask and prompts' in post(
        files=dict(video=video, mask=mask), data=dict(prompts=json.dumps(prompts()))
    )
    assert shared.post('/api/jobs', files=dict(video=bytes(2 << 20))).status_code == 413
    assert shared.post(
        '/api/jobs', content=(bytes(1 << 19) for _ in range(9)), headers={'content-type': 'multipart/form-data; boundary=x'}
    ).status_code in (400, 413)


def test_a_job_that_fails_is_tried_again_and_tells_why(shared):
    job = wait(shared, send(shared, FAILING), 'failed')
    assert job['tries'] == 2 and job['reason'] == 'ValueError: clip: as asked'


def test_the_queue_is_bounded_and_jobs_are_cancelled(tmp_path, videos):
    queue = queue_in(tmp_path, videos, max_waiting=2)
    with TestClient(create_app(queue, ServiceSettings('stand-in'))) as client:
        running = send(client, SLOW)
        wait(client, running, 'running')
        first, second = send(client), send(client)
        assert (first['position'], second['position']) == (0, 1)
        response = client.post('/api/jobs', json=dict(video='clip.mp4', prompts=prompts()))
        assert response.status_code == 429 and response.headers['Retry-After'] == '10'
        assert client.post(f'/api/jobs/{first["id"]}/cancel').json()['state'] == 'cancelled'
        assert client.post(f'/api/jobs/{running["id"]}/cancel').json()['state'] == 'cancelled'
        wait(client, second, 'done')
        assert client.post(f'/api/jobs/{second["id"]}/cancel').json()['state'] == 'done'
        again = send(client, SLOW)
        wait(client, again, 'running')
        assert client.delete(f'/api/jobs/{again["id"]}').status_code == 204
        assert [job['state'] for job in client.get('/api/jobs').json()] == ['done', 'cancelled', 'cancelled']


def test_a_restart_goes_on_with_what_was_accepted(tmp_path, videos):
    with TestClient(create_app(queue_in(tmp_path, videos), ServiceSettings('stand-in'))) as client:
        done, slow = send(client), send(client, SLOW)
        waiting = send(client)
        wait(client, slow, 'running')
    folder = JobFolder(tmp_path)
    states = {job.id: job.state for job in folder.load()}
    assert states == {done['id']: 'done', slow['id']: 'running', waiting['id']: 'waiting'}
    # as if the server had died between a worker's last step and the record of it, and while an upload arrived
    record = folder.jobs / done['id'] / 'job.json'
    record.write_text(json.dumps(dict(json.loads(record.read_text()), state='running')))
    (folder.new() / 'video.mp4').write_bytes(b'half of it')
    before = (folder.results / done['id'] / 'done.json').stat().st_mtime_ns
    with TestClient(create_app(queue_in(tmp_path, videos, workers=2), ServiceSettings('stand-in'))) as client:
        wait(client, waiting, 'done')
        assert wait(client, done, 'done')['results']
        assert client.get(f'/api/jobs/{slow["id"]}').json()['state'] == 'running'
        assert (folder.results / done['id'] / 'done.json').stat().st_mtime_ns == before
        assert len(list(folder.jobs.iterdir())) == 3
        assert max(job.number for job in folder.load()) == 3


def test_strangers_are_refused(tmp_path):
    settings = ServiceSettings('stand-in', hosts=['testserver'], token='sesame')
    with TestClient(create_app(queue_in(tmp_path), settings)) as client:
        assert client.get('/api/jobs').status_code == 401
        assert client.get('/api/jobs', headers={'Authorization': 'Bearer sesam'}).status_code == 401
        client.headers['Authorization'] = 'Bearer sesame'
        assert client.get('/api/jobs').json() == []
        assert client.get('/api/jobs', headers={'Origin': 'http://elsewhere.example'}).status_code == 403
        refused = client.get('/api/jobs', headers={'Host': 'elsewhere.example'})
        assert refused.status_code == 403 and 'mmvos serve' in refused.json()['detail']
        response = client.post('/api/jobs', json=dict(video='clip.mp4'))
        assert response.status_code == 422 and '--videos' in response.json()['detail']


def test_the_schema_is_that_of_prompts(shared):
    jsonschema = pytest.importorskip('jsonschema', reason='the extra "dev" is not installed')
    mask = np.eye(4, dtype=bool)
    full = Prompt(3, [Click(1, 2)], Box(1, 2, 3, 4), [Scribble(((1, 2), (3, 4)))], Polygon(((0, 0), (1, 0), (1, 1))), mask)
    jsonschema.validate(prompt_to_json(full), PROMPT_SCHEMA)
    assert encode_mask(mask) == prompt_to_json(full)['mask']
    assert set(prompt_to_json(full)) == set(PROMPT_SCHEMA['properties'])
    for wrong in (dict(object_id=0), dict(object_id=1, circle=[1]), dict(object_id=1, clicks=[[1, 2]]), {}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, PROMPT_SCHEMA)
    body = shared.get('/openapi.json').json()['paths']['/api/jobs']['post']['requestBody']['content']
    assert set(body) == {'application/json', 'multipart/form-data'}
