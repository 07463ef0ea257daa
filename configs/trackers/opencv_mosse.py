"""OpenCV's MOSSE: needs the wheel opencv-contrib-python."""

tracker = dict(type='OpenCVTracker', name='MOSSE')
