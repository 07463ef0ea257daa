"""Synthetic videos of pictures in folders, and the preparation of the folders."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from small_synth import SIZE, dataset

from mmvos.datasets import SynthVOSDataset
from mmvos.datasets.synth import (
    FolderBackgrounds,
    FolderObjects,
    GroupedObjects,
    MaskedObjects,
    ProceduralBackgrounds,
    SynthEngine,
    SynthSettings,
)
from mmvos.structures import InputError
from mmvos.structures.youtube_vis import load_youtube_vis


@pytest.fixture
def pictures(tmp_path):
    """Cut-outs of two categories and backgrounds, each with train and val lists."""
    rng = np.random.default_rng(0)
    for category, count in (('cat', 2), ('dog', 2)):
        folder = tmp_path / 'objects' / category
        folder.mkdir(parents=True)
        for i in range(count):
            image = np.zeros((50, 60, 4), np.uint8)
            image[2:48, 5:58] = (*rng.integers(0, 256, 3), 255)
            cv2.imwrite(str(folder / f'{i}.png'), image)
    (tmp_path / 'backgrounds').mkdir()
    for i in range(2):
        cv2.imwrite(str(tmp_path / f'backgrounds/{i}.jpg'), rng.integers(0, 256, (90, 120, 3), np.uint8))
    for split, i in (('train', 0), ('val', 1)):
        (tmp_path / f'objects/{split}.txt').write_text(f'cat/{i}.png\ndog/{i}.png\n')
        (tmp_path / f'backgrounds/{split}.txt').write_text(f'{i}.jpg\n')
    return tmp_path


def test_folder_sources_follow_their_lists(pictures):
    rng = np.random.default_rng(0)
    objects = FolderObjects(str(pictures / 'objects'), 'val')
    assert objects.classes == ['cat', 'dog']
    samples = [objects.sample(rng) for _ in range(8)]
    assert {Path(s.name).name for s in samples} == {'1.png'} and {s.category for s in samples} == {'cat', 'dog'}
    assert samples[0].image.shape == (46, 53, 4)  # cropped to what is visible
    assert len(FolderObjects(str(pictures / 'objects'), classes=['dog']).items) == 2
    assert FolderBackgrounds(str(pictures / 'backgrounds'), 'train').sample(rng, 33, 44).shape == (33, 44, 3)


def test_grouped_objects_are_drawn_by_category_and_others_have_none(pictures):
    root, rng = str(pictures / 'objects'), np.random.default_rng(0)
    objects = GroupedObjects(root, None, dict(pet=['cat/1*', 'dog/0*'], beast=['dog/*']), ['cat/*'], other_prob=0.5)
    assert objects.classes == ['pet', 'beast'] and len(objects.members['pet']) == 2
    drawn = [(c.category, '/'.join(Path(c.name).parts[-2:])) for c in (objects.sample(rng) for _ in range(200))]
    assert set(drawn) == {('pet', 'cat/1.png'), ('pet', 'dog/0.png'), ('beast', 'dog/1.png'), ('other', 'cat/0.png')}
    shares = [sum(category == name for category, _ in drawn) for name in ('pet', 'beast', 'other')]
    assert 35 < shares[0] < 65 and 35 < shares[1] < 65  # as often as each other, with two pictures and with one
    with pytest.raises(ValueError, match=r"no pictures of the category 'bird' \(birds/\*\) in train"):
        GroupedObjects(root, 'train', dict(pet=['*'], bird=['birds/*']))
    with pytest.raises(ValueError, match='every picture is left out'):
        FolderBackgrounds(str(pictures / 'backgrounds'), 'train', leave_out=['0*'])


def test_items_number_the_cutouts_of_a_folder(pictures):
    made = SynthVOSDataset(
        length=8,
        num_frames=1,
        size=SIZE,
        num_objects=(1, 3),
        settings=dict(late_prob=0),
        objects=dict(type='FolderObjects', root=str(pictures / 'objects')),
    )
    made.full_init()
    numbers, categories = made.engine.objects.numbers, {}
    assert sorted(numbers.values()) == [0, 1, 2, 3]
    for index in range(8):
        info = made.get_data_info(index)
        assert set(info['identities']) == set(info['categories'])
        for object_id, number in info['identities'].items():
            categories.setdefault(number, set()).add(info['categories'][object_id])
    assert categories == {n: {Path(name).parent.name} for name, n in numbers.items()}
    assert 'identities' not in dataset().get_data_info(0)  # a shape of the generator is no identity


def test_folder_sources_name_the_file_at_fault(pictures):
    with pytest.raises(FileNotFoundError, match='nowhere: folder not found'):
        FolderObjects(str(pictures / 'nowhere'))
    with pytest.raises(FileNotFoundError, match=r'test\.txt: not found. Expected a split list'):
        FolderObjects(str(pictures / 'objects'), 'test')
    cv2.imwrite(str(pictures / 'objects/cat/0.png'), np.zeros((50, 60, 3), np.uint8))
    with pytest.raises(ValueError, match=r'cat/0\.png: no alpha channel'):
        objects = FolderObjects(str(pictures / 'objects'), 'train', classes=['cat'])
        objects.sample(np.random.default_rng(0))


@pytest.fixture
def masked(tmp_path):
    """Two photographs with label maps (two objects and an unknown border; an object that is too small)."""
    for folder in ('images', 'masks'):
        (tmp_path / folder).mkdir()
    label_map = np.zeros((60, 80), np.uint8)
    label_map[5:35, 10:30], label_map[40:58, 40:78] = 1, 2
    label_map[4, 10:30] = 255
    image = np.full((60, 80, 3), 50, np.uint8)
    image[label_map == 1], image[label_map == 2] = (200, 0, 0), (0, 200, 0)
    small = np.zeros((60, 80), np.uint8)
    small[:3, :3] = 7
    for name, labels in (('a', label_map), ('b', small)):
        cv2.imwrite(str(tmp_path / 'images' / f'{name}.png'), image)
        cv2.imwrite(str(tmp_path / 'masks' / f'{name}.png'), labels)
    cv2.imwrite(str(tmp_path / 'images' / 'c.png'), image)  # without a mask
    return tmp_path


def test_objects_are_cut_out_of_photographs_by_their_masks(masked):
    source = MaskedObjects(str(masked / 'images'), str(masked / 'masks'), min_pixels=100)
    rng = np.random.default_rng(0)
    cutouts = {cutout.name.rsplit('/', 1)[1]: cutout for cutout in (source.sample(rng) for _ in range(30))}
    assert sorted(cutouts) == ['a.png#1', 'a.png#2'] and {c.category for c in cutouts.values()} == {'object'}
    assert cutouts['a.png#1'].image.shape == (30, 20, 4) and cutouts['a.png#2'].image.shape == (18, 38, 4)
    assert (cutouts['a.png#1'].image == (200, 0, 0, 255)).all()  # the unknown border is not part of it
    made = SynthEngine(source, ProceduralBackgrounds(), SynthSettings(size=SIZE, num_objects=(2, 2))).render(rng, 2)
    assert set(np.unique(made.label_maps[0])) == {0, 1, 2}


def test_masked_objects_of_grey_masks_beside_their_photographs(tmp_path):
    for name in ('x', 'y'):
        grey = np.zeros((40, 50), np.uint8)
        grey[10:30, 10:40] = 250
        grey[10:30, 5] = 90
        cv2.imwrite(str(tmp_path / f'{name}.jpg'), np.full((40, 50, 3), 99, np.uint8))
        cv2.imwrite(str(tmp_path / f'{name}.png'), grey)
    (tmp_path / 'list.txt').write_text('y\n')
    source = MaskedObjects(str(tmp_path), str(tmp_path), threshold=127, sequences=str(tmp_path / 'list.txt'))
    (cutout,) = {c.name: c for c in (source.sample(np.random.default_rng(s)) for s in range(5))}.values()
    assert cutout.name.endswith('y.png#1') and cutout.image.shape == (20, 30, 4)


def test_masked_objects_name_what_is_wrong(masked):
    with pytest.raises(FileNotFoundError, match='nowhere: folder of photographs or masks not found'):
        MaskedObjects(str(masked / 'images'), str(masked / 'nowhere'))
    with pytest.raises(InputError, match='none of 100 random masks has an object of at least 5000 pixels'):
        MaskedObjects(str(masked / 'images'), str(masked / 'masks'), min_pixels=5000).sample(np.random.default_rng(0))
    cv2.imwrite(str(masked / 'images' / 'a.png'), np.zeros((60, 90, 3), np.uint8))
    with pytest.raises(InputError, match=r'masks/a\.png: the mask is 80x60, its photograph .* is 90x60'):
        MaskedObjects(str(masked / 'images'), str(masked / 'masks'), min_pixels=100).sample(np.random.default_rng(0))


def test_make_synthvis_with_groups_annotates_the_categories_alone(tmp_path, monkeypatch, pictures):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / 'tools/dataset_converters'))
    import make_synthvis

    groups = dict(categories=dict(pet=['cat/*']), others=['dog/*'], other_prob=0.5, leave_out_backgrounds=['none*'])
    (tmp_path / 'groups.json').write_text(json.dumps(groups))
    command = [
        'make_synthvis.py',
        tmp_path / 'out',
        '--objects',
        pictures / 'objects',
        '--backgrounds',
        pictures / 'backgrounds',
        '--groups',
        tmp_path / 'groups.json',
        '--train',
        3,
        '--valid',
        2,
        '--frames',
        2,
        3,
        '--size',
        *SIZE,
        '--num-objects',
        4,
        4,
    ]
    monkeypatch.setattr(sys, 'argv', list(map(str, command)))
    make_synthvis.main()
    for split, videos, frames in (('train', 3, 2), ('valid', 2, 3)):
        data = load_youtube_vis(str(tmp_path / f'out/{split}.json'))
        assert [c['name'] for c in data['categories']] == ['pet'] and len(data['videos']) == videos
        assert all(video['length'] == frames for video in data['videos'])
        assert 0 < len(data['annotations']) < 4 * videos  # some of the four are dogs
    monkeypatch.setattr(sys, 'argv', ['make_synthvis.py', 'out', '--groups', 'groups.json'])
    with pytest.raises(SystemExit):
        make_synthvis.main()


# preparation of folders


def test_prepare_synthvos_from_own_folders(tmp_path, monkeypatch, pictures):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / 'tools/dataset_converters'))
    import prepare_synthvos

    for split in ('train', 'val'):
        (pictures / f'objects/{split}.txt').unlink()
    out = tmp_path / 'out'
    monkeypatch.setattr(
        sys,
        'argv',
        [
            'prepare_synthvos.py',
            str(out),
            '--objects',
            str(pictures / 'objects'),
            '--backgrounds',
            str(pictures / 'backgrounds'),
        ],
    )
    prepare_synthvos.main()
    lists = {split: set((out / f'objects/{split}.txt').read_text().split()) for split in ('train', 'val')}
    assert len(lists['train']) == len(lists['val']) == 2 and not lists['train'] & lists['val']
    FolderObjects(str(out / 'objects'), 'val').sample(np.random.default_rng(0))
    assert not list(out.rglob('.unfinished')) and not (out / '.fetched').exists()
    with pytest.raises(SystemExit, match='is there already'):
        prepare_synthvos.main()


def test_a_stopped_preparation_begins_again_and_its_half_is_not_taken_for_a_whole(tmp_path, monkeypatch, pictures):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / 'tools/dataset_converters'))
    import prepare_synthvos

    for split in ('train', 'val'):
        (pictures / f'objects/{split}.txt').unlink()
    out = tmp_path / 'out'
    command = ['prepare_synthvos.py', out, '--objects', pictures / 'objects', '--backgrounds', pictures / 'backgrounds']
    monkeypatch.setattr(sys, 'argv', list(map(str, command)))
    with monkeypatch.context() as patch:
        patch.setattr(prepare_synthvos, 'prepare_backgrounds', lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(SystemExit):
            prepare_synthvos.main()
    assert list(out.iterdir()) == []
    prepare_synthvos.begin(str(out / 'objects'))  # what a kill leaves
    (out / 'objects/train.txt').write_text('')
    with pytest.raises(InputError, match='objects: this folder was not finished'):
        FolderObjects(str(out / 'objects'), 'train')
    (out / 'objects' / 'left_over.png').write_bytes(b'')
    prepare_synthvos.main()
    assert not (out / 'objects' / 'left_over.png').exists()
    FolderObjects(str(out / 'objects'), 'train')
    for option, value in (('--val-share', 2.0), ('--val-share', -1), ('--max-object', 0)):
        monkeypatch.setattr(sys, 'argv', list(map(str, [*command, option, value])))
        with pytest.raises(SystemExit) as caught:
            prepare_synthvos.main()
        assert caught.value.code == 2


@pytest.mark.parametrize('wrong', [('--train', -1), ('--frames', 0), ('--size', 0, 0), ('--num-objects', 5, 2)])
def test_synthvis_refuses_what_makes_no_videos(tmp_path, monkeypatch, wrong):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / 'tools/dataset_converters'))
    import make_synthvis

    monkeypatch.setattr(sys, 'argv', list(map(str, ['make_synthvis.py', tmp_path / 'out', *wrong])))
    with pytest.raises(SystemExit) as caught:
        make_synthvis.main()
    assert caught.value.code == 2 and not (tmp_path / 'out').exists()


def test_which_stamps_are_photographs(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / 'tools/dataset_converters'))
    from prepare_synthvos import is_photographic_stamp, stamp_categories

    keep = [
        'animals/birds/owl.png',
        'animals/mammals/cats/lion.png',
        'town/roadsigns/no_entry_sign.png',
        'seasonal/christmas/Candy_cane_photo_1.png',
        'seasonal/halloween/grave-a.png',
    ]
    drop = [
        'animals/birds/cartoon/tux.png',
        'symbols/shapes/star.png',
        'town/flags/fr.png',
        'animals/birds/owl.svg',
        'seasonal/christmas/star.png',
        'vehicles/construction/dumper_mirror.png',
        'seasonal/halloween/ghost.png',
    ]
    assert [is_photographic_stamp(p) for p in keep + drop] == [True] * len(keep) + [False] * len(drop)
    names = [f'animals/birds/{i}.png' for i in range(4)] + ['animals/lizards/iguana.png', 'vehicles/auto/beetle.png']
    assert list(stamp_categories(names).values()) == ['birds'] * 4 + ['animals', 'vehicles']
