"""Data sets that are read through storage backends of mmengine: the same items, and no file of the disk."""

import pickle
import random
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import lmdb
import numpy as np
import pytest
from benchmark_files import write_benchmarks
from mmengine.fileio import BaseStorageBackend, register_backend
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from mmvos.datasets.transforms import LoadBoxTracks, LoadFlow
from mmvos.registry import DATASETS, TASK_UTILS
from mmvos.structures import InputError, MissingFileError, StoredPath, read_bytes
from mmvos.videos import LabelSource, read_frame
from mmvos.videos.packing import pack
from mmvos.videos.storage import stored

READS = Counter()
TRACKER = 'flow_colour'


@register_backend('counting', force=True)
class CountingBackend(BaseStorageBackend):
    """Keys below ``nowhere`` are files of a folder; it cannot list."""

    def __init__(self, folder):
        self.folder = folder

    def get(self, filepath):
        READS[filepath] += 1
        assert filepath.startswith('nowhere/'), filepath
        path = Path(self.folder, filepath[len('nowhere/') :])
        return path.read_bytes() if path.is_file() else None

    def get_text(self, filepath):
        raise NotImplementedError


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """All benchmarks, each with the list of its files."""
    root = tmp_path_factory.mktemp('benchmarks')
    write_benchmarks(root)
    for folder in root.iterdir():
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file())
        (folder / 'files.txt').write_text('\n'.join(files))
    return root


CLIP = [dict(type='SampleClip', clip_len=1), dict(type='LoadClip'), dict(type='PackVOSInputs')]
TRACKS = dict(ann_file='train.json', data_prefix=dict(img_path='train/JPEGImages'))
FRAMES = [
    dict(type='mmdet.UniformRefFrameSample', num_ref_imgs=1, frame_range=1, filter_key_img=True),
    dict(
        type='TransformBroadcaster',
        transforms=[dict(type='LoadFrame'), dict(type='mmdet.LoadTrackAnnotations', with_mask=True)],
    ),
    dict(type='mmdet.PackTrackInputs'),
]
VOC = dict(
    ann_file='ImageSets/Segmentation/train.txt',
    data_prefix=dict(img='JPEGImages/{}.jpg', instance='SegmentationObject/{}.png', cls='SegmentationClass/{}.png'),
    metainfo=dict(classes=('person', 'dog')),
    pipeline=[dict(type='LoadInstanceMap')],
)
#: (folder, data set)
DATA = {
    'davis2017': ('DAVIS', dict(type='DAVIS2017Dataset', pipeline=CLIP)),
    'davis2017_unsup': ('DAVIS', dict(type='DAVIS2017Dataset', task='unsup', pipeline=CLIP)),
    'davis2016': ('DAVIS2016', dict(type='DAVIS2016Dataset', pipeline=CLIP)),
    'youtube_vos': ('YouTubeVOS2018', dict(type='YouTubeVOSDataset', pipeline=CLIP)),
    'youtube_vos_valid': ('YouTubeVOS2018', dict(type='YouTubeVOSDataset', split='valid', test_mode=True, pipeline=[])),
    'folder': ('YouTubeVOS2018/train', dict(type='FolderDataset', pipeline=CLIP)),
    'fbms': ('FBMS', dict(type='FBMSDataset', pipeline=CLIP)),
    'segtrack': ('SegTrackv2', dict(type='SegTrackV2Dataset', pipeline=CLIP)),
    'youtube_objects': ('YouTube-Objects', dict(type='YouTubeObjectsDataset', pipeline=CLIP)),
    'msra10k': ('MSRA10K', dict(type='MSRA10KDataset', pipeline=CLIP)),
    'dut_omron': ('DUT-OMRON', dict(type='DUTOMRONDataset', pipeline=CLIP)),
    'duts': ('DUTS', dict(type='DUTSDataset', pipeline=CLIP)),
    'ecssd': ('ECSSD', dict(type='ECSSDDataset', pipeline=CLIP)),
    'voc': ('VOC2012', dict(type='VOCInstanceDataset', pipeline=CLIP)),
    'instance_maps': ('VOC2012', dict(type='InstanceMapDataset', **VOC)),
    'youtube_vis': ('youtube_vis_2019', dict(type='YouTubeVISDataset', dataset_version='2019', pipeline=FRAMES, **TRACKS)),
    'vis_test': ('youtube_vis_2019', dict(type='YouTubeVISDataset', dataset_version='2019', test_mode=True, **TRACKS)),
}


def arrays_of(value):
    """Everything that a sample holds, as arrays and text, in order."""
    if isinstance(value, dict):
        return [part for key in sorted(value) for part in arrays_of(value[key])]
    if isinstance(value, (list, tuple)):
        return [part for item in value for part in arrays_of(item)]
    if isinstance(value, LabelSource):
        return [value.read()]
    if hasattr(value, 'read') and hasattr(value, 'prompts'):
        return [frame for _, frame in value] + [value.prompt(i, value.read(i).shape[:2]) for i in value.prompts]
    if hasattr(value, 'to_dict'):
        return arrays_of(value.to_dict())
    if hasattr(value, 'masks') or hasattr(value, 'tensor'):  # of mmdet
        return [np.asarray(value.masks if hasattr(value, 'masks') else value.tensor)]
    if isinstance(value, str):
        return [value.rsplit('/', 1)[-1]]  # a path, by its name
    return [np.asarray(value)] if hasattr(value, 'shape') else [str(value)]


def items_of(config):
    init_default_scope('mmvos')
    np.random.seed(0)
    random.seed(0)
    dataset = DATASETS.build(dict(config))
    dataset = pickle.loads(pickle.dumps(dataset))  # as a worker that is spawned has it
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    frames = [frame for info in infos for frame in info.get('frames', ()) if isinstance(frame, str)]
    return frames, arrays_of([dataset[i] for i in range(len(dataset))]) + arrays_of([info.get('frames', 0) for info in infos])


def assert_same(left, right):
    assert len(left) == len(right) > 0
    for one, other in zip(left, right, strict=True):
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other or one.startswith('<')


@pytest.mark.parametrize('name', DATA)
def test_every_data_set_reads_through_its_backend_alone(data, name):
    folder, config = DATA[name]
    _, expected = items_of(dict(config, data_root=str(data / folder)))
    root = folder.split('/')[0]
    READS.clear()
    (data / folder / 'files.txt').exists() or (data / folder / 'files.txt').write_text(
        '\n'.join(str(p.relative_to(data / folder)) for p in (data / folder).rglob('*') if p.is_file())
    )
    frames, found = items_of(
        dict(config, data_root=f'nowhere/{folder}', backend_args=dict(backend='counting', folder=str(data)))
    )
    assert_same(expected, found)
    assert all(isinstance(frame, StoredPath) for frame in frames)
    images = [path for path in READS if path.endswith(('.jpg', '.png', '.pgm'))]
    assert len(images) >= 2 and all(path.startswith(f'nowhere/{root}') for path in READS)


def test_parts_of_pipelines_and_sources_of_cutouts_read_through_backends(data):
    args = dict(backend='counting', folder=str(data))
    results = dict(video_id='a', frames=['00000.jpg', '00001.jpg'], frame_ids=[0, 1])
    results.update(img=[np.zeros((64, 96, 3), np.uint8)] * 2, gt_seg_map=[np.zeros((64, 96), np.uint8)] * 2, img_shape=(64, 96))
    found = LoadFlow('nowhere/DAVIS/flow', backend_args=args).transform(dict(results))
    assert found['flow_bwd'][1].shape == (64, 96, 2)
    tracks = LoadBoxTracks(f'nowhere/DAVIS/tracks/{TRACKER}', backend_args=args)
    assert 'boxes' in ' '.join(tracks.transform(dict(results, object_ids=[1, 2])))
    images = 'nowhere/MSRA10K/MSRA10K_Imgs_GT/Imgs'
    parts = (
        dict(type='mmvos.MaskedObjects', images=images, masks=images, threshold=127),
        dict(type='mmvos.FolderBackgrounds', root='nowhere/DAVIS'),
    )
    listed = ('\n'.join(path.name for path in (data / images[len('nowhere/') :]).iterdir())).encode()
    (data / images[len('nowhere/') :] / 'files.txt').write_bytes(listed)
    for part in parts:
        source = TASK_UTILS.build(dict(part, backend_args=args))
        READS.clear()
        source.sample(np.random.default_rng(0), *((32, 48) if 'root' in part else ()))
        assert READS
    with pytest.raises(MissingFileError, match=r'nowhere/ECSSD/images/files\.txt: not found'):
        TASK_UTILS.build(dict(type='mmvos.FolderBackgrounds', root='nowhere/ECSSD/images', backend_args=args))


@pytest.mark.parametrize('name', ['davis2017', 'youtube_vos', 'youtube_vis', 'vis_test', 'fbms'])
def test_a_packed_data_set_gives_the_same_items(data, tmp_path, name):
    folder, config = DATA[name]
    _, expected = items_of(dict(config, data_root=str(data / folder)))
    pack(str(data / folder), str(tmp_path / 'packed'), 20_000)
    frames, found = items_of(dict(config, data_root=str(tmp_path / 'packed'), backend_args=dict(backend='pack')))
    assert_same(expected, found)
    assert all(isinstance(frame, StoredPath) for frame in frames)


@pytest.mark.parametrize('start', ['fork', 'spawn'])
def test_a_packed_data_set_with_workers(data, tmp_path, start):
    folder, config = DATA['davis2017']
    pack(str(data / folder), str(tmp_path / 'packed'))
    init_default_scope('mmvos')
    dataset = DATASETS.build(
        dict(config, data_root=str(tmp_path / 'packed'), backend_args=dict(backend='pack'), indices=[0] * 8)
    )
    loader = DataLoader(dataset, num_workers=2, batch_size=None, multiprocessing_context=start, collate_fn=first_of)
    assert [item['inputs'].shape for item in loader] == [(1, 3, 64, 96)] * 8


def first_of(item):
    return item


@pytest.fixture
def server(data):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(data)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


def test_a_data_set_on_a_web_server(data, server):
    folder, config = DATA['davis2017']
    _, expected = items_of(dict(config, data_root=str(data / folder)))
    _, found = items_of(dict(config, data_root=f'{server}/{folder}'))  # the prefix says which backend
    assert_same(expected, found)
    with pytest.raises(MissingFileError, match=r'http://.*/none\.jpg: not found'):
        read_frame(stored(f'{server}/DAVIS/none.jpg'))
    with pytest.raises(MissingFileError, match=r'files\.txt: not found.*one per line'):
        DATASETS.build(dict(config, type='mmvos.FolderDataset', data_root=f'{server}/elsewhere', pipeline=[])).full_init()


def test_a_data_set_in_an_lmdb_with_forked_workers(data, tmp_path):
    folder, config = DATA['davis2017']
    with lmdb.open(str(tmp_path / 'db'), map_size=1 << 26) as base, base.begin(write=True) as transaction:
        for path in sorted((data / folder).rglob('*')):
            if path.is_file():
                transaction.put(str(path.relative_to(data / folder)).encode(), path.read_bytes())
    _, expected = items_of(dict(config, data_root=str(data / folder)))
    here = dict(config, data_root='', backend_args=dict(backend='lmdb', db_path=str(tmp_path / 'db')))
    _, found = items_of(here)
    assert_same(expected, found)
    dataset = DATASETS.build(dict(here))
    loader = DataLoader(dataset, num_workers=2, batch_size=None, multiprocessing_context='fork', collate_fn=first_of)
    assert len([item['inputs'] for item in loader]) == len(dataset)
    with pytest.raises(MissingFileError, match='none: not found by .*lmdb'):
        read_bytes(stored('none', here['backend_args']))


@pytest.mark.parametrize(
    'args, says',
    [(dict(backend='nfs'), "one of .*'http'"), (dict(backend='local', path=1), 'TypeError'), (dict(a=1), 'backend')],
)
def test_a_backend_that_there_is_not(args, says):
    with pytest.raises(InputError, match=f'backend_args=.*{says}'):
        DATASETS.build(dict(type='mmvos.DAVIS2017Dataset', data_root='x', backend_args=args, pipeline=[]))
