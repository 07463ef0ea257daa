"""Annotation files of video instance segmentation: what is filled in, and what is refused before pycocotools sees it."""

import copy
import itertools
import json
import random

import numpy as np
import pytest

from mmvos.evaluation.functional import youtube_vis_ap, youtube_vis_problems
from mmvos.structures import InputError, encode_mask, load_youtube_vis
from mmvos.structures.run_length import are_sound, mask_problem, run_length_problem

SIZE = (12, 16)


def mask(left=2):
    out = np.zeros(SIZE, bool)
    out[2:8, left : left + 5] = True
    return out


def uncompressed(left=2):
    """COCO's code with a list of runs, column by column."""
    flat = np.concatenate([[0], mask(left).T.ravel().astype(int), [0]])
    edges = np.flatnonzero(np.diff(flat)).tolist()
    ends = [0, *edges, SIZE[0] * SIZE[1]]
    return dict(size=list(SIZE), counts=[b - a for a, b in itertools.pairwise(ends)])


def youtube_vis(**changes):
    """Two frames, one instance that is there in the first."""
    annotation = dict(id=1, video_id=1, category_id=3, segmentations=[encode_mask(mask()), None])
    video = dict(id=1, width=SIZE[1], height=SIZE[0], file_names=['v/0.jpg', 'v/1.jpg'])
    annotation = {key: value for key, value in {**annotation, **changes}.items() if value is not ...}
    return dict(videos=[video], categories=[dict(id=3, name='cube')], annotations=[annotation])


def coco_video(**changes):
    images = [dict(id=10 + i, video_id=1, file_name=f'v/{name}.jpg') for i, name in enumerate((10, 9))]
    annotation = dict(image_id=11, instance_id=0, category_id=3, segmentation=encode_mask(mask()))
    annotation = {key: value for key, value in {**annotation, **changes}.items() if value is not ...}
    video = dict(id=1, width=SIZE[1], height=SIZE[0])
    return dict(videos=[video], images=images, categories=[dict(id=3, name='cube')], annotations=[annotation])


def load(path, data):
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return load_youtube_vis(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'a.json'


@pytest.mark.parametrize(
    'data',
    [
        youtube_vis(),
        youtube_vis(iscrowd=0, areas=[30, None], bboxes=[[2, 2, 5, 6], None]),
        youtube_vis(segmentations=..., segmentation=[encode_mask(mask()), None]),
        youtube_vis(segmentations=[uncompressed(), None]),
        youtube_vis(segmentations=[encode_mask(mask()), []]),
        youtube_vis(id=...),
        coco_video(),
        coco_video(instance_id=..., track_id=7),
        coco_video(video_id=1, area=30, bbox=[2, 2, 5, 6]),
        coco_video(area=30),
    ],
)
def test_what_follows_from_the_rest_is_filled_in(path, data):
    loaded = load(path, data)
    (annotation,) = loaded['annotations']
    assert [annotation[key] for key in ('video_id', 'category_id', 'iscrowd')] == [1, 3, 0]
    assert annotation['areas'] == [30, None]
    assert annotation['bboxes'][0] == [2, 2, 5, 6] and annotation['bboxes'][1] is None
    results = [dict(video_id=1, category_id=3, score=0.5, segmentations=[encode_mask(mask()), None])]
    assert youtube_vis_ap(loaded, results)['AP'] == pytest.approx(1)


def test_polygons_are_measured(path):
    loaded = load(path, youtube_vis(segmentations=[[[2, 2, 7, 2, 7, 8, 2, 8]], None]))
    assert loaded['annotations'][0]['areas'] == [30, None]


def test_frames_of_coco_video_without_an_order_go_by_their_names(path):
    assert load(path, coco_video())['videos'][0]['file_names'] == ['v/9.jpg', 'v/10.jpg']


def video_with(**changes):
    data = youtube_vis()
    data['videos'][0].update(changes)
    return data


def image_with(**changes):
    data = coco_video()
    data['images'][1].update(changes)
    return data


def code(counts, size=SIZE):
    return youtube_vis(segmentations=[dict(size=list(size), counts=counts), None])


@pytest.mark.parametrize(
    'data, message',
    [
        ('[1]', 'found .1.. Expected an annotation file'),
        ('{}', 'no videos and no categories'),
        ('3', 'found 3'),
        ('{"videos": 3, "categories": []}', 'videos is no list of JSON objects'),
        ('{"videos": [3], "categories": []}', 'videos is no list of JSON objects'),
        ('{"videos": [], "categories": {}}', 'categories is no list'),
        ('{"videos": [{}], "categories": []}', 'one of its videos has no id'),
        (dict(youtube_vis(), categories=[dict(id='x', name='y')]), "one of its categories has the id 'x'"),
        (dict(youtube_vis(), categories=[dict(id=3)]), 'category 3 has the name None; expected text'),
        (dict(youtube_vis(), categories=[dict(id=3, name='a')] * 2), 'two categories have the id 3'),
        (dict(youtube_vis(), annotations=3), 'annotations is no list'),
        (video_with(id=True), 'one of its videos has the id True'),
        (video_with(width=1_000_000_000), 'video 1 has the width 1000000000; expected 1..32768'),
        (video_with(height=0), 'video 1 has the height 0'),
        (video_with(height='12'), "video 1 has the height '12'"),
        (video_with(file_names='v/0.jpg'), 'video 1: file_names is no list'),
        (video_with(file_names=[1, 2]), 'video 1: file_names is no list'),
        (video_with(length=3), 'video 1 has length 3 but 2 file names'),
        (youtube_vis(video_id=2), 'annotation 1 is of video 2, which is not in the file'),
        (youtube_vis(video_id=[1]), 'annotation 1 is of video .1.'),
        (youtube_vis(category_id=4), 'annotation 1 is of category 4'),
        (youtube_vis(category_id={}), 'annotation 1 is of category'),
        (youtube_vis(segmentations=...), 'annotation 1: segmentations is None; expected a list'),
        (youtube_vis(segmentations=[None]), 'annotation 1 has 1 segmentations, its video has 2 frames'),
        (youtube_vis(segmentations=[3, None]), 'annotation 1, frame 0: not a run-length code'),
        (youtube_vis(segmentations=['x', None]), 'annotation 1, frame 0: not a run-length code'),
        (code(''), 'annotation 1, frame 0: counts is not a compressed RLE'),
        (code('zz'), 'frame 0: counts is not a compressed RLE'),
        (code(encode_mask(mask())['counts'][:-2]), 'frame 0: counts'),
        (code(encode_mask(mask())['counts'], (16, 12)), r'frame 0: size is \[16, 12\], the video is \[12, 16\]'),
        (code([1, 2, 3]), 'frame 0: counts does not add up to the 12 x 16 pixels'),
        (code([192.0]), 'frame 0: counts holds something that is no length'),
        (code([-1, 193]), 'frame 0: counts holds something'),
        (code(3), 'frame 0: counts is not a compressed RLE'),
        (youtube_vis(segmentations=[dict(counts=[192]), None]), 'frame 0: size is None'),
        (youtube_vis(segmentations=[[[0, 0, 1, 1]], None]), 'frame 0: a polygon is not a list'),
        (youtube_vis(segmentations=[[[0, 0, 5, 5, 'x', 5]], None]), 'frame 0: a polygon has a coordinate'),
        (youtube_vis(segmentations=[[[0, 0, 1e9, 1e9, 0, 5]], None]), 'frame 0: a polygon has a coordinate'),
        (youtube_vis(segmentations=[[[0, 0, 9e5, 9e5, 0, 5] * 9], None]), 'frame 0: polygons whose outline is longer'),
        ('{"videos": [], "categories": [], "annotations": [{"segmentations": [[[NaN]]]}]}', 'NaN is not a number'),
        (youtube_vis(iscrowd=2), 'annotation 1: iscrowd is 2'),
        (youtube_vis(areas=[1]), 'annotation 1: areas is no list of 2'),
        (youtube_vis(areas=['x', None]), "annotation 1, frame 0: areas holds 'x'"),
        (youtube_vis(bboxes=[[1, 2, 3], None]), 'annotation 1, frame 0: bboxes holds'),
        (youtube_vis(bboxes=3), 'annotation 1: bboxes is no list of 2'),
        (dict(youtube_vis(), annotations=youtube_vis()['annotations'] * 2), 'two annotations have the id 1'),
        (coco_video(image_id=...), 'annotation 1 has no image_id'),
        (coco_video(image_id=99), 'annotation 1 is of image 99'),
        (coco_video(image_id=[1]), 'annotation 1 has the image_id .1.'),
        (coco_video(instance_id=...), 'annotation 1 has no instance_id'),
        (coco_video(instance_id='a'), "annotation 1 has the instance_id 'a'"),
        (coco_video(segmentation=...), 'annotation 1 has no segmentation'),
        (coco_video(video_id=2), 'annotation 1 is of video 2, but its image is of video 1'),
        (coco_video(category_id=...), 'annotation 1 is of category None'),
        (dict(coco_video(), annotations=coco_video()['annotations'] * 2), 'a second mask of instance 0 in one frame'),
        (image_with(video_id=5), 'image 11 is of video 5'),
        (image_with(file_name=3), 'image 11 has no file_name'),
        (image_with(id=10), 'two images have the id 10'),
        ({key: value for key, value in coco_video().items() if key != 'videos'}, 'no videos'),
    ],
)
def test_what_is_wrong_is_named(path, data, message):
    with pytest.raises(InputError, match=f'a.json: .*{message}'):
        load(path, data)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(video_id=[1]), r'result 0: video_id \[1\] is not in the annotation file'),
        (dict(video_id=True), 'result 0: video_id True is not'),
        (dict(category_id={}), 'result 0 .video 1.: category_id {} is not in the annotation file'),
        (dict(score='x'), "score 'x' is not a finite number"),
        (dict(score=float('nan')), 'score nan is not a finite number'),
        (dict(score=None), 'score None is not a finite number'),
        (dict(segmentations=3), 'segmentations is not a list'),
        (dict(segmentations=[3, None]), 'frame 0: expected null or a compressed RLE'),
        (dict(segmentations=[dict(size=5, counts='02'), None]), 'frame 0: size is 5'),
        (dict(segmentations=[dict(size=list(SIZE), counts=''), None]), 'frame 0: counts is not a compressed RLE'),
        (dict(segmentations=[dict(size=list(SIZE), counts=[192]), None]), 'frame 0: expected null or a compressed RLE'),
        (dict(segmentations=[None, dict(encode_mask(mask()), counts=encode_mask(mask())['counts'][:-2])]), 'frame 1: counts'),
    ],
)
def test_results_that_would_crash_the_decoder_are_named(change, message):
    result = dict(video_id=1, category_id=3, score=0.5, segmentations=[encode_mask(mask()), None])
    truth = youtube_vis(areas=[30, None])
    with pytest.raises(InputError, match=message):
        youtube_vis_ap(truth, [dict(result, **change)])


def test_masks_of_all_forms_are_taken():
    for good in (encode_mask(mask()), uncompressed(), [[2, 2, 7, 2, 7, 8]], [], [[-3.5, 0, 20, 0, 8, 30]]):
        assert mask_problem(good, SIZE) is None


JUNK = [None, True, 0, -1, 300, 1e308, '', 'x', '²', [], [None], {}, {'a': 1}, [[]], 'NaN', 10**30]


def mutated(data, rng):
    """A copy in which some values anywhere are something else, or gone."""
    data = copy.deepcopy(data)
    for _ in range(rng.randint(1, 3)):
        place, key = dict(root=data), 'root'
        while isinstance(place[key], (dict, list)) and place[key] and rng.random() < 0.85:
            place = place[key]
            key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        if isinstance(place, dict) and rng.random() < 0.3:
            del place[key]
        else:
            place[key] = copy.deepcopy(rng.choice(JUNK))
        if 'root' in place and len(place) == 1:
            data = place['root']
    return data


def test_a_thousand_mutated_files_are_read_or_refused(path):
    rng, refused = random.Random(0), 0
    results = [dict(video_id=1, category_id=3, score=0.5, segmentations=[encode_mask(mask()), None])]
    for i in range(1000):
        source = (youtube_vis(areas=[30, None]), youtube_vis(segmentations=[uncompressed(), None]), coco_video())[i % 3]
        try:
            loaded = load(path, mutated(source, rng))
            list(youtube_vis_problems(loaded, mutated(results, rng)))
        except InputError as error:
            refused += 1
            assert str(path) in str(error)
    assert 500 < refused < 1000


def test_many_codes_are_judged_as_each_of_them_is():
    rng = np.random.default_rng(0)
    codes, pixels = [], []
    for _ in range(300):
        size = rng.integers(1, 40, 2)
        code = encode_mask(rng.random(size) < rng.random())
        text = bytearray(code['counts'].encode())
        if rng.random() < 0.5:  # damaged, now and then in a way that does no harm
            text[rng.integers(len(text))] = rng.integers(48, 112)
        codes.append(dict(code, counts=text.decode()))
        pixels.append(int(size.prod()))
    sound = [run_length_problem(code) is None for code in codes]
    assert 100 < sum(sound) < 250
    assert [are_sound([code['counts']], [area]) for code, area in zip(codes, pixels, strict=True)] == sound
    kept = [i for i in range(len(codes)) if sound[i]]
    assert are_sound([codes[i]['counts'] for i in kept], [pixels[i] for i in kept]) and are_sound([], [])
    bad = sound.index(False)
    assert not are_sound([codes[i]['counts'] for i in (*kept, bad)], [pixels[i] for i in (*kept, bad)])
    assert not are_sound(['', codes[kept[0]]['counts']], [0, pixels[kept[0]]])
