"""Write the tables of docs/en/model_zoo.md, and the one of the README, from weights.json and the metafiles.

python tools/misc/zoo_table.py            # writes the page and the README's table
python tools/misc/zoo_table.py --check    # exit code 1 if one of them is not up to date
"""

import argparse
from pathlib import Path
from typing import Any

from mmvos.cli.models import models
from mmvos.structures import atomic_path
from mmvos.utils import command_line, configs_root
from mmvos.weights import ShippedWeights, shipped_weights

ROOT = Path(__file__).resolve().parents[2]
PAGE, README = ROOT / 'docs' / 'en' / 'model_zoo.md', ROOT / 'README.md'
#: methods of the README's table: folder below configs -> (name, what it needs)
METHODS = {
    'recall_vos': ('RecallVOS, the default', 'prompted, causal, several objects at nearly the cost of one'),
    'matchvos': ('MatchVOS', 'prompted, causal'),
    'feature_propagation': ('FeaturePropagation', 'prompted, causal, training-free'),
    'click_segmenter': ('ClickSegmenter', 'clicks and boxes to masks of one frame'),
    'rgmp': ('RGMP', 'prompted, causal'),
    'agame': ('A-GAME', 'prompted, causal'),
    'agss_vos': ('AGSS-VOS', 'prompted, causal, optical flow'),
    'main': ('MAIN', 'prompted, causal, optical flow, box tracker'),
    'rvos': ('RVOS', 'prompted or not, causal'),
    'dyenet': ('DyeNet', 'prompted, offline, optical flow, proposals'),
    'cosnet': ('COSNet', 'no prompt, offline or causal'),
    'masktrack_rcnn': ('MaskTrack R-CNN', 'video instances, causal'),
    'sta_masktrack_rcnn': ('with spatio-temporal attention', 'video instances, causal'),
    'rsis': ('RSIS', 'instances of still images, one after the other'),
    'ris': ('RIS', 'the same, its ancestor'),
}
#: ten sequences of DAVIS 2016 val
DEV10 = 'dev10'
_BEGIN, _END = '<!-- written by tools/misc/zoo_table.py -->', '<!-- end -->'


def page() -> str:
    """The text of the page."""
    weights, rows = list(shipped_weights().values()), models(configs_root())
    methods = {row['name']: method(row) for row in rows}
    return '\n'.join(
        [
            '# Models and weights',
            '',
            'Written by `tools/misc/zoo_table.py` from `mmvos/weights/weights.json` and the metafiles; do not edit.',
            '',
            '## Measured with MMVOS',
            '',
            'dev10: ten sequences of DAVIS 2016 val, whole (the benchmark has twenty), `davis2016` protocol; COSNet and',
            'rvos-st find the object themselves. Several objects: schoolgirls of DAVIS 2017 train, seven objects. Frames/s:',
            'one CPU thread, one object of the clip dog, all in one run (`tools/analysis_tools/benchmark.py CONFIG NAME',
            '--video dog --prompt MASK.png --num-frames 24 --cpu-time --fast`).',
            '',
            *table(
                'model',
                'method',
                'J (dev10)',
                'F',
                'J&F',
                'J&F, several objects',
                'frames/s',
                'parameters',
                'size',
                'training time',
                rows=[
                    *(measured(one, methods[one.name]) for one in weights),
                    *(free(row) for row in rows if DEV10 in row['scores'] and not row['weights_bytes']),
                ],
            ),
            '',
            'The weights come with MMVOS, in `mmvos/weights`: `--config NAME` takes a model with them, nothing is downloaded.',
            '',
            'Other figures:',
            '',
            *(f'- {w.name}, {data}: {figures(values)}' for w in weights for data, values in w.metrics.items() if data != DEV10),
            '',
            '## Training curves',
            '',
            'Loss over iterations, of all stages (`mmvos/weights/*.txt`).',
            '```shell',
            'python tools/analysis_tools/analyze_logs.py plot_curve mmvos/weights/*.txt --panels \\',
            '    --out docs/en/figures/training_curves.png',
            '```',
            '',
            '![Loss over iterations of each training](figures/training_curves.png)',
            '',
            'All of them again, on data of your own: `tools/misc/train_zoo.sh` (most useful first; what was stopped goes on).',
            '',
            '## Figures of papers',
            '',
            'None of these was measured with MMVOS.',
            '',
            *table(
                'config',
                'method',
                'data set',
                'figures',
                'source',
                "authors' weights",
                rows=[
                    (row['name'], method(row), data, figures(values), row['source'], download(row))
                    for row in rows
                    if row['source'] not in (None, 'MMVOS')
                    for data, values in row['scores'].items()
                ],
            ),
            '',
            '## Licences of the weights that come with MMVOS, and of their data',
            '',
            'The weights themselves are under Apache-2.0, as MMVOS is. What they were trained with has licences of its own:',
            '',
            *table(
                'weights',
                'data',
                'use',
                'source',
                'licence',
                rows=[(w.name, data.name, data.use, data.source, data.licence) for w in weights for data in w.data],
            ),
            '',
        ]
    )


def readme() -> str:
    """The text of the README with its table of methods as it should be."""
    rows = []
    shipped = shipped_weights().values()
    known = models(configs_root())
    for folder, (name, needs) in METHODS.items():
        weights = [one for one in shipped if Path(one.config).parts[0] == folder]
        scored = [one for one in weights if 'J&F' in one.metrics.get(DEV10, {})]
        scores = [f'{DEV10}: J&F {one.metrics[DEV10]["J&F"]}{_which(one, scored)}' for one in scored]
        scores = scores or [f'{headline(one)}{_which(one, weights)}' for one in weights]
        mine = [row for row in known if Path(row['config']).parts[1] == folder and not row['weights_bytes']]
        free = [
            row['scores'][DEV10]['J&F'] for row in mine if 'J&F' in row['scores'].get(DEV10, {}) and row['source'] == 'MMVOS'
        ]
        scores = scores or [f'{DEV10}: J&F {max(free)}' for _ in free[:1]]
        size = ', '.join(f'{one.size / 1e6:.1f} MB' for one in weights) or ('none needed' if free else '-')
        rows.append((f'[{name}](configs/{folder}/README.md)', needs, '; '.join(scores) or '-', size))
    before, _, rest = README.read_text(encoding='utf-8').partition(_BEGIN)
    lines = table('method', 'what it is', 'measured with the weights that come with it', 'weights', rows=rows)
    return before + '\n'.join([_BEGIN, *lines, _END]) + rest.partition(_END)[2]


def method(row: dict[str, Any]) -> str:
    """Link to the page of a row's method."""
    return f'[{row["method"]}](../../{Path(row["config"]).parts[0]}/{Path(row["config"]).parts[1]}/README.md)'


def download(row: dict[str, Any]) -> str:
    """Link to weights that the authors released, where the metafile knows an address."""
    return f'[download]({row["weights"]})' if str(row['weights']).startswith('http') else '-'


def measured(weights: ShippedWeights, link: str) -> tuple[str, ...]:
    """Row of weights that come with MMVOS."""
    dev, several = weights.metrics.get(DEV10, {}), weights.metrics.get('schoolgirls', {})
    milliseconds = weights.frame_ms.get('dog, 1 object')
    return (
        weights.name,
        link,
        *(_number(dev.get(key)) for key in ('J', 'F', 'J&F')),
        _number(several.get('J&F')),
        f'{1000 / milliseconds:.1f}' if milliseconds else '-',
        f'{weights.parameters / 1e6:.2f} M ({weights.trained_parameters / 1e6:.2f} M trained)',
        f'{weights.size / 1e6:.1f} MB',
        f'{weights.time}; {weights.hardware}',
    )


def free(row: dict[str, Any]) -> tuple[str, ...]:
    """Row of a model that needs no training."""
    dev, several = row['scores'][DEV10], row['scores'].get('schoolgirls', {})
    scores = [_number(dev.get(key)) for key in ('J', 'F', 'J&F')]
    return (row['name'], method(row), *scores, _number(several.get('J&F')), *'---', 'none')


def headline(weights: ShippedWeights) -> str:
    """First measurement of weights: all of its figures if the frames are dev10's, else the first one."""
    data, values = next(iter(weights.metrics.items()))
    return f'{data}: {figures(values if DEV10 in data else dict([next(iter(values.items()))]))}'


def figures(values: dict[str, float]) -> str:
    """Metrics in one cell."""
    separator = '; ' if any(',' in key for key in values) else ', '
    return separator.join(f'{key} {value}' for key, value in values.items())


def table(*heads: str, rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of a table in Markdown."""
    return [f'| {" | ".join(line)} |' for line in (heads, ('---',) * len(heads), *rows)]


def _which(weights: ShippedWeights, among: list[ShippedWeights]) -> str:
    """Name of weights in brackets where a method has several."""
    return f' ({weights.name})' if len(among) > 1 else ''


def _number(value: float | None) -> str:
    return '-' if value is None else str(value)


@command_line
def main() -> int:
    parser = argparse.ArgumentParser(description='Write the tables of the page of models.')
    parser.add_argument('--check', action='store_true', help='only say whether the page is up to date')
    args = parser.parse_args()
    texts = {PAGE: page(), README: readme()}
    if args.check:
        return int(any(path.read_text(encoding='utf-8') != text for path, text in texts.items()))
    for path, text in texts.items():
        with atomic_path(path) as temporary:
            Path(temporary).write_text(text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
