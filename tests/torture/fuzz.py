"""Damaged files of every kind at every door: the answer is a result or an ``InputError``, at once."""

import base64
import io
import json
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from bad_files import encoded, make_zip

from mmvos.datasets.transforms.clip import read_flow
from mmvos.datasets.transforms.flow import write_flow
from mmvos.evaluation.functional.youtube_vis import youtube_vis_ap, youtube_vis_problems
from mmvos.evaluation.protocols import MASK_PROTOCOLS, validate_submission
from mmvos.imports.cvat import read_cvat
from mmvos.imports.labelme import read_labelme
from mmvos.interaction import Project
from mmvos.structures import Box, BoxTracks, Click, InputError, Prompt, encode_mask, read_json, read_label_map, write_label_map
from mmvos.structures.run_length import decode_mask, run_length_problem
from mmvos.structures.youtube_vis import load_youtube_vis
from mmvos.utils.checkpoint import read_checkpoint, read_foreign_checkpoint
from mmvos.videos import read_frame
from mmvos.videos.layouts import read_meta

from .fuzzer import Door, Fuzzer


def run(count: int, folder: Path, seed: int = 0) -> Fuzzer:
    """Open ``count`` damaged files, all kinds alike."""
    fuzzer = Fuzzer(folder, seed)
    kinds = [_results, _annotations, _meta, _box_tracks, _labelme, _prompt_files, _projects]
    kinds += [_label_maps, _frames, _codes, _archives, _checkpoints, _flow]
    for number, kind in enumerate(kinds):
        kind(fuzzer, count // len(kinds) + (number < count % len(kinds)))
    return fuzzer


def _ground_truth() -> tuple[dict, list]:
    masks = np.zeros((2, 3, 24, 32), np.uint8)
    masks[0, :, 4:12, 5:15], masks[1, :, 10:20, 16:30] = 1, 1
    codes = [[encode_mask(m) for m in masks[k]] for k in range(2)]
    gt = dict(
        categories=[dict(id=1, name='a'), dict(id=2, name='b')],
        videos=[dict(id=1, width=32, height=24, length=3, file_names=[f'v/{i:05d}.jpg' for i in range(3)])],
        annotations=[
            dict(
                id=k + 1,
                video_id=1,
                category_id=k + 1,
                iscrowd=0,
                segmentations=codes[k],
                areas=[80] * 3,
                bboxes=[[5, 4, 9, 9]] * 3,
            )
            for k in range(2)
        ],
    )
    results = [dict(video_id=1, category_id=k + 1, score=0.9, segmentations=codes[k]) for k in range(2)]
    return gt, results


def _json_files(fuzzer: Fuzzer, count: int, kind: str, good: object, door: Door) -> None:
    path, text = fuzzer.folder / f'{kind}.json', json.dumps(good).encode()
    for number in range(count):
        if number % 4:
            value = good
            for _ in range(int(fuzzer.rng.integers(1, 3))):
                value = fuzzer.json_of(value)
            path.write_text(json.dumps(value))
        else:
            path.write_bytes(fuzzer.bytes_of(text))
        fuzzer.open(kind, path, door)


def _results(fuzzer: Fuzzer, count: int) -> None:
    gt, results = _ground_truth()
    annotations = fuzzer.folder / 'valid.json'
    annotations.write_text(json.dumps(gt))

    def door(path: Path) -> None:
        read = read_json(path, 'results')
        truth = load_youtube_vis(annotations)
        if not list(youtube_vis_problems(truth, read)):
            youtube_vis_ap(truth, read)

    _json_files(fuzzer, count, 'results', results, door)


def _annotations(fuzzer: Fuzzer, count: int) -> None:
    gt, results = _ground_truth()
    results[0]['score'] = 0.8

    def door(path: Path) -> None:
        truth = load_youtube_vis(path)
        if not list(youtube_vis_problems(truth, results)):
            youtube_vis_ap(truth, results)

    _json_files(fuzzer, count, 'annotations', gt, door)


def _meta(fuzzer: Fuzzer, count: int) -> None:
    objects = {'1': dict(category='cat', frames=['00000', '00005']), '2': dict(category='yak', frames=['00005'])}
    _json_files(fuzzer, count, 'meta', dict(videos={'a': dict(objects=objects), 'b': dict(objects=objects)}), read_meta)


def _box_tracks(fuzzer: Fuzzer, count: int) -> None:
    tracks = BoxTracks((24, 32), [f'{i:05d}' for i in range(3)], tracker=dict(type='GroundTruth'))
    for frame in range(3):
        tracks.add(1, f'{frame:05d}', (1, 2, 10, 12), 0.5, True)
    path = fuzzer.folder / 'tracks.json'
    tracks.save(path)
    _json_files(fuzzer, count, 'box tracks', json.loads(path.read_text()), BoxTracks.load)


def _annotation_files(
    fuzzer: Fuzzer, count: int, kind: str, of_json: tuple[Path, str], of_xml: tuple[Path, bytes], door: Door
) -> None:
    """Damaged files of LabelMe (values, then bytes) and of CVAT in turn; each pair is where it lies and what is good there."""
    for number in range(count):
        path, good = of_json if number % 3 else of_xml
        if number % 3 == 1:
            path.write_text(json.dumps(fuzzer.json_of(json.loads(good))))
        else:
            path.write_bytes(fuzzer.bytes_of(good.encode() if isinstance(good, str) else good))
        fuzzer.open(kind, path, door)


def _labelme(fuzzer: Fuzzer, count: int) -> None:
    from .tools import load

    converter = load('tools/dataset_converters/labelme_cvat_to_ytvis.py')
    bitmap = base64.b64encode(encoded(np.full((6, 8), 255, np.uint8))).decode()
    shapes = [
        dict(label='a', shape_type='polygon', points=[[1, 1], [9, 1], [9, 9]], group_id=None),
        dict(label='b', shape_type='rectangle', points=[[2, 2], [8, 8]], group_id=1),
        dict(label='c', shape_type='circle', points=[[9, 9], [12, 12]]),
        dict(label='d', shape_type='mask', points=[[3, 3], [10, 8]], mask=bitmap),
    ]
    folder = fuzzer.folder / 'labelme'
    folder.mkdir(exist_ok=True)
    good = json.dumps(dict(shapes=shapes, imageHeight=24, imageWidth=32))
    xml = (
        b'<annotations><track id="0" label="a"><box frame="0" outside="0" occluded="0" keyframe="1" xtl="1" ytl="2" xbr="9" '
        b'ybr="12" rotation="30" z_order="0"/><polygon frame="1" outside="0" keyframe="1" points="1,1;9,1;9,9" z_order="0"/>'
        b'<mask frame="2" outside="0" keyframe="1" rle="2, 4, 2" left="1" top="1" width="4" height="2" z_order="0"/></track>'
        b'</annotations>'
    )

    def door(path: Path) -> None:
        if path.suffix == '.xml':
            converter.read_cvat(str(path), {f'{i:05d}': i for i in range(3)}, 3, (24, 32))
        else:
            converter.read_labelme(str(folder), {'00000': 0}, (24, 32))

    _annotation_files(fuzzer, count, 'labelme, cvat', (folder / '00000.json', good), (folder / 'video.xml', xml), door)


def _prompt_files(fuzzer: Fuzzer, count: int) -> None:
    bitmap = base64.b64encode(encoded(np.full((6, 8), 255, np.uint8))).decode()
    shapes = [
        dict(label='a', shape_type='polygon', points=[[1, 1], [9, 1], [9, 9]], group_id=1),
        dict(label='b', shape_type='rectangle', points=[[2, 2], [8, 8]], group_id=2),
        dict(label='c', shape_type='circle', points=[[9, 9], [12, 12]]),
        dict(label='d', shape_type='mask', points=[[3, 3], [10, 8]], mask=bitmap),
        dict(label='e', shape_type='point', points=[[3, 3]]),
        dict(label='f', shape_type='linestrip', points=[[3, 3], [10, 8]]),
    ]
    xml = (
        b'<annotations><track id="0" label="a"><box frame="0" outside="0" xtl="1" ytl="2" xbr="9" ybr="12" z_order="0"/>'
        b'<mask frame="2" outside="0" rle="2, 4, 2" left="1" top="1" width="4" height="2" z_order="0"/></track>'
        b'<image id="1" name="00001.jpg"><polygon label="b" points="1,1;9,1;9,9" group_id="3" z_order="1"/>'
        b'<points label="c" points="3,4"/><polyline label="d" points="3,4;9,9"/></image></annotations>'
    )

    def door(path: Path) -> None:
        is_xml = path.suffix == '.xml'
        found = read_cvat(path, [f'{i:05d}' for i in range(3)]) if is_xml else read_labelme({0: path}, str(path))
        for index in found.frames:
            for prompt in found.prompts(index, (24, 32)):
                prompt.check_inside((24, 32))

    good = json.dumps(dict(shapes=shapes))
    places = fuzzer.folder / 'prompt.json', fuzzer.folder / 'prompt.xml'
    _annotation_files(fuzzer, count, 'prompts of cvat, labelme', (places[0], good), (places[1], xml), door)


def _projects(fuzzer: Fuzzer, count: int) -> None:
    frames = fuzzer.folder / 'video'
    frames.mkdir()
    for index in range(2):
        (frames / f'{index}.png').write_bytes(encoded(np.zeros((24, 32, 3), np.uint8)))
    project = Project.create(fuzzer.folder / 'project', frames)
    object_id = project.add_object().id
    project.set_prompt(0, Prompt(object_id, [Click(3, 4)], Box(1, 1, 9, 9)), np.zeros((24, 32), np.uint8))
    path = project.folder / 'project.json'
    good = json.loads(path.read_text())
    for _ in range(count):
        path.write_text(json.dumps(fuzzer.json_of(good)))
        fuzzer.open('projects', path, lambda found: Project(found.parent))


def _label_maps(fuzzer: Fuzzer, count: int) -> None:
    label_map = np.zeros((24, 32), np.uint8)
    label_map[4:12, 5:15], label_map[14:20, 16:30] = 1, 2
    path = fuzzer.folder / 'mask.png'
    write_label_map(path, label_map)
    good = [path.read_bytes(), encoded(label_map), encoded(label_map * 100, 'BMP'), encoded(label_map, 'TIFF')]
    for number in range(count):
        path.write_bytes(fuzzer.bytes_of(good[number % len(good)]))
        fuzzer.open('label maps', path, lambda p: read_label_map(p, (24, 32)))


def _frames(fuzzer: Fuzzer, count: int) -> None:
    image = fuzzer.rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
    good = {fmt: encoded(image, fmt.upper()) for fmt in ('jpeg', 'png', 'webp', 'tiff', 'bmp', 'ppm')}
    for number in range(count):
        fmt = list(good)[number % len(good)]
        path = fuzzer.folder / f'frame.{fmt}'
        path.write_bytes(fuzzer.bytes_of(good[fmt]))
        fuzzer.open('frames', path, read_frame)


def _codes(fuzzer: Fuzzer, count: int) -> None:
    """Run-length codes; whatever is called sound is decoded."""
    mask = (fuzzer.rng.random((24, 32)) < 0.3).astype(np.uint8)
    good = encode_mask(mask)

    def door(code: object) -> None:
        if run_length_problem(code) is None:
            decode_mask(code)
        else:
            try:
                decode_mask(code)
            except InputError:
                return
            raise AssertionError(f'called broken, and decoded: {code}')

    counts = good['counts']
    text = counts if isinstance(counts, bytes) else counts.encode()
    for number in range(count):
        size = [24, 32] if number % 3 else [int(v) for v in fuzzer.rng.integers(-1, 40, 2)]
        code: object = dict(size=size, counts=fuzzer.bytes_of(text).decode('latin-1'))
        fuzzer.open('run-length codes', code if number % 5 else fuzzer.json_of(dict(code, counts='x')), door)


def _archives(fuzzer: Fuzzer, count: int) -> None:
    root = fuzzer.folder / 'davis'
    (root / 'ImageSets/2017').mkdir(parents=True, exist_ok=True)
    (root / 'ImageSets/2017/val.txt').write_text('a\n')
    label_map = np.zeros((24, 32), np.uint8)
    label_map[4:12, 5:15] = 1
    entries = {}
    for frame in range(3):
        name = f'a/{frame:05d}.png'
        (root / 'JPEGImages/480p/a').mkdir(parents=True, exist_ok=True)
        (root / f'JPEGImages/480p/a/{frame:05d}.jpg').write_bytes(encoded(np.zeros((24, 32, 3), np.uint8), 'JPEG'))
        write_label_map(root / 'Annotations/480p' / name, label_map)
        entries[name] = (root / 'Annotations/480p' / name).read_bytes()
    path = fuzzer.folder / 's.zip'
    good = [make_zip(path, entries, compression).read_bytes() for compression in (0, 8)]

    def door(archive: Path) -> None:
        if not list(validate_submission('davis2017-semi', archive, root)):
            MASK_PROTOCOLS['davis2017-semi'].evaluate(root, archive, num_workers=1)

    for number in range(count):
        path.write_bytes(fuzzer.bytes_of(good[number % 2]))
        fuzzer.open('archives', path, door)


def _checkpoints(fuzzer: Fuzzer, count: int) -> None:
    content = dict(state_dict={'a.weight': torch.randn(4, 3), 'a.bias': torch.zeros(4)}, meta=dict(iter=3, epoch=1))
    good = []
    for protocol, new in ((2, True), (2, False), (4, True)):
        file = io.BytesIO()
        torch.save(content, file, pickle_protocol=protocol, _use_new_zipfile_serialization=new)
        good.append(file.getvalue())
    path = fuzzer.folder / 'w.pth'
    for number in range(count):
        path.write_bytes(fuzzer.bytes_of(good[number % 3]))
        fuzzer.open('checkpoints', path, read_foreign_checkpoint if number % 2 else read_checkpoint)


def _flow(fuzzer: Fuzzer, count: int) -> None:
    flow = fuzzer.rng.normal(size=(24, 32, 2)).astype(np.float32)
    good = {}
    for suffix in ('.npy', '.flo', '.npz'):
        path = fuzzer.folder / f'flow{suffix}'
        if suffix == '.npz':
            np.savez_compressed(path, flow)
        else:
            write_flow(path, flow)
        good[suffix] = path.read_bytes()
    for number in range(count):
        suffix = list(good)[number % len(good)]
        path = fuzzer.folder / f'flow{suffix}'
        path.write_bytes(fuzzer.bytes_of(good[suffix]))
        fuzzer.open('flow', path, lambda p: read_flow(str(p)))


def report(count: int, seed: int = 0) -> tuple[list[str], bool]:
    """Lines about ``count`` files, and whether all is well."""
    with tempfile.TemporaryDirectory(prefix='mmvos-fuzz-') as folder:
        fuzzer = run(count, Path(folder), seed)
    lines = ['| files | opened | refused | faults |', '| --- | --- | --- | --- |']
    for kind, tried in fuzzer.tried.items():
        faults = sum(fault.startswith(f'{kind}: ') for fault in fuzzer.faults)
        lines.append(f'| {kind} | {tried} | {fuzzer.refused[kind]} | {faults} |')
    lines += [f'| all | {fuzzer.tried.total()} | {fuzzer.refused.total()} | {len(fuzzer.faults)} |', '']
    lines += [f'- {text} ({number} times)' for text, number in Counter(fuzzer.faults).most_common(40)]
    return lines, not fuzzer.faults
