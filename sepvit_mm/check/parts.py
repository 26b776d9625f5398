"""Walk over the parts of a config, and look up what their types take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import Parameter, isclass, signature
from typing import Any, NamedTuple

from mmengine import registry
from mmengine.config import Config
from mmengine.registry import Registry

# Where the types under each key of a config are registered.
_DATA = (
    registry.DATASETS,
    registry.TRANSFORMS,
    registry.DATA_SAMPLERS,
    registry.FUNCTIONS,
)
_METRICS = (registry.METRICS, registry.EVALUATOR, registry.TASK_UTILS)
REGISTRIES: dict[str, tuple[Registry, ...]] = {
    'model': (registry.MODELS, registry.TASK_UTILS),
    'data_preprocessor': (registry.MODELS,),
    'train_dataloader': _DATA,
    'val_dataloader': _DATA,
    'test_dataloader': _DATA,
    'val_evaluator': _METRICS,
    'test_evaluator': _METRICS,
    'train_cfg': (registry.LOOPS,),
    'val_cfg': (registry.LOOPS,),
    'test_cfg': (registry.LOOPS,),
    'optim_wrapper': (registry.OPTIM_WRAPPERS, registry.OPTIMIZERS),
    'param_scheduler': (registry.PARAM_SCHEDULERS,),
    'default_hooks': (registry.HOOKS,),
    'custom_hooks': (registry.HOOKS,),
    'visualizer': (registry.VISUALIZERS, registry.VISBACKENDS),
    'log_processor': (registry.LOG_PROCESSORS,),
}


class Part(NamedTuple):
    """A dict of a config that has a type.

    Attributes:
        path: its dotted path, e.g. ``'train_dataloader.dataset.pipeline.2'``.
        settings: the dict.
        kind: the class, or function, that its type names; None if it names none.
    """

    path: str
    settings: Mapping[str, Any]
    kind: Any


def parts(cfg: Config) -> Iterator[Part]:
    """Yield all parts of a config that mmengine's Runner builds, the outer ones first.

    Args:
        cfg: a loaded config, whose default scope is initialised.
    """
    for key, registries in REGISTRIES.items():
        for path, node in nodes(cfg.get(key), key):
            if 'type' in node:
                yield Part(path, node, _look_up(node, registries))


def nodes(node: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield all dicts in a node with their dotted paths, itself included.

    Args:
        node: any part of a config.
        path: its own path.
    """
    if isinstance(node, Mapping):
        yield path, node
        for key, value in node.items():
            yield from nodes(value, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from nodes(value, f'{path}.{index}')


def _look_up(node: Mapping[str, Any], registries: tuple[Registry, ...]) -> Any:
    kind = node['type']
    if not isinstance(kind, str):
        return kind if callable(kind) else None
    for each in registries:
        # get() alone does not search the default scope
        with each.switch_scope_and_registry(node.get('_scope_')) as scoped:
            found = scoped.get(kind)
        if found is not None:
            return found
    return None


def name_of(kind: Any) -> str:
    """Return the name of a class or function, or else the object in words.

    Args:
        kind: what a part's type names.
    """
    return getattr(kind, '__name__', str(kind))


def constructors(kind: Any) -> Iterator[Mapping[str, Parameter]]:
    """Yield the parameters of a class's constructor, then of those that it extends.

    A constructor extends its parent's if it takes ``**kwargs``.

    Args:
        kind: a class or a function.
    """
    if not isclass(kind):
        yield signature(kind).parameters
        return
    for base in kind.__mro__[:-1]:
        if '__init__' not in vars(base):
            continue
        own = signature(vars(base)['__init__']).parameters
        yield own
        if not _has_kwargs(own):
            return


def _has_kwargs(parameters: Mapping[str, Parameter]) -> bool:
    return any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())


def takes_any(kind: Any) -> bool:
    """Tell whether a class takes arguments that neither it nor a parent declares.

    Args:
        kind: a class or a function.
    """
    return all(map(_has_kwargs, constructors(kind)))


def arguments(kind: Any) -> set[str]:
    """Return the names of all arguments that a class, or its parents, declare.

    Args:
        kind: a class or a function.
    """
    rest = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    return {
        name
        for each in constructors(kind)
        for name, parameter in each.items()
        if name != 'self' and parameter.kind not in rest
    }
