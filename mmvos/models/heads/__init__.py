from .guided_upsampler import GuidedUpsampler

__all__ = ['GuidedUpsampler']
