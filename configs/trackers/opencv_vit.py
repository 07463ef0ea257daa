"""OpenCV's TrackerVit: its model files in ``data/opencv_trackers``."""

tracker = dict(type='OpenCVTracker', name='Vit', files='data/opencv_trackers')
