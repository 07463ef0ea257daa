"""How much of what a bad frame lost can STA's attention bring back from the frame before, if it is taught just that?

    python tools/analysis_tools/attention_restores.py

Procedural clips: frames are blurred, almost dark or have their objects covered, each after a clear one. A new attention for
each level learns to turn the maps of the disturbed frame into those of the same frame undisturbed, with the frame before in its
memory. The maps are those of a trained model and stay as they are. Clips of the test are others than those of the training.
Printed: the share of the squared difference between the two that is gone, mean and deviation over the seeds, for

- values of the current frame, as in equation (2); values of the previous frame; and for comparison
- no past: the frame is its own memory (what is brought back is what a network can guess from the bad frame alone).
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mmvos.cli.main import run_module

READINGS = ('values of the current frame (equation 2)', 'values of the previous frame', 'no past')
SIZE = (144, 256)


class Sample(NamedTuple):
    """Maps ``(1, c, h, w)`` of each level: of the frame before, of the disturbed frame, of that frame undisturbed."""

    kind: str
    previous: Sequence[Any]
    disturbed: Sequence[Any]
    clear: Sequence[Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', default='sta-masktrack-rcnn', help='a config, or a name of one with weights')
    parser.add_argument('--checkpoint', help='weights (default: those that ship with the config)')
    parser.add_argument('--clips', type=int, nargs=2, default=(80, 24), metavar=('TRAIN', 'TEST'), help='of eight frames')
    parser.add_argument('--seeds', type=int, default=3, metavar='N', help='number of trainings (default: %(default)s)')
    parser.add_argument('--iterations', type=int, default=200, metavar='N', help='of a training (default: %(default)s)')


def run(args: argparse.Namespace) -> None:
    from mmvos.apis import init_model
    from mmvos.structures import InputError

    size = {'model.test_cfg.resize.length': SIZE[0], 'model.test_cfg.resize.max_length': SIZE[1]}
    model = init_model(args.config, args.checkpoint, 'cpu', size)
    if not getattr(model, 'attends', False):
        raise InputError(f'{args.config}: not a model with a SpatioTemporalNeck.')
    train, test = (list(samples(model, seed, count)) for seed, count in enumerate(args.clips))
    found = {
        reading: [restored(train, test, reading, seed, args.iterations) for seed in range(args.seeds)] for reading in READINGS
    }
    print('\n'.join(table(found)))


def samples(model: Any, seed: int, clips: int) -> Iterator[Sample]:
    """Disturbed frames of procedural clips."""
    import numpy as np

    from mmvos.datasets.synth import ProceduralBackgrounds, ProceduralObjects, SynthEngine, SynthSettings, disturb

    engine = SynthEngine(ProceduralObjects(), ProceduralBackgrounds(), SynthSettings(size=SIZE, num_objects=(1, 3)))
    for number in range(clips):
        clip = engine.render(np.random.default_rng((seed, number)), 8)
        frames, kinds = disturb(np.random.default_rng((seed, number, 1)), clip.frames, clip.label_maps, 0.5)
        for t, kind in kinds.items():
            yield Sample(kind, *(maps_of(model, frame) for frame in (frames[t - 1], frames[t], clip.frames[t])))


def maps_of(model: Any, frame: Any) -> tuple:
    """What the memory keeps of a frame."""
    import torch

    from mmvos.inference.frame import FrameView
    from mmvos.inference.geometry import FrameGeometry

    with torch.no_grad():
        view = FrameView(FrameGeometry(frame.shape[:2], model.test_cfg.resize), model.data_preprocessor, torch.device('cpu'))
        image = view.view(frame, 0).image
        return model.kept_maps(model.raw_maps(image))


def restored(train: Sequence[Sample], test: Sequence[Sample], reading: str, seed: int, iterations: int) -> dict[str, float]:
    """Train with a seed; the share that is brought back in the test, by kind of disturbance and for ``all``."""
    import torch

    from mmvos.models.attention.spatio_temporal_attention import SpatioTemporalAttention

    torch.manual_seed(seed)
    value_from = 'previous' if reading == READINGS[1] else 'current'
    levels = [SpatioTemporalAttention(m.shape[1], m.shape[1] // 4, value_from) for m in train[0].clear]
    parameters = [(name, p) for level in levels for name, p in level.named_parameters()]
    gammas, others = ([p for name, p in parameters if (name == 'gamma') == wanted] for wanted in (True, False))
    optimiser = torch.optim.Adam([dict(params=gammas, lr=2e-2), dict(params=others, lr=2e-3)])

    def differences(batch: Sequence[Sample], level: int) -> tuple[Any, Any]:
        """Squared difference to the clear frame, after and before, of each sample."""
        previous, disturbed, clear = (torch.cat([s[part][level] for s in batch]) for part in (1, 2, 3))
        memory = [disturbed] if reading == READINGS[2] else [previous]
        after = levels[level](disturbed, memory)
        return ((after - clear) ** 2).flatten(1).sum(1), ((disturbed - clear) ** 2).flatten(1).sum(1)

    for _ in range(iterations):
        batch = [train[i] for i in torch.randint(len(train), (8,)).tolist()]
        ratios = [after.sum() / before.sum() for after, before in (differences(batch, level) for level in range(len(levels)))]
        optimiser.zero_grad()
        sum(ratios).backward()
        optimiser.step()

    shares = {}
    with torch.no_grad():
        for kind in ('all', *sorted({s.kind for s in test})):
            of_kind = [s for s in test if kind in ('all', s.kind)]
            errors = [differences(of_kind, level) for level in range(len(levels))]
            shares[kind] = statistics.fmean(1 - float(after.sum() / before.sum()) for after, before in errors)
    return shares


def table(found: dict[str, list[dict[str, float]]]) -> Iterator[str]:
    """Lines of a markdown table, in percent."""
    kinds = list(next(iter(found.values()))[0])
    yield '| | ' + ' | '.join(kinds) + ' |'
    yield '| --- |' + ' --- |' * len(kinds)
    for reading, seeds in found.items():
        cells = []
        for kind in kinds:
            values = [100 * shares[kind] for shares in seeds]
            deviation = f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else ''
            cells.append(f'{statistics.fmean(values):.1f}{deviation}')
        yield f'| {reading} | ' + ' | '.join(cells) + ' |'


if __name__ == '__main__':
    sys.exit(run_module(sys.modules[__name__]))
