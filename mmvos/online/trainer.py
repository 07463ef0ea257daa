"""Online training: fine-tuning a model at test time on the frames whose masks are given, before (and while) it segments.

An option of the test loop for any VOS model that can be trained::

    test_cfg = dict(type='VideoTestLoop', online_training=dict(stages=[dict(mode='per_video', max_iters=200, ...)]))
"""

import copy
import hashlib
import json
import os
import random
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.dist import barrier
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import Dataset

from mmvos.inference import VOSSession, open_session, video_info
from mmvos.registry import DATASETS, TRANSFORMS
from mmvos.structures import VOID, VOSDataSample, atomic_path, object_ids_of
from mmvos.videos import Video


class GivenFrame(NamedTuple):
    """A frame that the benchmark gives with its mask: BGR uint8 ``(H, W, 3)``, label map uint8 ``(H, W)``, and its video."""

    image: np.ndarray
    label_map: np.ndarray
    video_id: str


class OnlineTrainer:
    """Fine-tunes a model before each video (or once before all), and restores it afterwards.

    Samples are made from the given frames by ``synthesis`` and go through the stage's pipeline and ``model.loss``, as in
    offline training. Only images and masks that the benchmark gives are read.

    Args:
        stages: in order; each a dict of

            - ``mode``: ``'per_dataset'`` (one model, from the given frames of all videos) or ``'per_video'``.
            - ``max_iters``, ``batch_size``.
            - ``synthesis``: config of what makes a clip of a given frame (``FirstFrameSynthesis``), or None: the frame itself,
              ``clip_len`` times.
            - ``pipeline``: transforms after the synthesis, ending with ``PackVOSInputs``.
            - ``mix_dataset``: config of a data set with a training pipeline of its own, e.g. the one of offline training, and
              ``mix_ratio``: the share of all samples that are drawn from it, in [0, 1]. With a batch that the share does not
              divide, batches of both roundings take turns. Its clips must come out in the size and length of the others.
            - ``optim_wrapper``, ``param_scheduler`` (by iteration): mmengine configs.
            - ``trainable``: regular expressions; parameters whose names match one of them are trained (None: all that train
              offline).
            - ``freeze_bn``: batch norms keep their statistics.
            - ``per_object``: one model per object (object against the rest), their probabilities merged.
            - ``use_late_objects``: also train on the frames in which later objects are given. A strictly causal run leaves
              them out.
            - ``seed``.
        adapt: settings of :class:`OnlineAdaptation` (None: weights are fixed while a video is segmented).
        save_weights: keep fine-tuned weights under ``<work dir>/online/``.
        reuse_weights: load those that an earlier run saved, instead of training, where the stage's settings, the given frames
            and the weights to start from are the same. With both, a test that was interrupted goes on with what it has.

    Raises:
        ValueError: a setting of a stage is unknown, missing or out of range.
    """

    STAGE = dict(
        mode='per_video',
        max_iters=200,
        batch_size=4,
        clip_len=1,
        synthesis=None,
        pipeline=None,
        mix_dataset=None,
        mix_ratio=0.0,
        optim_wrapper=None,
        param_scheduler=None,
        trainable=None,
        freeze_bn=True,
        per_object=False,
        use_late_objects=True,
        seed=0,
    )

    def __init__(
        self,
        stages: Sequence[dict],
        adapt: dict | None = None,
        save_weights: bool = False,
        reuse_weights: bool = False,
        work_dir: str | None = None,
    ) -> None:
        self.stages = []
        for stage in stages:
            unknown = set(stage) - set(self.STAGE)
            if unknown:
                raise ValueError(f'online training: unknown setting {sorted(unknown)[0]!r}; expected {sorted(self.STAGE)}.')
            stage = dict(self.STAGE, **stage)
            if stage['mode'] not in ('per_dataset', 'per_video'):
                raise ValueError(f"online training: mode is {stage['mode']!r}; expected 'per_dataset' or 'per_video'.")
            if not stage['pipeline'] or not stage['optim_wrapper']:
                raise ValueError("online training: every stage needs a 'pipeline' and an 'optim_wrapper'.")
            if not 0 <= stage['mix_ratio'] <= 1 or bool(stage['mix_ratio']) != bool(stage['mix_dataset']):
                raise ValueError(
                    "online training: 'mix_dataset' goes with a 'mix_ratio' in (0, 1], and neither without the "
                    f'other; got mix_ratio={stage["mix_ratio"]}.'
                )
            self.stages.append(stage)
        self.per_object = any(s['per_object'] for s in self.stages)
        self.adapt = OnlineAdaptation(**adapt) if adapt else None
        self.save_weights, self.reuse_weights = save_weights, reuse_weights
        self.folder = os.path.join(work_dir or '.', 'online')
        self.reports: list[dict] = []
        #: names of trainings whose weights an earlier run had saved
        self.reused: list[str] = []
        self._mixed: dict[str, Dataset] = {}  # by their configs: data sets are made once

    # -- what the loop calls ---------------------------------------------------------------------------------------

    def check(self, model: nn.Module) -> None:
        """Refuse a model that cannot take part, before any work is done."""
        name = type(model).__name__
        if not any(p.requires_grad for p in model.parameters()):
            raise TypeError(f'online training: {name} has no parameter that trains.')
        if any(isinstance(m, nn.SyncBatchNorm) for m in model.modules()) and not all(s['freeze_bn'] for s in self.stages):
            raise TypeError(
                f'online training: {name} has batch norms that wait for other ranks, but every rank trains by '
                'itself; set freeze_bn=True.'
            )
        if not model.prompted:
            raise TypeError(f'online training needs given masks, and {name} takes no prompts.')
        if self.adapt and not model.causal:
            raise TypeError(f'online adaptation goes from frame to frame; {name} needs the whole video.')
        if self.per_object and not model.causal:
            raise TypeError(f'one model per object needs a model that goes from frame to frame; {name} does not.')

    def before_test(self, model: nn.Module, videos: Callable[[], Iterable[Video]]) -> None:
        """``per_dataset`` stages; ``videos()`` iterates over all videos of the test set.

        Every rank trains on the same samples with the same seed and so gets the same weights.
        """
        for number, stage in enumerate(self.stages):
            if stage['mode'] == 'per_dataset':
                given = [frame for video in videos() for frame in given_frames(video, stage['use_late_objects'])]
                self._train(model, stage, given, f'dataset_{number}')
                barrier()

    def run(self, model: nn.Module, video: Video) -> Iterator[VOSDataSample]:
        """Train on the video's given frames, segment it, restore the model."""
        stages = [s for s in self.stages if s['mode'] == 'per_video']
        with restored(model):
            if self.per_object:
                yield from self._run_per_object(model, stages, video)
                return
            for number, stage in enumerate(stages):
                self._train(model, stage, given_frames(video, stage['use_late_objects']), f'{video.video_id}_{number}')
            if self.adapt:
                yield from self.adapt.run(self, stages[-1] if stages else self.stages[-1], model, video)
            else:
                yield from open_session(model).run(video)

    def summary(self, frames: int, seconds: float) -> dict[str, Any]:
        """What was spent: ``fps`` without online training, and with its time spread over all frames."""
        online = sum(r['synthesis_seconds'] + r['train_seconds'] for r in self.reports)
        inference = max(seconds - online, 1e-9)
        return dict(
            trainings=self.reports,
            reused=self.reused,
            fps=frames / inference,
            fps_with_online_training=frames / max(seconds, 1e-9),
        )

    # -- training --------------------------------------------------------------------------------------------------

    def _train(self, model: nn.Module, stage: dict, given: list[GivenFrame], name: str) -> None:
        logger = MMLogger.get_current_instance()
        given = [frame for frame in given if object_ids_of(frame.label_map)]
        if not given:
            logger.warning(f'online training, {name}: no given mask holds an object; the model stays as it is.')
            return
        before = snapshot(model)
        path = self._weights_path(stage, name, given, before) if self.save_weights or self.reuse_weights else None
        if self.reuse_weights and os.path.isfile(path):
            copy_weights(model, torch.load(path, map_location='cpu', weights_only=True))
            self.reused.append(name)
            logger.info(f'online training, {name}: the weights of an earlier run, {path}')
            return
        report = dict(name=name, iterations=0, synthesis_seconds=0.0, train_seconds=0.0)
        with isolated_random_state(stage['seed'] + zlib.crc32(name.encode())), trainable_mode(model, stage):
            finite = self._optimise(model, stage, given, report)
        if not finite:
            logger.warning(
                f'online training, {name}: the loss is not finite after {report["iterations"]} iterations; '
                'going on with the weights from before.'
            )
            copy_weights(model, before)
        elif self.save_weights:
            with atomic_path(path) as temporary:
                torch.save({k: v.cpu() for k, v in snapshot(model).items()}, temporary)
        self.reports.append(report)
        logger.info(
            'online training, {name}: {iterations} iterations, loss {first_loss:.4f} -> {last_loss:.4f}, '
            '{synthesis_seconds:.1f} s synthesis, {train_seconds:.1f} s training'.format(**report)
        )

    def _optimise(self, model: nn.Module, stage: dict, given: list[GivenFrame], report: dict) -> bool:
        rng = np.random.default_rng(np.random.randint(2**31))
        synthesis = TRANSFORMS.build(stage['synthesis']) if stage['synthesis'] else None
        pipeline, mixed = Compose(stage['pipeline']), self._mixed_dataset(stage)
        wrapper = build_optim_wrapper(model, copy.deepcopy(stage['optim_wrapper']))
        schedulers = [
            PARAM_SCHEDULERS.build(dict(s, optimizer=wrapper, by_epoch=False)) for s in stage['param_scheduler'] or []
        ]
        report.update(first_loss=float('nan'), last_loss=float('nan'))
        for iteration in range(stage['max_iters']):
            start = time.perf_counter()
            drawn = mixed_samples(iteration, stage['batch_size'], stage['mix_ratio'])
            batch = [
                make_sample(synthesis, pipeline, given[rng.integers(len(given))], rng, stage['clip_len'])
                for _ in range(stage['batch_size'] - drawn)
            ]
            batch += [mixed[int(rng.integers(len(mixed)))] for _ in range(drawn)]
            middle = time.perf_counter()
            loss = train_step(model, batch, wrapper)
            for scheduler in schedulers:
                scheduler.step()
            report['synthesis_seconds'] += middle - start
            report['train_seconds'] += time.perf_counter() - middle
            report['iterations'] = iteration + 1
            report['last_loss'] = loss
            if iteration == 0:
                report['first_loss'] = loss
            if not np.isfinite(loss):
                return False
        return True

    def _mixed_dataset(self, stage: dict) -> Dataset | None:
        """The data set that a stage mixes in."""
        if not stage['mix_dataset']:
            return None
        key = json.dumps(stage['mix_dataset'], sort_keys=True, default=str)
        if key not in self._mixed:
            self._mixed[key] = DATASETS.build(stage['mix_dataset'])
        return self._mixed[key]

    def _weights_path(self, stage: dict, name: str, given: list[GivenFrame], before: dict[str, torch.Tensor]) -> str:
        """Where weights are kept; the file name tells everything apart that the result depends on."""
        digest = hashlib.sha1(json.dumps(stage, sort_keys=True, default=str).encode())
        for frame in given:
            digest.update(np.ascontiguousarray(frame.image))
            digest.update(np.ascontiguousarray(frame.label_map))
        for _, tensor in sorted(before.items()):
            digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return os.path.join(self.folder, f'{name}_{digest.hexdigest()[:12]}.pth')

    # -- one model per object --------------------------------------------------------------------------------------

    def _run_per_object(self, model: nn.Module, stages: list[dict], video: Video) -> Iterator[VOSDataSample]:
        """K fine-tuned copies go through the video side by side; their probabilities are merged frame by frame."""
        prompts = {i: read_prompt(video, i) for i in sorted(video.prompts)}
        sessions: dict[int, VOSSession] = {}
        for index, label_map in prompts.items():
            for object_id in object_ids_of(label_map):
                own = copy.deepcopy(model)
                own.test_cfg = replace(own.test_cfg, keep_scores=True)
                frame = video.read(index)
                mask = (label_map == object_id).astype(np.uint8)
                for number, stage in enumerate(stages):
                    self._train(own, stage, [GivenFrame(frame, mask, video.video_id)], f'{video.video_id}_{object_id}_{number}')
                sessions[object_id] = VOSSession(own)
        for index, frame in video:
            prompt = prompts.get(index)
            odds, ids, label_map = [], [], np.zeros(frame.shape[:2], np.uint8)
            for object_id, session in sessions.items():
                mask = None
                if prompt is not None and (prompt == object_id).any():
                    mask = (prompt == object_id).astype(np.uint8)
                result = session.step(frame, mask)
                if result.object_ids:
                    ids.append(object_id)
                    odds.append(result.pred_scores[1].clamp(1e-7, 1 - 1e-7).logit())
            if odds:
                odds = torch.stack(odds)
                best = odds.max(0)
                label_map = np.array([0, *ids], np.uint8)[((best.indices + 1) * (best.values > 0)).cpu().numpy()]
            if prompt is not None:
                given = (prompt != 0) & (prompt != VOID)
                label_map[given] = prompt[given]
            result = VOSDataSample(
                metainfo=dict(
                    video_info(video, index), frame_index=index, ori_shape=frame.shape[:2], object_ids=sorted(sessions)
                )
            )
            result.pred_label_map, result.frame = label_map, frame
            yield result


class OnlineAdaptation:
    """Going on with training while the video is segmented (Voigtlaender and Leibe, "Online Adaptation of Convolutional Neural
    Networks for Video Object Segmentation", BMVC 2017).

    Before a frame is predicted for good: pixels that the model is sure of become object, pixels far from the last mask become
    background, all others are ignored; a few steps mix this frame with the given ones.

    Args:
        steps: per frame; every ``interval``-th of them uses the current frame, the others a given one.
        pos_thr: probability above which a pixel is taken for the object.
        neg_dist: distance in pixels of a 480-line frame from the (eroded) last mask beyond which a pixel is background.
        erosion: side of the square that erodes the last mask first, likewise.
        cur_weight: weight of the loss on the current frame.
        lr: learning rate (None: the stage's own).
    """

    def __init__(
        self,
        steps: int = 15,
        interval: int = 5,
        pos_thr: float = 0.97,
        neg_dist: float = 220,
        erosion: int = 15,
        cur_weight: float = 0.05,
        lr: float | None = 1e-5,
    ) -> None:
        self.steps, self.interval, self.pos_thr = steps, interval, pos_thr
        self.neg_dist, self.erosion, self.cur_weight, self.lr = neg_dist, erosion, cur_weight, lr

    def targets(self, scores: torch.Tensor, last: np.ndarray, object_ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """What may be learnt from a frame.

        Args:
            scores: ``(N + 1, H, W)`` of the frame with the weights so far.
            last: label map of the frame before.
            object_ids: of ``scores[1:]``.

        Returns:
            The label map to learn from (255: nothing) and the pixels that are surely background; both ``(H, W)``. All void and
            None if the object is lost.
        """
        scale = last.shape[0] / 480
        side = max(1, round(self.erosion * scale))
        core = cv2.erode((last > 0).astype(np.uint8), np.ones((side, side), np.uint8))
        target = np.full(last.shape, VOID, np.uint8)
        if not core.any():
            return target, None
        sure = (scores[1:] > self.pos_thr).cpu().numpy()
        for mask, object_id in zip(sure, object_ids):
            target[mask] = object_id
        far = cv2.distanceTransform(1 - core, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > self.neg_dist * scale
        target[far] = 0
        return target, far

    def run(self, trainer: OnlineTrainer, stage: dict, model: nn.Module, video: Video) -> Iterator[VOSDataSample]:
        """Segment a video, adapting before every frame."""
        given = given_frames(video, late=False)
        pipeline, synthesis = Compose(stage['pipeline']), None
        if stage['synthesis']:
            synthesis = TRANSFORMS.build(stage['synthesis'])
        config = copy.deepcopy(stage['optim_wrapper'])
        if self.lr is not None:
            config['optimizer']['lr'] = self.lr
        wrapper = build_optim_wrapper(model, config)
        seed = stage['seed'] + zlib.crc32(f'{video.video_id}/adapt'.encode())
        rng, last = np.random.default_rng(seed), None
        session = VOSSession(model)
        for index, frame in video:
            prompt = video.prompt(index, frame.shape[:2])
            if last is not None and prompt is None and session.object_ids:
                scores = session.peek(frame).pred_scores
                target, far = self.targets(scores, last, session.object_ids)
                with isolated_random_state(seed + index), trainable_mode(model, stage):
                    self._adapt(model, wrapper, pipeline, synthesis, given, (frame, target, far is None), rng, stage)
            result = session.step(frame, prompt)
            result.set_metainfo(video_info(video, index))
            last = result.pred_label_map
            yield result

    def _adapt(self, model, wrapper, pipeline, synthesis, given, current, rng, stage) -> None:
        frame, target, lost = current
        for step in range(self.steps):
            if step % self.interval == 0:
                if lost or not object_ids_of(target):
                    continue
                # a clip model gets the given frame first, then the current one
                frames, label_maps = [frame], [target]
                if stage['clip_len'] > 1:
                    frames, label_maps = [given[0].image, frame], [given[0].label_map, target]
                sample = pack(pipeline, given[0].video_id, frames, label_maps)
                train_step(model, [sample], wrapper, weight=self.cur_weight)
            else:
                sample = make_sample(synthesis, pipeline, given[rng.integers(len(given))], rng, stage['clip_len'])
                train_step(model, [sample], wrapper)


def given_frames(video: Video, late: bool = True) -> list[GivenFrame]:
    """Frames and label maps that the benchmark gives: the first prompt, and those of later objects."""
    indices = sorted(video.prompts)
    return [GivenFrame(video.read(i), read_prompt(video, i), video.video_id) for i in (indices if late else indices[:1])]


def read_prompt(video: Video, index: int) -> np.ndarray:
    """A prompt without the check that it holds an object: a video with an empty mask is skipped, not refused."""
    return video.prompts[index].read()


def mixed_samples(iteration: int, batch_size: int, ratio: float) -> int:
    """How many samples of an iteration's batch come from the mixed data set: after every iteration, all together are the share
    ``ratio`` of all samples so far, rounded down."""
    # the small number keeps 0.3 * 10 from falling below 3
    return int((iteration + 1) * batch_size * ratio + 1e-6) - int(iteration * batch_size * ratio + 1e-6)


def make_sample(synthesis, pipeline: Compose, given: GivenFrame, rng: np.random.Generator, clip_len: int) -> dict:
    """One training sample. A draw that the pipeline refuses (no object left) falls back to the frame itself.

    Raises:
        ValueError: the pipeline refuses the frame itself, too.
    """
    if synthesis is not None:
        clip = synthesis(given.image, given.label_map, rng)
        sample = pack(pipeline, given.video_id, clip.frames, clip.label_maps, flow_bwd=clip.flows_bwd)
        if sample is not None:
            return sample
    sample = pack(pipeline, given.video_id, [given.image] * clip_len, [given.label_map] * clip_len)
    if sample is None:
        raise ValueError(
            f'online training, {given.video_id}: the pipeline refuses the given frame itself; is an object '
            'smaller than it asks for?'
        )
    return sample


def pack(pipeline: Compose, video_id: str, frames: list[np.ndarray], label_maps: list[np.ndarray], **extra) -> dict | None:
    """Frames and label maps through the training transforms."""
    shape = frames[0].shape[:2]
    return pipeline(
        dict(
            video_id=video_id,
            frame_ids=list(range(len(frames))),
            img=list(frames),
            gt_seg_map=list(label_maps),
            ori_shape=shape,
            img_shape=shape,
            **extra,
        )
    )


def train_step(model: nn.Module, batch: list[dict], wrapper, weight: float = 1.0) -> float:
    """One optimiser step; returns the loss before it. Nothing is changed if the loss is not finite."""
    data = model.data_preprocessor(pseudo_collate(batch), training=True)
    with wrapper.optim_context(model):
        loss, _ = model.parse_losses(model(**data, mode='loss'))
    if torch.isfinite(loss):
        wrapper.update_params(weight * loss)
    return float(loss)


def snapshot(model: nn.Module) -> dict[str, torch.Tensor]:
    """Copies of all parameters and buffers."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def copy_weights(model: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Put a snapshot back, in place."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for name, value in weights.items():
            tensors[name].copy_(value)


@contextmanager
def restored(model: nn.Module):
    """Whatever happens inside, the weights and buffers are the same afterwards."""
    before = snapshot(model)
    try:
        yield
    finally:
        copy_weights(model, before)


@contextmanager
def trainable_mode(model: nn.Module, stage: dict):
    """Training mode and gradients for the parameters that the stage trains; evaluation mode afterwards."""
    flags = {name: p.requires_grad for name, p in model.named_parameters()}
    patterns = stage['trainable']
    if patterns is not None:
        chosen = {name for name in flags if any(re.search(p, name) for p in patterns)}
        if not any(flags[name] for name in chosen):
            raise ValueError(f'online training: no parameter that trains matches trainable={list(patterns)}.')
        for name, parameter in model.named_parameters():
            parameter.requires_grad = flags[name] and name in chosen
    model.train()
    # every rank trains by itself: on videos of its own, or on the same samples as all others
    shared = [module for module in model.modules() if getattr(module, 'sync_ranks', False)]
    for module in shared:
        module.sync_ranks = False
    if stage['freeze_bn']:
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
    try:
        with torch.enable_grad():
            yield
    finally:
        model.zero_grad(set_to_none=True)
        for module in shared:
            module.sync_ranks = True
        for name, parameter in model.named_parameters():
            parameter.requires_grad = flags[name]
        model.eval()


@contextmanager
def isolated_random_state(seed: int):
    """Seeded generators inside, the old state afterwards: results do not depend on the order or number of videos."""
    states = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.random.set_rng_state(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


def write_report(summary: dict, path: str) -> None:
    """The summary as JSON."""
    with atomic_path(path) as temporary, open(temporary, 'w') as file:
        json.dump(summary, file, indent=2)
