"""OpenCV's MIL: no weights, slow; the check of the adapter."""

tracker = dict(type='OpenCVTracker', name='MIL')
