"""MaskTrack R-CNN, with or without spatio-temporal attention."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pycocotools.mask as rle
import torch
from mmdet.models.vis import MaskTrackRCNN as MMDetMaskTrackRCNN
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.structures import InstanceData
from torch import Tensor, nn
from typing_extensions import override

from mmvos.inference import Frame, VISSessionSettings
from mmvos.registry import MODELS, TASK_UTILS, TRACKERS
from mmvos.structures import InputError, settings_from

from ..necks import SpatioTemporalNeck
from ..trackers import MemoryQueue
from .shared_losses import SharedLosses

Maps = tuple[Tensor, ...]


@dataclass
class VISState:
    """What goes from frame to frame.

    Args:
        memory (MemoryQueue): instances, and maps for the attention.
    """

    memory: MemoryQueue


@MODELS.register_module()
class MaskTrackRCNN(MMDetMaskTrackRCNN):
    """A detector of mmdet that tracks: "Video Instance Segmentation"; with a :class:`SpatioTemporalNeck` as the
    detector's neck, "Spatio-temporal Attention Network for Video Instance Segmentation".

    ::

        frame -> backbone, neck -> raw maps -> attention over the maps in memory -> RPN -> boxes, masks -> tracker
                                      |                     |                                             |
                                      +---- memory queue ---+--------------- instances -------------------+

    What differs from mmdet's class of this name: videos are read and results given frame by frame, and everything that
    is carried from one frame to the next is in a state that begins with the video; the RPN is trained on "object or
    not" (mmdet hands it the classes, so that only objects of the first class count as objects).

    Args:
        detector (dict): config of a two-stage detector of mmdet with a mask head.
        track_head (dict): config of ``mmdet.RoITrackHead`` with a :class:`TrackEmbedHead`. Types inside these two are
            mmdet's; MMVOS's own are named ``mmvos.<name>``.
        tracker (dict | None): config of a :class:`MaskTrackTracker`.
        memory (dict | None): config of the :class:`MemoryQueue`; one is built per video.
        near_references (int): training: so many of the last reference frames are the memory of the attention, newest first,
            and the others are for the track head alone. 0: all reference frames are the memory.
        test_cfg (dict | None): settings for inference, a :class:`~mmvos.inference.VISSessionSettings`.
        data_preprocessor (dict | None): config of a :class:`VISDataPreprocessor`.
        init_cfg (dict | list[dict] | None): config of the weights' initialisation.
    """

    task = 'vis'
    causal = True
    prompted = False
    TestSettings = VISSessionSettings

    def __init__(
        self,
        detector: dict[str, Any],
        track_head: dict[str, Any],
        tracker: dict[str, Any] | None = None,
        memory: dict[str, Any] | None = None,
        near_references: int = 0,
        test_cfg: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        # parts inside mmdet's configs are named without a scope
        super().__init__(
            dict(detector, _scope_='mmdet'),
            dict(track_head, _scope_='mmdet'),
            None,
            data_preprocessor or dict(type='mmvos.VISDataPreprocessor'),
            init_cfg,
        )
        self.tracker = TRACKERS.build(tracker or dict(type='MaskTrackTracker'))
        self.memory_cfg = memory or dict(type='MemoryQueue')
        self.test_cfg = settings_from(self.TestSettings, test_cfg, f'{type(self).__name__}.test_cfg')
        self.near_references = near_references
        self.shared_losses = SharedLosses(_loss_modules(self.detector))
        self.attends = isinstance(getattr(self.detector, 'neck', None), SpatioTemporalNeck)

    # Inference

    @override
    def predict(self, inputs: Any, data_samples: Any = None) -> NoReturn:
        """Refused: a :class:`~mmvos.inference.VISSession` runs the model over videos.

        Raises:
            TypeError: always.
        """
        raise TypeError(f'{type(self).__name__} is run over videos by a mmvos.inference.VISSession.')

    def init_state(self, frame: Frame) -> VISState:  # noqa: ARG002  (as the session calls it)
        """An empty memory, for the first frame of a video."""
        return VISState(TASK_UTILS.build(self.memory_cfg))

    def step(self, frame: Frame, state: VISState) -> tuple[InstanceData, VISState]:
        """Detect, segment and track in one frame.

        Returns:
            On the CPU, at the frame's own size: ``bboxes (n, 4)``, ``labels (n,)``, ``scores (n,)``, ``instances_id
            (n,)``, ``masks`` (list of COCO run-length codes); and the state for the next frame.
        """
        memory = state.memory
        raw = self.raw_maps(frame.image)
        maps = self.enhance(raw, memory.read_maps(self.kept_maps(raw)))
        memory.push_maps(self.kept_maps(raw))
        with _single_precision(maps[0].device) as to:
            return self._instances(tuple(map(to, maps)), frame, memory), state

    def _instances(self, maps: Maps, frame: Frame, memory: MemoryQueue) -> InstanceData:
        shape = tuple(frame.image.shape[-2:])
        scale_factor = (frame.img_shape[1] / frame.ori_shape[1], frame.img_shape[0] / frame.ori_shape[0])  # (x, y)
        sample = DetDataSample(
            metainfo=dict(
                img_shape=frame.img_shape,
                ori_shape=frame.ori_shape,
                pad_shape=shape,
                batch_input_shape=shape,
                scale_factor=scale_factor,
            )
        )
        proposals = self.detector.rpn_head.predict(maps, [sample])
        found = self.detector.roi_head.predict(maps, proposals, [sample], rescale=True)[0]

        rois = found.bboxes * found.bboxes.new_tensor(scale_factor * 2)
        embeddings = self.track_head.embed_head.embed(self.track_head.extract_roi_feats(maps, [rois])[0])
        ids = self.tracker.track(
            found.bboxes, found.labels, found.scores, embeddings, self.track_head.embed_head.similarity, memory, frame.index
        )
        found = found[(ids >= 0).to(found.bboxes.device)]
        return InstanceData(
            bboxes=found.bboxes.float().cpu(),
            labels=found.labels.cpu(),
            scores=found.scores.float().cpu(),
            instances_id=ids[ids >= 0],
            masks=encode_masks(found.masks),
        )

    # Feature maps

    def raw_maps(self, images: Tensor) -> Maps:
        """Images ``(N, 3, h, w)`` to maps before the attention."""
        if self.attends:
            return self.detector.neck.features(self.detector.backbone(images))
        return self.detector.extract_feat(images)

    def kept_maps(self, raw: Maps) -> Maps:
        """What the memory keeps of the maps ``raw``, ``(N, C, h, w)`` each."""
        return self.detector.neck.kept(raw) if self.attends else ()

    def enhance(self, raw: Maps, memory: Sequence[Maps]) -> Maps:
        """Maps for the heads, ``(N, C, h, w)`` each.

        In the plain memory layout: mmcv's RoIAlign reads no other, and does not say so.

        Args:
            raw (Maps): maps ``(N, C, h, w)`` of :meth:`raw_maps`.
            memory (Sequence[Maps]): what :meth:`kept_maps` gave for earlier frames, oldest first.
        """
        maps = self.detector.neck.enhance(raw, memory) if self.attends else raw
        return tuple(m.contiguous() for m in maps)

    # Training

    def loss(self, inputs: Tensor, data_samples: list[TrackDataSample]) -> dict[str, Tensor]:
        """Losses of key frames; reference frames are the memory of attention and tracker.

        A reference frame is treated as the first of a video, before or after the key frame: it is its own memory when
        the track head sees it. The raw maps of the reference frames, or of the near ones, are the memory of the key frame.

        Args:
            inputs (Tensor): images ``(N, 1 + R, 3, H, W)``.
            data_samples (list[TrackDataSample]): N samples of 1 + R frames with ``key_frames_inds`` and
                ``ref_frames_inds``. The track head compares with the first reference frame, the attention looks at
                all, or at the near ones.

        Returns:
            dict[str, Tensor]: ``{name: scalar}``.

        Raises:
            InputError: samples with another number of frames than the settings need.
        """
        key = torch.tensor([sample.key_frames_inds[0] for sample in data_samples])
        refs = torch.tensor([sample.ref_frames_inds for sample in data_samples])
        if refs.ndim != 2 or not refs.shape[1]:
            raise InputError('every sample needs one key frame and the same number (at least one) of reference frames.')
        if refs.shape[1] <= self.near_references:
            raise InputError(
                f'{type(self).__name__}: near_references is {self.near_references}, but samples have {refs.shape[1]} reference '
                'frames; use SampleNearAndFar.'
            )
        rows = torch.arange(len(inputs))
        count = refs.shape[1]
        raw = self.raw_maps(torch.cat([inputs[rows, key]] + [inputs[rows, refs[:, r]] for r in range(count)]))
        raw_key, *raw_refs = zip(*(m.chunk(1 + count) for m in raw), strict=True)
        memory = raw_refs[-self.near_references :]  # all of them for 0
        maps = self.enhance(raw_key, [self.kept_maps(r) for r in memory])
        ref_maps = self.enhance(raw_refs[0], [])

        key_samples = [sample.get_key_frames()[0] for sample in data_samples]
        with _single_precision(inputs.device) as to:
            maps, ref_maps = tuple(map(to, maps)), tuple(map(to, ref_maps))
            losses, proposals = self._rpn_losses(maps, key_samples)
            # the order matters: the RoI head prepares the proposals for the track head
            losses.update(self.detector.roi_head.loss(maps, proposals, key_samples))
            losses = self.shared_losses.rescaled(losses)
            # the mean over images
            losses.update(self.track_head.loss(maps, ref_maps, proposals, data_samples))
        if self.attends:
            losses['gamma'] = torch.stack([a.gamma.detach().abs() for a in self.detector.neck.attentions]).mean()
        return losses

    def _rpn_losses(self, maps: Maps, samples: list[DetDataSample]) -> tuple[dict[str, Tensor], list[InstanceData]]:
        proposal_cfg = self.detector.train_cfg.get('rpn_proposal', self.detector.test_cfg.rpn)
        losses, proposals = self.detector.rpn_head.loss_and_predict(
            maps, [class_agnostic(sample) for sample in samples], proposal_cfg=proposal_cfg
        )
        return {name if 'rpn' in name else f'rpn_{name}': value for name, value in losses.items()}, proposals


def _loss_modules(detector: Any) -> dict[str, nn.Module]:
    """Loss modules of a two-stage detector, by the names of their losses."""
    heads = dict(rpn_head=detector.rpn_head, bbox_head=detector.roi_head.bbox_head, mask_head=detector.roi_head.mask_head)
    names = dict(
        loss_rpn_cls='rpn_head.loss_cls',
        loss_rpn_bbox='rpn_head.loss_bbox',
        loss_cls='bbox_head.loss_cls',
        loss_bbox='bbox_head.loss_bbox',
        loss_mask='mask_head.loss_mask',
    )
    places = {name: place.split('.') for name, place in names.items()}
    found = {name: getattr(heads[head], loss, None) for name, (head, loss) in places.items()}
    return {name: module for name, module in found.items() if isinstance(module, nn.Module)}


@contextmanager
def _single_precision(device: torch.device) -> Iterator[Callable[[Tensor], Tensor]]:
    """The heads leave mixed precision: on a CPU mmcv's RoIAlign and NMS know float32 only, and on a GPU RoIAlign puts what
    it reads from all levels into one tensor, so that levels of several precisions fail.

    Gives the function that brings a map to the precision of the heads.
    """
    with torch.autocast(device.type, enabled=False):
        yield Tensor.float


def class_agnostic(sample: DetDataSample) -> DetDataSample:
    """A copy of the sample with every object in class 0, which is what the RPN calls an object."""
    agnostic = DetDataSample(metainfo={k: v for k, v in sample.metainfo.items() if k != 'instances'})
    instances = sample.gt_instances
    agnostic.gt_instances = InstanceData(bboxes=instances.bboxes, labels=torch.zeros_like(instances.labels))
    if 'ignored_instances' in sample:
        agnostic.ignored_instances = sample.ignored_instances
    return agnostic


def encode_masks(masks: Tensor) -> list[dict]:
    """Boolean masks ``(n, H, W)`` to COCO run-length codes with ``counts`` as str."""
    columns = masks.to(torch.uint8).transpose(1, 2).contiguous().cpu().numpy()
    codes = rle.encode(np.transpose(columns, (2, 1, 0))) if len(columns) else []  # (H, W, n), column by column
    return [dict(size=[int(side) for side in code['size']], counts=code['counts'].decode()) for code in codes]
