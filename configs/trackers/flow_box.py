"""The simplest baseline: median flow."""

tracker = dict(type='FlowBoxTracker', flow=dict(type='DISFlow', preset='medium'), rows=256)
