from .archive import Description as Description
from .archive import is_exported as is_exported
from .exporting import export_model as export_model
from .exporting import of_one_size as of_one_size
from .methods import exportable_methods as exportable_methods
from .methods import open_exported as open_exported
