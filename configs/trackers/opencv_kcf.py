"""OpenCV's KCF: needs the wheel opencv-contrib-python."""

tracker = dict(type='OpenCVTracker', name='KCF')
