"""How much memory is free, for work that should not begin where it cannot end."""

import re
import sys
from pathlib import Path

import torch

#: limit and use of the memory of a container: cgroup 2, cgroup 1
_CGROUPS = (
    ('/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory.current'),
    ('/sys/fs/cgroup/memory/memory.limit_in_bytes', '/sys/fs/cgroup/memory/memory.usage_in_bytes'),
)


def available_memory(device: str | torch.device = 'cpu') -> int:
    """Bytes that can still be taken: of a GPU, or of the machine and of the container that the process runs in."""
    device = torch.device(device)
    if device.type == 'cuda':
        return int(torch.cuda.mem_get_info(device)[0])
    free = _free_of_machine()
    for limit, used in _CGROUPS:
        try:
            free = min(free, int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no container, or one without a limit ('max')
            continue
    return free


def _free_of_machine() -> int:
    """Bytes that programs can still take without swapping; where the system does not say, no limit."""
    try:
        found = re.search(r'^MemAvailable: +(\d+) kB', Path('/proc/meminfo').read_text(), re.MULTILINE)
    except OSError:  # not Linux
        found = None
    return int(found[1]) * 1024 if found else sys.maxsize
