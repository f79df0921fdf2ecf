"""The property tests are only worth what their examples reveal: no wrong rule may pass them."""

import pytest

from tests.meaning.mutations import Sample, samples, shows, with_mutation
from tests.meaning.wrong_rules import MUTATIONS, Mutation


@pytest.fixture(scope="module")
def worlds_made() -> list[Sample]:
    return samples(120)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule)
def test_a_wrong_rule_shows_in_the_generated_sessions(mutation: Mutation, worlds_made: list[Sample]) -> None:
    modules = with_mutation(mutation)
    assert any(shows(mutation, modules, sample) for sample in worlds_made)
