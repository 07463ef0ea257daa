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
#: methods of the README's table: folder below configs -> (name, where it is from, what it does)
METHODS = {
    'recall_vos': ('RecallVOS, the default', 'MMVOS', 'follows objects, several at nearly the cost of one'),
    'matchvos': ('MatchVOS', 'MMVOS', 'follows objects'),
    'feature_propagation': ('FeaturePropagation', 'MMVOS', 'follows objects, without training'),
    'click_segmenter': ('ClickSegmenter', 'MMVOS', 'clicks and boxes to masks of one frame'),
    'rgmp': ('RGMP', 'CVPR 2018', 'follows objects'),
    'dyenet': ('DyeNet', 'ECCV 2018', 'follows objects and finds them again; offline, optical flow, proposals'),
    'agame': ('A-GAME', 'CVPR 2019', 'follows objects'),
    'rvos': ('RVOS', 'CVPR 2019', 'follows objects, or finds them'),
    'agss_vos': ('AGSS-VOS', 'ICCV 2019', 'follows objects; optical flow'),
    'main': ('MAIN', 'CVIU 2021', 'follows objects; optical flow, box tracker'),
    'cosnet': ('COSNet', 'CVPR 2019', 'finds the main object; offline or causal'),
    'masktrack_rcnn': ('MaskTrack R-CNN', 'ICCV 2019', 'finds and tracks instances of known classes'),
    'sta_masktrack_rcnn': ('STA-MaskTrack R-CNN', 'ICCV 2019 workshop', 'the same, with spatio-temporal attention'),
    'rsis': ('RSIS', 'arXiv 2017', 'instances of still images, one after the other'),
    'ris': ('RIS', 'ECCV 2016', 'the same, its ancestor'),
}
#: figures of the README's table that are not J&F on dev10: weights -> (data set, figure, words)
HEADLINES = {
    'click-segmenter_lite0': ('dev10, first frames', 'IoU, 5 clicks', 'IoU {} with five clicks'),
    'sta-masktrack-rcnn-stills_lite0': (
        'DAVIS 2016, ten sequences with a bear, an elephant, eight persons',
        'AP',
        'AP {} (ten sequences of DAVIS 2016)',
    ),
}
#: words for weights of a method that has several
VARIANTS = {'rvos-mask-st_lite0': 'with a prompt', 'rvos-st_lite0': 'without'}
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
                'trained',
                'size',
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
            '## How they were trained',
            '',
            f'On {" or ".join(sorted({w.hardware for w in weights}))}; `a + b`: one stage after the other.',
            '',
            *table('weights', 'iterations', 'time', rows=[(w.name, iterations(w), w.time) for w in weights]),
            '',
            'Loss over iterations, of all stages (`mmvos/weights/*.txt`):',
            '',
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
    known = models(configs_root())
    for folder, (name, source, task) in METHODS.items():
        weights = [one for one in shipped_weights().values() if Path(one.config).parts[0] == folder]
        scores = [score for one in weights for score in headline(one)]
        mine = [row for row in known if Path(row['config']).parts[1] == folder and not row['weights_bytes']]
        free = [
            row['scores'][DEV10]['J&F'] for row in mine if 'J&F' in row['scores'].get(DEV10, {}) and row['source'] == 'MMVOS'
        ]
        scores = scores or [f'J&F {max(free)}' for _ in free[:1]]
        size = ', '.join(f'{one.size / 1e6:.1f} MB' for one in weights) or ('none needed' if free else '-')
        rows.append((f'[{name}](configs/{folder}/README.md)', source, task, ', '.join(scores) or '-', size))
    before, _, rest = README.read_text(encoding='utf-8').partition(_BEGIN)
    lines = table('method', 'from', 'what it does', 'its small weights, dev10', 'size', rows=rows)
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
        f'{weights.parameters / 1e6:.2f} M',
        f'{weights.trained_parameters / 1e6:.2f} M',
        f'{weights.size / 1e6:.1f} MB',
    )


def iterations(weights: ShippedWeights) -> str:
    """Iterations of each stage, and which stages' ends were averaged."""
    stages = [str(weights.training.index(config) + 1) for config in weights.averaged]
    if not stages:
        return weights.iterations
    return f'{weights.iterations}; the mean of the ends of stages {", ".join(stages[:-1])} and {stages[-1]}'


def free(row: dict[str, Any]) -> tuple[str, ...]:
    """Row of a model that needs no training."""
    dev, several = row['scores'][DEV10], row['scores'].get('schoolgirls', {})
    scores = [_number(dev.get(key)) for key in ('J', 'F', 'J&F')]
    return (row['name'], method(row), *scores, _number(several.get('J&F')), *'----')


def headline(weights: ShippedWeights) -> list[str]:
    """The figure of weights that the README gives, if any."""
    data, key, words = HEADLINES.get(weights.name, (DEV10, 'J&F', 'J&F {}'))
    value = weights.metrics.get(data, {}).get(key)
    variant = f' {VARIANTS[weights.name]}' if weights.name in VARIANTS else ''
    return [] if value is None else [words.format(value) + variant]


def figures(values: dict[str, float]) -> str:
    """Metrics in one cell."""
    separator = '; ' if any(',' in key for key in values) else ', '
    return separator.join(f'{key} {value}' for key, value in values.items())


def table(*heads: str, rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of a table in Markdown."""
    return [f'| {" | ".join(line)} |' for line in (heads, ('---',) * len(heads), *rows)]


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
