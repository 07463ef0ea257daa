"""What several commands share: configs, processes, locks."""

from .command_line import command_line
from .config import load_config
from .distributed import prepare_cpu_launch
from .inference import prepare_for_inference
from .paths import configs_root
from .run_lock import run_lock

__all__ = ['command_line', 'configs_root', 'load_config', 'prepare_cpu_launch', 'prepare_for_inference', 'run_lock']
