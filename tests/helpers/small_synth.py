"""Small synthetic data sets."""

from mmvos.datasets import SynthVOSDataset

SIZE = (64, 112)


def dataset(**more):
    return SynthVOSDataset(**dict(dict(length=6, num_frames=5, size=SIZE, num_objects=(1, 2)), **more))
