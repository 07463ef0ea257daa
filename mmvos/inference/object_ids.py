"""Ids that the user gives to objects, apart from the indices of the objects in tensors."""

from collections.abc import Iterable

from mmvos.structures import MAX_OBJECT_ID, InputError


class ObjectIds:
    """The objects that a session segments: object number i of the model (from 0) is the user's object ``ids[i]``."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, object_id: int) -> bool:
        return object_id in self.ids

    def check_new(self, new_ids: Iterable[int]) -> None:
        """Raise InputError for an id that is in use or outside 1..254."""
        for object_id in new_ids:
            if not 1 <= object_id <= MAX_OBJECT_ID:
                raise InputError(f'object id {object_id} is outside 1..{MAX_OBJECT_ID}.')
            if object_id in self.ids:
                raise InputError(
                    f'object {object_id} is segmented already; a prompt may only introduce new objects. '
                    'Remove it first to start it again.'
                )

    def add(self, new_ids: Iterable[int]) -> None:
        """Append objects, checked as by :meth:`check_new`."""
        new_ids = [int(object_id) for object_id in new_ids]
        self.check_new(new_ids)
        self.ids += new_ids

    def remove(self, ids: Iterable[int]) -> list[int]:
        """Drop objects; returns the indices that **stay**, in order. An unknown id raises KeyError."""
        ids = set(ids)
        unknown = ids - set(self.ids)
        if unknown:
            raise KeyError(f'no object {sorted(unknown)[0]} in this session; it has {self.ids}.')
        keep = [i for i, object_id in enumerate(self.ids) if object_id not in ids]
        self.ids = [self.ids[i] for i in keep]
        return keep
