"""What is thought of callers: lists, patterns, the grey list, and what is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ctportd.calls.caller import Caller
from ctportd.calls.numbers import Numbers
from ctportd.calls.verdict import Verdict
from ctportd.hooks.inquiry import Explanation, Inquiry
from plugins.screening.actions import MEANINGS, action_of, problem_of
from plugins.screening.explaining import explain
from plugins.screening.files import read_text
from plugins.screening.hours import read_hours
from plugins.screening.judging import Facts, Passed, judge
from plugins.screening.lists import Book, Entry, List, read_rule
from plugins.screening.patterns import Subject, exactly, fold, read_pattern
from plugins.screening.settings import Settings
from plugins.screening.sources import of_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plugins.screening.judging import Judgement

HERE = Numbers("US", "212")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ADA = "+12125550100"


def subject(number: str, name: str = "") -> Subject:
    """A caller."""
    return Subject(HERE.of(number), fold(name))


def settings(**table: Any) -> Settings:
    """The plugin's settings, as the TOML has them; hours are of UTC."""
    return msgspec.convert({"zone": "UTC"} | table, Settings)


def judged(
    number: str,
    name: str = "",
    *,
    at: datetime = NOON,
    facts: Facts = Facts(),  # noqa: B008 - frozen
    also: Iterable[Entry] = (),
    **table: Any,
) -> Judgement:
    """What is thought of a caller by these settings, and by entries of the store."""
    its = settings(**table)
    book = Book(read_rule(entry, "", HERE) for entry in [*also, *of_settings(its)])
    return judge(subject(number, name), at, book, its, facts)


@pytest.mark.parametrize(
    ("pattern", "number", "name", "matches"),
    [
        ("212-555-0100", ADA, "", True),
        ("5550100", "(212) 555 0100", "", True),
        ("+1 212 555 0101", ADA, "", False),
        ("204", "204", "", True),
        ("+1212*", ADA, "", True),
        ("212*", ADA, "", True),
        ("900*", ADA, "", False),
        ("*0100", ADA, "", True),
        ("+1???5550100", ADA, "", True),
        ("+1??5550100", ADA, "", False),
        ("/^\\+1(212|213)/", ADA, "", True),
        ("/0{3}/", ADA, "", False),
        ("*", "", "Ada", False),
        ("name:ada  LOVELACE", "", "Ada Lovelace", True),
        ("name:Ada", "", "Ada Lovelace", False),
        ("name:Ada*", "", "ADA LOVELACE", True),
        ("name:*love*", "", "Ada Lovelace", True),
        ("Name: /l.ve/", "", "ADA LOVELACE", True),
        ("name:*", ADA, "", False),
        ("name:V?P (1)", "", "vip (1)", True),
        ("name:/b.d/", "5\udcff", "b\udcffd", True),
    ],
)
def test_patterns(pattern: str, number: str, name: str, *, matches: bool) -> None:
    """Numbers in any form, wildcards and expressions; names whatever their case; alone and in a list."""
    read = read_pattern(pattern, HERE)
    assert read.matches(subject(number, name)) is matches
    assert read_pattern(read.text, HERE).text == read.text
    rule = read_rule(Entry(match=pattern, list="block"), "", HERE)
    assert (List([rule]).find(subject(number, name), NOON, NOON.time()) is rule) is matches


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", "there is nothing to match"),
        ("name: ", "there is nothing to match"),
        ("Ada", "'Ada' is no number; a name is written as 'name:Ada'"),
        ("Ada*", "can be no number"),
        ("/(a/", "is no regular expression of RE2: missing \\)"),
        ("/(a)\\1/", "is no regular expression of RE2"),
        ("/(x{1000}){1000}/", "is no regular expression of RE2"),
        (
            "/\\pL{100}/",
            "is no regular expression of RE2: .*too large",
        ),  # a list of thousands would take gigabytes
        ("1" * 201, "has 201 characters, expected 200 at most"),
    ],
)
def test_patterns_that_cannot_be_read(pattern: str, problem: str) -> None:
    """Each is told of in one sentence: what RE2 cannot do in time that is bounded is refused."""
    with pytest.raises(ValueError, match=problem):
        read_pattern(pattern, HERE)


def test_the_most_exact_rule_counts() -> None:
    """A number goes before a name, that before the longest prefix, that before all the rest."""
    block = ["/1/", "*", "+1212*", "+1*", "name:Ada", "5550100"]
    found = []
    while block:
        rule = judged(ADA, "Ada", block=block).rule
        assert rule is not None
        found.append(rule.pattern.text)
        block = [text for text in block if read_pattern(text, HERE).text != rule.pattern.text]
    assert found == [ADA, "name:ada", "+1212*", "+1*", "*", "/1/"]


def test_allow_goes_before_block() -> None:
    """Whoever is on both lists is let through; the reason names the rule and where it stands."""
    entry = Entry(match=ADA, list="allow", name="Ada")
    judgement = judged("5550100", block=["*", {"match": ADA, "action": "hangup"}], also=[entry])
    assert judgement.verdict == Verdict("permitted", "pass", f"allow list: {ADA} (Ada)")
    assert judgement.rule is not None
    assert judgement.rule.key == f"allow {ADA}"


@pytest.mark.parametrize(
    ("number", "table", "kind", "action", "rule"),
    [
        (ADA, {}, "screened", "pass", "on no list"),
        (ADA, {"unknown": "challenge"}, "screened", "challenge", "on no list"),
        (ADA, {"unknown": "voicemail:100"}, "blocked", "voicemail:100", "on no list"),
        ("", {}, "screened", "pass", "no number"),
        ("P", {"anonymous": "ask-number"}, "screened", "ask-number", "no number"),
        ("P", {"anonymous": "reject"}, "blocked", "reject", "no number"),
        (ADA, {"block": ["+1*"]}, "blocked", "reject", "block list, settings: +1*"),
        (ADA, {"block": ["+1*"], "block_action": "ignore"}, "blocked", "ignore", "block list, settings: +1*"),
        (
            ADA,
            {"block": [{"match": "+1*", "action": "challenge", "note": "test them"}]},
            "blocked",
            "challenge",
            "block list, settings: +1* (test them)",
        ),
    ],
)
def test_verdicts(number: str, table: dict[str, Any], kind: str, action: str, rule: str) -> None:
    """Class, action and reason."""
    its = settings(**table)
    book = Book(read_rule(entry, "settings", HERE) for entry in of_settings(its))
    verdict = judge(subject(number), NOON, book, its, Facts()).verdict
    assert (verdict.kind, verdict.action, verdict.rule) == (kind, action, rule)


def test_next_call_is_let_through_once() -> None:
    """Whoever calls; what has to be remembered is that it came. When the time is up, nothing is different."""
    facts = Facts(permit_until=NOON + timedelta(minutes=1))
    judgement = judged(ADA, block=["*"], facts=facts)
    assert judgement.verdict.kind == "permitted"
    assert judgement.effect == "permit used"
    late = judged(ADA, block=["*"], facts=facts, at=NOON + timedelta(minutes=1))
    assert (late.verdict.kind, late.effect) == ("blocked", "")


def test_rules_end_and_have_hours() -> None:
    """One that has ended, or whose hours it is not, leaves the caller to the next."""
    today = {"match": ADA, "expires": NOON.date()}
    assert judged(ADA, block=[today], at=NOON + timedelta(hours=11, minutes=59)).verdict.kind == "blocked"
    assert judged(ADA, block=[today], at=NOON + timedelta(hours=12)).verdict.kind == "screened"
    night = {"match": ADA, "hours": "22:00-07:00", "action": "hangup"}
    day = {"match": ADA, "hours": "07:00-22:00", "action": "busy"}
    hours = {
        NOON.replace(hour=hour): judged(ADA, block=[night, day], at=NOON.replace(hour=hour)) for hour in range(24)
    }
    asleep = [at.hour for at, judgement in hours.items() if judgement.verdict.action == "hangup"]
    assert asleep == [0, 1, 2, 3, 4, 5, 6, 22, 23]
    assert {judgement.verdict.action for judgement in hours.values()} == {"hangup", "busy"}
    for wrong in ("22:00", "22-7-1", "22:00-22:00", "25:00-26:00"):
        with pytest.raises(ValueError, match="expected two times of day"):
            read_hours(wrong)


def test_grey_list() -> None:
    """The first call is turned away, another one at once too, and one within the time is let through."""
    table: dict[str, Any] = {"unknown": "greylist", "greylist": {"first": "busy", "wait": 10, "within": 5}}
    first = judged(ADA, **table)
    assert (first.verdict.kind, first.verdict.action, first.effect) == ("screened", "busy", "called once")
    assert "has to call again within 5 minutes" in first.verdict.rule
    after = {
        seconds: judged(ADA, at=NOON + timedelta(seconds=seconds), facts=Facts(called_at=NOON), **table)
        for seconds in (9, 10, 300, 301)
    }
    told = {seconds: (judgement.verdict.action, judgement.effect) for seconds, judgement in after.items()}
    assert told == {
        9: ("busy", ""),
        10: ("pass", "called again"),
        300: ("pass", "called again"),
        301: ("busy", "called once"),
    }
    known = Facts(passed=Passed("grey list", NOON + timedelta(days=1)))
    assert judged(ADA, facts=known, **table).verdict.action == "pass"
    away = judged(ADA, facts=Facts(known=False), **table)
    assert (away.verdict.action, away.effect) == ("pass", "")


def test_who_has_passed_the_test_is_not_tested_again() -> None:
    """As long as that counts; and it is no way around a rule that wants something else."""
    passed = Facts(passed=Passed("test", NOON + timedelta(days=1)))
    verdict = judged(ADA, unknown="challenge", facts=passed).verdict
    assert (verdict.action, verdict.kind) == ("pass", "screened")
    assert "passed the test" in verdict.rule
    assert (
        judged(ADA, unknown="challenge", facts=passed, at=NOON + timedelta(days=1)).verdict.action == "challenge"
    )
    assert judged(ADA, block=[ADA], facts=passed).verdict.action == "reject"


def test_aliases() -> None:
    """A number's alias, else the name that stands beside it on a list, else the alias of the name that came."""
    entry = Entry(match=ADA, list="allow", name="Ada")
    book = Book([read_rule(entry, "", HERE)], {"+12125550199": "Mum", "smith j": "Jane"})
    assert book.name_of("+12125550199", "SMITH J") == "Mum"
    assert book.name_of(ADA, "LOVELACE A") == "Ada"
    assert book.name_of("", "SMITH  J") == "Jane"
    assert book.name_of("204", "Nobody") == ""


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"block_action": "re-ject"}, "block_action: found 're-ject', expected one of pass, reject"),
        ({"anonymous": "greylist"}, "anonymous: cannot be 'greylist' here"),
        ({"unknown": "ask-number"}, "unknown: cannot be 'ask-number' here"),
        ({"greylist": {"first": "greylist"}}, "first: cannot be 'greylist' here"),
        ({"test": {"failed": "challenge"}}, "failed: cannot be 'challenge' here"),
        ({"zone": "Mars/Base"}, "zone: there is no time zone 'Mars/Base', expected one like"),
        ({"block": [{"match": "1", "hours": "late"}]}, "hours: found 'late'"),
        ({"pin": "4711"}, "pin"),
    ],
)
def test_settings_that_make_no_sense(table: dict[str, Any], problem: str) -> None:
    """Each names its key."""
    with pytest.raises(msgspec.ValidationError, match=problem):
        settings(**table)


def test_actions() -> None:
    """All are known; another plugin's words are done only where they are ours, too."""
    assert [problem_of(action) for action in (*MEANINGS, "", "voicemail:100")] == [""] * (len(MEANINGS) + 2)
    assert action_of(Verdict("blocked", "voicemail:100", by="screening")) == "voicemail:100"
    assert action_of(Verdict("blocked", "reject", by="other")) == "reject"
    assert action_of(Verdict("blocked", "drop it", by="other")) == "pass"


def test_fifty_thousand_entries_cost_no_more_than_fifty() -> None:
    """Numbers and prefixes are looked up: what is tried one by one are only the other patterns."""
    lines = "".join(
        f"+1{number:010},spam {number}\n+7{number:09}*,\n" for number in range(2_000_000_000, 2_000_025_000)
    )
    block = List(read_rule(entry, where, HERE) for where, entry in read_text(lines, "spam.csv", "block"))
    assert len(block.rules) == 50_000
    found = block.find(subject("+12000024999"), NOON, NOON.time())
    assert str(found) == "block list, spam.csv line 49999: +12000024999 (spam 2000024999)"
    calls = 0

    def count(self: object, subject: object) -> bool:
        nonlocal calls
        calls += 1
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plugins.screening.patterns.Pattern.matches", count)
        assert block.find(subject("+12129999999"), NOON, NOON.time()) is None
    assert calls == 0


@pytest.mark.parametrize(
    ("action", "handed", "outcome", "last"),
    [
        ("pass", None, (False, True), "the call goes on to the next handler"),
        ("ignore", None, (True, True), "the telephone rings on, and nobody answers"),
        ("challenge", None, (False, False), "the call is answered and hung up at once"),
        ("station:101", Explanation(["rings"], takes=False), (False, True), "rings"),
        ("voicemail:100", Explanation(["records"]), (True, True), "records"),
        ("mine", Explanation(["unknown"], takes=False, sure=False), (False, False), "unknown"),
    ],
)
async def test_what_is_explained_is_what_is_done(
    action: str, handed: Explanation | None, outcome: tuple[bool, bool], last: str
) -> None:
    """A call that is handed over goes on where the other plugin lets it pass; who was answered cannot be ignored."""

    class Site:
        """An installation with another plugin."""

        async def explain(self, handler: str, inquiry: Inquiry) -> Explanation:
            """What the other one would do."""
            assert (handler, inquiry.verdict.action) == (action, action)
            assert handed is not None
            return handed

    inquiry = Inquiry(Caller("9"), "main:1", NOON, Verdict("blocked", action, "rule", "screening"))
    its = settings(test={"failed": "ignore"})
    told = await explain(inquiry, "", its, Site())  # type: ignore[arg-type]  # as much of a site as is needed
    assert (told.takes, told.sure) == outcome
    assert told.lines[-1].rpartition(": ")[2].strip() == last


@pytest.mark.parametrize("number", [ADA, "204", "+1*", "55?5", "/5|2/", "name:5*", "=1", "*67", "a+1"])
def test_number_of_a_caller_means_that_caller(number: str) -> None:
    """Whatever an exchange sends, the owner puts that number on a list, and nobody else's; once, however it is read."""
    text = exactly(HERE.of(number).e164, HERE)
    pattern = read_pattern(text, HERE)
    assert pattern.text == text
    assert pattern.matches(subject(number))
    assert not any(pattern.matches(subject(other)) for other in ("+12125550101", "5585", "2", "5", "1", "aa1"))
