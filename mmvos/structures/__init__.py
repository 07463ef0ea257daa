"""What is passed around: label maps, prompts, boxes, run-length codes, settings, errors, files."""

from .atomic import AllOrNothing, atomic_path, check_output
from .box_tracks import BoxTracks
from .boxes import box_iou, boxes_of_masks, centre_and_size, clip_boxes, draw_boxes, enlarge_boxes, has_area, tight_box
from .errors import InputError, MissingFileError, placed
from .files import (
    PathLike,
    check_name,
    check_unique,
    decode_json,
    frame_order,
    in_frame_order,
    read_bytes,
    read_json,
    read_lines,
    read_text,
)
from .instance_slots import InstanceSlots, shuffle_slots
from .label_map import (
    DAVIS_PALETTE,
    MAX_OBJECT_ID,
    VOID,
    davis_palette,
    object_ids_of,
    one_hot,
    read_label_map,
    read_palette,
    voc_palette,
    write_label_map,
)
from .object_state import PER_OBJECT, join_objects, keep_objects, per_object
from .prompts import Box, Click, Polygon, Prompt, Scribble, prompts_from_text
from .run_length import decode_mask, encode_mask, run_length_problem
from .settings import NoSettings, settings_from
from .stored import Storage, StoredPath, file_names, folder_names, is_file, is_folder, join_all, join_path
from .vos_data_sample import VOSDataSample
from .youtube_vis import InstanceTracks, load_youtube_vis

__all__ = [
    'AllOrNothing',
    'BoxTracks',
    'Box',
    'Click',
    'Polygon',
    'Prompt',
    'Scribble',
    'prompts_from_text',
    'DAVIS_PALETTE',
    'InputError',
    'InstanceSlots',
    'InstanceTracks',
    'MAX_OBJECT_ID',
    'MissingFileError',
    'NoSettings',
    'PER_OBJECT',
    'PathLike',
    'Storage',
    'StoredPath',
    'file_names',
    'folder_names',
    'in_frame_order',
    'is_file',
    'is_folder',
    'join_all',
    'join_path',
    'VOID',
    'VOSDataSample',
    'atomic_path',
    'check_output',
    'box_iou',
    'boxes_of_masks',
    'centre_and_size',
    'check_name',
    'check_unique',
    'clip_boxes',
    'davis_palette',
    'decode_json',
    'decode_mask',
    'draw_boxes',
    'encode_mask',
    'enlarge_boxes',
    'frame_order',
    'has_area',
    'join_objects',
    'keep_objects',
    'load_youtube_vis',
    'object_ids_of',
    'one_hot',
    'placed',
    'per_object',
    'read_bytes',
    'read_json',
    'read_label_map',
    'read_lines',
    'read_palette',
    'read_text',
    'run_length_problem',
    'settings_from',
    'shuffle_slots',
    'tight_box',
    'voc_palette',
    'write_label_map',
]
