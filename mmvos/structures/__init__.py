from .errors import InputError
from .instance_slots import InstanceSlots, shuffle_slots
from .label_map import (
    DAVIS_PALETTE,
    MAX_OBJECT_ID,
    VOID,
    CompressedLabelMap,
    atomic_path,
    compress,
    davis_palette,
    decompress,
    object_ids_of,
    one_hot,
    read_label_map,
    read_palette,
    voc_palette,
    write_label_map,
)
from .settings import settings_from
from .vos_data_sample import VOSDataSample
from .youtube_vis import InstanceTracks, load_youtube_vis

__all__ = [
    'CompressedLabelMap',
    'DAVIS_PALETTE',
    'InputError',
    'InstanceSlots',
    'InstanceTracks',
    'MAX_OBJECT_ID',
    'VOID',
    'VOSDataSample',
    'atomic_path',
    'compress',
    'davis_palette',
    'decompress',
    'load_youtube_vis',
    'object_ids_of',
    'one_hot',
    'read_label_map',
    'read_palette',
    'settings_from',
    'shuffle_slots',
    'voc_palette',
    'write_label_map',
]
