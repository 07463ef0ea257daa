"""Small videos of moving discs and squares in the layout of YouTube-VIS, and a small model for them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pycocotools.mask as rle
from mmengine.config import Config
from mmengine.registry import init_default_scope

CLASSES = ('disc', 'square')
ROOT = Path(__file__).resolve().parents[2]


def make_videos(root, lengths=(5, 4, 6), size=(96, 160), seed=0):
    """Write ``instances.json`` and ``JPEGImages/<video>/<frame>.png``; returns the annotations as a dict."""
    height, width = size
    rng = np.random.default_rng(seed)
    videos, annotations = [], []
    for number, length in enumerate(lengths, 1):
        name = f'video{number}'
        folder = Path(root) / 'JPEGImages' / name
        folder.mkdir(parents=True)
        background = rng.integers(60, 120, (height, width, 3), np.uint8)
        objects = [
            dict(
                label=k % 2,
                centre=rng.uniform([25, 25], [width - 25, height - 25]),
                step=rng.uniform(-4, 4, 2),
                radius=int(rng.integers(12, 22)),
                colour=rng.integers(0, 255, 3).tolist(),
                masks=[],
            )
            for k in range(1 + number % 2)
        ]
        for frame in range(length):
            image = background.copy()
            for thing in objects:
                mask = np.zeros(size, np.uint8)
                x, y = (thing['centre'] + frame * thing['step']).astype(int).tolist()
                r = thing['radius']
                if thing['label'] == 0:
                    cv2.circle(mask, (x, y), r, 1, -1)
                else:
                    cv2.rectangle(mask, (x - r, y - r), (x + r, y + r), 1, -1)
                image[mask > 0] = thing['colour']
                for other in objects[: objects.index(thing)]:
                    other['masks'][-1][mask > 0] = 0
                thing['masks'].append(mask)
            cv2.imwrite(str(folder / f'{5 * frame:05d}.png'), image)
        videos.append(
            dict(
                id=number,
                width=width,
                height=height,
                length=length,
                file_names=[f'{name}/{5 * frame:05d}.png' for frame in range(length)],
            )
        )
        for thing in objects:
            codes = [rle.encode(np.asfortranarray(m)) if m.any() else None for m in thing['masks']]
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    video_id=number,
                    category_id=thing['label'] + 1,
                    iscrowd=0,
                    segmentations=[c and dict(size=c['size'], counts=c['counts'].decode()) for c in codes],
                    areas=[c and float(rle.area(c)) for c in codes],
                    bboxes=[c and rle.toBbox(c).tolist() for c in codes],
                )
            )
    data = dict(videos=videos, annotations=annotations, categories=[dict(id=i, name=name) for i, name in enumerate(CLASSES, 1)])
    (Path(root) / 'instances.json').write_text(json.dumps(data))
    return data


def small_config(attention=True, **options):
    """Config of a MaskTrack R-CNN that runs in milliseconds."""
    init_default_scope('mmvos')
    name = 'sta-masktrack-rcnn_r50-fpn' if attention else 'masktrack-rcnn_r50-fpn'
    cfg = Config.fromfile(ROOT / 'configs' / '_base_' / 'models' / f'{name}.py')
    extractor = dict(out_channels=16)
    neck = dict(channels=16, attention=dict(inner_channels=4), neck=dict(in_channels=[8, 16, 32, 64], out_channels=16))
    cfg.merge_from_dict(
        dict(
            model=dict(
                detector=dict(
                    init_cfg=None,
                    backbone=dict(depth=18, base_channels=8, stem_channels=8, frozen_stages=-1, norm_eval=False, init_cfg=None),
                    neck=neck if attention else neck['neck'],
                    rpn_head=dict(in_channels=16, feat_channels=16),
                    roi_head=dict(
                        bbox_roi_extractor=extractor,
                        mask_roi_extractor=extractor,
                        bbox_head=dict(in_channels=16, fc_out_channels=32, num_classes=2),
                        mask_head=dict(in_channels=16, conv_out_channels=16, num_convs=1, num_classes=2),
                    ),
                    test_cfg=dict(rcnn=dict(max_per_img=6)),
                ),
                track_head=dict(roi_extractor=extractor, embed_head=dict(in_channels=16, fc_out_channels=32)),
                test_cfg=dict(resize=dict(length=96, max_length=160)),
            )
        )
    )
    cfg.merge_from_dict(options)
    return cfg


def training_batch(root, keys=((0, 1), (2, 0)), **dataset):
    """A collated batch of pairs of frames; ``keys``: (video, key frame) of each sample."""
    from mmengine.dataset import pseudo_collate

    from mmvos.registry import DATASETS

    pipeline = Config.fromfile(ROOT / 'configs' / '_base_' / 'datasets' / 'ytvis2019.py').train_pipeline
    pipeline[1].transforms[2].scale = (160, 96)
    init_default_scope('mmvos')
    data = DATASETS.build(
        dict(
            dict(
                type='SynthVISDataset',
                data_root=str(root),
                ann_file='instances.json',
                data_prefix=dict(img_path='JPEGImages'),
                pipeline=pipeline,
            ),
            **dataset,
        )
    )
    return pseudo_collate([data[key] for key in keys])


def small_model(attention=True, seed=0, **options):
    """The model of :func:`small_config`, with weights that make it detect something."""
    import torch

    from mmvos.registry import MODELS

    torch.manual_seed(seed)
    model = MODELS.build(small_config(attention, **options).model)
    model.init_weights()
    if attention:
        for module in model.detector.neck.attentions:
            module.gamma.data.fill_(0.5)
    return model
