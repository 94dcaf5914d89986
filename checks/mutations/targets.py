"""Modules under mutation, and the tests that are to notice."""

from dataclasses import dataclass

QUIET = (
    "-q",
    "-x",
    "-p",
    "no:xdist",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:hypothesispytest",
    "--assert=plain",
)


@dataclass(frozen=True)
class Target:
    """Modules of one concern. `pure` tests need no fixture of `tests/conftest.py` and run before `stored`."""

    name: str
    modules: tuple[str, ...]
    pure: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()

    @property
    def runs(self) -> list[list[str]]:
        """The arguments of pytest, the fast tests first."""
        runs = [[*QUIET, "--noconftest", *self.pure]] if self.pure else []
        return [*runs, [*QUIET, *self.stored]] if self.stored else runs


TARGETS = (
    Target(
        "access rules",
        ("resolvers/access/rules.py", "resolvers/access/conditions.py", "resolvers/access/viewers.py"),
        pure=("tests/isolation/test_policies.py",),
        stored=("tests/isolation/test_visibility.py", "tests/isolation/test_readers.py"),
    ),
    Target(
        "units of work",
        ("db/uow.py", "db/engines.py"),
        pure=("tests/db/test_uow.py",),
        stored=("tests/db/test_engines.py",),
    ),
    Target(
        "queue attempts",
        ("db/queue/fenced_attempts.py", "db/queue/requests.py", "db/queue/leases.py", "db/queue/faults.py"),
        pure=("tests/db/queue/test_faults.py",),
        stored=("tests/db/queue/test_attempts.py",),
    ),
    Target(
        "tokens",
        ("resolvers/identity/jwt.py", "resolvers/identity/refresh_tokens.py"),
        pure=("tests/identity/test_jwt.py",),
        stored=("tests/identity/test_refresh_tokens.py",),
    ),
    Target("links", ("resolvers/files/links.py",), pure=("tests/files/test_links.py",)),
    Target(
        "SSRF guard",
        ("providers/web/ssrf_guard.py", "providers/web/pinned_network.py"),
        pure=("tests/providers/web/test_ssrf_rules.py",),
    ),
    Target(
        "operation limits",
        ("schema/framework/operation_size.py", "schema/framework/list_sizes.py"),
        pure=("tests/schema/test_operation_size.py",),
    ),
    Target(
        "paging",
        ("db/pagination.py", "db/cursors.py"),
        pure=("tests/db/test_pagination.py", "tests/db/test_cursors.py"),
        stored=("tests/projects/test_projects.py",),
    ),
    Target(
        "citations",
        ("pipelines/chat/citations.py", "pipelines/chat/markers.py", "core/sentence_segmentation.py"),
        pure=("tests/chat/test_citations.py", "tests/core/test_sentence_segmentation.py"),
    ),
    Target(
        "grounding",
        ("pipelines/chat/grounding.py", "pipelines/chat/confidence.py"),
        pure=("tests/chat/test_grounding.py", "tests/chat/test_confidence.py"),
    ),
    Target(
        "matching", ("pipelines/drawings/sheet_matching.py",), pure=("tests/drawings/test_sheet_matching.py",)
    ),
    Target(
        "near duplicates",
        ("pipelines/imagery/hash_groups.py",),
        pure=("tests/imagery/test_near_duplicates.py",),
    ),
    Target(
        "table layout",
        (
            "resolvers/insights/consumption_files/numbers.py",
            "resolvers/insights/consumption_files/evidence.py",
        ),
        pure=(
            "tests/insights/consumption_files/test_files.py",
            "tests/insights/consumption_files/test_questions.py",
        ),
    ),
    Target(
        "optimisation",
        (
            "pipelines/insights/optimisation.py",
            "pipelines/insights/plan_inputs.py",
            "pipelines/insights/plan_scoring.py",
            "pipelines/insights/proportional.py",
        ),
        pure=(
            "tests/insights/test_optimisation.py",
            "tests/insights/test_plan_scoring.py",
            "tests/insights/test_report_figures.py",
        ),
    ),
)
