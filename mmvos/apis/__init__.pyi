from .click_segmenter import init_click_segmenter as init_click_segmenter
from .models import model_names as model_names
from .pointing import pointed_label_map as pointed_label_map
from .vis_inferencer import DEFAULT_VIS_MODEL as DEFAULT_VIS_MODEL
from .vis_inferencer import VISInferencer as VISInferencer
from .vos_inferencer import DEFAULT_MODEL as DEFAULT_MODEL
from .vos_inferencer import VOSInferencer as VOSInferencer
from .vos_inferencer import init_model as init_model
