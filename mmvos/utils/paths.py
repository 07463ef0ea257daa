"""Where the configs are: in a source tree beside the package, in an installed wheel under ``mmvos/.mim``."""

from pathlib import Path


def configs_root() -> Path:
    """The folder that holds ``configs/``: the repository, or ``mmvos/.mim`` of an installed package."""
    package = Path(__file__).resolve().parents[1]
    for root in (package.parent, package / '.mim'):
        if (root / 'configs' / '_base_').is_dir():
            return root
    raise FileNotFoundError('the configs folder was not found beside or inside the mmvos package; reinstall MMVOS.')
