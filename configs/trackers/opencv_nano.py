"""OpenCV's TrackerNano: its model files in ``data/opencv_trackers``."""

tracker = dict(type='OpenCVTracker', name='Nano', files='data/opencv_trackers')
