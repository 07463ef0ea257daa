"""The project's commands, called in this process as their scripts call them."""

import importlib.util
import sys
from pathlib import Path

from mmengine.logging import MMLogger

from mmvos.cli.main import main as mmvos

ROOT = Path(__file__).parents[2]
MINI = ROOT / 'configs/feature_propagation/feature-propagation_mini_synthvos.py'


def scripts():
    """The scripts that are not commands of ``mmvos``, as modules."""
    found = {}
    for path in ('dataset_converters/labelme_cvat_to_ytvis', 'dataset_converters/masks_to_ytvis', 'misc/precompute_flow',
                 'dataset_converters/split_youtube_vos', 'dataset_converters/cache_box_tracks',
                 'dataset_converters/make_synthvis', 'dataset_converters/prepare_synthvos',
                 'dataset_converters/unsupervised_to_flat', 'model_converters/publish_checkpoint'):  # fmt: skip
        spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / f'tools/{path}.py')
        found[Path(path).stem] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return found


SCRIPTS = scripts()


def write_small_config(folder):
    """A config whose model takes frames at a short side of 64 pixels; the weights are those of its backbone."""
    path = folder / 'small.py'
    path.write_text(
        f'_base_ = {str(MINI)!r}\nmodel = dict(test_cfg=dict(resize=dict(type="ShortSide", length=64, divisor=16)))\n'
    )
    return path


def call(name, *args):
    """Exit code of a command of ``mmvos``, or of a script; ``sys.argv`` is left changed."""
    MMLogger._instance_dict.clear()  # else a run of the same second lends its logger, whose stream is closed
    try:
        if name not in SCRIPTS:
            return mmvos([name, *map(str, args)])
        sys.argv = [name, *map(str, args)]
        SCRIPTS[name].main()
    except SystemExit as ended:
        return ended.code or 0
    return 0
