"""Shared set-up of the tests: modules of helpers/ importable, one thread a process, MMVOS's scope."""

import gc
import sys
from pathlib import Path

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope

sys.path.insert(0, str(Path(__file__).parent / 'helpers'))
torch.set_num_threads(1)
torch.set_warn_always(True)  # else the first test of a process that causes a warning is the one that fails


def pytest_addoption(parser):
    parser.addoption('--recipes', action='store_true', help='run the tests of all full-size configs, too')


def pytest_collection_modifyitems(config, items):
    if not config.getoption('--recipes'):
        left_out = [item for item in items if item.get_closest_marker('recipes')]
        items[:] = [item for item in items if item not in set(left_out)]
        config.hook.pytest_deselected(items=left_out)


def pytest_collection_finish():
    """What was imported stays: collections of garbage, of which mmengine asks one for each data set, need not look at it."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item):
    """What other tests left behind is not to be reported from within a deep recursion, where there is no place for it."""
    if 'nested too deeply' in item.name:
        gc.collect()


@pytest.fixture(autouse=True, scope='module')
def loggers_of_one_module():
    """A logger whose file was closed by the runs of another module is not written to."""
    MMLogger._instance_dict.clear()


@pytest.fixture(autouse=True)
def mmvos_scope():
    """Every test builds parts by MMVOS's names."""
    with DefaultScope.overwrite_default_scope('mmvos'):
        yield
