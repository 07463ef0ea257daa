"""YouTube-Objects (Prest et al., CVPR 2012) with the segmentation masks of Jain and Grauman (ECCV 2014)."""

from typing import Any

from mmvos.registry import DATASETS
from mmvos.structures import MissingFileError, is_folder, join_path
from mmvos.videos import LabelSource, list_frames, list_images

from .unsupervised import MASK_THRESHOLD, UnsupervisedVOSDataset, folders_in, read_grey, trailing_number

CLASSES = ('aeroplane', 'bird', 'boat', 'car', 'cat', 'cow', 'dog', 'horse', 'motorbike', 'train')


@DATASETS.register_module()
class YouTubeObjectsDataset(UnsupervisedVOSDataset):
    """YouTube-Objects: 126 annotated shots of ten classes, about every tenth frame; all of them are the test set::

        data_root/<ann>/<class>/data/<video:04d>/shots/<shot:03d>/labels/<frame:05d>.jpg
        data_root/<img>/<class>/data/<video:04d>/shots/<shot:03d>/[images/]frame<frame:04d>.jpg

    The number in a label's name is the number in its frame's name. Labels are JPEG files, often smaller than the frames:
    the metric (``MeanIoUMetric``) resizes the prediction. ``video_id`` is ``<class>_<video>_<shot>``, ``group`` the
    class.

    Args:
        data_root (str): root folder.
        data_prefix (dict | None): ``dict(img=..., ann=...)``, default ``images`` and ``youtube_masks``.
        min_labels (int): leave out shots with fewer labels (2 for the semi-supervised task: two shots have one only).
        kwargs (dict): arguments of :class:`UnsupervisedVOSDataset`.
    """

    def __init__(
        self, data_root: str = 'data/YouTube-Objects', data_prefix: dict | None = None, min_labels: int = 1, **kwargs: Any
    ) -> None:
        self.min_labels = min_labels
        super().__init__(
            data_root=data_root, data_prefix=dict(dict(img='images', ann='youtube_masks'), **(data_prefix or {})), **kwargs
        )

    def load_official(self) -> list[dict]:
        """One video per shot that has labels.

        Raises:
            MissingFileError: no labels.
        """
        videos = []
        for category in CLASSES:
            for video in folders_in(join_path(self.data_prefix['ann'], category, 'data')):
                shots = join_path(category, 'data', video, 'shots')
                for shot in folders_in(join_path(self.data_prefix['ann'], shots)):
                    labels = join_path(self.data_prefix['ann'], shots, shot, 'labels')
                    if is_folder(labels):
                        videos.append(self._shot(category, video, shot, labels))
        if not videos:
            raise MissingFileError(
                f'{self.data_prefix["ann"]}: no labels found. Expected '
                '<class>/data/<video>/shots/<shot>/labels/<frame>.jpg with the classes '
                f'{", ".join(CLASSES)}.'
            )
        return [video for video in videos if len(video['annotations']) >= self.min_labels]

    def _shot(self, category: str, video: str, shot: str, labels: str) -> dict:
        folder = join_path(self.data_prefix['img'], category, 'data', video, 'shots', shot)
        nested = join_path(folder, 'images')
        folder = nested if is_folder(nested) else folder
        frames = list_frames(folder) if is_folder(folder) else []
        if not frames:
            raise MissingFileError(f'{folder}: no frames found for the labels in {labels}. Expected frame<number:04d>.jpg.')
        position = {trailing_number(frame): i for i, frame in enumerate(frames)}
        annotations = {}
        for path in list_images(labels):
            number = trailing_number(path)
            if number is None or number not in position:
                raise MissingFileError(
                    f'{folder}/frame{number or 0:04d}.jpg: frame not found, but there is a label for it ({path}).'
                )
            annotations[position[number]] = LabelSource(path, threshold=MASK_THRESHOLD, reader=read_grey)
        return dict(video_id=f'{category}_{video}_{shot}', group=category, frames=frames, annotations=annotations)
