"""Annotations of LabelMe or CVAT to an annotation file of YouTube-VIS.

    python tools/dataset_converters/labelme_cvat_to_ytvis.py FRAMES ANNOTATIONS OUT.json

FRAMES/<video>/<frame>.jpg are the videos. ANNOTATIONS holds, for each video, one of

- ``<video>/<frame>.json``: LabelMe, one file per frame. An object is a label with a ``group_id``; several shapes with
  the same two are parts of one object. A label without ``group_id`` is one object per video.
- ``<video>.xml``: "CVAT for video 1.1": a track is an object; ``outside="1"`` means that it is not seen.
- ``<video>.xml``: "CVAT for images 1.1": as LabelMe, with ``group_id`` in the shape.

Polygons, rectangles / boxes, ellipses / circles and CVAT's masks are read. The ids of the categories are those of
``--classes``, else the labels in alphabetical order, from 1.
"""

import argparse
import glob
import os.path as osp
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pycocotools.mask as rle

from mmvos.datasets.youtube_vis_writer import YouTubeVISWriter, list_videos
from mmvos.structures import read_json
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


def polygon_code(points: np.ndarray, size: tuple[int, int], where: str) -> dict:
    """A polygon ``(n, 2)`` of (x, y) as a run-length code."""
    if len(points) < 3:
        raise ValueError(f'{where}: a polygon with {len(points)} points; expected at least 3.')
    return rle.merge(rle.frPyObjects([points.astype(float).ravel().tolist()], *size))


def box_code(x1: float, y1: float, x2: float, y2: float, size: tuple[int, int], where: str) -> dict:
    """A rectangle as a run-length code."""
    return polygon_code(np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]), size, where)


def ellipse_code(cx: float, cy: float, rx: float, ry: float, size: tuple[int, int], where: str) -> dict:
    """An ellipse as a run-length code."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    return polygon_code(np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], -1), size, where)


def read_labelme(folder: str, positions: dict[str, int], size: tuple[int, int]) -> Objects:
    """The objects of a video from LabelMe's files."""
    objects: Objects = {}
    for path in sorted(glob.glob(osp.join(glob.escape(folder), '*.json'))):
        index = frame_index(path, osp.splitext(osp.basename(path))[0], positions)
        try:
            data = read_json(path, 'a file of LabelMe')
            shapes = data['shapes']
            stated = data.get('imageHeight') or size[0], data.get('imageWidth') or size[1]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f'{path}: not a file of LabelMe ({error!r}).') from None
        check_size(path, stated, size)
        ungrouped = set()
        for shape in shapes:
            label, group = shape['label'], shape.get('group_id')
            if group is None and label in ungrouped:
                raise ValueError(
                    f'{path}: two shapes {label!r} without group_id. Give each object a group_id (the '
                    'parts of one object the same one).'
                )
            if group is None:
                ungrouped.add(label)
            add(objects, (label, group), index, labelme_code(shape, size, path))
    return objects


def labelme_code(shape: dict, size: tuple[int, int], path: str) -> dict:
    """One shape of LabelMe as a run-length code."""
    kind, points = shape.get('shape_type') or 'polygon', np.asarray(shape['points'], float).reshape(-1, 2)
    where = f'{path}, shape {shape["label"]!r}'
    if kind == 'polygon':
        return polygon_code(points, size, where)
    if kind == 'rectangle' and len(points) == 2:
        return box_code(*points.min(0), *points.max(0), size, where)
    if kind == 'circle' and len(points) == 2:
        radius = float(np.hypot(*(points[1] - points[0])))
        return ellipse_code(*points[0], radius, radius, size, where)
    raise ValueError(f'{where}: shapes of type {kind!r} are not areas; expected polygon, rectangle or circle.')


def read_cvat(path: str, positions: dict[str, int], count: int, size: tuple[int, int]) -> Objects:
    """The objects of a video from CVAT's XML, either form."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f'{path}: broken XML ({error}).') from None
    if root.tag != 'annotations':
        raise ValueError(f'{path}: expected "CVAT for video" or "CVAT for images" (root <annotations>), found <{root.tag}>.')
    stated = root.find('.//original_size')
    if stated is not None:
        check_size(path, (int(stated.findtext('height')), int(stated.findtext('width'))), size)
    objects: Objects = {}
    for track in root.findall('track'):
        key = (track.get('label'), track.get('id'))
        for shape in track:
            if shape.tag == 'attribute' or shape.get('outside') == '1':
                continue
            index = int(shape.get('frame'))
            if not 0 <= index < count:
                raise ValueError(f'{path}: track {track.get("id")} has frame {index}, but the video has {count} frames.')
            add(objects, key, index, cvat_code(shape, size, f'{path}, track {track.get("id")}'))
    for image in root.findall('image'):
        index = frame_index(path, osp.splitext(osp.basename(image.get('name')))[0], positions)
        check_size(f'{path}, image {image.get("name")}', (int(image.get('height')), int(image.get('width'))), size)
        ungrouped = set()
        for shape in image:
            if shape.tag == 'tag':
                continue
            label, group = shape.get('label'), shape.get('group_id')
            if group is None and label in ungrouped:
                raise ValueError(
                    f'{path}, image {image.get("name")}: two shapes {label!r} without group_id. Group the '
                    'shapes of an object in CVAT.'
                )
            if group is None:
                ungrouped.add(label)
            add(objects, (label, group), index, cvat_code(shape, size, f'{path}, image {image.get("name")}'))
    return objects


def cvat_code(shape: ElementTree.Element, size: tuple[int, int], where: str) -> dict:
    """One shape of CVAT as a run-length code."""

    def numbers(*names: str) -> list[float]:
        return [float(shape.get(name)) for name in names]

    if shape.tag == 'polygon':
        points = np.array([[float(v) for v in point.split(',')] for point in shape.get('points').split(';')])
        return polygon_code(points, size, where)
    if shape.tag == 'box':
        return box_code(*numbers('xtl', 'ytl', 'xbr', 'ybr'), size, where)
    if shape.tag == 'ellipse':
        return ellipse_code(*numbers('cx', 'cy', 'rx', 'ry'), size, where)
    if shape.tag == 'mask':
        left, top, width, height = (int(v) for v in numbers('left', 'top', 'width', 'height'))
        runs = [int(v) for v in shape.get('rle').split(',')]
        if sum(runs) != width * height:
            raise ValueError(f'{where}: the runs of a mask add up to {sum(runs)}, its box has {width * height} pixels.')
        values = np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8).reshape(height, width)
        mask = np.zeros(size, np.uint8)
        mask[top : top + height, left : left + width] = values[: size[0] - top, : size[1] - left]
        return rle.encode(np.asfortranarray(mask))
    raise ValueError(f'{where}: a <{shape.tag}> is not an area; expected polygon, box, ellipse or mask.')


def add(objects: Objects, key: ObjectKey, index: int, code: dict) -> None:
    """Note a part of an object."""
    objects.setdefault(key, {}).setdefault(index, []).append(code)


def frame_index(path: str, stem: str, positions: dict[str, int]) -> int:
    """Position of the frame that an annotation is for."""
    if stem not in positions:
        raise ValueError(f'{path}: annotates frame {stem!r}, which the video does not have.')
    return positions[stem]


def check_size(where: str, stated: tuple[int, int], size: tuple[int, int]) -> None:
    """Stop if the annotation was made for frames of another size."""
    if tuple(stated) != tuple(size):
        raise ValueError(
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
        writer.add_tracks([f'{video}/{osp.basename(frame)}' for frame in frames], size, tracks, video)
    writer.save(args.out)
    written = load_youtube_vis(args.out)
    print(
        f'{args.out}: {len(written["videos"])} videos, {len(written["annotations"])} instances, '
        f'{len(written["categories"])} categories'
    )


if __name__ == '__main__':
    try:
        main()
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None
