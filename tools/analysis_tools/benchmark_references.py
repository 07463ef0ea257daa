"""Time and memory of COSNet against the number N of reference frames: a table (Markdown, CSV) and a plot.

    python tools/analysis_tools/benchmark_references.py configs/cosnet/cosnet_r101_davis2016-saliency.py \\
        --out work_dirs/references [--references 0 1 2 5 7] [--backend fused chunked literal] \\
        [--device cuda] [--repeats 3] [--cpu-time]

A frame costs one embedding, whatever N is, and one step of attention and segmentation, which grows with N. Both are
measured by themselves on random weights; `literal` stores the whole affinity, as a yardstick.
"""

import argparse
import csv
import os
import time
from contextlib import contextmanager
from itertools import accumulate

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from torch.profiler import ProfilerActivity, profile

import mmvos.models  # noqa: F401  (registers)
from mmvos.models.attention.co_attention import literal_weights
from mmvos.registry import MODELS, TASK_UTILS
from mmvos.utils import command_line

MIB = 2**20


def peak_memory(step, device: torch.device) -> float:
    """Most that the tensors made by ``step()`` take at a time, MiB."""
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        step()
        return (torch.cuda.max_memory_allocated(device) - before) / MIB
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        step()
    events = [e for e in record.profiler.kineto_results.events() if e.name() == '[memory]']
    changes = (e.nbytes() for e in sorted(events, key=lambda e: e.start_ns()))
    return max(accumulate(changes), default=0) / MIB


def measure(step, device: torch.device, repeats: int, cpu_time: bool) -> tuple:
    """Fastest of some runs in milliseconds, and the peak memory of one in MiB."""
    memory = peak_memory(step, device)  # warms up, too
    clock = time.process_time if cpu_time else time.perf_counter
    times = []
    for _ in range(repeats):
        start = clock()
        step()
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        times.append(clock() - start)
    return 1000 * min(times), memory


@contextmanager
def backend_of(attention, backend: str):
    """The co-attention with another way to compute the same summaries."""
    kept = attention.backend
    if backend == 'literal':
        attention.attend = lambda q, k, v: literal_weights(q, k, attention.double_softmax) @ v
    else:
        attention.backend = backend
    yield
    attention.backend = kept
    attention.__dict__.pop('attend', None)


@torch.no_grad()
def benchmark(
    model, size: tuple, numbers: list, backends: list, device: torch.device, repeats: int, cpu_time: bool = False
) -> list:
    """One row per backend and N."""
    image = torch.randn(1, 3, *size, device=device)
    embed_ms, embed_mib = measure(lambda: model.extract_feat(image), device, repeats, cpu_time)
    target = model.extract_feat(image)
    rows = []
    for backend in backends:
        for number in numbers:
            references = [target + 0.1 * torch.randn(target.shape, device=device) for _ in range(number)]
            with backend_of(model.co_attention, backend):
                ms, mib = measure(lambda r=references: model.segment_frame(target, r, size), device, repeats, cpu_time)
            rows.append(
                dict(
                    backend=backend,
                    N=number,
                    embed_ms=embed_ms,
                    attend_ms=ms,
                    frame_ms=embed_ms + ms,
                    embed_peak_MiB=embed_mib,
                    attend_peak_MiB=mib,
                    kept_MiB=(number + 1) * target.numel() * target.element_size() / MIB,
                )
            )
    return rows


def write(rows: list, out_dir: str, title: str) -> str:
    """references.csv, references.md, references.png; returns the table."""
    os.makedirs(out_dir, exist_ok=True)
    with open(os.path.join(out_dir, 'references.csv'), 'w', newline='') as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    lines = ['| ' + ' | '.join(rows[0]) + ' |', '|' + ' --- |' * len(rows[0])]
    for row in rows:
        cells = (f'{v:.1f}' if isinstance(v, float) else str(v) for v in row.values())
        lines.append('| ' + ' | '.join(cells) + ' |')
    table = '\n'.join(lines)
    with open(os.path.join(out_dir, 'references.md'), 'w') as file:
        file.write(f'{title}\n\n{table}\n')
    plot(rows, os.path.join(out_dir, 'references.png'), title)
    return table


def plot(rows: list, path: str, title: str) -> None:
    """Milliseconds per frame and peak memory over N."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    for backend in dict.fromkeys(row['backend'] for row in rows):
        chosen = [row for row in rows if row['backend'] == backend]
        numbers = [row['N'] for row in chosen]
        axes[0].plot(numbers, [row['frame_ms'] for row in chosen], 'o-', label=backend)
        axes[1].plot(numbers, [row['attend_peak_MiB'] + row['kept_MiB'] for row in chosen], 'o-', label=backend)
    for axis, label in zip(axes, ('ms per frame (embedding included)', 'MiB of attention and kept embeddings'), strict=True):
        axis.set(xlabel='reference frames N', ylabel=label, ylim=(0, None))
        axis.grid(alpha=0.3)
        axis.legend()
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


@command_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--references', type=int, nargs='+', default=[0, 1, 2, 5, 7])
    parser.add_argument('--backend', nargs='+', choices=['fused', 'chunked', 'literal'], default=['fused', 'literal'])
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--cpu-time', action='store_true', help='CPU time of the process, not wall time (a busy machine)')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--out', default='work_dirs/benchmark_references', help='folder of the table and the plot')
    args = parser.parse_args()
    device = torch.device(args.device)
    cfg = Config.fromfile(args.config).model
    cfg.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmvos'):
        model = revert_sync_batchnorm(MODELS.build(cfg)).to(device).eval()
        resize = cfg.test_cfg.get('resize') or dict(type='FixedSize', height=480, width=854)
        size = TASK_UTILS.build(resize)(480, 854)
    if not hasattr(model, 'segment_frame'):
        parser.error(f'{args.config}: {type(model).__name__} has no reference frames; expected a COSNet.')
    rows = benchmark(model, size, args.references, args.backend, device, args.repeats, args.cpu_time)
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else f'CPU, {torch.get_num_threads()} thread(s)'
    name += ', CPU time' if args.cpu_time else ''
    title = f'{os.path.basename(args.config)}, {size[1]}x{size[0]}, float32, {name}'
    print(f'{title}\n\n{write(rows, args.out, title)}')


if __name__ == '__main__':
    main()
