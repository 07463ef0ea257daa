"""Average precision of YouTube-VIS: COCO's, with the IoU of whole mask sequences."""

import contextlib
import io
import math
import numbers
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

STATS = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl')


def youtube_vis_problems(gt: dict[str, Any], results: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What is wrong with results in the submission format, one sentence each (nothing: they can be scored).

    Args:
        gt: annotation file of YouTube-VIS as a dict: at least ``videos`` and ``categories``.
        results: ``[dict(video_id, category_id, score, segmentations=[RLE or None per frame])]``.
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
            continue
        video = videos.get(result['video_id'])
        if video is None:
            yield f'result {i}: video_id {result["video_id"]!r} is not in the annotation file.'
            continue
        name = f'result {i} (video {result["video_id"]})'
        if result['category_id'] not in categories:
            yield f'{name}: category_id {result["category_id"]!r} is not in the annotation file (ids start at 1).'
        score = result['score']
        if isinstance(score, bool) or not isinstance(score, numbers.Real) or not math.isfinite(score):
            yield f'{name}: score {score!r} is not a finite number.'
        segmentations = result['segmentations']
        if not isinstance(segmentations, list):
            yield f'{name}: segmentations is not a list.'
            continue
        length = video.get('length', len(segmentations))
        if len(segmentations) != length:
            yield f'{name}: {len(segmentations)} segmentations, the video has {length} frames.'
        size = [video['height'], video['width']]
        for frame, rle in enumerate(segmentations):
            if rle is None:
                continue
            if not isinstance(rle, dict) or not isinstance(rle.get('counts'), (str, bytes)) or 'size' not in rle:
                yield f'{name}, frame {frame}: expected null or a compressed RLE {{"size": [h, w], "counts": str}}.'
            elif list(rle['size']) != size:
                yield f'{name}, frame {frame}: RLE of size {list(rle["size"])}, the video is {size} (height, width).'
            else:
                continue
            break  # one frame tells enough about a result


def youtube_vis_ap(gt: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    """AP and AR of YouTube-VIS, equal to the official evaluation code.

    The evaluation itself is mmdet's copy of the official one. Around it: bad results are named instead of silently cut
    short, an empty list scores instead of crashing, the arguments stay unchanged, and nothing is printed.

    Args:
        gt: annotation file of YouTube-VIS as a dict: ``videos`` (``id``, ``height``, ``width``, ``length``),
            ``categories``, ``annotations`` (``segmentations`` as polygons, RLE or compressed RLE, ``areas``).
        results: ``[dict(video_id, category_id, score, segmentations=[compressed RLE or None per frame])]``.

    Returns:
        The 12 figures ``AP`` (mean over IoU 0.50:0.05:0.95), ``AP50``, ``AP75``, ``APs``, ``APm``, ``APl`` (mean area
        below 128^2, up to 256^2, above), ``AR1``, ``AR10``, ``AR100`` (that many results per video and category),
        ``ARs``, ``ARm``, ``ARl``, each in [0, 1], -1 where there is nothing to find; ``per_category``:
        ``{name: AP}``; and the arrays ``precision`` ``(T, R, K, A, M)``, ``recall`` ``(T, K, A, M)``, ``scores`` (T IoU
        thresholds, R recall points, K categories, A area ranges, M limits of results) and ``ious``:
        ``{(video, category): (results by score, annotations)}``.

    Raises:
        ValueError: results that the benchmark could not score as they are meant, see :func:`youtube_vis_problems`.
    """
    from mmdet.evaluation.functional import YTVIS, YTVISeval  # here: the rest of this package needs numpy only

    for problem in youtube_vis_problems(gt, results):
        raise ValueError(problem)
    if not gt.get('annotations'):
        raise ValueError('the annotation file has no annotations; results on such a split can only be submitted.')
    with contextlib.redirect_stdout(io.StringIO()):
        truth = YTVIS(dict(gt, annotations=_copies(gt['annotations'])))
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
        zip(STATS, map(float, evaluation.stats)),
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
