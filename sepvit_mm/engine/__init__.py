"""Train and test with mmengine's Runner, as the command line does.

Detection, segmentation and classification are told apart by the config's
``default_scope`` alone.
"""

from .config import load_config
from .metrics import metrics_table, write_metrics
from .models import build_model, build_optimizer
from .runs import evaluate, train
from .trackers import log_to
from .variants import vary

__all__ = [
    'build_model',
    'build_optimizer',
    'evaluate',
    'load_config',
    'log_to',
    'metrics_table',
    'train',
    'vary',
    'write_metrics',
]
