from .click_decoder import ClickDecoder as ClickDecoder
from .click_segmenter import ClickSegmenter as ClickSegmenter
from .prompt_encoder import PromptEncoder as PromptEncoder
from .prompt_encoder import PromptTensors as PromptTensors
from .simulated_user import SimulatedUser as SimulatedUser
from .simulated_user import next_click as next_click
