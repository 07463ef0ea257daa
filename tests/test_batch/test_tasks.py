"""Which videos a source holds, and which part of them a process does."""

import json
import zipfile

import pytest
from video_files import write_video

from mmvos.batch import Destination, Share, Task, find_tasks
from mmvos.batch.destination import MARK
from mmvos.structures import InputError


@pytest.fixture
def folder(tmp_path):
    videos = tmp_path / 'videos'
    write_video(videos / 'b', 2)
    write_video(videos / 'left' / 'c', 2)
    for name in ('a.mp4', 'left/d.avi', 'notes.txt', '.hidden.mp4'):
        (videos / name).write_bytes(b'')
    return videos


def test_a_folder_and_a_glob(folder):
    assert [(task.name, task.video) for task in find_tasks(str(folder))][:2] == [
        ('a', str(folder / 'a.mp4')),
        ('b', str(folder / 'b')),
    ]
    assert [task.name for task in find_tasks(f'{folder}/left/*')] == ['c', 'd']
    assert [task.name for task in find_tasks(f'{folder}/l*/*')] == ['left/c', 'left/d']
    assert find_tasks(str(folder / 'b')) == [Task('b', str(folder / 'b'))]


def test_a_list(folder, tmp_path):
    lines = [
        dict(video='videos/a.mp4', prompts={'0': 'a.png', '7': '/masks/x.png'}),
        dict(video='memory://clips/b.mp4', name='one/b', clicks=['1:3,4'], at=2),
        dict(video='videos/b', prompts='masks'),
        dict(video='videos/c', objects={'4': [dict(object_id=1, box=[1, 2, 3, 4])]}),
    ]
    path = tmp_path / 'list.jsonl'
    path.write_text('\n'.join(map(json.dumps, lines)) + '\n\n')
    assert find_tasks(str(path)) == [
        Task('a', f'{tmp_path}/videos/a.mp4', {0: f'{tmp_path}/a.png', 7: '/masks/x.png'}),
        Task('one/b', 'memory://clips/b.mp4', clicks=('1:3,4',), at=2),
        Task('b', f'{tmp_path}/videos/b', masks=f'{tmp_path}/masks'),
        Task('c', f'{tmp_path}/videos/c', objects={4: [dict(object_id=1, box=[1, 2, 3, 4])]}),
    ]


def test_prompts_from_a_folder(folder, tmp_path):
    masks = tmp_path / 'masks'
    (masks / 'b').mkdir(parents=True)
    (masks / 'a.png').write_bytes(b'')
    found = {task.name: task.masks for task in find_tasks(f'{folder}/[ab]*', str(masks))}
    assert found == {'a': str(masks / 'a.png'), 'b': str(masks / 'b')}
    with pytest.raises(InputError, match=r"no prompt for 'left'; expected left.png"):
        find_tasks(str(folder), str(masks))


def test_videos_of_a_zip_file(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / 'all.zip', 'w') as archive:
        archive.write(folder / 'b' / '00000.jpg', 'clips/b/00000.jpg')
    (task,) = find_tasks(f'zip://clips/*::{tmp_path}/all.zip')
    assert task == Task('b', f'zip://clips/b::{tmp_path}/all.zip')


@pytest.mark.parametrize(
    ('lines', 'words'),
    [
        ([dict(video='a.mp4'), dict(video='a.avi')], "'a' occurs twice"),
        ([dict(video='a.mp4', promts='x')], "list.jsonl:1: unknown setting 'promts'; did you mean 'prompts'"),
        ([dict(video='a.mp4', name='../a')], 'leads out of its folder'),
        ([dict(video='a.mp4', name='x'), dict(video='a.mp4', name='x/y')], "'x/y' lies below the video 'x'"),
        ([dict(video='a.mp4', prompts={'-1': 'x'})], "prompt at frame '-1'"),
        ([], 'no video found'),
    ],
)
def test_a_list_that_cannot_be_used(lines, words, tmp_path):
    path = tmp_path / 'list.jsonl'
    path.write_text('\n'.join(map(json.dumps, lines)))
    with pytest.raises(InputError, match=words):
        find_tasks(str(path))


@pytest.mark.parametrize('source', ['none', 'none/*.mp4', 'list.jsonl', 'nonsense://x', 'memory://none'])
def test_a_source_that_is_not_there(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=source.split('*')[0].replace('.', r'\.')):
        find_tasks(source)


@pytest.mark.parametrize(
    ('environment', 'share'),
    [
        ({}, Share(0, 1)),
        (dict(RANK='2', WORLD_SIZE='4'), Share(2, 4)),
        (dict(SLURM_PROCID='0', SLURM_NTASKS='4'), Share(0, 1)),  # a batch script outside of srun
        (dict(SLURM_PROCID='3', SLURM_STEP_NUM_TASKS='4'), Share(3, 4)),
        (
            dict(SLURM_ARRAY_TASK_ID='5', SLURM_ARRAY_TASK_MIN='1', SLURM_ARRAY_TASK_COUNT='3', SLURM_ARRAY_TASK_STEP='2'),
            Share(2, 3),
        ),
        (
            dict(
                SLURM_ARRAY_TASK_ID='1',
                SLURM_ARRAY_TASK_MIN='0',
                SLURM_ARRAY_TASK_COUNT='2',
                SLURM_PROCID='1',
                SLURM_STEP_NUM_TASKS='2',
            ),
            Share(3, 4),
        ),
    ],
)
def test_the_share_of_a_process(environment, share):
    assert Share.from_environment(environment) == share


def test_shares_are_all_videos_once():
    tasks = [Task(str(i), '') for i in range(7)]
    parts = [Share(i, 3).of(tasks) for i in range(3)]
    assert sorted(task.name for part in parts for task in part) == [task.name for task in tasks]
    assert [len(part) for part in parts] == [3, 2, 2]


def test_results_appear_when_they_are_complete(tmp_path):
    destination = Destination(str(tmp_path))
    with pytest.raises(RuntimeError), destination.results_of('a/b') as folder:
        (folder / 'done.json').write_text('{}')
        raise RuntimeError
    assert destination.done(['a/b']) == set()
    with destination.results_of('a/b') as folder:
        (folder / 'done.json').write_text('{}')
    assert destination.done(['a/b', 'c']) == {'a/b'}
    (tmp_path / 'c').mkdir()
    (tmp_path / 'c' / 'mine.txt').write_text('x')
    with pytest.raises(InputError, match='is no result of a batch'), destination.results_of('c'):
        pass
    destination.remove_parts()
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a', 'c']


def test_one_destination_has_one_way_of_making_results(tmp_path):
    Destination(str(tmp_path)).agree(dict(config='wrong', amp=False))
    Destination(str(tmp_path)).agree(dict(config='a', amp=False))  # nothing had been made
    (tmp_path / 'one').mkdir()
    (tmp_path / 'one' / MARK).write_text('{}')
    Destination(str(tmp_path)).agree(dict(config='a', amp=False))
    with pytest.raises(InputError, match="made with config 'a', now it is 'b'"):
        Destination(str(tmp_path)).agree(dict(config='b', amp=False))
