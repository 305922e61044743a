"""What the judge says of a canary, and of what it does not know."""

from __future__ import annotations

import random
from dataclasses import replace
from math import nan

import pytest

from mcci.canary.judge import Counts, Evidence, Judgement, State, Verdict, judge
from mcci.config.canary import Analysis
from mcci.config.keys import Duration
from tests.unit.judge.parts import BOUNDS, draw, look, rollout

GOOD = [look(0, Counts(requests=200, errors=2), Counts(requests=1800, errors=18))]
ANALYSIS = Analysis()


def verdict_of(evidence: Evidence, analysis: Analysis = ANALYSIS) -> Judgement:
    """Judge once, with good looks beside what is in `evidence`."""
    return judge(State.start(at=0.0), replace(evidence, looks=(*GOOD, *evidence.looks)), analysis)


def slow(requests: int, over: int, bound: float) -> Counts:
    """Requests of which so many are slower than `bound` ms, and the others faster than all bounds."""
    return Counts(requests=requests, timed=requests, slower={each: over * (each <= bound) for each in BOUNDS})


def test_a_canary_as_good_as_stable_passes_with_the_numbers() -> None:
    """Enough requests without a difference pass, and the reasons hold both error rates and the limits."""
    judgement = rollout(GOOD)[-1]
    assert judgement.verdict is Verdict.PASS
    assert judgement.text() == (
        "pass: 1 % of the canary's 200 requests failed, and 1 % of stable's 1,800",
        "both within the limits: 5 % of errors",
    )


def test_three_times_the_errors_fail_within_a_thousand_requests() -> None:
    """A canary with 3 % of errors against 1 % is failed by the test of the errors, at about 500 requests."""
    rng = random.Random(1)
    exposed = []
    for _ in range(20):
        looks = (look(number, draw(rng, 100, 0.03), draw(rng, 900, 0.01)) for number in range(60))
        last = rollout(looks)[-1]
        assert last.verdict is Verdict.FAIL
        assert "times likelier of a worse canary than of an equal one (decides at 124)" in last.reasons[0]
        exposed.append(last.canary.requests)
    assert sum(exposed) / len(exposed) < 700


def test_like_versions_are_not_failed_although_one_looks_all_the_time() -> None:
    """In 30 rollouts of like versions, looked at 50 times each, none fails while load and base rate drift."""
    rng = random.Random(2)
    for _ in range(30):
        looks = []
        for number in range(50):
            load, base = rng.uniform(0.2, 2), rng.choice([0.002, 0.01, 0.04])
            looks.append(look(number, draw(rng, int(20 * load), base), draw(rng, int(180 * load), base)))
        assert rollout(looks)[-1].verdict is not Verdict.FAIL


def test_a_slower_canary_fails() -> None:
    """Durations that are 30 % longer as a whole fail by the test of latency, whose reason has both percentiles."""
    rng = random.Random(3)
    last = rollout(look(number, draw(rng, 50, 0, slow=1.3), draw(rng, 450, 0, slow=1)) for number in range(60))[-1]
    assert last.verdict is Verdict.FAIL
    assert last.reasons[0].startswith("the 95th percentile is about")


def test_a_faster_canary_with_fewer_errors_passes() -> None:
    """A difference for the better is no reason to hold, however clear it is."""
    rng = random.Random(4)
    last = rollout(look(number, draw(rng, 50, 0, slow=0.5), draw(rng, 450, 0.04, slow=1)) for number in range(30))[-1]
    assert last.verdict is Verdict.PASS


def test_a_canary_that_fails_everywhere_fails_in_two_scrapes() -> None:
    """One scrape decides nothing, even when all requests fail; the second does."""
    looks = [look(number, Counts(requests=20, errors=20), Counts(requests=180)) for number in range(5)]
    assert [each.verdict for each in rollout(looks)] == [Verdict.INCONCLUSIVE, Verdict.FAIL]


def test_a_bad_cluster_is_named() -> None:
    """When the canary is worse in one of four clusters, the reason names it although the others are fine."""
    rng = random.Random(5)
    names, looks = ("a", "b", "c", "d"), []
    for number in range(60):
        for name in names:
            bad = 0.2 if name == "c" else 0.0
            looks.append(look(number, draw(rng, 10, bad), draw(rng, 90, 0.02), cluster=name))
    state, last = State.start(at=0.0), None
    for number in range(60):
        known = Evidence(
            looks=tuple(looks[4 * number : 4 * number + 4]), until=dict.fromkeys(names, 10.0 * number + 10)
        )
        last = judge(state, known, ANALYSIS)
        state = last.state
        if last.verdict is Verdict.FAIL:
            break
    assert last is not None
    assert last.reasons[0].startswith("in c ")


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (Evidence(troubles=("pod x restarted 3 times",)), "pod x restarted 3 times"),
        (Evidence(answers={"carts": 0.5}), "the query 'carts' gives 0.5, which is above 0"),
    ],
)
def test_some_things_fail_at_once(known: Evidence, said: str) -> None:
    """A pod in trouble and a query above 0 fail whatever the requests say."""
    judgement = verdict_of(known)
    assert (judgement.verdict, judgement.reasons) == (Verdict.FAIL, (said,))


def test_one_error_fails_where_none_is_allowed() -> None:
    """With `max_error_rate: 0` the first failed request decides."""
    judgement = verdict_of(Evidence(), Analysis(max_error_rate=0))
    assert judgement.reasons == ("1 % of the canary's requests failed, and max_error_rate is 0",)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (Evidence(problems=("prod: Prometheus does not answer",)), "prod: Prometheus does not answer"),
        (Evidence(answers={"carts": nan}), "the query 'carts' gives no number (NaN)"),
        (Evidence(), "the query 'carts' has no answer yet"),
    ],
)
def test_what_is_not_known_never_passes(known: Evidence, said: str) -> None:
    """A problem, NaN and a missing answer hold a canary that would pass otherwise."""
    judgement = verdict_of(known, Analysis(queries={"carts": "…"}) if not known.problems else ANALYSIS)
    assert (judgement.verdict, judgement.reasons) == (Verdict.INCONCLUSIVE, (said,))


def test_without_any_look_nothing_passes() -> None:
    """A canary of which nothing was seen is held."""
    judgement = judge(State.start(at=0.0), Evidence(), ANALYSIS)
    assert judgement.text() == ("inconclusive: the canary has had no request yet", "need 100 more requests")


def test_what_is_missing_is_told_in_requests_and_time() -> None:
    """A canary with too few requests says how many more it needs, and how long they take at the present rate."""
    judgement = rollout([look(0, Counts(requests=4), Counts(requests=36))])[-1]
    assert (judgement.more_requests, judgement.seconds) == (96, 240.0)
    assert judgement.text()[-1] == "need 96 more requests, about 4 min"


def test_a_suspicion_holds_and_tells_what_would_prove_it() -> None:
    """Evidence above ten that does not decide holds the canary, with a forecast of the requests to a decision."""
    looks = [look(0, Counts(requests=200, errors=8), Counts(requests=1800, errors=18))]
    judgement = rollout(looks)[-1]
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reasons[0].startswith("it looks worse, and that is not proved: 4 % of the canary's 200 requests")
    assert judgement.more_requests is not None
    assert 50 < judgement.more_requests < 500


def test_a_suspicion_about_latency_has_a_forecast_too() -> None:
    """Where durations look worse, how fast the evidence has grown tells about when it will be enough."""
    rng = random.Random(7)
    judgements = rollout(look(number, draw(rng, 60, 0, slow=1.3), draw(rng, 540, 0, slow=1)) for number in range(60))
    held = [each for each in judgements if each.evidence >= 10 and each.verdict is Verdict.INCONCLUSIVE]
    assert held
    assert all(each.more_requests and 0 < each.more_requests < 500 for each in held)


def test_a_limit_holds_until_it_is_proved_broken_and_then_fails() -> None:
    """6 % of errors on both versions hold the canary at a limit of 5 %; 12 % fail it in time."""
    both = [look(number, Counts(requests=100, errors=6), Counts(requests=900, errors=54)) for number in range(3)]
    held = rollout(both)[-1]
    assert held.verdict is Verdict.INCONCLUSIVE
    assert held.reasons == ("6 % of the canary's requests failed, and max_error_rate is 5 %",)
    far = [look(number, Counts(requests=100, errors=12), Counts(requests=900, errors=108)) for number in range(20)]
    failed = rollout(far)[-1]
    assert failed.verdict is Verdict.FAIL
    assert failed.reasons[0].startswith("12 % of the canary's")
    assert "times likelier above the limit than within it" in failed.reasons[0]


def test_a_latency_limit_is_held_against_the_95th_percentile() -> None:
    """Versions that are alike and too slow hold first, and fail when it is proved."""
    analysis = Analysis(max_latency=Duration(1))
    looks = [look(number, slow(100, 12, 1000.0), slow(900, 108, 1000.0)) for number in range(40)]
    judgements = rollout(looks, analysis=analysis)
    assert judgements[0].reasons[0] == (
        "the canary's 95th percentile is above every bound of the histogram, and max_latency is 1000 ms"
    )
    assert judgements[-1].verdict is Verdict.FAIL
    assert "limit 1s" in judgements[-1].reasons[0]


def test_a_latency_limit_without_response_times_holds() -> None:
    """Where no duration was recorded, a limit on them cannot be said to be kept."""
    judgement = verdict_of(Evidence(), Analysis(max_latency=Duration(1)))
    assert judgement.reasons == ("there are no response times to hold against max_latency",)


def test_a_latency_limit_above_the_histogram_holds() -> None:
    """A limit that no bucket can tell about is named, not passed."""
    looks = [look(0, slow(200, 0, 10.0), slow(1800, 0, 10.0))]
    judgement = rollout(looks, analysis=Analysis(max_latency=Duration(2)))[-1]
    assert judgement.reasons == ("max_latency is 2000 ms, above every bound of the histogram",)


def test_a_canary_that_does_not_get_its_traffic_is_held() -> None:
    """At weight 50, 200 of 2,000 requests are too few to be chance: somebody does not have the new weights."""
    judgement = rollout(GOOD, weight=50)[-1]
    assert judgement.reasons == (
        "the canary gets 10.0 % of the requests and its weight is 50: see who lost the others",
    )


def test_stable_must_have_traffic_but_at_the_end() -> None:
    """Without requests to stable there is no comparison, which holds below 100 and is said at 100."""
    alone = [look(0, Counts(requests=200), Counts())]
    assert rollout(alone)[-1].reasons == ("the stable version has had no request to compare with",)
    at_the_end = rollout(alone, weight=100)[-1]
    assert at_the_end.verdict is Verdict.PASS
    assert at_the_end.reasons[-1] == "the stable version had no requests in this step; only the limits were judged"


def test_clumps_of_failures_count_once() -> None:
    """Where stable's own pods fail in clumps of twenty, such a clump on the canary says little; else it says much."""
    stumbling = [Counts(requests=100, errors=20 * (pod == 0)) for pod in range(9)]
    before = tuple(look(number - 90, Counts(), Counts(), pods=stumbling) for number in range(20))
    clump = look(0, Counts(requests=100, errors=20), Counts(requests=900, errors=0))
    held = judge(State.start(at=0.0), Evidence(looks=(clump,), history=before), Analysis(max_error_rate=100)).evidence
    bare = judge(State.start(at=0.0), Evidence(looks=(clump,)), Analysis(max_error_rate=100)).evidence
    assert held < 5 < 15 < bare


def test_judgements_are_documents() -> None:
    """The JSON has the verdict, the reasons, each test's evidence and share, and both versions' numbers by cluster."""
    document = rollout(GOOD)[-1].to_json()
    assert document["schema"] == "mcci.judgement/1"
    assert document["verdict"] == "pass"
    tests = document["tests"]
    assert isinstance(tests, list)
    assert [(test["test"], test["share"]) for test in tests] == [
        ("errors", 0.805), ("latency", 0.07), ("error limit", 0.025)
    ]  # fmt: skip
    assert document["clusters"] == {
        "prod": {
            "canary": {"requests": 200, "errors": 2, "p95_ms": None},
            "stable": {"requests": 1800, "errors": 18, "p95_ms": None},
            "seconds": 10.0,
        }
    }
