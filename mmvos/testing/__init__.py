"""What the author of a method tests it with: the contract of a model, and small videos to run it on."""

from .check_model import CONTRACT, CheckResult, ContractError, ContractReport, check_model
from .small_videos import moving_squares, two_prompts

__all__ = ['CONTRACT', 'CheckResult', 'ContractError', 'ContractReport', 'check_model', 'moving_squares', 'two_prompts']
