"""Still images as clips of one frame, and batches that alternate between them and pairs of frames."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from unsupervised_files import box, build, frame, save

# Still images


@pytest.mark.parametrize(
    'name, images, masks',
    [
        ('MSRA10KDataset', 'MSRA10K_Imgs_GT/Imgs', 'MSRA10K_Imgs_GT/Imgs'),
        ('MSRA10KDataset', 'MSRA10K_Imgs_GT/MSRA10K_Imgs_GT/Imgs', 'MSRA10K_Imgs_GT/MSRA10K_Imgs_GT/Imgs'),
        ('DUTOMRONDataset', 'DUT-OMRON-image', 'pixelwiseGT-new-PNG'),
        ('DUTSDataset', 'DUTS-TR/DUTS-TR-Image', 'DUTS-TR/DUTS-TR-Mask'),
        ('SaliencyDataset', 'images', 'saliencymaps'),
    ],
)
def test_still_images_are_clips_of_one_frame(tmp_path, name, images, masks):
    for i in range(3):
        save(tmp_path / images / f'im{i}.jpg', frame(i))
        if i < 2:  # im2 has no mask
            save(tmp_path / masks / f'im{i}.png', box(3, 3, 6, 7) * np.uint8(255))
    dataset = build(
        type=name,
        data_root=str(tmp_path),
        test_mode=False,
        pipeline=[
            dict(type='SampleClip', clip_len=1),
            dict(type='LoadClip'),
            dict(type='CropFlipResize', size=(40, 60)),
            dict(type='PackVOSInputs'),
        ],
    )
    assert [dataset.get_data_info(i)['video_id'] for i in range(len(dataset))] == ['im0', 'im1']
    sample = dataset[1]
    assert sample['inputs'].shape == (1, 3, 40, 60)
    assert sample['data_samples'].gt_label_maps.sum() == 4 * 42


def test_still_images_without_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='MSRA10K_Imgs_GT/Imgs'):
        build(type='MSRA10KDataset', data_root=str(tmp_path))


# Two streams


def test_the_recipe_alternates_between_images_and_pairs(tmp_path):
    """The data of COSNet's recipe, on tiny folders in their real layouts, through the runner's own loader."""
    for sequence, count in (('bear', 3), ('bus', 4)):
        for t in range(count):
            save(tmp_path / 'DAVIS2016/JPEGImages/480p' / sequence / f'{t:05d}.jpg', frame(t))
            save(tmp_path / 'DAVIS2016/Annotations/480p' / sequence / f'{t:05d}.png', box(4, 4, 8, 9) * np.uint8(255))
    (tmp_path / 'DAVIS2016/ImageSets/2016').mkdir(parents=True)
    (tmp_path / 'DAVIS2016/ImageSets/2016/train.txt').write_text('bear\nbus\n')
    for i in range(4):
        save(tmp_path / 'MSRA10K/MSRA10K_Imgs_GT/Imgs' / f'a{i}.jpg', frame(i))
        save(tmp_path / 'MSRA10K/MSRA10K_Imgs_GT/Imgs' / f'a{i}.png', box(4, 4, 8, 9) * np.uint8(255))
        save(tmp_path / 'DUT-OMRON/DUT-OMRON-image' / f'b{i}.jpg', frame(i))
        save(tmp_path / 'DUT-OMRON/pixelwiseGT-new-PNG' / f'b{i}.png', box(4, 4, 8, 9) * np.uint8(255))
    config = Config.fromfile(Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets' / 'davis2016_saliency.py')
    loader = config.train_dataloader
    for stream in (loader.dataset.streams.video.dataset, *loader.dataset.streams.still):
        stream.data_root = str(tmp_path / Path(stream.data_root).name)
    loader.update(num_workers=0, persistent_workers=False, batch_size=2)
    loader.batch_sampler.num_batches = 6
    loader = Runner.build_dataloader(loader, seed=0)
    streams, targets, stills = [], set(), set()
    for batch in loader:
        samples = batch['data_samples']
        (stream,) = {sample.stream for sample in samples}
        streams.append(stream)
        length = 2 if stream == 'video' else 1
        assert [tuple(clip.shape) for clip in batch['inputs']] == [(length, 3, 473, 473)] * 2
        for sample in samples:
            assert sample.gt_label_maps.shape == (length, 473, 473) and sample.gt_label_maps.max() == 1
            if stream == 'video':
                assert len(set(sample.frame_ids)) == 2
                targets.add((sample.video_id, sample.frame_ids[0]))
            else:
                stills.add(sample.video_id)
    assert streams == ['still', 'video', 'video'] * 2
    assert len(targets) == 7 and len(stills) == 4  # 8 draws of 7 frames, 4 of 8 images: every one once before any twice
