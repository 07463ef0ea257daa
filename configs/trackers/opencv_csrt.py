"""OpenCV's CSRT: needs the wheel opencv-contrib-python."""

tracker = dict(type='OpenCVTracker', name='CSRT')
