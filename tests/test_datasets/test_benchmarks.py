"""DAVIS, YouTube-VOS and folders: what a video is, and errors that name the file."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from video_files import HEIGHT, WIDTH, label_map, write_video

from mmvos.datasets import DAVIS2016Dataset, DAVIS2017Dataset, FolderDataset, YouTubeVOSDataset
from mmvos.structures import write_label_map

SHAPE = (HEIGHT, WIDTH)
TEST = dict(test_mode=True, pipeline=[dict(type='PackVideo')])


def video(dataset, index=0):
    return dataset[index]['inputs']


def ids(mask):
    return sorted(set(np.unique(mask).tolist()) - {0})


def test_davis2017_prompts_the_first_frame_and_keeps_all_annotations(davis):
    bear = video(DAVIS2017Dataset(str(davis), **TEST))
    assert (bear.video_id, len(bear), list(bear.prompts)) == ('bear', 6, [0])
    assert ids(bear.prompt(0, SHAPE)) == [1, 2]
    assert sorted(bear.metainfo['annotations']) == list(range(6))
    assert [frame.mean().round() for _, frame in bear] == [0, 10, 20, 30, 40, 50]


def test_davis2017_unsupervised_reads_its_own_annotations_and_gives_no_prompt(davis):
    (davis / 'Annotations').rename(davis / 'Annotations_unsupervised')
    bear = video(DAVIS2017Dataset(str(davis), task='unsup', **TEST))
    assert not bear.prompts
    assert 'Annotations_unsupervised' in bear.metainfo['annotations'][0].name


@pytest.mark.parametrize('form', ['sequences', 'frames'])
def test_davis2016_reads_both_forms_of_list_and_merges_ids(davis, form):
    ann_file = 'ImageSets/2016/val.txt'
    if form == 'frames':
        ann_file = 'ImageSets/480p/val.txt'
        (davis / 'ImageSets/480p').mkdir()
        (davis / ann_file).write_text(
            ''.join(
                f'/JPEGImages/480p/{n}/{i:05d}.jpg /Annotations/480p/{n}/{i:05d}.png\n'
                for n, c in (('bear', 6), ('dog', 4))
                for i in range(c)
            )
        )
    mask = np.where(label_map(o1=(0, 0, 5, 5)) > 0, 255, 0).astype(np.uint8)  # as the original files: 0 and 255
    Image.fromarray(mask).save(davis / 'Annotations/480p/dog/00000.png')
    dataset = DAVIS2016Dataset(str(davis), ann_file, **TEST)
    assert [v.video_id for v in (video(dataset, 0), video(dataset, 1))] == ['bear', 'dog']
    assert ids(video(dataset, 0).prompt(0, SHAPE)) == [1]
    assert video(dataset, 1).prompt(0, SHAPE).sum() == 25
    assert ids(video(dataset, 1).metainfo['annotations'][0].read()) == [1]
    assert len(video(dataset, 1)) == 4


def test_youtube_vos_valid_prompts_late_objects_and_lists_frames_to_submit(youtube_vos):
    item = video(YouTubeVOSDataset(str(youtube_vos), 'valid', **TEST))
    assert {i: ids(item.prompt(i, SHAPE)) for i in item.prompts} == {1: [1], 3: [3]}
    assert item.metainfo['submit_frames'] == ['00010', '00015', '00020', '00025', '00030']
    assert item.metainfo['prompt_frames'] == {1: 1, 3: 3}
    assert item.metainfo['categories'] == {1: 'cat', 3: 'yak'}
    assert item.metainfo['annotations'] == {}  # its files are prompts


def test_youtube_vos_all_frames_places_prompts_by_file_name(youtube_vos):
    item = video(YouTubeVOSDataset(str(youtube_vos), 'valid', all_frames=True, **TEST))
    assert len(item) == 26
    assert list(item.prompts) == [5, 15]
    assert item.metainfo['eval_frames'] == [5, 10, 15, 20, 25]


def test_youtube_vos_train_as_validation_prompts_only_what_is_new(youtube_vos):
    item = video(YouTubeVOSDataset(str(youtube_vos), 'train', **TEST))
    assert ids(item.prompt(3, SHAPE)) == [3]  # the file also shows object 1
    assert sorted(item.metainfo['annotations']) == [1, 2, 3, 4, 5]


def test_youtube_vos_splits_into_sets_of_objects_that_are_visible_together(youtube_vos):
    dataset = YouTubeVOSDataset(str(youtube_vos), 'train', split_objects=True)
    assert [dataset.get_data_info(i)['labelled'] for i in range(len(dataset))] == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    'length, expected', [(2, [[0, 1], [2, 3], [4, 5], [0, 1], [2, 3]]), (5, [[0, 1, 2, 3, 4], [0, 1, 2, 3]])]
)
def test_split_clips_cuts_videos_into_clips_that_do_not_overlap(davis, length, expected):
    dataset = DAVIS2017Dataset(str(davis), split_clips=length)
    assert [dataset.get_data_info(i)['labelled'] for i in range(len(dataset))] == expected


def test_choosing_videos(davis, youtube_vos, tmp_path):
    assert len(DAVIS2017Dataset(str(davis), sequences=['dog'])) == 1
    (tmp_path / 'list.txt').write_text('dog\n')
    assert DAVIS2017Dataset(str(davis), exclude=str(tmp_path / 'list.txt')).get_data_info(0)['video_id'] == 'bear'
    assert len(DAVIS2017Dataset(str(davis), min_labelled=5)) == 1
    assert len(YouTubeVOSDataset(str(youtube_vos), min_labelled=5)) == 1
    with pytest.raises(ValueError, match='none is left'):
        YouTubeVOSDataset(str(youtube_vos), min_labelled=6)
    with pytest.raises(ValueError, match='none is left'):
        DAVIS2017Dataset(str(davis), frame_size=(720, 1280))
    with pytest.raises(ValueError, match="no video 'cat'"):
        DAVIS2017Dataset(str(davis), sequences=['cat'])


def test_folder_prompts(tmp_path):
    write_video(tmp_path / 'JPEGImages/v', 11)
    (tmp_path / 'JPEGImages/v/00010.jpg').rename(tmp_path / 'JPEGImages/v/10.jpg')
    write_label_map(tmp_path / 'Annotations/v/00002.png', label_map(o1=(0, 0, 8, 8)))
    write_label_map(tmp_path / 'Annotations/v/00005.png', label_map(o1=(0, 0, 8, 8), o7=(20, 0, 30, 8)))
    first, appear = (video(FolderDataset(str(tmp_path), prompt=p, **TEST)) for p in ('first', 'appear'))
    assert first.frame_names[-1] == '10'
    assert list(first.prompts) == [2]
    assert {i: ids(appear.prompt(i, SHAPE)) for i in appear.prompts} == {2: [1], 5: [7]}
    assert not video(FolderDataset(str(tmp_path), prompt='none', **TEST)).prompts


# errors: one message that names the file and what was expected


def test_missing_split_list(davis):
    with pytest.raises(FileNotFoundError, match=r'ImageSets/2017/test-dev\.txt: not found. Expected a list of sequences'):
        DAVIS2017Dataset(str(davis), 'ImageSets/2017/test-dev.txt')


def test_missing_frame(davis):
    (davis / 'JPEGImages/480p/bear/00003.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'bear/00003\.jpg: frame not found'):
        DAVIS2017Dataset(str(davis))


def test_missing_first_mask(davis):
    (davis / 'Annotations/480p/dog/00000.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'dog/00000\.png: mask of the first frame not found'):
        DAVIS2017Dataset(str(davis))


def test_missing_video(davis):
    (davis / 'ImageSets/2017/val.txt').write_text('bear\nlion\n')
    with pytest.raises(FileNotFoundError, match=r"lion: folder of the frames of video 'lion' not found"):
        DAVIS2017Dataset(str(davis))


def test_mask_one_column_too_narrow(davis):
    write_label_map(davis / 'Annotations/480p/bear/00000.png', label_map(o1=(2, 4, 12, 16))[:, :-1])
    with pytest.raises(ValueError, match=rf'bear/00000\.png: the mask is {WIDTH - 1}x{HEIGHT}, its frame is {WIDTH}x'):
        video(DAVIS2017Dataset(str(davis), **TEST)).prompt(0, SHAPE)
    mended = video(DAVIS2017Dataset(str(davis), size_mismatch='resize', **TEST)).prompt(0, SHAPE)
    assert mended.shape == SHAPE and ids(mended) == [1]


@pytest.mark.parametrize(
    'image, says',
    [
        (Image.fromarray(np.ones((HEIGHT, WIDTH), np.uint16)), '16-bit'),
        (Image.fromarray(np.ones((HEIGHT, WIDTH, 3), np.uint8)), 'RGB'),
        (Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)), 'the prompt is empty'),
    ],
)
def test_mask_that_is_no_prompt(davis, image, says):
    image.save(davis / 'Annotations/480p/bear/00000.png')
    with pytest.raises(ValueError, match=rf'bear/00000\.png: .*{says}'):
        video(DAVIS2017Dataset(str(davis), **TEST)).prompt(0, SHAPE)


@pytest.mark.parametrize(
    'text, says',
    [
        ('{"videos": {', r'meta\.json: broken JSON'),
        ('{"video": {}}', r'meta\.json: found nothing where a JSON object belongs'),
        (
            '{"videos": {"a1": {"objects": {"1": {"category": "cat"}}}}}',
            r"meta\.json: video 'a1', object 1: frames nothing; expected",
        ),
        ('{"videos": {"a1": {"objects": {"1": {"frames": ["00011"]}}}}}', r'a1/00011\.jpg: frame not found'),
        ('{"videos": {"a1": {"objects": {"1": {"frames": ["00015"]}}}}}', r'a1/00015\.png: mask not found'),
    ],
)
def test_broken_meta(youtube_vos, text, says):
    (youtube_vos / 'valid/meta.json').write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match=says):
        YouTubeVOSDataset(str(youtube_vos), 'valid')


def test_frames_of_two_sizes_in_a_clip(davis):
    cv2.imwrite(str(davis / 'JPEGImages/480p/dog/00002.jpg'), np.zeros((HEIGHT, WIDTH + 2, 3), np.uint8))
    dataset = DAVIS2017Dataset(
        str(davis), sequences=['dog'], pipeline=[dict(type='SampleClip', clip_len=4), dict(type='LoadClip')]
    )
    with pytest.raises(ValueError, match=r'dog/00002\.jpg: the frame is 42x24, the frames before it are 40x24'):
        dataset[0]


def test_broken_frame_is_an_error_and_not_another_video(davis):
    (davis / 'JPEGImages/480p/dog/00001.jpg').write_bytes(b'no image')
    dataset = DAVIS2017Dataset(str(davis), pipeline=[dict(type='SampleClip', clip_len=4), dict(type='LoadClip')])
    with pytest.raises(ValueError, match=r'dog/00001\.jpg: cannot be read as an image'):
        dataset[1]


def test_videos_too_short_for_the_clip(davis):
    dataset = DAVIS2017Dataset(str(davis), pipeline=[dict(type='SampleClip', clip_len=7)], max_refetch=5)
    with pytest.raises(ValueError, match='none of 5 random videos gave a clip'):
        dataset[0]


def test_two_videos_of_one_name_are_an_error(davis, youtube_vos):
    (davis / 'ImageSets/2017/val.txt').write_text('bear\ndog\nbear\n')
    with pytest.raises(ValueError, match="the sequence 'bear' occurs twice"):
        DAVIS2017Dataset(str(davis))
    meta = (youtube_vos / 'valid/meta.json').read_text()
    (youtube_vos / 'valid/meta.json').write_text(meta.replace('{"a1": ', '{"a1": {"objects": {}}, "a1": '))
    with pytest.raises(ValueError, match="the key 'a1' occurs twice"):
        YouTubeVOSDataset(str(youtube_vos), 'valid')


def test_two_frames_of_one_name_are_an_error(davis):
    (davis / 'JPEGImages/480p/dog/00001.png').write_bytes((davis / 'JPEGImages/480p/dog/00001.jpg').read_bytes())
    with pytest.raises(ValueError, match="00001.png: a second frame named '00001'"):
        DAVIS2017Dataset(str(davis))


def test_names_that_lead_out_of_the_folder_are_refused(davis):
    write_video(davis / 'JPEGImages/480p/../esc', 2)
    (davis / 'list.txt').write_text('../esc\n')
    with pytest.raises(ValueError, match="'../esc' leads out of its folder"):
        FolderDataset(str(davis), 'list.txt', data_prefix=dict(img='JPEGImages/480p', ann='Annotations/480p'), prompt='none')


def test_an_object_that_is_listed_but_absent_does_not_stop_a_video(youtube_vos, caplog):
    write_label_map(youtube_vos / 'valid/Annotations/a1/00020.png', label_map())
    item = video(YouTubeVOSDataset(str(youtube_vos), 'valid', **TEST))
    with caplog.at_level('WARNING', 'mmvos'):
        prompts = {i: item.prompt(i, SHAPE) for i in item.prompts}
    assert ids(prompts[1]) == [1] and prompts[3] is None
    assert 'a1/00020.png: object 3 is listed for this frame, but has no pixel in it' in caplog.text


def test_later_masks_with_old_and_new_objects_prompt_the_new_ones(youtube_vos):
    """As LVOS and some copies of YouTube-VOS have them."""
    write_label_map(youtube_vos / 'valid/Annotations/a1/00020.png', label_map(o1=(0, 0, 5, 5), o3=(20, 4, 34, 20)))
    item = video(YouTubeVOSDataset(str(youtube_vos), 'valid', **TEST))
    assert {i: ids(item.prompt(i, SHAPE)) for i in item.prompts} == {1: [1], 3: [3]}


def test_unpadded_names_count_by_value(youtube_vos):
    """Frames 8.jpg ... 13.jpg: object 1, listed from 8 on, is prompted in frame 8."""
    root = youtube_vos.parent / 'unpadded'
    for i in range(8, 14):
        write_video(root / f'{i}', 1)
        (root / 'valid/JPEGImages/v').mkdir(parents=True, exist_ok=True)
        (root / f'{i}/00000.jpg').rename(root / f'valid/JPEGImages/v/{i}.jpg')
        write_label_map(root / f'valid/Annotations/v/{i}.png', label_map(o1=(0, 0, i, i)))
    frames = [str(i) for i in range(8, 14)]
    (root / 'valid/meta.json').write_text(json.dumps(dict(videos=dict(v=dict(objects={'1': dict(frames=frames)})))))
    item = video(YouTubeVOSDataset(str(root), 'valid', **TEST))
    assert item.frame_names == frames and list(item.prompts) == [0]
    assert item.prompt(0, SHAPE).sum() == 64 and item.metainfo['submit_frames'] == frames


def test_a_test_set_with_first_masks_alone(davis):
    """DAVIS 2017 test-dev."""
    for i in range(1, 6):
        (davis / f'Annotations/480p/bear/{i:05d}.png').unlink()
    (davis / 'ImageSets/2017/test-dev.txt').write_text('bear\n')
    item = video(DAVIS2017Dataset(str(davis), 'ImageSets/2017/test-dev.txt', **TEST))
    assert list(item.prompts) == list(item.metainfo['annotations']) == [0] and len(item) == 6
