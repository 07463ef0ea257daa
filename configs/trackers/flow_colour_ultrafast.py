"""The default with the fastest flow."""

_base_ = 'flow_colour.py'
tracker = dict(flow=dict(preset='ultrafast'))
