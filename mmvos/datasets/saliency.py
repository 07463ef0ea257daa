"""Still images with one foreground mask each: MSRA10K, DUT-OMRON, DUTS. Training data of saliency and of COSNet."""

import os.path as osp
from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log

from mmvos.registry import DATASETS
from mmvos.structures import MissingFileError, StoredPath, is_folder, join_path
from mmvos.videos import LabelSource, list_images
from mmvos.videos.storage import stored

from .base_vos_dataset import BaseVOSDataset
from .unsupervised import MASK_THRESHOLD, read_grey


@DATASETS.register_module()
class SaliencyDataset(BaseVOSDataset):
    """Images and masks of the same stem; every image is a video of one frame (use ``SampleClip(clip_len=1)``).

    Images without a mask are left out, and counted in the log.

    Args:
        data_root (str): root folder.
        data_prefix (dict | None): ``dict(img=..., ann=...)``, folders relative to ``data_root``; default: those of the
            subclass, of which the first that exist are taken.
        backend_args (dict | None): storage, as for :class:`BaseVOSDataset`.
        kwargs (dict): arguments of :class:`BaseVOSDataset`.
    """

    #: (images, masks) relative to the root; copies of an archive unpack into different folders
    FOLDERS: Sequence[tuple[str, str]] = (('images', 'saliencymaps'), ('images', 'masks'))

    def __init__(
        self, data_root: str, data_prefix: dict | None = None, backend_args: dict | None = None, **kwargs: Any
    ) -> None:
        if data_prefix is None:
            root = stored(data_root, backend_args)
            found = [pair for pair in self.FOLDERS if all(is_folder(join_path(root, name)) for name in pair)]
            images, masks = (found or self.FOLDERS)[0]
            data_prefix = dict(img=images, ann=masks)
        super().__init__(data_root=data_root, data_prefix=data_prefix, backend_args=backend_args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One dict per image that has a mask.

        Raises:
            MissingFileError: no folder of images or masks.
        """
        for folder in (self.data_prefix['img'], self.data_prefix['ann']):
            if not is_folder(folder):
                raise MissingFileError(
                    f'{folder}: folder of {type(self).__name__} not found. Expected one of '
                    f'{[f"{i} and {a}" for i, a in self.FOLDERS]} in {self.data_root}.'
                )
        pairs = images_with_masks(self.data_prefix['img'], self.data_prefix['ann'])
        return [dict(video_id=_stem(image), frames=[image], annotations={0: self.label_map(mask)}) for image, mask in pairs]

    def label_map(self, mask: str) -> str | LabelSource:
        """The label map that a mask file stands for: here a grey image whose bright part is object 1."""
        return LabelSource(mask, threshold=MASK_THRESHOLD, reader=read_grey)


@DATASETS.register_module()
class MSRA10KDataset(SaliencyDataset):
    """MSRA10K: 10 000 images (Cheng et al., "Global Contrast Based Salient Region Detection", PAMI 2015)."""

    FOLDERS = tuple((folder, folder) for folder in ('MSRA10K_Imgs_GT/Imgs', 'MSRA10K_Imgs_GT/MSRA10K_Imgs_GT/Imgs', 'Imgs'))

    def __init__(self, data_root: str = 'data/MSRA10K', **kwargs: Any) -> None:
        super().__init__(data_root=data_root, **kwargs)


@DATASETS.register_module()
class DUTOMRONDataset(SaliencyDataset):
    """DUT-OMRON: 5 168 images (Yang et al., "Saliency Detection via Graph-Based Manifold Ranking", CVPR 2013)."""

    FOLDERS = (
        ('DUT-OMRON-image', 'pixelwiseGT-new-PNG'),
        ('DUT-OMRON-image/DUT-OMRON-image', 'pixelwiseGT-new-PNG'),
        ('DUT-OMRON-image', 'DUT-OMRON-gt-pixelwise.zip/pixelwiseGT-new-PNG'),
    )

    def __init__(self, data_root: str = 'data/DUT-OMRON', **kwargs: Any) -> None:
        super().__init__(data_root=data_root, **kwargs)


@DATASETS.register_module()
class DUTSDataset(SaliencyDataset):
    """DUTS training images: 10 553 (Wang et al., "Learning to Detect Salient Objects with Image-level Supervision", CVPR
    2017)."""

    FOLDERS = (('DUTS-TR/DUTS-TR-Image', 'DUTS-TR/DUTS-TR-Mask'), ('DUTS-TR-Image', 'DUTS-TR-Mask'))

    def __init__(self, data_root: str = 'data/DUTS', **kwargs: Any) -> None:
        super().__init__(data_root=data_root, **kwargs)


@DATASETS.register_module()
class ECSSDDataset(SaliencyDataset):
    """ECSSD: 1 000 images (Yan et al., "Hierarchical Saliency Detection", CVPR 2013)."""

    FOLDERS = (('images', 'ground_truth_mask'),)

    def __init__(self, data_root: str = 'data/ECSSD', **kwargs: Any) -> None:
        super().__init__(data_root=data_root, **kwargs)


@DATASETS.register_module()
class StillImageDataset(SaliencyDataset):
    """Images with label maps in which several objects may have values of their own (255: unknown).

    Every image is a video of one frame. Args: see :class:`SaliencyDataset`.
    """

    FOLDERS = (('images', 'masks'),)

    def label_map(self, mask: str) -> str | LabelSource:
        """The mask file itself."""
        return mask


@DATASETS.register_module()
class VOCInstanceDataset(StillImageDataset):
    """PASCAL VOC 2012: 2 913 images with a label map of their instances (Everingham et al., IJCV 2010)."""

    FOLDERS = (('JPEGImages', 'SegmentationObject'),)

    def __init__(self, data_root: str = 'data/VOCdevkit/VOC2012', **kwargs: Any) -> None:
        super().__init__(data_root=data_root, **kwargs)


def images_with_masks(images: str, masks: str) -> list[tuple[str, str]]:
    """Images of a folder and their masks, matched by stem; images without a mask are left out and counted in the log.

    Args:
        images (str): folder of JPEG files, or of any pictures if it is not also the folder of the masks.
        masks (str): folder of PNG files (JPEG files too if it holds masks alone); may be the same folder.

    Returns:
        list: ``(image, mask)`` paths in the order of the images' names.
    """
    together = _same(images, masks)
    suffixes = ('.png',) if together else ('.png', '.jpg')  # one mask of DUTS is a JPEG file
    mask_of = {_stem(path): path for path in list_images(masks) if path.lower().endswith(suffixes)}
    pictures = [path for path in list_images(images) if not together or path.lower().endswith(('.jpg', '.jpeg'))]
    pairs = [(path, mask_of[_stem(path)]) for path in pictures if _stem(path) in mask_of]
    if len(pairs) < len(pictures):
        print_log(
            f'{images}: {len(pictures) - len(pairs)} of {len(pictures)} images have no mask in {masks} and are left out.',
            logger='current',
        )
    return pairs


def _same(images: str, masks: str) -> bool:
    if isinstance(images, StoredPath) or isinstance(masks, StoredPath):
        return images.rstrip('/') == masks.rstrip('/')
    return osp.samefile(images, masks)


def _stem(path: str) -> str:
    return osp.splitext(osp.basename(path))[0]
