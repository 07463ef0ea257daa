"""Files of the right kind whose contents are wrong, and settings that ask for nothing sensible, through the commands."""

import os
import shutil
import zipfile

import numpy as np
import pytest
import torch
from bad_commands import BOXES, DAVIS, DIS, FLOW, LABELME, SEGMENT, TRACK, VIS, YTVIS, YTVOS, call_in, check, files_of
from bad_files import add_symlink, encoded, flip, huge_png, set_flag
from bad_kinds import SHAPE, Runs, cut, edit, set_in, without
from commands import MINI, ROOT

from mmvos.structures import write_label_map

RESULTS, TRUTH, META = ['evaluate', *YTVIS], ['evaluate', *YTVIS], ['evaluate', 'youtube-vos', *YTVOS]
VALIDATE = ['validate', 'davis2017-semi', '{r}/s.zip', '--gt', '{r}/davis']
TRAIN = [
    'train',
    str(MINI),
    '--work-dir',
    '{r}/work',
    '--cfg-options',
    'train_cfg.max_iters=2',
    'train_dataloader.batch_size=1',
]
DAVIS_TEST = ['test', '{r}/davis.py', 'none', '--work-dir', '{r}/work', '--submission', '{r}/out.zip', '--show-dir', '{r}/show']
SYNTHVIS = ['make_synthvis', '{r}/out', '--train', '1', '--valid', '1', '--frames', '2', '--size', '48', '64']
SYNTHVOS = ['prepare_synthvos', '{r}/out', '--objects', '{r}/objects', '--backgrounds', '{r}/backgrounds']
VIS_TEST = ['test', str(VIS), 'none', '--work-dir', '{r}/work', '--show-dir', '{r}/show', '--submission', '{r}/out.zip',
            '--cfg-options', 'test_dataloader.dataset.data_root={r}', 'test_dataloader.dataset.ann_file=gt.json',
            'test_dataloader.dataset.data_prefix.img=frames', 'test_evaluator.ann_file={r}/gt.json']  # fmt: skip


def code(counts, name='results.json', *keys):
    """Gives the first mask a run-length code, which may be made of the right one."""

    def change(content):
        for key in keys or (0,):
            content = content[key]
        right = content['segmentations'][0]['counts']
        content['segmentations'][0] = dict(size=[*SHAPE], counts=counts(right) if callable(counts) else counts)

    return edit(name, change)


def result(value, *keys):
    return edit('results.json', set_in(0, *keys, value=value))


def truth(value, *keys):
    return edit('gt.json', set_in(*keys, value=value))


def meta(value, *keys):
    return edit('yt/train/meta.json', set_in('videos', 'a', 'objects', *keys, value=value))


def write(name, content):
    def make(root):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            (root / name).write_bytes(content)
        else:
            (root / name).write_text(content.replace('{r}', str(root)))

    return make


def entry(name, content=b''):
    def make(root):
        with zipfile.ZipFile(root / 's.zip', 'a') as archive:
            archive.writestr(name, content)

    return make


def shape(points, **kwargs):
    def change(content):
        content['shapes'][0].update(points=points, **kwargs)

    return edit('labelme/a/00000.json', change)


def cvat(shape):
    """A file of CVAT in place of LabelMe's."""

    def make(root):
        shutil.rmtree(root / 'labelme/a')
        track = f'<annotations><track id="0" label="cat"><{shape} outside="0"/></track></annotations>'
        (root / 'labelme/a.xml').write_text(track)

    return make


def weights(content, **options):
    return lambda root: torch.save(content, root / 'w.pth', **options)


def both(*makers):
    def make(root):
        for maker in makers:
            maker(root)

    return make


def davis(*makers):
    """A config that tests on the folder in DAVIS's layout, of which something is changed."""

    def make(root):
        dataset = dict(_delete_=True, type='DAVIS2017Dataset', data_root=str(root / 'davis'), test_mode=True)
        dataset.update(ann_file='ImageSets/2017/val.txt', pipeline=[dict(type='PackVideo')])
        (root / 'davis.py').write_text(
            f'_base_ = {str(root / "small.py")!r}\ntest_dataloader = dict(dataset={dataset!r})\n'
            "test_evaluator = [dict(type='DAVISMetric', protocol='davis2017-semi')]\n"
            "submission = dict(type='DAVISSubmission')\n"
        )
        for maker in makers:
            maker(root)

    return make


def copy_outside(root):
    for folder in ('JPEGImages', 'Annotations'):
        shutil.copytree(root / f'davis/{folder}/480p/a', root / f'davis/{folder}/a2')


def pictures(*makers):
    """Cut-outs and backgrounds for SynthVOS."""

    def make(root):
        cut_out = np.full((60, 60, 4), 255, np.uint8)
        write('objects/cat/0.png', encoded(cut_out))(root)
        write('backgrounds/0.jpg', encoded(np.full((60, 80, 3), 90, np.uint8), 'JPEG'))(root)
        for maker in makers:
            maker(root)

    return make


def nothing(_):
    pass


BOX = 'box frame="0" xtl="1" ytl="2" xbr="9" ybr="12"'
MASK = 'mask frame="0" rle="1, 3" left="0" top="0" width="2" height="2"'
PICTURE = encoded(np.zeros((*SHAPE, 3), np.uint8))
FLOWNET, DASIAMRPN = ROOT / 'configs/flow/flownet2_sd.py', ROOT / 'configs/trackers/dasiamrpn_otb.py'
RUN = 'touch /tmp/mmvos_pickle_has_run'
INIT = "_base_ = '{r}/small.py'\nmodel = dict(init_cfg=dict(type='Pretrained', checkpoint='{r}/w.pth'))\n"
LABELS = 'davis/Annotations/480p/a'

#: name -> (command, what is changed, words of the message)
ROWS = {
    'code cut short': (RESULTS, code(lambda right: right[:-2]), 'results.json'),
    'empty code': (RESULTS, code(''), 'results.json'),
    'code of other signs': (RESULTS, code('!!!'), 'results.json'),
    'code too long': (RESULTS, code(lambda right: 2 * right), 'results.json'),
    'negative runs': (RESULTS, code([-5, 773]), 'results.json'),
    'runs of another size': (RESULTS, code([10]), 'results.json'),
    'code is true': (RESULTS, code(True), 'results.json'),
    'masks are a number': (RESULTS, result(3, 'segmentations'), 'results.json'),
    'too few masks': (RESULTS, result([None], 'segmentations'), 'results.json'),
    'video is a list': (RESULTS, result([1], 'video_id'), 'results.json'),
    'unknown video': (RESULTS, result(99, 'video_id'), 'results.json'),
    'category is a list': (RESULTS, result([1], 'category_id'), 'results.json'),
    'unknown category': (RESULTS, result(99, 'category_id'), 'results.json'),
    'score is a word': (RESULTS, result('high', 'score'), 'results.json'),
    'no score': (RESULTS, edit('results.json', without(0, 'score')), 'results.json'),
    'annotated code': (TRUTH, code('', 'gt.json', 'annotations', 0), 'gt.json'),
    'no id of a video': (TRUTH, edit('gt.json', without('videos', 0, 'id')), 'gt.json'),
    'no masks': (TRUTH, edit('gt.json', without('annotations', 0, 'segmentations')), 'gt.json'),
    'masks are null': (TRUTH, truth(None, 'annotations', 0, 'segmentations'), 'gt.json'),
    'frames are null': (TRUTH, truth(None, 'videos', 0, 'file_names'), 'gt.json'),
    'videos are null': (TRUTH, truth(None, 'videos'), 'gt.json'),
    'categories are null': (TRUTH, truth(None, 'categories'), 'gt.json'),
    'annotation of no video': (TRUTH, truth(7, 'annotations', 0, 'video_id'), 'gt.json'),
    'annotation of no category': (TRUTH, truth(7, 'annotations', 0, 'category_id'), 'gt.json'),
    'one video twice': (TRUTH, edit('gt.json', lambda gt: gt['videos'].append(gt['videos'][0])), 'gt.json'),
    'frames are numbers': (META, meta([0, 1, 2], '1', 'frames'), 'meta.json'),
    'object 300': (META, meta(dict(category='cat', frames=['00000']), '300'), 'meta.json'),
    'object -1': (META, meta(dict(category='cat', frames=['00000']), '-1'), 'meta.json'),
    'object ²': (META, meta(dict(category='cat', frames=['00000']), '²'), 'meta.json'),
    'no video': (META, write('yt/train/meta.json', '{"videos": {}}'), 'meta.json'),
    'absolute path': (VALIDATE, entry('/etc/evil.png'), 'evil.png'),
    'way out': (VALIDATE, entry('../x.png'), '../x.png'),
    'symbolic link': (VALIDATE, lambda root: add_symlink(root / 's.zip', 'a/l.png', '/etc/passwd'), 'l.png'),
    'foreign folder': (VALIDATE, entry('zebra/00000.png', PICTURE), 'zebra'),
    'foreign file': (VALIDATE, entry('a/readme.txt'), 'readme.txt'),
    'folder in capitals': (VALIDATE, entry('A/00000.png', PICTURE), 'A'),
    'huge mask': (VALIDATE, entry('a/00003.png', huge_png()), '00003.png'),
    'wrong checksum': (VALIDATE, lambda root: flip(root / 's.zip', b'IDAT', 6), '.png'),
    'way out, no problems shown': ([*VALIDATE, '--max-problems', '0'], entry('../x.png'), '--max-problems'),
    'encrypted entry': ([*VALIDATE], lambda root: set_flag(root / 's.zip', flag=1), 'encrypted'),
    'broken header': (['evaluate', 'davis2017-semi', *DAVIS, '--pred', '{r}/s.zip'],
                      lambda root: flip(root / 's.zip', b'PK\x03\x04'), 's.zip'),
    'no label': (LABELME, edit('labelme/a/00000.json', without('shapes', 0, 'label')), '00000.json'),
    'group is a list': (LABELME, shape([[1, 1], [9, 1], [9, 9]], group_id=[1]), '00000.json'),
    'words for points': (LABELME, shape([['abc', 1], [2, 2], [3, 3]]), '00000.json'),
    'far points': (LABELME, shape([[1e9, 1], [9, 1], [9, 1e9]]), '00000.json'),
    'far circle': (LABELME, shape([[1, 1], [1e9, 1e9]], shape_type='circle'), '00000.json'),
    'far rectangle': (LABELME, shape([[-1e9, 1], [1e9, 9]], shape_type='rectangle'), '00000.json'),
    'box without a frame': (LABELME, cvat(BOX.replace('frame="0" ', '')), 'a.xml'),
    'box of words': (LABELME, cvat(BOX.replace('"1"', '"a"')), 'a.xml'),
    'box of NaN': (LABELME, cvat(BOX.replace('"1"', '"nan"')), 'a.xml'),
    'box turned by a word': (LABELME, cvat(f'{BOX} rotation="x"'), 'a.xml'),
    'box of a later frame': (LABELME, cvat(BOX.replace('frame="0"', 'frame="99"')), 'a.xml'),
    'mask beside the frame': (LABELME, cvat(MASK.replace('left="0"', 'left="-2"')), 'a.xml'),
    'mask of 10^10 pixels': (LABELME, cvat(MASK.replace('"2"', '"100000"')), 'a.xml'),
    'mask with a run of 10^10': (LABELME, cvat(MASK.replace('1, 3', '10000000000')), 'a.xml'),
    'more than all for validation': ([*SYNTHVOS, '--val-share', '2'], pictures(), '--val-share'),
    'less than nothing for validation': ([*SYNTHVOS, '--val-share', '-1'], pictures(), '--val-share'),
    'cut-outs of no size': ([*SYNTHVOS, '--max-object', '0'], pictures(), '--max-object'),
    'broken backgrounds': (SYNTHVOS, pictures(write('backgrounds/0.jpg', 'x')), 'backgrounds'),
    'huge background': (SYNTHVOS, pictures(write('backgrounds/0.jpg', huge_png())), 'backgrounds'),
    'broken cut-outs': (SYNTHVOS, pictures(write('objects/cat/0.png', 'x')), 'objects'),
    'no pictures': (SYNTHVOS, nothing, 'objects'),
    'no frames to make': ([*SYNTHVIS, '--frames', '0'], nothing, '--frames'),
    'frames of no size': ([*SYNTHVIS, '--size', '0', '0'], nothing, '--size'),
    'from 5 to 2 objects': ([*SYNTHVIS, '--num-objects', '5', '2'], nothing, 'num_objects'),
    'pictures are not there': ([*SYNTHVIS, '--objects', '/none'], nothing, '/none'),
    'less than no videos': ([*SYNTHVIS, '--train', '-1'], nothing, '--train'),
    'unknown class': ([*SYNTHVIS, '--classes', 'zzz'], nothing, 'zzz'),
    'no FBMS': (['unsupervised_to_flat', 'fbms', '/none', '{r}/out'], nothing, '/none'),
    'no SegTrack': (['unsupervised_to_flat', 'segtrack_v2', '{r}/davis', '{r}/out'], nothing, 'davis'),
    'no YouTube-Objects': (['unsupervised_to_flat', 'youtube_objects', '{r}/davis', '{r}/out'], nothing, 'davis'),
    'no tracker in a config': (['cache_box_tracks', str(DIS), *BOXES[2:]], nothing, 'dis_ultrafast.py'),
    'no frames to follow': (BOXES, lambda root: [path.unlink() for path in (root / 'frames/a').iterdir()], 'frames/a'),
    'tracks elsewhere': ([*BOXES, '--videos', '../frames/a'], nothing, '../frames/a'),
    'video without frames': (FLOW, lambda root: (root / 'frames/b').mkdir(), 'frames/b'),
    'two frames of a name, flow': (FLOW, write('frames/a/00001.png', PICTURE), '00001'),
    'two frames of a name': (SEGMENT, write('frames/a/00001.png', PICTURE), '00001'),
    'config without a model': ([*SEGMENT, '--config', '{r}/c.py'], write('c.py', 'a = 1\n'), 'c.py'),
    'config of broken Python': ([*SEGMENT, '--config', '{r}/c.py'], write('c.py', 'a = (\n'), 'c.py'),
    'config that raises': ([*SEGMENT, '--config', '{r}/c.py'], write('c.py', 'raise RuntimeError("no")\n'), 'c.py'),
    'config that imports nothing': ([*SEGMENT, '--config', '{r}/c.py'], write('c.py', 'import nothing_such\n'), 'c.py'),
    'config of broken JSON': ([*SEGMENT, '--config', '{r}/c.json'], write('c.json', '{"a":}'), 'c.json'),
    'unknown setting': ([*SEGMENT, '--config', '{r}/c.py'],
                        write('c.py', "_base_ = '{r}/small.py'\nmodel = dict(zebra=1)\n"), 'zebra'),
    'short side of -5': ([*SEGMENT, '--config', '{r}/c.py'],
                         write('c.py', "_base_ = '{r}/small.py'\nmodel = dict(test_cfg=dict(resize=dict(length=-5)))\n"),
                         'length'),
    'weight is a number': ([*SEGMENT, '--checkpoint', '{r}/w.pth'], weights(dict(state_dict=dict(a=3))), 'w.pth'),
    'weights are a list': ([*SEGMENT, '--checkpoint', '{r}/w.pth'], weights(dict(state_dict=[1])), 'w.pth'),
    'weights have no names': ([*SEGMENT, '--checkpoint', '{r}/w.pth'], weights(dict(state_dict={1: torch.ones(1)})), 'w.pth'),
    'meta is a number': ([*SEGMENT, '--checkpoint', '{r}/w.pth'],
                         weights(dict(meta=3, state_dict={'a': torch.ones(1)})), 'w.pth'),
    'model of instances': ([*SEGMENT, '--config', str(VIS)], nothing, 'MaskTrackRCNN'),
    'begins again where checkpoints are lost': (
        [*TRAIN[:4], '--resume', *TRAIN[4:]], write('work/last_checkpoint', '/nope/iter_1.pth'), '/nope/iter_1.pth'),
    'weights that run code, load_from': ([*TRAIN, 'load_from={r}/w.pth'], weights(dict(state_dict={'a': Runs()})), 'w.pth'),
    'weights that run code, init_cfg': ([*SEGMENT, '--config', '{r}/c.py'],
        both(weights(dict(state_dict={'a': Runs()})), write('c.py', INIT)), 'w.pth'),
    'weights that run code, track': (
        [*TRACK, '--config', 'trackers/dasiamrpn_otb.py', '--checkpoint', '{r}/w.pth'],
        weights(dict(state_dict={'a': Runs()}), pickle_protocol=4), 'w.pth'),
    'weights that run code, flow': (
        ['precompute_flow', str(FLOWNET), *FLOW[2:], '--checkpoint', '{r}/w.pth'],
        weights(dict(state_dict={'a': Runs()}), _use_new_zipfile_serialization=False), 'w.pth'),
    'weights that run code, export': (
        ['export', '{r}/small.py', '--checkpoint', '{r}/w.pth', '--out', '{r}/out.zip'],
        weights(dict(state_dict={'a': Runs()}), pickle_protocol=5), 'w.pth'),
    'config in YAML that runs code': (
        [*SEGMENT, '--config', '{r}/c.yaml'], write('c.yaml', f'model: !!python/object/apply:os.system ["{RUN}"]\n'), 'c.yaml'),
    'a pipe under the name of a submission': (
        DAVIS_TEST, davis(lambda root: os.mkfifo(root / 'out.zip')), 'out.zip'),
    'a pipe under the name of figures': (
        ['evaluate', 'davis2017-semi', *DAVIS], lambda root: os.mkfifo(root / 'out.json'), 'out.json'),
    'a pipe under the name of a folder': (
        ['test', '{r}/small.py', 'none', '--work-dir', '{r}/work', '--out-dir', '{r}/masks'],
        lambda root: os.mkfifo(root / 'masks'), 'masks'),
    'a pipe as list of videos': (
        ['batch', '{r}/l.jsonl', '--config', '{r}/small.py', '--out-dir', '{r}/out'],
        lambda root: os.mkfifo(root / 'l.jsonl'), 'l.jsonl'),
    'a data set that is a link in a circle': (
        ['pack', '{r}/circle', '{r}/out/packed'], lambda root: (root / 'circle').symlink_to('circle'), 'circle'),
    'no masks to follow': (BOXES, lambda root: shutil.rmtree(root / LABELS), '480p'),
    'a folder of masks without any': (
        BOXES, lambda root: [path.unlink() for path in (root / LABELS).iterdir()], LABELS),
    'no zip file to export to': (['export', 'rgmp', '--out', '{r}/x.txt'], nothing, 'x.txt'),
    'no such device, flow': ([*FLOW[:-1], 'zebra'], nothing, 'zebra'),
    'no such device, boxes': (
        ['cache_box_tracks', str(DASIAMRPN), *BOXES[2:], '--device', 'zebra'], nothing, 'zebra'),
    'no such device, track': ([*TRACK[:-1], 'zebra', '--config', str(DASIAMRPN)], nothing, 'zebra'),
    'nothing to convert': (['convert', 'agame', '{r}/w.pth', '{r}/out.pth'], weights(dict(state_dict={})), 'w.pth'),
    'resumes what was no run': ([*TRAIN[:4], '--resume', '{r}/w.pth', *TRAIN[4:]], nothing, 'w.pth'),
    'resumes half a file': ([*TRAIN[:4], '--resume', '{r}/w.pth', *TRAIN[4:]], lambda root: cut(root / 'w.pth'), 'w.pth'),
    'unknown optimizer': ([*TRAIN, 'optim_wrapper.optimizer.type=Zebra'], nothing, 'Zebra'),
    'batch of nothing': ([*TRAIN[:-1], 'train_dataloader.batch_size=0'], nothing, 'batch_size'),
    'less than no iterations': ([*TRAIN, 'train_cfg.max_iters=-1'], nothing, 'max_iters'),
    'unknown setting of the loop': ([*TRAIN, 'train_cfg.zebra=1'], nothing, 'zebra'),
    'data set elsewhere': ([*DAVIS_TEST, '--data-root', '/none'], davis(), '/none'),
    'list that leads out': (DAVIS_TEST, davis(copy_outside, write('davis/ImageSets/2017/val.txt', 'a\n../a2\n')), '../a2'),
    'empty list': (DAVIS_TEST, davis(write('davis/ImageSets/2017/val.txt', '')), 'val.txt'),
    'mask without its frame': (DAVIS_TEST, davis(lambda root: (root / 'davis/JPEGImages/480p/a/00002.jpg').unlink()), '00002'),
    'two frames of a name, test': (DAVIS_TEST, davis(write('davis/JPEGImages/480p/a/00002.png', PICTURE)), '00002'),
    'mask of another size': (
        DAVIS_TEST, davis(lambda root: write_label_map(root / LABELS / '00000.png', np.ones((40, 60), np.uint8))), '00000.png'),
    'huge mask, test': (DAVIS_TEST, davis(write(f'{LABELS}/00000.png', huge_png())), '00000.png'),
    'no masks, test': (DAVIS_TEST, davis(lambda root: shutil.rmtree(root / LABELS)), 'a'),
    'name that leads out': (VIS_TEST, truth('../../x', 'videos', 0, 'name'), '../../x'),
    'frames of the system': (VIS_TEST, truth(['/etc/passwd'] * 3, 'videos', 0, 'file_names'), '/etc/passwd'),
    'names are numbers': (VIS_TEST, truth([1, 2, 3], 'videos', 0, 'file_names'), 'gt.json'),
    'two videos of a name': (
        VIS_TEST, edit('gt.json', lambda gt: gt['videos'].append(dict(gt['videos'][0], id=2))), "'a'"),
}  # fmt: skip


@pytest.mark.parametrize(('command', 'make', 'words'), ROWS.values(), ids=ROWS)
def test_bad_contents(command, make, words, case, capsys):
    make(case)
    before = files_of(case)
    code = call_in(case, command)
    if code == 3:  # a video of a test
        printed = capsys.readouterr()
        assert 'Traceback' not in printed.err and words in printed.out + printed.err
        assert not (case / 'out.zip').exists() and not (case / 'x').exists()
    else:
        check(code, capsys, [words], before, case)
        assert code == 2 or command[0] == 'validate'
