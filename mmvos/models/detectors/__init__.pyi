from .rsis import RSIS as RSIS
