"""Steps of pipelines: what happens to a clip between the disk and the model."""

import lazy_loader
import mmcv.transforms  # noqa: F401  (registers mmcv's transforms)

# the names and their modules are in __init__.pyi; a module is imported when one of its names is used
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
