"""Annotations of LabelMe, X-AnyLabeling or CVAT to an annotation file of YouTube-VIS.

    python tools/dataset_converters/labelme_cvat_to_ytvis.py FRAMES ANNOTATIONS OUT.json

FRAMES/<video>/<frame>.jpg are the videos. ANNOTATIONS holds, for each video, one of

- ``<video>/<frame>.json``: LabelMe or X-AnyLabeling, one file per frame. An object is a label with a ``group_id``; several
  shapes with the same two are parts of one object. A label without ``group_id`` is one object per video.
- ``<video>.xml``: "CVAT for video 1.1": a track is an object; ``outside="1"`` means that it is not seen.
- ``<video>.xml``: "CVAT for images 1.1": as LabelMe, with ``group_id`` in the shape.

Polygons, rectangles / boxes, ellipses / circles and masks are read, turned ones as they are turned; what reaches beyond
the frame is cut off at its edge. The ids of the categories are those of ``--classes``, else the labels in alphabetical order,
from 1.
"""

import argparse
import base64
import glob
import os.path as osp
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pycocotools.mask as rle

from mmvos.datasets import drawn_shapes
from mmvos.datasets.youtube_vis_writer import YouTubeVISWriter, list_videos
from mmvos.structures import InputError, read_bytes, read_json
from mmvos.structures.label_map import open_image
from mmvos.structures.youtube_vis import load_youtube_vis
from mmvos.utils import command_line
from mmvos.videos import image_size
from mmvos.videos.layouts import frames_of

#: an object of a video: its label and what tells it from others of the label
ObjectKey = tuple[str, Any]
#: ``{object: {frame: [run-length codes of its parts]}}``
Objects = dict[ObjectKey, dict[int, list[dict]]]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='LabelMe or CVAT annotations to an annotation file of YouTube-VIS.')
    parser.add_argument('frames', help='folder with a sub-folder of frames per video')
    parser.add_argument('annotations', help='folder with <video>/<frame>.json or <video>.xml')
    parser.add_argument('out', help='annotation file to write (.json)')
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='categories in the order of their ids')
    return parser.parse_args()


def read_labelme(folder: str, positions: dict[str, int], size: tuple[int, int]) -> Objects:
    """The objects of a video from LabelMe's files."""
    objects: Objects = {}
    for path in sorted(glob.glob(osp.join(glob.escape(folder), '*.json'))):
        index = frame_index(path, osp.splitext(osp.basename(path))[0], positions)
        data = read_json(path, 'a file of LabelMe')
        if not isinstance(data, dict) or not isinstance(data.get('shapes'), list):
            raise InputError(f'{path}: not a file of LabelMe; expected a JSON object with a list of "shapes".')
        check_size(path, (data.get('imageHeight') or size[0], data.get('imageWidth') or size[1]), size)
        ungrouped: set[str] = set()
        for number, shape in enumerate(data['shapes']):
            if not isinstance(shape, dict) or not isinstance(shape.get('label'), str) or 'points' not in shape:
                raise InputError(f'{path}, shape {number}: expected a JSON object with "label" and "points".')
            key = object_key(shape['label'], shape.get('group_id'), ungrouped, path)
            add(objects, key, index, labelme_code(shape, size, f'{path}, shape {shape["label"]!r}'))
    return objects


def labelme_code(shape: dict, size: tuple[int, int], where: str) -> dict:
    """One shape of LabelMe as a run-length code."""
    kind = shape.get('shape_type') or 'polygon'
    points = drawn_shapes.checked_points(shape['points'], size, where)
    if kind in ('polygon', 'rotation'):  # a turned rectangle of X-AnyLabeling is given by its corners
        return drawn_shapes.polygon(points, size, where)
    if kind == 'rectangle' and len(points) in (2, 4):  # X-AnyLabeling stores all four corners
        return drawn_shapes.rectangle([*points.min(0), *points.max(0)], size, where)
    if kind == 'circle' and len(points) == 2:
        radius = float(np.hypot(*(points[1] - points[0])))
        return drawn_shapes.ellipse(points[0], (radius, radius), size, where)
    if kind == 'mask' and len(points) == 2:
        left, top = points.min(0).astype(int).tolist()
        box = (points.max(0) - points.min(0)).astype(int) + 1  # the corners are inside
        mask = read_bitmap(shape.get('mask'), where)
        if mask.shape != tuple(box[::-1]):
            raise InputError(f'{where}: the mask is {mask.shape[1]}x{mask.shape[0]}, its box {box[0]}x{box[1]}.')
        return drawn_shapes.bitmap(mask, left, top, size, where)
    raise InputError(
        f'{where}: a {kind!r} of {len(points)} points is not an area; expected polygon, rectangle, rotation, circle or mask.'
    )


def read_bitmap(text: Any, where: str) -> np.ndarray:
    """A mask that LabelMe keeps as a PNG file in base64: bool ``(h, w)``."""
    try:
        with open_image(base64.b64decode(text, validate=True), where) as image:
            return np.asarray(image.convert('L')) > 0
    except (TypeError, ValueError, OSError, SyntaxError) as error:
        raise InputError(f'{where}: its mask is not a picture in base64 ({error}).') from error


def read_cvat(path: str, positions: dict[str, int], count: int, size: tuple[int, int]) -> Objects:
    """The objects of a video from CVAT's XML, either form."""
    try:
        root = ElementTree.fromstring(read_bytes(path, 'an XML file of CVAT'))
    except (ElementTree.ParseError, LookupError) as error:  # LookupError: an encoding that there is not
        raise InputError(f'{path}: broken XML ({error}).') from error
    if root.tag != 'annotations':
        raise InputError(f'{path}: expected "CVAT for video" or "CVAT for images" (root <annotations>), found <{root.tag}>.')
    stated = root.find('.//original_size')
    if stated is not None:
        check_size(path, (whole(stated.findtext('height'), path), whole(stated.findtext('width'), path)), size)
    objects: Objects = {}
    for track in root.findall('track'):
        where = f'{path}, track {track.get("id")}'
        for shape in track:
            if shape.tag == 'attribute' or shape.get('outside') == '1':
                continue
            index = whole(shape.get('frame'), f'{where}: frame')
            if not 0 <= index < count:
                raise InputError(f'{where} has frame {index}, but the video has {count} frames.')
            add(objects, (label_of(track, where), track.get('id')), index, cvat_code(shape, size, where))
    for image in root.findall('image'):
        where = f'{path}, image {image.get("name")}'
        index = frame_index(path, osp.splitext(osp.basename(image.get('name') or ''))[0], positions)
        check_size(where, (whole(image.get('height'), where), whole(image.get('width'), where)), size)
        ungrouped: set[str] = set()
        for shape in image:
            if shape.tag == 'tag':
                continue
            key = object_key(label_of(shape, where), shape.get('group_id'), ungrouped, where)
            add(objects, key, index, cvat_code(shape, size, where))
    return objects


def cvat_code(shape: ElementTree.Element, size: tuple[int, int], where: str) -> dict:
    """One shape of CVAT as a run-length code."""
    where = f'{where}, <{shape.tag}>'

    def numbers(*names: str) -> list[float]:
        return [number(shape.get(name), f'{where}: {name}') for name in names]

    rotation = number(shape.get('rotation', '0'), f'{where}: rotation')
    if shape.tag == 'polygon':
        return drawn_shapes.polygon([p.split(',') for p in (shape.get('points') or '').split(';')], size, where)
    if shape.tag == 'box':
        return drawn_shapes.rectangle(numbers('xtl', 'ytl', 'xbr', 'ybr'), size, where, rotation)
    if shape.tag == 'ellipse':
        return drawn_shapes.ellipse(numbers('cx', 'cy'), numbers('rx', 'ry'), size, where, rotation)
    if shape.tag == 'mask':
        left, top, width, height = (int(value) for value in numbers('left', 'top', 'width', 'height'))
        runs = [whole(run, f'{where}: rle') for run in (shape.get('rle') or '').split(',')]
        if min(width, height) < 1 or max(width, height) > drawn_shapes.REACH * max(size) or min(runs) < 0:
            raise InputError(f'{where}: a mask of {width}x{height} pixels in a frame of {size[1]}x{size[0]}.')
        if sum(runs) != width * height:
            raise InputError(f'{where}: the runs of a mask add up to {sum(runs)}, its box has {width * height} pixels.')
        values = np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8).reshape(height, width)
        return drawn_shapes.bitmap(values, left, top, size, where)
    raise InputError(f'{where} is not an area; expected polygon, box, ellipse or mask.')


def object_key(label: str, group: Any, ungrouped: set[str], where: str) -> ObjectKey:
    """What tells an object of a frame from others; ``ungrouped`` collects the labels that have no group."""
    if not isinstance(group, (int, str, type(None))):
        raise InputError(f'{where}: group_id is {group!r}; expected a number.')
    if group is None and label in ungrouped:
        raise InputError(
            f'{where}: two shapes {label!r} without group_id. Give each object one, and the parts of an object the same.'
        )
    if group is None:
        ungrouped.add(label)
    return label, group


def label_of(element: ElementTree.Element, where: str) -> str:
    """The label of a track or shape of CVAT."""
    label = element.get('label')
    if not label:
        raise InputError(f'{where}: <{element.tag}> has no label.')
    return label


def number(text: str | None, where: str) -> float:
    """An attribute of CVAT as a finite number."""
    try:
        value = float(text or '')
    except ValueError as error:
        raise InputError(f'{where}: {text!r} is not a number.') from error
    if not np.isfinite(value):
        raise InputError(f'{where}: {text!r} is not a number.')
    return value


def whole(text: str | None, where: str) -> int:
    """An attribute of CVAT as a whole number."""
    value = number(text, where)
    if value != int(value):
        raise InputError(f'{where}: {text!r} is not a whole number.')
    return int(value)


def add(objects: Objects, key: ObjectKey, index: int, code: dict) -> None:
    """Note a part of an object."""
    objects.setdefault(key, {}).setdefault(index, []).append(code)


def frame_index(path: str, stem: str, positions: dict[str, int]) -> int:
    """Position of the frame that an annotation is for."""
    if stem not in positions:
        raise InputError(f'{path}: annotates frame {stem!r}, which the video does not have.')
    return positions[stem]


def check_size(where: str, stated: tuple[int, int], size: tuple[int, int]) -> None:
    """Stop if the annotation was made for frames of another size."""
    if tuple(stated) != tuple(size):
        raise InputError(
            f'{where}: made for frames of {stated[1]}x{stated[0]}, but they are {size[1]}x{size[0]} (width x height).'
        )


def read_video(annotations: str, video: str, frames: list[str], size: tuple[int, int]) -> Objects | None:
    """The objects of a video, or None if it has no annotations."""
    positions = {osp.splitext(osp.basename(frame))[0]: i for i, frame in enumerate(frames)}
    xml, folder = osp.join(annotations, f'{video}.xml'), osp.join(annotations, video)
    if osp.isfile(xml):
        return read_cvat(xml, positions, len(frames), size)
    if osp.isdir(folder):
        return read_labelme(folder, positions, size)
    return None


@command_line
def main() -> None:
    args = parse_args()
    found = {}
    for video in list_videos(args.frames):
        frames = frames_of(osp.join(args.frames, video), video)
        size = image_size(frames[0])
        objects = read_video(args.annotations, video, frames, size)
        if objects is None:
            print(f'{video}: no annotations, left out')
        else:
            found[video] = frames, size, objects
    if not found:
        raise SystemExit(f'{args.annotations}: no <video>/<frame>.json or <video>.xml for the videos of {args.frames}.')
    classes = args.classes or sorted({label for _, _, objects in found.values() for label, _ in objects})
    writer = YouTubeVISWriter(classes, f'made from {osp.basename(osp.normpath(args.annotations))}')
    for video, (frames, size, objects) in found.items():
        tracks = [(label, {index: rle.merge(parts) for index, parts in masks.items()}) for (label, _), masks in objects.items()]
        for label, masks in tracks:
            nothing = [osp.basename(frames[index]) for index, mask in masks.items() if not rle.area(mask)]
            if nothing:
                print(f'{video}: left out {label!r} in {", ".join(nothing)}: its outline covers no pixel of the frame')
        writer.add_tracks([f'{video}/{osp.basename(frame)}' for frame in frames], size, tracks, video)
    writer.save(args.out)
    written = load_youtube_vis(args.out)
    print(
        f'{args.out}: {len(written["videos"])} videos, {len(written["annotations"])} instances, '
        f'{len(written["categories"])} categories'
    )


if __name__ == '__main__':
    main()
