"""FBMS-59 (Ochs, Malik and Brox, "Segmentation of Moving Objects by Long Term Video Analysis", PAMI 2014)."""

import os.path as osp
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from mmvos.registry import DATASETS
from mmvos.structures import InputError, MissingFileError, is_file, is_folder, join_path, read_bytes
from mmvos.videos import LabelSource, list_images, read_image

from .unsupervised import UnsupervisedVOSDataset, folders_in, trailing_number

#: regions, besides region 0, that are static background (or do not count) although they have a colour of their own
BACKGROUND_REGIONS = dict(marple2=(2, 4), marple7=(2,), marple10=(2,), marple13=(2,))


class Definition(NamedTuple):
    """What a ``*Def.dat`` file says: the value of every region (grey, or R*65536 + G*256 + B), the number of frames, and
    ``(position of the frame from 0, name of its mask's file)`` of the labelled ones."""

    regions: tuple[int, ...]
    num_frames: int
    labelled: tuple[tuple[int, str], ...]


def read_definition(path: str) -> Definition:
    """Read a ``*Def.dat`` file.

    Raises:
        MissingFileError, InputError: naming the file.
    """
    text = read_bytes(path, 'the definition file of the ground truth').decode('utf-8', 'replace')
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fields: list[tuple[str, str]] = []  # (title, value); a value stands behind its title's colon or in the next line
    for number, line in enumerate(lines):
        title, colon, value = line.partition(':')
        if colon and not value.strip() and number + 1 < len(lines):
            value = lines[number + 1]
        if colon:
            fields.append((title.lower(), value.strip()))
    try:
        total = next(int(v) for t, v in fields if t.startswith('total number of regions'))
        regions = tuple(int(v) for t, v in fields if t.startswith('scale of region'))
        num_frames = next(int(v) for t, v in fields if t.startswith('total number of frames'))
        positions = [int(v) for t, v in fields if t.startswith('frame number')]
        names = [osp.basename(v.replace('\\', '/')) for t, v in fields if t.startswith('file name')]
    except (StopIteration, ValueError) as error:
        raise InputError(
            f'{path}: cannot be read as a definition of regions. Expected the sections "Total number of '
            'regions", "Scale of region k", "Total number of frames in this shot", "Frame number" and '
            '"File name".'
        ) from error
    if len(regions) != total or len(positions) != len(names) or not positions:
        raise InputError(
            f'{path}: {total} regions announced and {len(regions)} given; {len(positions)} labelled frames '
            f'with {len(names)} file names.'
        )
    return Definition(regions, num_frames, tuple(zip(positions, names, strict=True)))


class RegionReader:
    """Reads a ground truth file as region numbers, uint8 ``(H, W)``; background, and values not listed, are 0.

    Args:
        regions (Sequence[int]): value of every region, in order; see :class:`Definition`.
        background (Sequence[int]): numbers of regions that are background.
    """

    def __init__(self, regions: Sequence[int], background: Sequence[int] = (0,)) -> None:
        self.ids = {value: k for k, value in enumerate(regions) if k not in set(background)}

    def __call__(self, path: str) -> np.ndarray:
        image = read_image(path, cv2.IMREAD_UNCHANGED, 'a PGM or PPM file of regions')
        values = image.astype(np.int32)
        if values.ndim == 3:  # BGR
            values = values[..., 2] * 65536 + values[..., 1] * 256 + values[..., 0]
        label_map = np.zeros(values.shape, np.uint8)
        for value, number in self.ids.items():
            label_map[values == value] = number
        return label_map


@DATASETS.register_module()
class FBMSDataset(UnsupervisedVOSDataset):
    """FBMS-59: 29 training and 30 test sequences, several moving objects, masks of some frames::

        data_root/{Trainingset|Trainset,Testset}/<sequence>/<frames>.jpg
        data_root/.../<sequence>/GroundTruth/<sequence>Def.dat            regions, labelled frames
        data_root/.../<sequence>/GroundTruth/<sequence>_NNNN_gt.ppm       a colour per region (33 newer sequences)
        data_root/.../<sequence>/GroundTruth/<sequence>_NN.pgm            a grey value per region (26 older ones)

    Foreground is every region except region 0 and those of ``background_regions``. Published FBMS figures depend on this
    conversion by about two points.

    Args:
        data_root (str): root folder.
        split (str): ``'train'`` or ``'test'``.
        background_regions (dict[str, Sequence[int]] | None): ``{sequence: region numbers}`` that are background besides region
            0.
        merge (bool): True: one foreground; False: region k is object k.
        kwargs (dict): arguments of :class:`UnsupervisedVOSDataset`.
    """

    SPLITS = ('train', 'test')
    FOLDERS = dict(train=('Trainingset', 'Trainset'), test=('Testset',))

    def __init__(
        self, data_root: str = 'data/FBMS', background_regions: dict[str, Sequence[int]] | None = None, **kwargs: Any
    ) -> None:
        self.background_regions = BACKGROUND_REGIONS if background_regions is None else background_regions
        super().__init__(data_root=data_root, **kwargs)

    def load_official(self) -> list[dict]:
        """One video per folder of the split.

        Raises:
            MissingFileError: no folder of the split.
        """
        folders = [join_path(self.data_root, name) for name in self.FOLDERS[self.split]]
        found = [folder for folder in folders if is_folder(folder)]
        if not found:
            raise MissingFileError(f'{folders[0]}: folder of the {self.split} split not found.')
        return [self._sequence(join_path(found[0], name), name) for name in folders_in(found[0])]

    def _sequence(self, folder: str, name: str) -> dict:
        frames = [frame for frame in list_images(folder) if frame.lower().endswith('.jpg')]
        truth = join_path(folder, 'GroundTruth')
        path = join_path(truth, f'{name}Def.dat')
        definition = read_definition(path)
        reader = RegionReader(definition.regions, (0, *self.background_regions.get(name, ())))
        files = _masks_by_number(truth)
        annotations = {}
        for position, mask_name in definition.labelled:
            if position >= len(frames):
                raise InputError(f'{path}: frame number {position} is labelled, but {folder} has {len(frames)} frames (.jpg).')
            mask = join_path(truth, mask_name)
            if not is_file(mask):  # named after the frame, whatever the definition calls it
                number = trailing_number(frames[position])
                if number is None or number not in files:
                    raise MissingFileError(f'{mask}: ground truth not found, but listed in {path}.')
                mask = files[number]
            annotations[position] = LabelSource(mask, binary=self.merge, reader=reader)
        return dict(video_id=name, frames=frames, annotations=annotations)


def _masks_by_number(folder: str) -> dict[int, str]:
    """Ground truth files by the number in their names: PPM before PGM, maps of uncertainty (``*PROB_gt.ppm``) left out."""
    files: dict[int, str] = {}
    for suffix in ('.pgm', '.ppm'):
        for path in list_images(folder):
            number = trailing_number(path)
            if path.lower().endswith(suffix) and 'PROB' not in osp.basename(path) and number is not None:
                files[number] = path
    return files
