from .config import load_config
from .distributed import prepare_cpu_launch
from .inference import prepare_for_inference
from .paths import configs_root

__all__ = ['configs_root', 'load_config', 'prepare_cpu_launch', 'prepare_for_inference']
