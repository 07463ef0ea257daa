"""Which videos of a data set are used, and into which items training divides them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmvos.structures import InputError
from mmvos.videos import image_size
from mmvos.videos.layouts import read_list

Video = dict


@dataclass(frozen=True)
class VideoSelection:
    """Rules that choose videos and divide them.

    Attributes:
        sequences (str | Sequence[str] | None): keep only the videos of these ids: their names, or the path of a text file with
            one per line. None: all.
        exclude (str | Sequence[str]): leave these videos out, likewise; names that the split does not have are no error.
        min_labelled (int): leave out videos with fewer labelled frames, counted from the first one with an object on.
        frame_size (Sequence[int] | None): ``(H, W)``: leave out videos whose first frame has another size. None: any.
        split_clips (int): an item is not a whole video but one of its clips of this many labelled frames that do not overlap
            (RVOS; a shorter video gives one). 0: whole videos.
        split_objects (bool): whether an item is a set of objects that are visible together in a video, with the frames that
            show exactly this set (AGSS-VOS). Needs ``object_frames``.
    """

    sequences: str | Sequence[str] | None = None
    exclude: str | Sequence[str] = ()
    min_labelled: int = 0
    frame_size: Sequence[int] | None = None
    split_clips: int = 0
    split_objects: bool = False

    def choose(self, videos: list[Video], place: str) -> list[Video]:
        """The videos that are used, in their order.

        Args:
            videos (list[dict]): all videos of the split, complete as :class:`BaseVOSDataset` describes them.
            place (str): what messages call the data set.

        Raises:
            InputError: a wanted video is not there, or none is left.
        """
        chosen = videos
        if self.sequences is not None:
            wanted = _names(self.sequences)
            missing = set(wanted) - {video['video_id'] for video in videos}
            if missing:
                raise InputError(f'{place}: no video {sorted(missing)[0]!r} in this split.')
            chosen = [video for video in videos if video['video_id'] in set(wanted)]
        excluded = set(_names(self.exclude))
        chosen = [video for video in chosen if video['video_id'] not in excluded and self._is_eligible(video)]
        if not chosen:
            raise InputError(
                f'{place}: {len(videos)} videos found, and none is left after sequences, exclude, min_labelled and frame_size.'
            )
        return chosen

    def _is_eligible(self, video: Video) -> bool:
        if self.min_labelled:
            first = min((min(frames) for frames in video.get('object_frames', {}).values()), default=0)
            if sum(index >= first for index in video['labelled']) < self.min_labelled:
                return False
        return self.frame_size is None or image_size(video['frames'][0]) == tuple(self.frame_size)

    def items(self, videos: list[Video]) -> list[Video]:
        """What a data set counts: the videos, or their parts."""
        if self.split_clips:
            videos = [item for video in videos for item in self._clips_of(video)]
        if self.split_objects:
            videos = [item for video in videos for item in _visible_sets_of(video)]
        return videos

    def _clips_of(self, video: Video) -> Iterator[Video]:
        labelled, length = video['labelled'], self.split_clips
        for start in range(0, max(1, len(labelled) // length) * length, length):
            yield dict(video, labelled=labelled[start : start + length])


def _names(names: str | Sequence[str]) -> list[str]:
    return read_list(names) if isinstance(names, str) else list(names)


def _visible_sets_of(video: Video) -> Iterator[Video]:
    if 'object_frames' not in video:
        raise InputError(
            f'{video["video_id"]}: split_objects needs to know in which frames an object is visible, which this data set does '
            'not say; use SampleClip(same_objects=True) instead.'
        )
    visible: dict[tuple[int, ...], list[int]] = {}
    for index in video['labelled']:
        pattern = tuple(sorted(i for i, frames in video['object_frames'].items() if index in frames))
        if pattern:
            visible.setdefault(pattern, []).append(index)
    for _, frames in sorted(visible.items()):
        yield dict(video, labelled=frames)
