"""Small configurations, each with an event, that gitlab-ci-local and `mcci simulate` are asked to list the jobs of."""

from __future__ import annotations

from dataclasses import dataclass, field

MERGE_REQUEST = {
    "CI_MERGE_REQUEST_ID": "1",
    "CI_MERGE_REQUEST_IID": "1",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    "CI_PIPELINE_SOURCE": "merge_request_event",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Files, and an event: as `mcci simulate` takes it, and the variables it means to gitlab-ci-local.

    `variables` are the pipeline's own, which both are given. `changed` is committed to a branch beside `main`.
    """

    files: dict[str, str]
    event: tuple[str, ...] = ("push", "--branch", "main")
    meaning: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    changed: str = ""


CASES = {
    "rules:if": Case(
        variables={"REGION": "eu", "EMPTY": "", "PATTERN": "/^ma/"},
        files={
            ".gitlab-ci.yml": r"""
stages: [a]
default: {image: alpine}
equal: {stage: a, script: [x], rules: [{if: '$CI_COMMIT_BRANCH == "main"'}]}
differs: {stage: a, script: [x], rules: [{if: '$CI_COMMIT_BRANCH != "main"'}]}
both: {stage: a, script: [x], rules: [{if: '$REGION == "eu" && $CI_PIPELINE_SOURCE == "push"'}]}
either: {stage: a, script: [x], rules: [{if: '$REGION == "us" || $REGION == "eu"'}]}
precedence: {stage: a, script: [x], rules: [{if: '$REGION == "eu" || $REGION == "us" && $NONE'}]}
grouped: {stage: a, script: [x], rules: [{if: '($REGION == "eu" || $REGION == "us") && $NONE'}]}
is-null: {stage: a, script: [x], rules: [{if: '$NONE == null'}]}
empty-is-null: {stage: a, script: [x], rules: [{if: '$EMPTY == null'}]}
empty-is-empty: {stage: a, script: [x], rules: [{if: '$EMPTY == ""'}]}
null-is-empty: {stage: a, script: [x], rules: [{if: '$NONE == ""'}]}
empty-is-set: {stage: a, script: [x], rules: [{if: '$EMPTY'}]}
matches: {stage: a, script: [x], rules: [{if: '$CI_COMMIT_BRANCH =~ /^MA.N$/i'}]}
partly: {stage: a, script: [x], rules: [{if: '$CI_COMMIT_BRANCH =~ /ai/'}]}
case: {stage: a, script: [x], rules: [{if: '$CI_COMMIT_BRANCH =~ /MAIN/'}]}
no-match: {stage: a, script: [x], rules: [{if: '$CI_COMMIT_BRANCH !~ /^feature/'}]}
null-match: {stage: a, script: [x], rules: [{if: '$NONE =~ /xy/'}]}
null-no-match: {stage: a, script: [x], rules: [{if: '$NONE !~ /xy/'}]}
empty-string: {stage: a, script: [x], rules: [{if: '$EMPTY == "" || $NONE == ""'}]}
turned: {stage: a, script: [x], rules: [{if: '"eu" == $REGION'}]}
anchored: {stage: a, script: [x], rules: [{if: '$CI_COMMIT_BRANCH =~ /^(main|next)$/'}]}
pattern-in-variable: {stage: a, script: [x], rules: [{if: '$CI_COMMIT_BRANCH =~ $PATTERN'}]}
slashed: {stage: a, script: [x], rules: [{if: '"a/b" =~ /^a\/b$/'}]}
variable-to-variable: {stage: a, script: [x], rules: [{if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'}]}
not: {stage: a, script: [x], rules: [{if: '!$NONE'}]}
not-set: {stage: a, script: [x], rules: [{if: '!$REGION'}]}
not-group: {stage: a, script: [x], rules: [{if: '!($REGION == "us")'}]}
""",
        },
    ),
    "when and allow_failure": Case(
        files={
            ".gitlab-ci.yml": """\
stages: [a, b]
default: {image: alpine}
plain: {stage: a, script: [x]}
failure: {stage: b, script: [x], when: on_failure}
always: {stage: b, script: [x], when: always}
manual: {stage: b, script: [x], when: manual}
blocking: {stage: b, script: [x], when: manual, allow_failure: false}
later: {stage: b, script: [x], when: delayed, start_in: 1 hour}
rule-manual: {stage: b, script: [x], rules: [{if: $CI_COMMIT_BRANCH, when: manual}]}
rule-optional: {stage: b, script: [x], rules: [{if: $CI_COMMIT_BRANCH, when: manual, allow_failure: true}]}
rule-plain: {stage: b, script: [x], when: manual, rules: [{if: $CI_COMMIT_BRANCH}]}
rule-never: {stage: b, script: [x], rules: [{if: $CI_COMMIT_BRANCH, when: never}, {when: always}]}
rule-later: {stage: b, script: [x], rules: [{if: $CI_COMMIT_BRANCH, when: delayed, start_in: 1 day}]}
rule-failure: {stage: b, script: [x], allow_failure: true, rules: [{if: $CI_COMMIT_BRANCH, allow_failure: false}]}
fallthrough: {stage: b, script: [x], rules: [{if: $CI_COMMIT_TAG, when: never}, {when: on_failure}]}
none-matches: {stage: b, script: [x], rules: [{if: $CI_COMMIT_TAG}]}
tolerated: {stage: b, script: [x], allow_failure: true}
codes: {stage: b, script: [x], allow_failure: {exit_codes: [137]}}
only-branch: {stage: b, script: [x], only: [main]}
only-tags: {stage: b, script: [x], only: [tags]}
except-main: {stage: b, script: [x], except: [main]}
""",
        },
    ),
    "extends, default and !reference": Case(
        files={
            ".gitlab-ci.yml": """\
stages: [a, b]
default: {image: alpine, before_script: [y]}
.base: {stage: b, script: [x], rules: [{if: $CI_COMMIT_BRANCH, when: manual}]}
.tolerant: {allow_failure: true, when: always}
one: {extends: .base}
two: {extends: [.base, .tolerant]}
three: {extends: .tolerant, stage: a, script: [x]}
deep: {extends: one, rules: [{if: $CI_COMMIT_BRANCH, when: always}]}
.rules: {rules: [{if: $CI_COMMIT_TAG, when: never}, {if: $CI_COMMIT_BRANCH, when: on_failure}]}
referenced: {stage: b, script: [x], rules: [!reference [.rules, rules]]}
followed: {stage: b, script: [x], rules: [{if: $CI_COMMIT_TAG}, !reference [.rules, rules], {when: always}]}
emptied: {extends: one, rules: null}
apart: {stage: b, script: [x], inherit: {default: false}, image: alpine}
.anchor: &anchor {stage: a, script: [x], when: manual}
anchored: {<<: *anchor, allow_failure: false}
""",
        },
    ),
    "parallel and needs": Case(
        files={
            ".gitlab-ci.yml": """\
stages: [a, b]
default: {image: alpine}
build: {stage: a, script: [x], parallel: {matrix: [{OS: [linux, mac], ARCH: arm}, {OS: bsd}]}}
count: {stage: a, script: [x], parallel: 2}
all: {stage: b, script: [x], needs: [build]}
some: {stage: b, script: [x], needs: [{job: build, parallel: {matrix: [{OS: linux, ARCH: arm}]}}]}
counted: {stage: b, script: [x], needs: [count]}
none: {stage: b, script: [x], needs: []}
same-stage: {stage: b, script: [x], needs: [none]}
absent: {stage: b, script: [x], needs: [{job: gone, optional: true}]}
gone: {stage: a, script: [x], rules: [{when: never}]}
rule-needs: {stage: b, script: [x], needs: [count], rules: [{if: $CI_COMMIT_BRANCH, needs: [none]}]}
""",
        },
    ),
    "include": Case(
        variables={"REGION": "eu"},
        files={
            ".gitlab-ci.yml": """\
include:
  - {local: always.yml}
  - {local: matching.yml, rules: [{if: '$REGION == "eu"'}]}
  - {local: other.yml, rules: [{if: '$REGION == "us"'}]}
  - {local: never.yml, rules: [{if: '$REGION == "eu"', when: never}]}
  - {local: there.yml, rules: [{exists: [always.yml]}]}
  - {local: 'parts/*.yml'}
  - {local: inputs.yml, inputs: {name: first}}
  - {local: inputs.yml, inputs: {name: second, when: manual}}
stages: [a, b]
default: {image: alpine}
main: {stage: a, script: [x]}
merged: {when: manual}
""",
            "always.yml": "merged: {stage: b, script: [x], when: always}\n",
            "matching.yml": "matching: {stage: a, script: [x]}\n",
            "other.yml": "other: {stage: a, script: [x]}\n",
            "never.yml": "never: {stage: a, script: [x]}\n",
            "there.yml": "there: {stage: a, script: [x]}\n",
            "parts/one.yml": "part-one: {stage: b, script: [x]}\n",
            "parts/deep/two.yml": "part-two: {stage: b, script: [x]}\n",
            "inputs.yml": """\
spec: {inputs: {name: {}, when: {default: always}}}
---
'$[[ inputs.name ]]': {stage: b, script: [x], when: '$[[ inputs.when ]]'}
""",
        },
    ),
    "variables": Case(
        variables={"GIVEN": "pipeline"},
        files={
            ".gitlab-ci.yml": """\
stages: [a]
default: {image: alpine}
variables: {GIVEN: global, GLOBAL: global, OVERRIDDEN: global, NESTED: "$GLOBAL", DESCRIBED: {value: described}}
given-wins: {stage: a, script: [x], variables: {GIVEN: job}, rules: [{if: '$GIVEN == "pipeline"'}]}
job-wins: {stage: a, script: [x], variables: {OVERRIDDEN: job}, rules: [{if: '$OVERRIDDEN == "job"'}]}
global: {stage: a, script: [x], rules: [{if: '$GLOBAL == "global"'}]}
nested: {stage: a, script: [x], rules: [{if: '$NESTED == "global"'}]}
described: {stage: a, script: [x], rules: [{if: '$DESCRIBED == "described"'}]}
not-inherited: {stage: a, script: [x], inherit: {variables: false}, rules: [{if: '$GLOBAL == "global"'}]}
inherited: {stage: a, script: [x], inherit: {variables: [GLOBAL]}, rules: [{if: '$GLOBAL && $OVERRIDDEN == null'}]}
first-rule: {stage: a, script: [x], rules: [{if: $NONE, variables: {X: one}}, {if: '$X == "one"'}]}
""",
        },
    ),
    "changes and exists": Case(
        event=("merge-request", "--source", "feature", "--target", "main", "--changes", "src/lib/a.py"),
        meaning=MERGE_REQUEST,
        changed="src/lib/a.py",
        files={
            ".gitlab-ci.yml": """\
stages: [a]
default: {image: alpine}
file: {stage: a, script: [x], rules: [{changes: [src/lib/a.py]}]}
deep: {stage: a, script: [x], rules: [{changes: ['src/**/*']}]}
shallow: {stage: a, script: [x], rules: [{changes: ['src/*']}]}
braces: {stage: a, script: [x], rules: [{changes: ['src/**/*.{js,py}']}]}
question: {stage: a, script: [x], rules: [{changes: ['src/lib/?.py']}]}
basename: {stage: a, script: [x], rules: [{changes: ['*.py']}]}
anywhere: {stage: a, script: [x], rules: [{changes: ['**/*.py']}]}
other: {stage: a, script: [x], rules: [{changes: [docs/**/*]}]}
paths: {stage: a, script: [x], rules: [{changes: {paths: [src/lib/*]}}]}
both: {stage: a, script: [x], rules: [{if: '$CI_MERGE_REQUEST_IID', changes: [src/lib/*], when: manual}]}
unmet: {stage: a, script: [x], rules: [{if: '$NONE', changes: [src/lib/*]}]}
exists: {stage: a, script: [x], rules: [{exists: [src/lib/a.py]}]}
exists-glob: {stage: a, script: [x], rules: [{exists: ['src/**/*.py']}]}
exists-not: {stage: a, script: [x], rules: [{exists: ['*.rb']}]}
folder: {stage: a, script: [x], rules: [{changes: [src/]}]}
no-rules: {stage: a, script: [x]}
only-default: {stage: a, script: [x], only: [branches]}
only-changes: {stage: a, script: [x], only: {refs: [merge_requests], changes: [src/**/*]}}
manual: {stage: a, script: [x], when: manual, rules: [{changes: [docs/*], when: never}, {when: on_success}]}
only-mr: {stage: a, script: [x], only: [merge_requests]}
""",
        },
    ),
    "workflow:rules": Case(
        files={
            ".gitlab-ci.yml": """\
workflow: {rules: [{if: '$CI_COMMIT_BRANCH == "main"', variables: {MODE: fast}}, {when: never}]}
stages: [a]
default: {image: alpine}
fast: {stage: a, script: [x], rules: [{if: '$MODE == "fast"'}]}
slow: {stage: a, script: [x], rules: [{if: '$MODE != "fast"'}]}
child: {stage: a, trigger: {include: [{local: c.yml}]}}
""",
            "c.yml": "c: {script: [x]}\n",
        },
    ),
    "workflow: never": Case(
        files={
            ".gitlab-ci.yml": """\
workflow: {rules: [{if: '$CI_COMMIT_TAG'}, {if: '$CI_COMMIT_BRANCH == "main"', when: never}]}
stages: [a]
default: {image: alpine}
unwanted: {stage: a, script: [x]}
""",
        },
    ),
    "a tag": Case(
        event=("tag", "--tag", "v1.0.0"),
        meaning={"CI_COMMIT_TAG": "v1.0.0", "CI_COMMIT_BRANCH": ""},
        files={
            ".gitlab-ci.yml": """\
default: {image: alpine}
in-test: {script: [x]}
build: {stage: build, script: [x]}
ship: {stage: deploy, script: [x], rules: [{if: $CI_COMMIT_TAG}]}
first: {stage: .pre, script: [x]}
last: {stage: .post, script: [x], when: always}
branch: {script: [x], rules: [{if: $CI_COMMIT_BRANCH}]}
only-tags: {script: [x], only: [tags]}
only-pattern: {script: [x], only: [/^v1/]}
""",
        },
    ),
}
