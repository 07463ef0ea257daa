# OpenCV's dense inverse search: no weights, the default.
flow = dict(type='DISFlow', preset='medium')
