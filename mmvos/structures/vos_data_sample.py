"""The one data structure that travels with a clip (training) or a frame (inference)."""

from mmengine.structures import BaseDataElement


class VOSDataSample(BaseDataElement):
    """What is known about a clip, or about one segmented frame.

    Training (one sample per clip of T frames), made by ``PackVOSInputs``:

    - ``gt_label_maps`` (Tensor): uint8 ``(T, H, W)``; 0 background, k the object with id k, 255 void.
    - metainfo ``video_id`` (str), ``object_ids`` (list[int]: ids to segment, ascending),
      ``frame_ids`` (list[int]: positions of the frames in the video), ``img_shape`` (H, W), ``ori_shape``.
    - Optional per-frame extras that a method asks for, each with T entries, e.g. ``flow_bwd`` (Tensor ``(T, 2, H, W)``).

    Inference (one sample per frame), made by the inference session:

    - ``pred_label_map`` (ndarray): uint8 ``(H, W)`` at the input's own resolution, values are object ids.
    - ``frame`` (ndarray): the frame itself, BGR uint8 ``(H, W, 3)`` (for drawing; not copied).
    - ``pred_scores`` (Tensor, only where asked for): ``(N + 1, H, W)`` probabilities, background first.
    - metainfo ``video_id``, ``frame_index`` (position in the video, from 0), ``frame_name`` (stem of the file),
      ``num_frames`` (None for a live source), ``is_last`` (bool), ``ori_shape`` (H, W), ``object_ids`` (list[int],
      in the order of ``pred_scores[1:]``), and whatever the data set wants its metric to see
      (``annotation``: path of the frame's label map or None, ``eval_frames``, ``categories``, ...).
    """
