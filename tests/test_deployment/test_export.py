"""Exported models: sessions run them as they run the model, and files of strangers are only read."""

import io
import json
import logging
import zipfile

import numpy as np
import pytest
import torch
from exported_clips import SIZE, clip, segmented

from mmvos.apis import VOSInferencer, init_model
from mmvos.cli.main import main
from mmvos.deployment import export_model, is_exported, of_one_size, open_exported
from mmvos.deployment.graphs import Graph, Wrapped
from mmvos.deployment.object_rows import RowsOfOneVideo
from mmvos.inference import SessionSettings
from mmvos.models.heads.recall_head import ObjectRows
from mmvos.structures import InputError

pytest.importorskip('onnxruntime', reason='runs exported models')
pytest.importorskip('onnxscript', reason='exports models')

SMALL = {'model.test_cfg.resize.length': 64, 'model.test_cfg.resize.enlarge': 1}


@pytest.fixture(scope='module', autouse=True)
def no_traces():
    """torch writes all that it traces to whoever collects logs, as pytest does."""
    logger = logging.getLogger('torch.__trace')
    logger.propagate = False
    yield
    logger.propagate = True


@pytest.fixture(scope='module')
def recall(tmp_path_factory):
    """RecallVOS at a small size, and its exported file."""
    model = init_model('recall-vos', device='cpu', cfg_options=SMALL)
    path = tmp_path_factory.mktemp('recall') / 'recall.zip'
    export_model(model, path, SIZE, 'recall-vos')
    return model, path


def test_an_exported_model_gives_the_labels_of_the_model(recall):
    model, path = recall
    frames, labels = clip(9)
    expected, found = (segmented(m, frames, labels) for m in (model, VOSInferencer(path).model))
    assert set(np.unique(expected)) == {0, 1, 2, 3}
    assert np.array_equal(found, expected)


def test_the_size_is_not_that_of_the_objects():
    by_objects = SessionSettings(resize=dict(type='ShortSideByObjects', length=64, small=0.03, enlarge=2, divisor=16))
    assert of_one_size(by_objects).resize == dict(type='ShortSide', length=64, divisor=16)
    for settings in (SessionSettings(), SessionSettings(resize=dict(type='ShortSide', length=64))):
        assert of_one_size(settings) == settings


def test_frames_of_another_shape_are_refused(recall):
    session = VOSInferencer(recall[1]).session()
    with pytest.raises(InputError, match=r'for frames of 90x60 .* these are 60x90. Export it with --size 90 60'):
        session.step(np.zeros((90, 60, 3), np.uint8), np.ones((90, 60), np.uint8))
    session = VOSInferencer(recall[1]).session()
    session.step(np.zeros((120, 180, 3), np.uint8), np.ones((120, 180), np.uint8))  # resized to the same


def rewritten(path, target, change):
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, 'w') as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


def described(**changes):
    def change(name, data):
        return json.dumps({**json.loads(data), **changes}) if name == 'model.json' else data

    return change


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(format=2), 'format is 2'),
        (dict(method='os.system'), "method is 'os.system'; expected one of"),
        (dict(test_cfg=dict(resize=dict(type='os.system', command='true'))), 'test_cfg.resize is'),
        (dict(test_cfg=dict(post_process=dict(type='DenseCRF'))), 'post_process'),
        (dict(test_cfg=dict(reech=1)), "unknown setting 'reech'; did you mean 'reach'"),
        (dict(preprocessor=dict(type='subprocess.Popen', args=['true'])), 'expected mean, std and rgb'),
        (dict(numbers=dict(certain='x')), 'expected 1 numbers'),
        (dict(numbers={}), "no number 'log_ridge'"),
        (dict(surprise=1), "unknown setting 'surprise'"),
    ],
)
def test_what_a_file_must_not_say_is_refused(recall, tmp_path, changes, words):
    path = rewritten(recall[1], tmp_path / 'changed.zip', described(**changes))
    with pytest.raises(InputError, match='changed.zip: ') as error:
        open_exported(path)
    assert words in str(error.value)


def test_damaged_files_are_refused(recall, tmp_path):
    path = rewritten(recall[1], tmp_path / 'a.zip', lambda name, data: data if name == 'model.json' else data[:100])
    with pytest.raises(InputError, match='a.zip: encode.onnx: onnxruntime cannot read it'):
        open_exported(path)
    (tmp_path / 'b.zip').write_bytes(recall[1].read_bytes()[:5000])
    assert not is_exported(tmp_path / 'b.zip')
    with pytest.raises(InputError, match='b.zip: not a file that `mmvos export` wrote'):
        open_exported(tmp_path / 'b.zip')
    with pytest.raises(InputError, match='exported models run on the CPU'):
        open_exported(recall[1], 'cuda')
    with pytest.raises(InputError, match='an exported model has its weights and settings'):
        VOSInferencer(recall[1], weights='recall-vos_lite0')
    with pytest.raises(InputError, match='an exported model cannot be trained; give the config'):
        VOSInferencer(recall[1], fine_tune=True)


def test_a_method_that_cannot_be_exported_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(['export', 'cosnet/cosnet_mini_synthvos.py', '--checkpoint', 'none', '--out', str(tmp_path / 'a.zip')])
    assert ended.value.code == 2
    assert 'COSNet cannot be exported; expected a model of one of: ' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('count', [1, 2, 5])
def test_rows_of_one_video_are_those_of_a_batch(count):
    torch.manual_seed(0)
    maps = torch.randn(1, count + 1, 3, 4).round()  # with ties
    rows, expected = RowsOfOneVideo(maps[0, 1:]), ObjectRows([count], torch.device('cpu'))
    assert torch.equal(rows.own(maps), expected.own(maps)) and torch.equal(rows.of_video(maps), expected.of_video(maps))
    for none in (0.0, -1.0):
        assert torch.equal(rows.strongest_rival(maps[0, 1:], none), expected.strongest_rival(maps[0, 1:], none))
    network = torch.nn.Conv2d(3, 3, 1)
    x = torch.randn(count, 3, 4, 4)
    assert torch.equal(rows.among_rivals(x, network), expected.among_rivals(x, network))


def test_a_graph_becomes_a_program_of_torch():
    part = torch.nn.Conv2d(2, 3, 1)
    graph = Graph('conv', Wrapped(part.forward, part), dict(x=torch.randn(3, 2, 4, 4)), ('y',), dict(x={0: 'objects'}))
    program = graph.exported().module()
    for count in (1, 5):
        x = torch.randn(count, 2, 4, 4)
        torch.testing.assert_close(program(x), part(x))
    assert zipfile.is_zipfile(io.BytesIO(graph.pt2()))
