"""Every method's mini config keeps the contract of a model, and a broken promise is found and explained."""

import copy
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from mini_models import first_stages
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from mmvos.datasets.staged import in_stages
from mmvos.inference import VOSSession
from mmvos.models.segmentors import CausalVOSModel, SharedFeatures
from mmvos.registry import DATASETS, MODELS
from mmvos.structures import InputError, one_hot
from mmvos.testing import CONTRACT, ContractError, check_model, moving_squares
from mmvos.utils import load_config

ROOT = Path(__file__).parents[2]
#: models of instances have tests of their own
MINI = sorted(
    p.relative_to(ROOT / 'configs').as_posix()
    for p in ROOT.glob('configs/*/*mini*.py')
    if load_config(p).model.type not in ('MaskTrackRCNN', 'RIS', 'RSIS')
)


@pytest.mark.parametrize('promise', CONTRACT)
@pytest.mark.parametrize('name', MINI)
def test_every_method_keeps_its_contract(name, promise):
    (result,) = check_model(name, only=[promise]).results
    if result.outcome == 'not asked':
        pytest.skip(result.words)


@pytest.mark.parametrize('name', MINI)
def test_an_empty_correction_is_refused(name):
    cfg = load_config(name)
    model = MODELS.build(cfg.model)
    if not (model.causal and model.prompted):
        pytest.skip('takes no prompts while it runs')
    images, label_maps = moving_squares(1)
    session = VOSSession(model)
    session.step(images[0], label_maps[0])
    with pytest.raises(InputError, match='empty'):
        session.correct(images[0], 0 * label_maps[0])


@pytest.mark.parametrize('name', MINI)
def test_one_object_is_enough_for_every_parameter_and_none_is_trained_or_refused(name):
    """A process whose clip has fewer objects than the others' must have the same gradients to give."""
    cfg = load_config(name)
    model, source = MODELS.build(cfg.model).train(), cfg.train_dataloader.dataset
    with in_stages(first_stages(cfg)):  # a batch is of one stream, where there are several
        samples = [DATASETS.build(stream)[0] for stream in source.get('streams', dict(all=source)).values()]

    def train(sample, count):
        few, label_maps = copy.deepcopy(sample), sample['data_samples'].gt_label_maps
        object_ids = sample['data_samples'].object_ids
        few['data_samples'].gt_label_maps = torch.where(torch.isin(label_maps, torch.tensor(object_ids[count:])), 0, label_maps)
        few['data_samples'].set_metainfo(dict(object_ids=object_ids[:count]))
        model.zero_grad(set_to_none=True)
        # two: batch norms of pooled maps need more than one
        losses = model(**model.data_preprocessor(pseudo_collate([few, copy.deepcopy(few)]), True), mode='loss')
        model.parse_losses(losses)[0].backward()
        without = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
        assert cfg.get('find_unused_parameters') or not without

    for sample in samples:
        train(sample, 1)
        with suppress(InputError):
            train(sample, 0)


# Models that break one promise each


class Still(SharedFeatures, CausalVOSModel):
    """Every object stays where its prompt was; keeps the contract."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale = nn.Parameter(torch.ones(()))

    def extract_feat(self, images):
        return images.mean(1)

    def init_state(self, frame, masks):
        return [self.features_of(frame), *masks]

    def add_objects(self, frame, masks, state):
        return [*state, *masks]

    def keep_objects(self, indices, state):
        return [state[0], *(state[i + 1] for i in indices)]

    def step(self, frame, state):
        self.features_of(frame)
        masks = torch.stack(state[1:]) if len(state) > 1 else torch.zeros(0, *frame.image.shape[-2:])
        return torch.cat([(1 - masks.sum(0, keepdim=True)).clamp(min=0.1), masks * self.scale]), state

    def loss(self, inputs, data_samples):
        masks = one_hot(data_samples[0].gt_label_maps, data_samples[0].object_ids)
        return dict(loss=(masks * self.scale).mean())


class WithoutGradient(Still):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.unused = nn.Linear(2, 2)


class ForgetsToDrop(Still):
    def keep_objects(self, indices, state):
        return state


class DropsTheWrongOne(Still):
    def keep_objects(self, indices, state):
        return [state[0], *state[1:][: len(indices)]]


class DisturbsOthers(Still):
    def add_objects(self, frame, masks, state):
        return [state[0], *(mask.roll(9, -1) for mask in state[1:]), *masks]


class EncodesTwice(Still):
    def step(self, frame, state):
        self.extract_feat(frame.image)
        return super().step(frame, state)


class LogitsForScores(Still):
    def probabilities(self, scores):
        return scores * 3


class CountsStepsOnItself(Still):
    steps = 0

    def step(self, frame, state):
        self.steps += 1
        scores, state = super().step(frame, state)
        return scores.roll(self.steps, -1), state


class RemembersVideos(Still):
    videos = 0

    def init_state(self, frame, masks):
        self.videos += 1
        return super().init_state(frame, masks.roll(self.videos, -1))


class LosesItsWeights(Still):
    def state_dict(self, *args, **kwargs):
        return {name: torch.zeros_like(value) for name, value in super().state_dict(*args, **kwargs).items()}


class RefusesCorrections(Still):
    def correct_objects(self, frame, masks, indices, num_objects, state):
        raise RuntimeError('what is seen cannot be changed')


@pytest.fixture
def report_of(mmvos_scope):
    """A function that checks a model of a class over synthetic clips and returns the report."""
    train_dataloader = load_config('agame/agame_mini_synthvos.py').train_dataloader

    def check(cls):
        MODELS.register_module(name=cls.__name__, module=cls, force=True)
        try:
            return check_model(Config(dict(train_dataloader=train_dataloader, model=dict(type=cls.__name__))))
        except ContractError as error:
            return error.report
        finally:
            MODELS.module_dict.pop(cls.__name__)

    return check


def test_a_model_that_keeps_its_contract_passes(report_of):
    report = report_of(Still)
    assert not report.broken and len(report.results) == len(CONTRACT)
    assert str(report).startswith('Still keeps 11 of the 11 promises')


@pytest.mark.parametrize(
    ('cls', 'promise', 'words'),
    [
        (WithoutGradient, 'every_trainable_parameter_gets_a_gradient', 'unused.weight, unused.bias'),
        (ForgetsToDrop, 'objects_come_late_and_leave', '3 rows of scores for the objects [3]'),
        (DropsTheWrongOne, 'objects_have_no_rank', 'in frame 2, object 7 is another one'),
        (DisturbsOthers, 'a_late_object_leaves_the_others_as_they_are', 'because object 3 begins in frame 2: IoU 0.5'),
        (EncodesTwice, 'a_frame_is_encoded_once', '3 calls of extract_feat after 2 frames'),
        (LogitsForScores, 'scores_are_probabilities_of_the_labels', 'the sum of the scores is 2 away from 1'),
        (CountsStepsOnItself, 'a_look_ahead_changes_nothing', 'differs in frame 1'),
        (RemembersVideos, 'videos_are_kept_apart', 'differs in frame 1'),
        (LosesItsWeights, 'saved_weights_give_the_same_output', 'differs in frame 1'),
        (RefusesCorrections, 'corrections_keep_the_ids', 'RuntimeError: what is seen cannot be changed (test_all_models.py'),
        (RefusesCorrections, 'a_correction_in_the_first_frame', 'RuntimeError: what is seen cannot be changed'),
    ],
)
def test_a_broken_promise_is_explained(report_of, cls, promise, words):
    found = {result.name: result.words for result in report_of(cls).broken}
    assert words in found[promise]


def test_every_promise_has_a_model_that_breaks_it():
    (cases,) = [mark for mark in test_a_broken_promise_is_explained.pytestmark if mark.name == 'parametrize']
    assert {promise for _, promise, _ in cases.args[1]} == set(CONTRACT)


def test_the_words_hold_promise_finding_and_advice(report_of):
    text = str(report_of(RefusesCorrections))
    assert 'promise: One of two objects is set right in the frame of its prompt' in text
    assert 'look at: `correct_objects` and `init_state`' in text


@pytest.mark.parametrize(
    ('config', 'words'),
    [
        (Config(dict(a=1)), 'has no `model`'),
        (Config(dict(model=dict(type='mmengine.BaseDataPreprocessor'))), 'BaseDataPreprocessor is not a VOS model'),
    ],
)
def test_what_is_not_a_vos_model_is_refused(config, words):
    with pytest.raises(InputError, match=words):
        check_model(config)


def test_an_unknown_promise_is_refused():
    with pytest.raises(InputError, match='no promise .speed.; expected of every_trainable'):
        check_model(MINI[0], only=['speed'])
