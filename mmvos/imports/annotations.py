"""What people marked in the frames of a video, by frame."""

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mmvos.structures import MAX_OBJECT_ID, Box, Click, InputError, Polygon, Prompt, Scribble, placed

logger = logging.getLogger('mmvos')


@dataclass(frozen=True)
class Mark:
    """One shape of an object: an outline (``mask``, ``polygon``), or something that points at it (the others).

    Args:
        object_id (int): the object, 1 to 254.
        mask (Callable | None): ``(H, W)`` of the frame to bool ``(H, W)``; called when the frame is read, so that the masks of
            a long video are not in memory together.
        polygon (Polygon | None): outline of the object; what lies beyond the frame is cut off.
        box (Box | None): box around the object.
        click (Click | None): point on the object.
        scribble (Scribble | None): stroke on the object.
    """

    object_id: int
    mask: Callable[[tuple[int, int]], np.ndarray] | None = field(default=None, repr=False)
    polygon: Polygon | None = field(default=None, repr=False)
    box: Box | None = None
    click: Click | None = None
    scribble: Scribble | None = None


@dataclass(frozen=True)
class Annotations:
    """Marks of a video.

    Args:
        name (str): the file or folder that they come from.
        marks (Mapping[int, Sequence[Mark]]): by frame, from 0; a later mask covers an earlier one.
        names (Mapping[int, str]): name of each object by its id.
        sizes (Mapping[int, tuple[int, int]]): ``(H, W)`` of the picture that was marked, by frame, where the file says it.
    """

    name: str
    marks: Mapping[int, Sequence[Mark]] = field(repr=False)
    names: Mapping[int, str]
    sizes: Mapping[int, tuple[int, int]] = field(default_factory=dict, repr=False)
    _cut: set[int] = field(default_factory=set, init=False, repr=False, compare=False)  # objects of which it was said

    @property
    def frames(self) -> list[int]:
        """Frames in which something is marked, ascending."""
        return sorted(self.marks)

    def prompts(self, index: int, shape: tuple[int, int]) -> list[Prompt]:
        """Prompts of the objects of a frame, by id; an object whose mask others cover wholly has none.

        A polygon that reaches beyond the frame is cut off at its edge, as LabelMe and CVAT do while one draws; a warning
        names the first frame where it happens to an object.

        Args:
            index (int): one of :attr:`frames`.
            shape (tuple[int, int]): ``(H, W)`` of the frame.

        Raises:
            InputError: marks of a picture of another size, an outline that does not fit into the frame or holds no pixel of
                it, or two boxes around one object.
        """
        place = f'{self.name}, frame {index}'
        made_on = self.sizes.get(index, shape)
        # one row or column is no other video: most encoders make odd sizes even
        if max(abs(made_on[0] - shape[0]), abs(made_on[1] - shape[1])) > 1:
            raise InputError(
                f'{place}: made for frames of {made_on[1]}x{made_on[0]}, this one is {shape[1]}x{shape[0]} (width x height).'
            )
        label_map = np.zeros(shape, np.uint8)
        found: dict[int, Prompt] = {}
        for mark in self.marks[index]:
            prompt = found.setdefault(mark.object_id, Prompt(mark.object_id))
            try:
                label_map[self._outline(mark, shape, place)] = mark.object_id
            except InputError as error:
                raise placed(error, place) from error
            if mark.box is not None:
                if prompt.box is not None:
                    raise InputError(
                        f'{self.name}: two boxes around {self.names[mark.object_id]!r} in frame {index}; expected one.'
                    )
                prompt.box = mark.box
            prompt.clicks.extend([mark.click] if mark.click else [])
            prompt.scribbles.extend([mark.scribble] if mark.scribble else [])
        for object_id in np.unique(label_map[label_map > 0]).tolist():
            found[object_id].mask = label_map == object_id
        return [found[i] for i in sorted(found) if not found[i].is_empty]

    def _outline(self, mark: Mark, shape: tuple[int, int], place: str) -> np.ndarray:
        """Pixels of an outline, bool ``(H, W)``; none of what only points at the object."""
        if mark.polygon is None:
            return np.zeros(shape, bool) if mark.mask is None else mark.mask(shape)
        mask, name, frame = mark.polygon.mask(shape), self.names[mark.object_id], f'{shape[1]}x{shape[0]}'
        if not mask.any():
            raise InputError(f'the polygon of {name!r} holds no pixel of the frame of {frame}; expected one within it.')
        if mark.polygon.reaches_beyond(shape) and mark.object_id not in self._cut:
            self._cut.add(mark.object_id)
            logger.warning(
                '%s: the polygon of %r reaches beyond the frame of %s and is cut off at its edge.', place, name, frame
            )
        return mask

    def introduced(self) -> dict[int, set[int]]:
        """Which objects are marked in a frame for the first time, by frame."""
        seen: set[int] = set()
        new: dict[int, set[int]] = {}
        for index in self.frames:
            ids = {mark.object_id for mark in self.marks[index]} - seen
            if ids:
                new[index] = ids
                seen |= ids
        return new


#: what tells the objects of a file apart: label, and number or place
Key = tuple[str, Hashable]


def object_numbers(keys: Sequence[Key], wished: Mapping[Key, int], name: str) -> dict[Key, int]:
    """Ids of objects: those that the file gives, where all objects have one of their own; else 1, 2, ... in the file's order.

    Args:
        keys (Sequence[Key]): of all shapes, in the file's order.
        wished (Mapping[Key, int]): number that the file gives to an object.
        name (str): the file, for the message.

    Raises:
        InputError: more objects than a label map can hold.
    """
    order = list(dict.fromkeys(keys))
    if len(order) > MAX_OBJECT_ID:
        raise InputError(f'{name}: {len(order)} objects; expected up to {MAX_OBJECT_ID}.')
    numbers = [wished.get(key, 0) for key in order]
    if len(set(numbers)) == len(order) and all(1 <= number <= MAX_OBJECT_ID for number in numbers):
        return dict(zip(order, numbers, strict=True))
    return {key: number for number, key in enumerate(order, 1)}
