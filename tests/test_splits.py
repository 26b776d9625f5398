"""Images are divided without leaks, by class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from annotated import classified, noisy
from hypothesis import given, settings
from hypothesis import strategies as st
from noise import (
    NAMES,
)
from PIL import Image

from sepvit_mm.errors import InputError
from sepvit_mm.projects.splits import labels_of, split
from sepvit_mm.samples.sample import Object, Sample, Samples


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from('abc'),
            st.integers(0, 30),
            st.sampled_from([None, 'train', 'val', 'test']),
        ),
        min_size=1,
        max_size=40,
    ),
    st.floats(0.05, 0.95),
)
def test_no_content_is_on_two_sides_and_none_is_lost_without_a_word(images, share):
    labels, digests, own = zip(*images)
    digests = [str(digest) for digest in digests]
    samples = classified(labels, digests, own)
    try:
        done = split(samples, share=share)
    except InputError:
        learnable = {d for d, s in zip(digests, own) if s in (None, 'train')}
        val = {d for d, s in zip(digests, own) if s == 'val'}
        test = {d for d, s in zip(digests, own) if s == 'test'}
        assert len(learnable - val - test) < (1 if val - test else 2)
        return
    sides = [{digests[i] for i in side} for side in (done.train, done.val)]
    assert all(sides) and not sides[0] & sides[1]
    if 'test' in own:
        tested = {digests[i] for i in done.test}
        assert done.test == tuple(i for i, s in enumerate(own) if s == 'test')
        assert not tested & (sides[0] | sides[1])
    used = {*done.train, *done.val, *done.test}
    assert len(used) == len(images) or any('left out' in note for note in done.notes)


def test_a_split_is_the_same_again_and_follows_content_not_names():
    labels = ['a', 'b'] * 20
    samples = classified(labels)
    moved = [
        Sample(Path('/elsewhere') / s.image.name, s.size, s.digest, label=s.label)
        for s in samples.samples
    ]
    again = split(Samples('classification', 'x', ('a', 'b'), tuple(moved)))
    assert split(samples) == again
    assert split(samples, seed=1) != again


def test_every_class_has_its_share_of_the_validation_set():
    labels = ['a'] * 100 + ['b'] * 50 + ['c'] * 10 + ['d'] * 2
    samples = classified(labels)
    done = split(samples, share=0.2)
    counts = [sum(labels[i] == each for i in done.val) for each in 'abcd']
    assert counts == [20, 10, 2, 0]
    (note,) = done.notes
    assert 'no validation image has d' in note


def test_images_of_several_classes_are_stratified_by_the_rarest():
    cats, dogs = Object('cat', (0, 0, 9, 9)), Object('dog', (0, 0, 9, 9))
    images = [(cats,)] * 40 + [(cats, dogs)] * 10
    samples = Samples(
        'detection',
        '',
        ('cat', 'dog'),
        tuple(
            Sample(Path(f'{i}.jpg'), (9, 9), str(i), objects=objects)
            for i, objects in enumerate(images)
        ),
    )
    done = split(samples, share=0.2)
    assert len(done.val) == 10
    assert sum('dog' in labels_of(samples, i) for i in done.val) == 2


def test_a_class_with_one_image_is_learned():
    samples = classified(['a'] * 9 + ['b'])
    assert all(9 in split(samples, seed=seed).train for seed in range(20))


def test_two_images_are_enough_and_one_is_not():
    done = split(classified(['a', 'b']))
    assert len(done.train) == len(done.val) == 1
    for digests in (['x'], ['x', 'x']):
        with pytest.raises(InputError, match='2 different images'):
            split(classified(['a'] * len(digests), digests))


def test_the_users_own_splits_are_kept_and_leaks_leave_the_training_set():
    digests = ['1', '2', '3', '4', '2', '3']
    own = ['train', 'train', 'train', None, 'val', 'test']
    done = split(classified(['a'] * 6, digests, own))
    assert (done.train, done.val, done.test) == ((0, 3), (4,), (5,))
    (note,) = done.notes
    assert '2 images are left out of the training set' in note
    assert '1.jpg, 2.jpg' in note


@pytest.mark.parametrize(
    'pixels, values, colours',
    [
        ([[0, 7], [9, 0]], {0: 2, 7: 0}, {}),
        (
            [[[0, 0, 0], [255, 0, 1]], [[9, 9, 9], [0, 0, 0]]],
            {0: 2, 1: 0},
            {(0, 0, 0): 0, (255, 0, 1): 1},
        ),
    ],
    ids=['index', 'colours'],
)
def test_classes_of_masks_are_those_of_their_values(pixels, values, colours, tmp_path):
    mask = tmp_path / 'mask.png'
    Image.fromarray(np.array(pixels, np.uint8)).save(mask)
    sample = Sample(tmp_path / 'x.png', (2, 2), 'x', mask=mask)
    samples = Samples(
        'semantic',
        '',
        ('a', 'b', 'c'),
        (sample,),
        values=values,
        colours=colours,
    )
    assert labels_of(samples, 0) == {'a', 'c'}


def test_classes_that_a_project_cannot_evaluate_are_told(tmp_path):
    samples = noisy(tmp_path, 'detection')
    samples = replace(samples, classes=(*NAMES, 'bird'))
    notes = ' '.join(split(samples).notes)
    assert 'no image has bird: never predicted' in notes
