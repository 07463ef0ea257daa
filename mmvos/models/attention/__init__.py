from .label_propagation import LabelPropagation

__all__ = ['LabelPropagation']
