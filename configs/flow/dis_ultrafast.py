# The fastest estimator: tests, smoke runs.
flow = dict(type='DISFlow', preset='ultrafast')
