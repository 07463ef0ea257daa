"""The default without weights."""

tracker = dict(type='FlowColourTracker', flow=dict(type='DISFlow', preset='medium'), rows=256)
