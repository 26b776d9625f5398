"""What can be wrong with the categories of a COCO file, for the classes of a config."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .fault import Kind
from .names import listed, plain
from .objects import Entry, has_id


def category_faults(
    categories: Sequence[Entry], classes: Sequence[str], origin: str
) -> Iterator[Kind]:
    """Find classes of the config that the file lacks, has twice, or in another order.

    Categories that the config does not use are no fault: mmdet leaves them out.

    Args:
        categories: as in the file.
        classes: names in the config.
        origin: where the config has them.
    """
    ids = [entry['id'] for entry in categories if has_id(entry)]
    names = [e['name'] for e in categories if isinstance(e.get('name'), str)]
    if min(len(ids), len(names)) < len(categories):
        yield Kind('categories without id or name', 'stops', 'each needs both')
        return
    used = [name for name in names if name in classes]
    missing = [name for name in classes if name not in used]
    if missing:
        yield _missing_names(missing, names, origin)
    for what, values in (('name', used), ('id', ids)):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            then = 'each class needs one category'
            yield Kind(f'categories with the {what} {listed(twice)}', 'stops', then)
            return
    if not missing and used != list(classes):
        has, wants = next(
            pair for pair in zip(used, classes, strict=True) if pair[0] != pair[1]
        )
        yield Kind(
            f'categories are in another order than {origin}, first {has!r} where that '
            f'has {wants!r}',
            'stops',
            "mmdet numbers classes in the file's order but names them in the config's: "
            'use one order in the config and all files',
        )


def _missing_names(missing: Sequence[str], names: Sequence[str], origin: str) -> Kind:
    """Say which classes the file lacks, and which names were probably meant."""
    alike = {plain(name): name for name in names}
    meant = [
        f'it has {alike[plain(name)]!r} for {name!r}'
        for name in missing[:5]
        if plain(name) in alike
    ]
    then = ', '.join(meant) or f'it has {listed(names, 10) or "none"}'
    return Kind(
        f'categories without {listed(missing)} of {origin}',
        'stops',
        f"{then}; set metainfo.classes of the dataset to the file's names",
    )
