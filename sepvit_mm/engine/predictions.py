"""Tell where evaluators write predictions that they do not evaluate."""

from __future__ import annotations

from collections.abc import Iterable
from glob import escape, glob

from mmengine.config import Config

from ..errors import InputError
from .config import evaluators_of, type_of

# The settings that say where, and what the paths of the files look like.
PLACES = {
    'outfile_prefix': '{}*',
    'output_dir': '{}',
    'out_file_path': '{}',
    'out_path': '{}',
}


def prediction_patterns(cfg: Config) -> list[str]:
    """Find where a test writes predictions instead of evaluating them.

    Evaluators do so with ``format_only=True``, for a benchmark that keeps its
    annotations to itself, and so do ``DumpResults`` and its like.

    Args:
        cfg: from :func:`load_config`.

    Returns:
        Patterns of paths, for :func:`prediction_files`.

    Raises:
        InputError: an evaluator has ``format_only=True`` and no place to write to.
    """
    patterns = []
    for evaluator in evaluators_of(cfg.get('test_evaluator')):
        places = [
            pattern.format(escape(evaluator[key]))
            for key, pattern in PLACES.items()
            if evaluator.get(key)
        ]
        if evaluator.get('format_only') and not places:
            raise InputError(
                f'{type_of(evaluator)} of {cfg.filename} has format_only=True, but no '
                'place to write to: set its outfile_prefix (mmdet) or output_dir '
                '(mmseg)'
            )
        if evaluator.get('format_only') or type_of(evaluator).startswith('Dump'):
            patterns += places
    return patterns


def prediction_files(patterns: Iterable[str]) -> list[str]:
    """List the files and folders of predictions after a test.

    A pattern that matches no file stands for itself.

    Args:
        patterns: from :func:`prediction_patterns`.
    """
    return [path for one in patterns for path in sorted(glob(one)) or [one]]
