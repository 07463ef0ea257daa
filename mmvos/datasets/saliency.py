"""Still images with one foreground mask each: MSRA10K, DUT-OMRON, DUTS. Training data of saliency and of COSNet."""

import os.path as osp
from collections.abc import Sequence

from mmengine.logging import print_log

from mmvos.registry import DATASETS
from mmvos.videos.label_source import LabelSource
from mmvos.videos.video import list_frames

from .base_vos_dataset import BaseVOSDataset
from .unsupervised import MASK_THRESHOLD, read_grey


@DATASETS.register_module()
class SaliencyDataset(BaseVOSDataset):
    """Images and masks of the same stem; every image is a video of one frame (use ``SampleClip(clip_len=1)``).

    Images without a mask are left out, and counted in the log.

    Args:
        data_root: root folder.
        data_prefix: ``dict(img=..., ann=...)``, folders relative to ``data_root``; default: those of the subclass, of
            which the first that exist are taken.
        kwargs: as of :class:`BaseVOSDataset`.
    """

    #: (images, masks) relative to the root; copies of an archive unpack into different folders
    FOLDERS: Sequence[tuple[str, str]] = (('images', 'saliencymaps'), ('images', 'masks'))

    def __init__(self, data_root: str, data_prefix: dict | None = None, **kwargs) -> None:
        if data_prefix is None:
            found = [(i, a) for i, a in self.FOLDERS if osp.isdir(osp.join(data_root, i)) and osp.isdir(osp.join(data_root, a))]
            images, masks = (found or self.FOLDERS)[0]
            data_prefix = dict(img=images, ann=masks)
        super().__init__(data_root=data_root, data_prefix=data_prefix, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One dict per image that has a mask."""
        images, masks = self.data_prefix['img'], self.data_prefix['ann']
        for folder in (images, masks):
            if not osp.isdir(folder):
                raise FileNotFoundError(
                    f'{folder}: folder of {type(self).__name__} not found. Expected one of '
                    f'{[f"{i} and {a}" for i, a in self.FOLDERS]} in {self.data_root}.'
                )
        suffixes = ('.png',) if osp.samefile(images, masks) else ('.png', '.jpg')  # one mask of DUTS is a JPEG file
        mask_of = {_stem(path): path for path in list_frames(masks) if path.lower().endswith(suffixes)}
        pictures = [path for path in list_frames(images) if path.lower().endswith(('.jpg', '.jpeg'))]
        videos = [
            dict(
                video_id=_stem(path),
                frames=[path],
                annotations={0: LabelSource(mask_of[_stem(path)], threshold=MASK_THRESHOLD, reader=read_grey)},
            )
            for path in pictures
            if _stem(path) in mask_of
        ]
        if len(videos) < len(pictures):
            print_log(
                f'{type(self).__name__}: {len(pictures) - len(videos)} of {len(pictures)} images have no mask and '
                'are left out.',
                logger='current',
            )
        return videos


@DATASETS.register_module()
class MSRA10KDataset(SaliencyDataset):
    """MSRA10K: 10 000 images (Cheng et al., "Global Contrast Based Salient Region Detection", PAMI 2015)."""

    FOLDERS = tuple((folder, folder) for folder in ('MSRA10K_Imgs_GT/Imgs', 'MSRA10K_Imgs_GT/MSRA10K_Imgs_GT/Imgs', 'Imgs'))

    def __init__(self, data_root: str = 'data/MSRA10K', **kwargs) -> None:
        super().__init__(data_root=data_root, **kwargs)


@DATASETS.register_module()
class DUTOMRONDataset(SaliencyDataset):
    """DUT-OMRON: 5 168 images (Yang et al., "Saliency Detection via Graph-Based Manifold Ranking", CVPR 2013)."""

    FOLDERS = (
        ('DUT-OMRON-image', 'pixelwiseGT-new-PNG'),
        ('DUT-OMRON-image/DUT-OMRON-image', 'pixelwiseGT-new-PNG'),
        ('DUT-OMRON-image', 'DUT-OMRON-gt-pixelwise.zip/pixelwiseGT-new-PNG'),
    )

    def __init__(self, data_root: str = 'data/DUT-OMRON', **kwargs) -> None:
        super().__init__(data_root=data_root, **kwargs)


@DATASETS.register_module()
class DUTSDataset(SaliencyDataset):
    """DUTS training images: 10 553 (Wang et al., "Learning to Detect Salient Objects with Image-level Supervision", CVPR
    2017)."""

    FOLDERS = (('DUTS-TR/DUTS-TR-Image', 'DUTS-TR/DUTS-TR-Mask'), ('DUTS-TR-Image', 'DUTS-TR-Mask'))

    def __init__(self, data_root: str = 'data/DUTS', **kwargs) -> None:
        super().__init__(data_root=data_root, **kwargs)


def _stem(path: str) -> str:
    return osp.splitext(osp.basename(path))[0]
