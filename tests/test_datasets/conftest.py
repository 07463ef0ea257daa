"""Small data sets on disk."""

import json

import pytest
from video_files import label_map, write_video

from mmvos.structures import write_label_map


@pytest.fixture(autouse=True)
def no_garbage_collection(monkeypatch):
    """mmengine collects garbage for every data set that is made: half a second each in a large process."""
    monkeypatch.setattr('gc.collect', lambda *args: 0)


@pytest.fixture
def davis(tmp_path):
    """DAVIS: ``bear`` (6 frames, objects 1 and 2) and ``dog`` (4 frames, object 1)."""
    for name, count in (('bear', 6), ('dog', 4)):
        write_video(tmp_path / 'JPEGImages/480p' / name, count)
        for i in range(count):
            boxes = dict(o1=(2 + i, 4, 12 + i, 16))
            if name == 'bear':
                boxes['o2'] = (25, 5, 30, 9)
            write_label_map(tmp_path / 'Annotations/480p' / name / f'{i:05d}.png', label_map(**boxes))
    lists = tmp_path / 'ImageSets'
    for year in ('2016', '2017'):
        (lists / year).mkdir(parents=True)
        (lists / year / 'val.txt').write_text('bear\ndog\n\n')
    return tmp_path


@pytest.fixture
def youtube_vos(tmp_path):
    """YouTube-VOS valid: frames 5, 10, ..., 30; object 1 begins in 10, object 3 in 20; and a train split, fully
    annotated."""
    root = tmp_path / 'ytvos'
    objects = {
        '1': dict(category='cat', frames=['00010', '00015', '00020', '00025']),
        '3': dict(category='yak', frames=['00020', '00025', '00030']),
    }
    boxes = {'1': (2, 2, 14, 14), '3': (20, 4, 34, 20)}
    for split in ('train', 'valid'):
        write_video(root / split / 'JPEGImages' / 'a1', 6, start=5, step=5)
        for stem in ('00010', '00015', '00020', '00025', '00030'):
            seen = [i for i in objects if stem in objects[i]['frames']]
            if split == 'valid':
                seen = [i for i in seen if objects[i]['frames'][0] == stem]
            if seen:
                write_label_map(
                    root / split / 'Annotations' / 'a1' / f'{stem}.png', label_map(**{f'o{i}': boxes[i] for i in seen})
                )
        (root / split / 'meta.json').write_text(json.dumps(dict(videos={'a1': dict(objects=objects)})))
    write_video(root / 'valid_all_frames/JPEGImages' / 'a1', 26, start=5)
    return root
