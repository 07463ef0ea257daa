"""The one inference path: ids, late prompts, removal, sizes, errors, memory."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from colour_model import ColourModel, squares

from mmvos.inference import VOSSession
from mmvos.models import VOSDataPreprocessor  # noqa: F401  (registers)
from mmvos.models.segmentors import OfflineVOSModel
from mmvos.structures import InputError, write_label_map
from mmvos.videos import FrameArrays, Video


class OfflineColours(OfflineVOSModel):
    """The same with the whole video at hand: prompts may lie after the frame that is segmented."""

    def loss(self, inputs, data_samples):
        return dict(loss=inputs.sum())

    def segment(self, video):
        colours = [torch.zeros(1, 3)]
        for index in sorted(video.prompts):
            frame, masks = video[index], video.prompts[index]
            colours.append((frame.image * masks[:, None]).sum((2, 3)) / masks.sum((1, 2))[:, None])
        colours = torch.cat(colours)
        for frame in video.frames():
            yield -(frame.image - colours[:, :, None, None]).square().sum(1)


def only(label_map, mapping):
    out = np.zeros_like(label_map)
    for source, target in mapping.items():
        out[label_map == source] = target
    return out


def test_ids_of_the_user_are_kept_through_adding_and_removing():
    images, truth = squares()
    session = VOSSession(ColourModel())
    session.step(images[0], only(truth[0], {1: 9}))
    result = session.step(images[1])
    np.testing.assert_array_equal(result.pred_label_map, only(truth[1], {1: 9}))
    session.step(images[2], only(truth[2], {2: 4, 3: 200}))
    result = session.step(images[3])
    assert result.object_ids == [9, 4, 200]
    np.testing.assert_array_equal(result.pred_label_map, only(truth[3], {1: 9, 2: 4, 3: 200}))
    session.remove_objects([4])
    result = session.step(images[4])
    assert result.object_ids == [9, 200]
    assert not (result.pred_label_map == 4).any()
    np.testing.assert_array_equal(result.pred_label_map == 9, truth[4] == 1)
    session.step(images[5], only(truth[5], {2: 4}))  # the id is free again
    assert session.object_ids == [9, 200, 4]


def test_objects_at_frame_40_and_removed_at_80():
    images, truth = squares(90)
    session = VOSSession(ColourModel())
    for t, image in enumerate(images):
        if t == 80:
            session.remove_objects([1])
        result = session.step(image, {0: only(truth[0], {1: 1}), 40: only(truth[40], {3: 5})}.get(t))
        expected = {**({1: 1} if t < 80 else {}), **({3: 5} if t >= 40 else {})}
        assert result.object_ids == list(expected.values())
        np.testing.assert_array_equal(result.pred_label_map, only(truth[t], expected))


def test_frames_before_the_first_prompt_are_background():
    images, truth = squares()
    video = FrameArrays(images, prompts={2: only(truth[2], {2: 2})})
    results = list(VOSSession(ColourModel()).run(video))
    assert not results[0].pred_label_map.any() and not results[1].pred_label_map.any()
    np.testing.assert_array_equal(results[3].pred_label_map, only(truth[3], {2: 2}))


def test_removing_every_object_gives_background_until_the_next_prompt():
    images, truth = squares()
    session = VOSSession(ColourModel())
    session.step(images[0], only(truth[0], {1: 1}))
    session.remove_objects([1])
    assert not session.step(images[1]).pred_label_map.any()
    session.step(images[2], only(truth[2], {2: 1}))
    np.testing.assert_array_equal(session.step(images[3]).pred_label_map == 1, truth[3] == 2)


@pytest.mark.parametrize('rows', [1, 3])
def test_a_model_gives_one_row_for_each_object(rows):
    class Wrong(ColourModel):
        def step(self, frame, state):
            return super().step(frame, state)[0][[0] * rows], state

    images, truth = squares()
    session = VOSSession(Wrong())
    session.step(images[0], only(truth[0], {1: 7}))
    with pytest.raises(ValueError, match=rf'{rows} rows of scores for the objects \[7\]'):
        session.step(images[1])


def test_void_in_a_prompt_is_no_object():
    images, truth = squares()
    prompt = only(truth[0], {1: 1})
    prompt[truth[0] == 2] = 255
    result = VOSSession(ColourModel()).step(images[0], prompt)
    assert result.object_ids == [1]
    np.testing.assert_array_equal(result.pred_label_map, only(truth[0], {1: 1}))


@pytest.mark.parametrize(
    'test_cfg',
    [
        dict(resize=dict(type='FixedSize', height=120, width=180)),
        dict(pad=dict(type='PadToMultiple', divisor=16, mode='reflect', front='ceil')),
        dict(pad=dict(type='PadToMultiple', divisor=32, front='floor', always=True)),
        dict(resize=dict(type='FixedSize', height=120, width=180), upsample='labels'),
        dict(resize=dict(type='ShortSide', length=120)),
    ],
    ids=['fixed', 'reflect', 'always', 'labels', 'short-side'],
)
def test_results_come_back_at_the_frames_size(test_cfg):
    images, truth = squares()
    results = list(VOSSession(ColourModel(test_cfg=test_cfg)).run(FrameArrays(images, prompts={0: truth[0]})))
    for result, expected in zip(results, truth, strict=True):
        assert result.pred_label_map.shape == expected.shape
        assert (result.pred_label_map != expected).mean() < 0.02


def test_an_offline_model_sees_prompts_of_later_frames():
    images, truth = squares()
    video = FrameArrays(images, prompts={0: only(truth[0], {1: 6}), 3: only(truth[3], {2: 5})})
    results = list(VOSSession(OfflineColours()).run(video))
    assert [r.frame_index for r in results] == list(range(6)) and results[-1].is_last
    np.testing.assert_array_equal(results[1].pred_label_map == 6, truth[1] == 1)
    np.testing.assert_array_equal(results[1].pred_label_map == 5, truth[1] == 2)


def test_a_live_source_needs_a_causal_model():
    with pytest.raises(TypeError, match='whole video'):
        VOSSession(OfflineColours()).step(squares()[0][0])


@pytest.mark.parametrize(
    'prompt, message',
    [
        (np.zeros((60, 90), np.uint8), 'empty'),
        (np.ones((60, 91), np.uint8), '91x60.*90x60'),
        (np.ones((60, 90), np.uint16), 'uint16'),
        (np.ones((60, 90, 3), np.uint8), r'expected a label map'),
        ([[0, 1]], 'the prompt is list; expected a label map'),
    ],
    ids=['empty', 'size', 'dtype', 'rgb', 'list'],
)
def test_a_bad_prompt_is_named(prompt, message):
    with pytest.raises(InputError, match=message):
        VOSSession(ColourModel()).step(squares()[0][0], prompt)


def test_an_id_in_use_is_refused_and_nothing_changes():
    images, truth = squares()
    session = VOSSession(ColourModel())
    session.step(images[0], only(truth[0], {1: 1}))
    with pytest.raises(InputError, match='object 1 is segmented already'):
        session.step(images[1], only(truth[1], {2: 1}))
    assert session.object_ids == [1] and session.frame_index == 0
    with pytest.raises(KeyError, match='no object 5'):
        session.remove_objects([5])


def test_a_frame_of_another_size_is_named():
    images, truth = squares()
    session = VOSSession(ColourModel())
    session.step(images[0], truth[0])
    with pytest.raises(ValueError, match='80x60.*90x60'):
        session.step(np.zeros((60, 80, 3), np.uint8))


def test_a_video_without_prompt_is_refused():
    with pytest.raises(ValueError, match='needs a prompt'):
        list(VOSSession(ColourModel()).run(FrameArrays(squares()[0])))


def test_a_missing_frame_names_its_file(tmp_path):
    images, truth = squares()
    for t in (0, 2):
        cv2.imwrite(str(tmp_path / f'{t:05d}.png'), images[t])
    frames = [str(tmp_path / f'{t:05d}.png') for t in range(3)]
    with pytest.raises(FileNotFoundError, match='00001.png'):
        list(VOSSession(ColourModel()).run(Video(frames, prompts={0: truth[0]})))


def test_an_empty_prompt_file_is_named(tmp_path):
    images, _ = squares()
    cv2.imwrite(str(tmp_path / '0.png'), images[0])
    write_label_map(tmp_path / 'mask.png', np.zeros((60, 90), np.uint8))
    with pytest.raises(ValueError, match='mask.png.*empty'):
        list(VOSSession(ColourModel()).run(Video([tmp_path / '0.png'], prompts={0: tmp_path / 'mask.png'})))


def test_an_error_of_the_input_names_video_and_frame_and_keeps_its_cause():
    images, truth = squares()
    prompts = {0: only(truth[0], {1: 1}), 2: only(truth[2], {2: 1})}
    with pytest.raises(InputError, match='^clip, frame 00002: object 1 is segmented already') as caught:
        list(VOSSession(ColourModel()).run(FrameArrays(images, video_id='clip', prompts=prompts)))
    assert isinstance(caught.value.__cause__, InputError)


@pytest.mark.parametrize('model', [ColourModel, OfflineColours])
def test_an_error_of_the_network_passes_as_it_is(model, monkeypatch):
    def fail(self, pixels):
        raise ValueError('inside the network')

    images, truth = squares()
    net = model()
    monkeypatch.setattr(type(net.data_preprocessor), 'normalise', fail)
    with pytest.raises(ValueError, match='^inside the network$') as caught:
        list(VOSSession(net).run(FrameArrays(images, prompts={0: truth[0]})))
    assert not isinstance(caught.value, InputError) and caught.traceback[-1].name == 'fail'


@pytest.mark.parametrize('overlay', [True, False])
def test_a_late_object_without_a_prediction_is_its_prompt(overlay):
    """The model adds it after the frame has been predicted."""
    images, truth = squares()
    session = VOSSession(ColourModel(test_cfg=dict(overlay_prompt=overlay, keep_scores=True)))
    session.step(images[0], only(truth[0], {1: 1}))
    prompt = only(truth[1], {2: 2})
    prompt[:3, :3] = 2  # also where no object is
    result = session.step(images[1], prompt)
    np.testing.assert_array_equal(result.pred_label_map == 2, prompt == 2)
    np.testing.assert_array_equal(result.pred_label_map == 1, truth[1] == 1)
    assert result.pred_scores.shape == (3, 60, 90)
    assert result.pred_scores[2][torch.from_numpy(prompt) == 2].eq(1).all()


def test_scores_are_there_in_every_frame():
    """Also before the first prompt, and in its frame."""
    images, truth = squares()
    model = ColourModel(test_cfg=dict(keep_scores=True))
    results = list(VOSSession(model).run(FrameArrays(images, prompts={1: only(truth[1], {1: 5, 2: 6})})))
    assert [len(r.pred_scores) for r in results] == [1, 3, 3, 3, 3, 3]
    np.testing.assert_array_equal(results[1].pred_scores.argmax(0), only(truth[1], {1: 1, 2: 2}))
    assert 'pred_scores' not in next(VOSSession(ColourModel()).run(FrameArrays(images, prompts={0: truth[0]})))


def test_a_frame_that_is_refused_changes_nothing():
    images, truth = squares()
    session = VOSSession(ColourModel())
    session.step(images[0], truth[0])
    state = session.state
    with pytest.raises(InputError):
        session.step(images[1], np.zeros((60, 90), np.uint8))
    assert session.frame_index == 0 and session.state is state


@pytest.mark.parametrize(
    'test_cfg, message',
    [
        (dict(overlay_promt=False), "ColourModel.test_cfg: unknown setting 'overlay_promt'; did you mean 'overlay_prompt'"),
        (dict(upsample='nearest'), "ColourModel.test_cfg.upsample: expected 'scores' or 'labels', got 'nearest'"),
        (
            dict(upsample='labels', post_process=dict(type='DenseCRF')),
            "ColourModel.test_cfg: post_process needs upsample='scores'",
        ),
        (dict(interpolation='cubic'), "'bilinear' or 'area' or 'antialias', got 'cubic'"),
        (
            dict(resize=dict(type='ShortSide', length=-5)),
            'test_cfg: resize: ShortSide: length is -5; expected a number of pixels',
        ),
        (
            dict(resize=dict(type='ShortSide', length=5, larger=2)),
            "test_cfg: resize={.*}: .* unexpected keyword argument 'larger'",
        ),
        (dict(pad=dict(type='Nope')), "test_cfg: pad={'type': 'Nope'}: Nope is not in the mmvos::task util registry.$"),
    ],
)
def test_an_unknown_setting_is_refused(test_cfg, message):
    with pytest.raises(InputError, match=message):
        ColourModel(test_cfg=test_cfg)


def test_a_method_without_training_settings_refuses_them():
    with pytest.raises(InputError, match="ColourModel.train_cfg: unknown setting 'lr'; known are none"):
        ColourModel(train_cfg=dict(lr=1))


def test_settings_of_a_session_replace_those_of_the_model():
    images, truth = squares()
    model = ColourModel()
    session = VOSSession(model, settings=replace(model.test_cfg, keep_scores=True))
    assert 'pred_scores' in session.step(images[0], truth[0]) and not model.test_cfg.keep_scores


def test_a_correction_leaves_the_other_objects_and_sums_to_one():
    images, truth = squares()
    model = ColourModel()
    session = VOSSession(model, settings=replace(model.test_cfg, keep_scores=True))
    session.step(images[0], truth[0])
    before = session.step(images[1])
    smaller = np.where(truth[1] == 1, np.uint8(1), np.uint8(0))
    smaller[:, : smaller.nonzero()[1].mean().astype(int)] = 0
    corrected = session.correct(images[1], smaller)
    label_map, ids = corrected.pred_label_map, np.array([0, *corrected.object_ids])
    np.testing.assert_array_equal(label_map == 1, smaller == 1)
    np.testing.assert_array_equal(label_map == 2, (before.pred_label_map == 2) & (smaller == 0))
    assert (label_map == 2).any() and (label_map[before.pred_label_map == 1] == 0).any()
    np.testing.assert_array_equal(ids[corrected.pred_scores.argmax(0).numpy()], label_map)
    torch.testing.assert_close(corrected.pred_scores.sum(0), torch.ones(label_map.shape))
    session.remove_objects([2])
    assert not (session.correct(images[1], smaller).pred_label_map == 2).any()
