"""Embeddings, matching and track loss against the original MaskTrack R-CNN."""

import numpy as np
import pytest
import torch
from golden import assert_close, fill, load_golden

from mmvos.converters import convert
from mmvos.models.trackers import MaskTrackTracker, MemoryQueue
from mmvos.models.vis import TrackEmbedHead

DESCRIPTION, ARRAYS = load_golden('masktrack_match')
FRAMES = [case for case in DESCRIPTION['cases'] if case['name'] != 'loss']
LOSS = DESCRIPTION['cases'][-1]


@pytest.fixture(scope='module')
def head():
    config = DESCRIPTION['config']
    head = TrackEmbedHead(
        num_fcs=config['num_fcs'],
        roi_feat_size=config['roi_feat_size'],
        in_channels=config['in_channels'],
        fc_out_channels=config['fc_out_channels'],
        loss_normaliser='positive',
        skip_single_positive=True,
    )
    params = DESCRIPTION['params']
    weights = fill(params, dict.fromkeys(params, DESCRIPTION['fill_scale']))
    prefix = 'track_head.embed_head.'
    converted = convert('masktrack_rcnn', {f'track_head.{name}': value for name, value in weights.items()}, whole=False)
    head.load_state_dict({name[len(prefix) :]: value for name, value in converted.items()}, strict=True)
    return head.eval()


def original_tracker():
    score, iou, label = DESCRIPTION['config']['match_coeff']
    return MaskTrackTracker(
        dict(det_score=score, iou=iou, det_label=label), update_labels=False, iou_offset=1, min_match_score=-100
    )


def boxes_of(case):
    boxes = torch.from_numpy(ARRAYS[case['inputs']['det_bboxes']])
    labels, feats = (torch.from_numpy(ARRAYS[case['inputs'][k]]) for k in ('det_labels', 'roi_feats'))
    return boxes[:, :4], labels, boxes[:, 4], feats


@torch.no_grad()
def test_twelve_frames_on_one_memory(head):
    tracker = original_tracker()
    with_duplicates = MaskTrackTracker(unique_ids=False, iou_offset=1, min_match_score=-100)

    def similarity(feats, memory_feats):
        return head.similarity(head.embed(feats), head.embed(memory_feats))

    for index, case in enumerate(FRAMES):
        if case['is_first']:
            memory = MemoryQueue()
        boxes, labels, scores, feats = boxes_of(case)
        expected = {name: ARRAYS[array] for name, array in case['outputs'].items()}
        if 'comp' in expected:
            logits = similarity(feats, memory['embeddings'])
            match_scores = tracker.match_scores(boxes, labels, scores, logits, memory)
            assert_close(logits, expected['logits'], name=f'{case["name"]} logits')
            assert_close(logits.log_softmax(1), expected['logprob'], name=f'{case["name"]} logprob')
            assert_close(match_scores, expected['comp'], name=f'{case["name"]} comp')
            same = (labels[:, None] == memory['labels']).float()
            assert np.array_equal(same, expected['label_delta'][:, -len(memory) :])
            only_iou = MaskTrackTracker(dict(det_score=0, iou=1, det_label=0), iou_offset=1)
            overlap = only_iou.match_scores(boxes, labels, scores, torch.zeros_like(logits), memory)
            assert_close((overlap - overlap[:, :1])[:, 1:], expected['ious'], name=f'{case["name"]} ious')
            num_ids = memory.num_ids
            ids = with_duplicates.assign(match_scores, memory)  # the original lists both of two rivals
            memory.num_ids = num_ids
            assert ids.tolist() == expected['ids'].tolist(), case['note']
        ids = tracker.track(boxes, labels, scores, feats, similarity, memory, index)
        kept = sorted((int(i), row) for row, i in enumerate(ids) if i >= 0)
        assert kept == sorted(map(tuple, expected['kept'].tolist())), case['note']
        if 'mem_labels' in expected:
            assert_close(memory['boxes'], expected['mem_bboxes'][:, :4])
            assert memory['labels'].tolist() == expected['mem_labels'].tolist(), case['note']
            assert_close(memory['embeddings'].flatten(1).mean(1), expected['mem_feat_mean'])


@torch.no_grad()
def test_track_loss(head):
    inputs = {name: torch.from_numpy(ARRAYS[array]) for name, array in LOSS['inputs'].items() if isinstance(array, str)}
    embeddings = head.extract_feat(inputs['x'], inputs['x_n'].tolist())
    references = head.extract_feat(inputs['ref_x'], inputs['ref_x_n'].tolist())
    logits = [head.similarity(e, r) for e, r in zip(embeddings, references, strict=True)]
    for logit, array in zip(logits, LOSS['outputs']['match_score'], strict=True):
        assert_close(logit, ARRAYS[array], name=array)
    weights = [torch.from_numpy(ARRAYS[name]) for name in LOSS['inputs']['id_weights']]
    losses = head.match_loss(logits, inputs['ids'].split(inputs['x_n'].tolist()), weights)
    assert_close(losses['loss_match'], ARRAYS[LOSS['outputs']['loss_match']], name='loss_match')
    assert_close(losses['match_accuracy'], ARRAYS[LOSS['outputs']['match_acc']], name='match_acc')
