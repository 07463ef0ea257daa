"""Finds ``mmcv._ext`` where mmcv came without compiled operations.

mmdet imports nearly all of ``mmcv.ops``, and ``mmcv.ops`` the compiled module, although MMVOS's models use two operations of
it. A finder at the end of Python's list gives :mod:`mmvos.ops.mmcv_ext` under that name, where nothing else has found it:
installing MMVOS needs no compiler. ``MMVOS_OPS=plain`` prefers it to compiled operations, to compare them.
"""

import importlib.machinery
import os
import sys
from collections.abc import Sequence
from types import ModuleType

_NAME = 'mmcv._ext'


class _StandIn:
    """Finder and loader of the one module (without the base classes of importlib.abc, which take a while to import)."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  (as Python calls it)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _NAME:
            return None
        return importlib.machinery.ModuleSpec(_NAME, self, origin='mmvos.ops.mmcv_ext')  # type: ignore[arg-type]  # no base class

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:  # noqa: ARG002  (as Python calls it)
        return None

    def exec_module(self, module: ModuleType) -> None:
        from mmvos.ops import mmcv_ext

        module.__doc__ = mmcv_ext.__doc__
        names = ('nms', 'roi_align_forward', 'roi_align_backward', '__getattr__')
        module.__dict__.update({name: getattr(mmcv_ext, name) for name in names})


def install() -> None:
    """Add the finder; does nothing the second time."""
    if any(isinstance(finder, _StandIn) for finder in sys.meta_path):
        return
    choice = os.environ.get('MMVOS_OPS', '')
    if choice not in ('', 'plain'):
        raise ValueError(f'MMVOS_OPS={choice}; expected "plain" or nothing (compiled operations of mmcv where they are).')
    sys.meta_path.insert(0 if choice else len(sys.meta_path), _StandIn())


def compiled() -> bool:
    """Whether ``mmcv.ops`` runs compiled operations in this process."""
    import mmcv._ext

    return not isinstance(mmcv._ext.__spec__.loader, _StandIn)
