"""Every benchmark in its real layout, tiny: two textured squares that move over a textured background."""

import json
from pathlib import Path

import cv2
import numpy as np
import pycocotools.mask as rle
from PIL import Image

from mmvos.datasets.transforms.flow import flow_path, write_flow
from mmvos.structures import BoxTracks, write_label_map

SHAPE = (64, 96)
FRAMES = 5
TRACKERS = ('flow_colour', 'dasiamrpn_big_main')


def squares(t=0, values=(1, 2)):
    """Label map of frame t."""
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[8 + t : 34 + t, 10:38] = values[0]
    label_map[30:58, 50 + t : 82 + t] = values[1]
    return label_map


def picture(t=0):
    """BGR frame t."""
    texture = np.random.default_rng(0).integers(0, 60, (*SHAPE, 3), np.uint8)
    return texture + 70 * squares(t)[..., None]


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def listing(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}\n' for line in lines))


def paint(path, label_map):
    """A palette PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_label_map(path, label_map)


def davis(root):
    """DAVIS 2017 and 2016, with the boxes of trackers and the flow that recipes read; unsupervised masks, too."""
    for name, lists in (
        ('DAVIS', {'2017/train': 'a', '2017/val': 'b', '2017/test-dev': 'c'}),
        ('DAVIS2016', {'2016/train': 'a', '2016/val': 'b'}),
    ):
        place = root / name
        for split, sequence in lists.items():
            listing(place / 'ImageSets' / f'{split}.txt', sequence)
            for t in range(FRAMES):
                stem = f'480p/{sequence}/{t:05d}'
                write(place / 'JPEGImages' / f'{stem}.jpg', picture(t))
                if name == 'DAVIS2016':
                    write(place / 'Annotations' / f'{stem}.png', squares(t, (255, 255)))
                elif split != '2017/test-dev' or t == 0:
                    paint(place / 'Annotations' / f'{stem}.png', squares(t))
                if name == 'DAVIS' and split != '2017/test-dev':
                    paint(place / 'Annotations_unsupervised' / f'{stem}.png', squares(t))
    names = [f'{t:05d}' for t in range(FRAMES)]
    boxes(root / 'DAVIS' / 'tracks', 'a', names)
    for one in names:
        for other in names:
            write_flow(flow_path(root / 'DAVIS' / 'flow', 'a', one, other), np.zeros((*SHAPE, 2), np.float32))


def boxes(folder, video, frames):
    """Boxes of the squares, as ``cache_box_tracks.py`` writes them."""
    for tracker in TRACKERS:
        tracks = BoxTracks(size=SHAPE, frames=frames, tracker=dict(type=tracker))
        for t, frame in enumerate(frames):
            tracks.add(1, frame, (10, 8 + t, 38, 34 + t), 0.9, True)
            tracks.add(2, frame, (50 + t, 30, 82 + t, 58), 0.9, True)
        (folder / tracker).mkdir(parents=True, exist_ok=True)
        tracks.save(folder / tracker / f'{video}.json')


def youtube_vos(root):
    """YouTube-VOS 2018: five videos to train on (lists of a part need them), one of the validation set with a late object."""
    place = root / 'YouTubeVOS2018'
    names = [f'{5 * t:05d}' for t in range(FRAMES)]
    begins = {'1': 0, '2': 2}
    videos = {'train': [f'a{n}' for n in range(5)], 'valid': ['b0'], 'test': ['c0']}
    for split, sequences in videos.items():
        for sequence in sequences:
            for t, stem in enumerate(names):
                write(place / split / 'JPEGImages' / sequence / f'{stem}.jpg', picture(t))
                new = squares(t, tuple(int(k) if t == begins[k] or split == 'train' else 0 for k in begins))
                if new.any():
                    paint(place / split / 'Annotations' / sequence / f'{stem}.png', new)
        objects = {k: dict(category='cat', frames=names[0 if split == 'train' else t :]) for k, t in begins.items()}
        meta = dict(videos={sequence: dict(objects=objects) for sequence in sequences})
        (place / split / 'meta.json').write_text(json.dumps(meta))
    for t in range(5 * FRAMES - 4):
        write(place / 'valid_all_frames' / 'JPEGImages' / 'b0' / f'{t:05d}.jpg', picture(t // 5))
    for sequence in videos['train']:
        boxes(place / 'train' / 'tracks', sequence, names)
    # lists of parts of the training set, which the recipes tell how to make
    for part, chosen in (
        ('train66', slice(3)),
        ('train33', slice(3, 5)),
        ('train-val', slice(4, 5)),
        ('held_out', slice(4, 5)),
    ):
        listing(place / f'{part}.txt', *videos['train'][chosen])


def unsupervised(root):
    """FBMS-59, SegTrack v2 and YouTube-Objects."""
    fbms, segtrack, objects = root / 'FBMS' / 'Testset' / 'cars', root / 'SegTrackv2', root / 'YouTube-Objects'
    lines = [
        'Total number of regions:',
        '3',
        'Scale of region 0:',
        '0',
        'Scale of region 1:',
        '100',
        'Scale of region 2:',
        '200',
    ]
    lines += ['Total number of frames in this shot:', '3', 'Total number of labeled frames in this shot:', '1']
    lines += ['Frame number:', '1', 'File name:', 'cars_02.pgm']
    listing(fbms / 'GroundTruth' / 'carsDef.dat', *lines)
    write(fbms / 'GroundTruth' / 'cars_02.pgm', squares(1, (100, 200)))
    listing(segtrack / 'ImageSets' / 'all.txt', '*drift')
    listing(segtrack / 'ImageSets' / 'drift.txt', 'drift', *(f'{t:05d}' for t in range(3)))
    shot = Path('cat/data/0001/shots/001')
    for t in range(3):
        write(fbms / f'cars_{t + 1:02d}.jpg', picture(t))
        write(segtrack / 'JPEGImages' / 'drift' / f'{t:05d}.png', picture(t))
        for k in (1, 2):
            write(segtrack / 'GroundTruth' / 'drift' / str(k) / f'{t:05d}.png', 255 * (squares(t) == k).astype(np.uint8))
        write(objects / 'images' / shot / f'frame{t + 1:04d}.jpg', picture(t))
        write(objects / 'youtube_masks' / shot / 'labels' / f'{t + 1:05d}.jpg', 255 * (squares(t) > 0).astype(np.uint8))


def stills(root):
    """MSRA10K, DUT-OMRON, DUTS, ECSSD: images with a mask of what stands out."""
    msra = 'MSRA10K/MSRA10K_Imgs_GT/Imgs'
    for images, masks in (
        (msra, msra),
        ('DUT-OMRON/DUT-OMRON-image', 'DUT-OMRON/pixelwiseGT-new-PNG'),
        ('DUTS/DUTS-TR/DUTS-TR-Image', 'DUTS/DUTS-TR/DUTS-TR-Mask'),
        ('ECSSD/images', 'ECSSD/ground_truth_mask'),
    ):
        for t in range(3):
            write(root / images / f'{t:04d}.jpg', picture(t))
            write(root / masks / f'{t:04d}.png', 255 * (squares(t) > 0).astype(np.uint8))


def instances(root):
    """PASCAL VOC 2012 (in two places), CVPPP A1, COCO, Cityscapes."""
    from mmdet.datasets import CityscapesDataset, CocoDataset

    for place in (root / 'VOC2012', root / 'VOCdevkit' / 'VOC2012'):
        for split, name in (('train', 'a'), ('val', 'b')):
            write(place / 'JPEGImages' / f'{name}.jpg', picture())
            paint(place / 'SegmentationObject' / f'{name}.png', squares())
            paint(place / 'SegmentationClass' / f'{name}.png', squares(values=(15, 12)))
            listing(place / 'ImageSets' / 'Segmentation' / f'{split}.txt', name)
    leaves = root / 'CVPPP' / 'A1'
    for split, name in (('train', 'plant001'), ('val', 'plant002')):
        write(leaves / f'{name}_rgb.png', picture())
        Image.fromarray(squares()).save(leaves / f'{name}_label.png')
        listing(leaves / f'{split}.txt', name)
    for place, folders, names, dataset in (
        ('coco', ('train2017', 'val2017'), ('instances_train2017', 'instances_val2017'), CocoDataset),
        (
            'cityscapes',
            ('leftImg8bit/train', 'leftImg8bit/val'),
            ('instancesonly_filtered_gtFine_train', 'instancesonly_filtered_gtFine_val'),
            CityscapesDataset,
        ),
    ):
        for folder, name in zip(folders, names, strict=True):
            file = 'x/x_000000_leftImg8bit.png' if place == 'cityscapes' else '000000000001.jpg'
            write(root / place / folder / file, picture())
            classes = dataset.METAINFO['classes']
            content = dict(
                images=[dict(id=1, file_name=file, height=SHAPE[0], width=SHAPE[1])],
                annotations=[still_instance(k, k, squares() == k) for k in (1, 2)],
                categories=[dict(id=i, name=c) for i, c in enumerate(classes, 1)],
            )
            (root / place / 'annotations').mkdir(parents=True, exist_ok=True)
            (root / place / 'annotations' / f'{name}.json').write_text(json.dumps(content))


def encoded(mask):
    code = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
    return dict(size=code['size'], counts=code['counts'].decode())


def still_instance(number, category, mask):
    """An annotation of COCO: a polygon of a rectangle."""
    x, y, w, h = rle.toBbox(rle.encode(np.asfortranarray(mask.astype(np.uint8)))).tolist()
    polygon = [x, y, x + w, y, x + w, y + h, x, y + h]
    return dict(id=number, image_id=1, category_id=category, bbox=[x, y, w, h], area=w * h, iscrowd=0, segmentation=[polygon])


def youtube_vis(root):
    """YouTube-VIS 2019 and 2021, OVIS: annotations of the training set, videos alone in the others."""
    from mmdet.datasets import YouTubeVISDataset

    from mmvos.datasets import OVISDataset

    def classes_of(version):
        YouTubeVISDataset.set_dataset_classes(version)
        return YouTubeVISDataset.METAINFO['classes']

    for place, frames, names, classes in (
        ('youtube_vis_2019', '{}/JPEGImages', '{}.json', classes_of('2019')),
        ('youtube_vis_2021', '{}/JPEGImages', '{}/instances.json', classes_of('2021')),
        ('ovis', '{}', 'annotations_{}.json', OVISDataset.METAINFO['classes']),
    ):
        for split in ('train', 'valid', 'test'):
            files = [f'v1/{"img_" if place == "ovis" else ""}{5 * t:05d}.jpg' for t in range(3)]
            for t, file in enumerate(files):
                write(root / place / frames.format(split) / file, picture(t))
            video = dict(id=1, width=SHAPE[1], height=SHAPE[0], length=3, file_names=files)
            masks = [[encoded(squares(t) == k) for t in range(3)] for k in (1, 2)]
            annotations = [
                dict(
                    id=k,
                    video_id=1,
                    category_id=k,
                    iscrowd=0,
                    segmentations=codes,
                    bboxes=[rle.toBbox(code).tolist() for code in codes],
                    areas=[float(rle.area(code)) for code in codes],
                )
                for k, codes in enumerate(masks, 1)
            ]
            content = dict(
                videos=[video],
                annotations=annotations if split == 'train' else None,
                categories=[dict(id=i, name=name) for i, name in enumerate(classes, 1)],
            )
            (root / place / names.format(split)).write_text(json.dumps(content))


def write_benchmarks(root):
    """All of them in a folder ``data``."""
    for make in (davis, youtube_vos, unsupervised, stills, instances, youtube_vis):
        make(root)
