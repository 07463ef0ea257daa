"""J and F of all objects of one frame, from its two label maps."""

from collections.abc import Sequence

import numpy as np

from .boundary import BOUND_TH, boundary_map, boundary_radius, contour_counts, dilate_disc, f_from_counts, mask_box
from .scorer import same_size


def score_objects(
    gt: np.ndarray, pred: np.ndarray, object_ids: Sequence[int], bound_th: float = BOUND_TH
) -> tuple[np.ndarray, np.ndarray]:
    """J and F of objects that carry the same id in both label maps.

    Args:
        gt (np.ndarray): uint8 ``(H, W)``.
        pred (np.ndarray): uint8 ``(H, W)``.
        object_ids (Sequence[int]): N ids; an id that is in neither map scores 1.
        bound_th (float): see :func:`boundary_radius`.

    Returns:
        J and F, float64 ``(N,)``.
    """
    gt, pred = same_size(gt, pred)
    radius = boundary_radius(gt.shape[0], gt.shape[1], bound_th)
    box = mask_box(gt | pred)  # nothing outside of it is any object
    gt, pred = gt[box], pred[box]
    scores_j, counts = np.ones(len(object_ids)), np.zeros((4, len(object_ids)), np.int64)
    for i, object_id in enumerate(object_ids):
        gt_mask, pred_mask = gt == object_id, pred == object_id
        either = gt_mask | pred_mask
        union = np.count_nonzero(either)
        if not union:
            continue
        box = mask_box(either.view(np.uint8))
        gt_mask, pred_mask = gt_mask[box], pred_mask[box]
        scores_j[i] = np.count_nonzero(gt_mask & pred_mask) / union
        counts[:, i] = contour_counts(gt_mask, pred_mask, radius)
    return scores_j, f_from_counts(*counts)


def score_pairs(
    gt: np.ndarray, pred: np.ndarray, num_objects: int, num_proposals: int, bound_th: float = BOUND_TH
) -> tuple[np.ndarray, np.ndarray]:
    """J and F of every proposal against every object.

    Contours and their dilations are made once per object and once per proposal, not once per pair.

    Args:
        gt (np.ndarray): uint8 ``(H, W)``, objects 1..K.
        pred (np.ndarray): uint8 ``(H, W)``, proposals 1..L.
        num_objects (int): K.
        num_proposals (int): L.
        bound_th (float): see :func:`boundary_radius`.

    Returns:
        J and F, float64 ``(L, K)``.
    """
    gt, pred = same_size(gt, pred)
    radius = boundary_radius(gt.shape[0], gt.shape[1], bound_th)
    box = mask_box(gt | pred)
    gt, pred = gt[box], pred[box]

    gt_ids, pred_ids = np.minimum(gt, num_objects + 1), np.minimum(pred, num_proposals + 1)
    joint = pred_ids.ravel().astype(np.intp) * (num_objects + 2) + gt_ids.ravel()
    joint = np.bincount(joint, minlength=(num_proposals + 2) * (num_objects + 2)).reshape(num_proposals + 2, -1)
    inside = joint[1:-1, 1:-1]
    union = joint.sum(1)[1:-1, None] + joint.sum(0)[None, 1:-1] - inside
    scores_j = np.where(union > 0, inside / np.maximum(union, 1), 1.0)

    gt_near, gt_contours = _contours(gt, num_objects, radius)
    pred_near, pred_contours = _contours(pred, num_proposals, radius)
    n_gt = np.array([len(c) for c in gt_contours], np.int64)
    n_pred = np.array([len(c) for c in pred_contours], np.int64)
    matched_pred, matched_gt = np.zeros((2, num_proposals, num_objects), np.int64)
    for j, pixels in enumerate(pred_contours):
        matched_pred[j] = np.count_nonzero(gt_near[:, pixels], axis=1)
    for k, pixels in enumerate(gt_contours):
        matched_gt[:, k] = np.count_nonzero(pred_near[:, pixels], axis=1)
    return scores_j, f_from_counts(n_pred[:, None], n_gt[None], matched_pred, matched_gt)


def _contours(label_map: np.ndarray, count: int, radius: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Contours of objects 1..N: dilated, uint8 ``(N, H * W)``, and flat positions of the contours' pixels."""
    height, width = label_map.shape
    near, contours = np.zeros((count, height, width), np.uint8), []
    for i in range(count):
        mask = label_map == i + 1
        rows, columns = mask_box(mask.view(np.uint8))
        contour = boundary_map(mask[rows, columns])
        y, x = np.nonzero(contour)
        contours.append((y + rows.start) * width + x + columns.start)
        if len(y):
            # room for the dilation around the contour, as far as the image goes
            top, left = min(radius, rows.start), min(radius, columns.start)
            bottom, right = min(radius, height - rows.stop), min(radius, width - columns.stop)
            near[i, rows.start - top : rows.stop + bottom, columns.start - left : columns.stop + right] = dilate_disc(
                np.pad(contour, ((top, bottom), (left, right))), radius
            )
    return near.reshape(count, -1), contours
