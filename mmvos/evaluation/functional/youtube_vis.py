"""Average precision of YouTube-VIS: COCO's, with the IoU of whole mask sequences."""

import contextlib
import io
import math
import numbers
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from mmvos.structures import InputError, run_length_problem

STATS = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl')


def youtube_vis_problems(gt: dict[str, Any], results: Any) -> Iterator[str]:
    """What is wrong with results in the submission format, one sentence each (nothing: they can be scored).

    Args:
        gt (dict): annotation file of YouTube-VIS: at least ``videos`` and ``categories``.
        results (Any): ``[dict(video_id, category_id, score, segmentations=[RLE or None per frame])]``.
    """
    if not isinstance(results, list):
        yield f'expected a list of results, got {type(results).__name__}.'
        return
    videos = {video['id']: video for video in gt['videos']}
    categories = {category['id'] for category in gt['categories']}
    for i, result in enumerate(results):
        if not isinstance(result, dict):
            yield f'result {i}: expected an object, got {type(result).__name__}.'
            continue
        missing = [key for key in ('video_id', 'category_id', 'score', 'segmentations') if key not in result]
        if missing:
            yield f'result {i}: no {", ".join(missing)}.'
        elif not _is_one_of(result['video_id'], videos):
            yield f'result {i}: video_id {result["video_id"]!r} is not in the annotation file.'
        else:
            problems = _result_problems(result, videos[result['video_id']], categories)
            yield from (f'result {i} (video {result["video_id"]}){problem}' for problem in problems)


def _is_one_of(value: Any, known: Collection[int]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in known


def _result_problems(result: dict[str, Any], video: dict[str, Any], categories: Collection[int]) -> Iterator[str]:
    if not _is_one_of(result['category_id'], categories):
        yield f': category_id {result["category_id"]!r} is not in the annotation file (ids start at 1).'
    score = result['score']
    if isinstance(score, bool) or not isinstance(score, numbers.Real) or not math.isfinite(score):
        yield f': score {score!r} is not a finite number.'
    segmentations = result['segmentations']
    if not isinstance(segmentations, list):
        yield ': segmentations is not a list.'
        return
    length, size = video.get('length', len(segmentations)), [video['height'], video['width']]
    if len(segmentations) != length:
        yield f': {len(segmentations)} segmentations, the video has {length} frames.'
    for frame, code in enumerate(segmentations):
        problem = None if code is None else _code_problem(code, size)
        if problem:
            yield f', frame {frame}: {problem}'
            return  # one frame is enough to name a result


def _code_problem(code: Any, size: list[int]) -> str | None:
    if not isinstance(code, dict) or not isinstance(code.get('counts'), (str, bytes)) or 'size' not in code:
        return 'expected null or a compressed RLE {"size": [h, w], "counts": str}.'
    if isinstance(code['size'], (list, tuple)) and list(code['size']) != size:
        return f'RLE of size {list(code["size"])}, the video is {size} (height, width).'
    return run_length_problem(code)


def youtube_vis_ap(gt: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    """AP and AR of YouTube-VIS, equal to the official evaluation code.

    The evaluation itself is mmdet's copy of the official one. Around it: bad results are named instead of silently cut
    short, an empty list scores instead of crashing, the arguments stay unchanged, and nothing is printed.

    Args:
        gt (dict[str, Any]): annotation file of YouTube-VIS as a dict: ``videos`` (``id``, ``height``, ``width``, ``length``),
            ``categories``, ``annotations`` (``segmentations`` as polygons, RLE or compressed RLE, ``areas``).
        results (list[dict[str, Any]]): ``[dict(video_id, category_id, score, segmentations=[compressed RLE or None per
            frame])]``.

    Returns:
        The 12 figures ``AP`` (mean over IoU 0.50:0.05:0.95), ``AP50``, ``AP75``, ``APs``, ``APm``, ``APl`` (mean area
        below 128^2, up to 256^2, above), ``AR1``, ``AR10``, ``AR100`` (that many results per video and category),
        ``ARs``, ``ARm``, ``ARl``, each in [0, 1], -1 where there is nothing to find; ``per_category``:
        ``{name: AP}``; and the arrays ``precision`` ``(T, R, K, A, M)``, ``recall`` ``(T, K, A, M)``, ``scores`` (T IoU
        thresholds, R recall points, K categories, A area ranges, M limits of results) and ``ious``:
        ``{(video, category): (results by score, annotations)}``.

    Raises:
        InputError: results that the benchmark could not score as they are meant, see :func:`youtube_vis_problems`.
    """
    from mmdet.evaluation.functional import YTVIS, YTVISeval  # here: the rest of this package needs numpy only

    for problem in youtube_vis_problems(gt, results):
        raise InputError(problem)
    if not gt.get('annotations'):
        raise InputError('the annotation file has no annotations; results on such a split can only be submitted.')
    with contextlib.redirect_stdout(io.StringIO()):
        # the official code takes an annotation with the id 0 for none
        annotations = [dict(record, id=i) for i, record in enumerate(_copies(gt['annotations']), 1)]
        truth = YTVIS(dict(gt, annotations=annotations))
        found = truth.loadRes(_copies(results, drop=('bboxes', 'areas'))) if results else YTVIS(dict(gt, annotations=[]))
        evaluation = YTVISeval(truth, found, 'segm')
        evaluation.params.vidIds = truth.getVidIds()
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval['precision']
    names = {category['id']: category['name'] for category in gt['categories']}
    repeated = {name for name, count in Counter(names.values()).items() if count > 1}
    per_category = {}
    for k, category_id in enumerate(evaluation.params.catIds):
        values = precision[:, :, k, 0, -1]
        name = names[category_id]
        key = f'{name} ({category_id})' if name in repeated else name
        per_category[key] = float(values[values > -1].mean()) if (values > -1).any() else -1.0
    return dict(
        zip(STATS, map(float, evaluation.stats), strict=True),
        per_category=per_category,
        precision=precision,
        recall=evaluation.eval['recall'],
        scores=evaluation.eval['scores'],
        ious=evaluation.ious,
    )


def _copies(records: Sequence[dict], drop: Sequence[str] = ()) -> list[dict]:
    """The official code writes into records and into their lists of masks."""
    return [
        {key: list(value) if key == 'segmentations' else value for key, value in record.items() if key not in drop}
        for record in records
    ]
