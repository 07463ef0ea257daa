from .click_decoder import ClickDecoder
from .click_segmenter import ClickSegmenter
from .prompt_encoder import PromptEncoder, PromptTensors
from .simulated_user import SimulatedUser, next_click

__all__ = ['ClickDecoder', 'ClickSegmenter', 'PromptEncoder', 'PromptTensors', 'SimulatedUser', 'next_click']
