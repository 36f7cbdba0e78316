"""Where credentials came from and what came of them: every kind of edge, both directions, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ingest, shared_data
from tests.forensics.stories import (
    IAM,
    IP,
    SIGNIN,
    STS,
    USER_KEY,
    assume,
    at,
    chain,
    console_login,
    create_key,
    event,
    root,
    session,
    user,
    zulu,
)
from tests.made import ACCOUNT, OTHER_ACCOUNT, Record, write_log
from trailql.errors import TrailqlError, UsageError
from trailql.forensics.graph import Trace
from trailql.forensics.trace import trace_from
from trailql.ingest import ingest_logs
from trailql.query.engine import open_lake
from trailql.schema import SESSION_COLUMNS

TraceOf = Callable[..., Trace]


@pytest.fixture
def trace(logs: Path, lake_dir: Path, ingest: Ingest) -> TraceOf:
    """Trace something through a lake of these records."""

    def run(records: list[Record], asked: str, **options: Any) -> Trace:
        write_log(logs, *records)
        ingest()
        return trace_from(lake_dir, asked, **options)

    return run


def path(found: Trace) -> list[tuple[str, str, str]]:
    """Edges with the ends of their ids."""
    return [(_end(edge.source), edge.name, _end(edge.target)) for edge in found.edges]


def _end(id: str) -> str:
    return id.split("@", maxsplit=1)[0].rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def test_sessions_are_asked_like_a_table(logs: Path, lake_dir: Path, ingest: Ingest) -> None:
    """`SELECT * FROM sessions` has a row for each key that was used, with the call that gave it out."""
    write_log(logs, *chain())
    ingest()
    with open_lake(lake_dir) as opened:
        rows = opened.sql("SELECT * FROM sessions").dicts()
    assert [column.name for column in SESSION_COLUMNS] == list(rows[0])
    found = {row["accessKeyId"]: (row["issued_by"], row["issuer_access_key"]) for row in rows}
    assert ("AssumeRole", "ASIAFIRST0000EXAMPLE") == found["ASIASECOND000EXAMPLE"]
    assert ("CreateAccessKey", "ASIASECOND000EXAMPLE") == found["AKIABOBBOB000EXAMPLE"]
    assert (None, None) == found[USER_KEY]
    (bob,) = [row for row in rows if row["accessKeyId"] == "AKIABOBBOB000EXAMPLE"]
    assert (1, 1) == (bob["events"], bob["errors"])


WHOLE_CHAIN = [
    ("alice", "owns", USER_KEY),
    (USER_KEY, "AssumeRole", "s1"),
    ("s1", "AssumeRole", "s2"),
    ("s2", "CreateAccessKey", "AKIABOBBOB000EXAMPLE"),
    ("s2", "AssumeRole", "s1"),
]


@pytest.mark.parametrize("asked", [USER_KEY, "alice", f"arn:aws:iam::{ACCOUNT}:user/alice"])
def test_forwards_through_a_chain(trace: TraceOf, asked: str) -> None:
    """
    From a key, through two roles in two accounts, to the key they made for somebody else; the circle ends.
    """
    found = trace(chain(), asked)

    assert WHOLE_CHAIN == path(found)
    bob = found.node("key:AKIABOBBOB000EXAMPLE")
    assert (3, 1, 1, OTHER_ACCOUNT) == (bob.depth, bob.calls, bob.errors, bob.account)
    assert f"arn:aws:iam::{OTHER_ACCOUNT}:user/bob" == bob.principal


def test_backwards_through_a_chain(trace: TraceOf) -> None:
    """
    From the last key back to the user whose key it began with; each step with its event.
    """
    records = chain()
    found = trace(records, "AKIABOBBOB000EXAMPLE")

    assert [("alice", -4), (USER_KEY, -3), ("s1", -2), ("s2", -1), ("AKIABOBBOB000EXAMPLE", 0)] == [
        (_end(node.id), node.depth) for node in found.nodes
    ]
    assert WHOLE_CHAIN[:4] == path(found)[:4]
    (made,) = [edge for edge in found.edges if edge.name == "CreateAccessKey"]
    assert (records[5]["eventID"], at(3), IP) == (made.event_id, made.time, made.source_ip)
    assert "no CreateAccessKey for it is in the lake" in found.node(f"key:{USER_KEY}").notes


def test_two_accounts_recorded_one_call(trace: TraceOf) -> None:
    """
    The copies of a cross-account AssumeRole are one edge that names both accounts.
    """
    for asked in (USER_KEY, "ASIASECOND000EXAMPLE"):
        (crossing,) = [e for e in trace(chain(), asked).edges if e.name == "AssumeRole" and _end(e.target) == "s2"]
        assert (ACCOUNT, OTHER_ACCOUNT) == crossing.accounts


def test_the_callers_account_is_not_in_the_lake(trace: TraceOf) -> None:
    """
    Of the two copies only the role owner's is there: the caller is an account and an id, and that is said.
    """
    found = trace([record for number, record in enumerate(chain()) if number not in (0, 1, 2, 3, 7)], "s2")

    assert ("account", ACCOUNT) == (found.nodes[0].kind, found.nodes[0].account)
    assert any(f"the logs of account {ACCOUNT}" in note for note in found.nodes[0].notes)


def test_depth_is_bounded_and_said(trace: TraceOf) -> None:
    """
    --depth 1 takes one step each way, and says that there is more.
    """
    found = trace(chain(), "ASIAFIRST0000EXAMPLE", depth=1)

    assert {-1, 0, 1} == {node.depth for node in found.nodes}
    assert ["forwards", "backwards"] == [note.split()[-3].rstrip(":") for note in found.notes]


def test_source_identity_is_kept(trace: TraceOf) -> None:
    """
    A session tells the source identity it carries, and is found by it.
    """
    found = trace(chain(), "alice@example.com")
    assert "alice@example.com" == next(node for node in found.nodes if node.is_asked).source_identity


def test_a_console_session_has_several_keys(trace: TraceOf) -> None:
    """
    Keys of one creation date are one session, which came from the sign-in of that second: without MFA, after failures.
    """
    alice = user(key="")
    records = [
        console_login(1, alice, at(0), succeeded=False),
        console_login(2, alice, at(1), succeeded=False),
        console_login(3, alice, at(2)),
        event(4, user(key="ASIACONSOLE1EXAMPLE0", created=at(2)), f"{IAM}:ListUsers", at(3)),
        event(5, user(key="ASIACONSOLE2EXAMPLE0", created=at(2)), f"{IAM}:ListRoles", at(4)),
    ]
    found = trace(records, "ASIACONSOLE2EXAMPLE0")

    (edge,) = found.edges
    assert ("ConsoleLogin", f"no MFA, after 2 failed sign-ins from {IP}") == (edge.name, edge.detail)
    assert records[2]["eventID"] == edge.event_id
    (asked,) = [node for node in found.nodes if node.is_asked]
    assert (("ASIACONSOLE1EXAMPLE0", "ASIACONSOLE2EXAMPLE0"), 2) == (asked.access_keys, asked.calls)


def test_by_address(trace: TraceOf) -> None:
    """
    An address finds the sessions used from it, and those signed in from it; failed sign-ins are told.
    """
    alice = user(key="")
    elsewhere = event(
        3, user(key="ASIACONSOLE1EXAMPLE0", created=at(2)), f"{IAM}:ListUsers", at(3), sourceIPAddress="192.0.2.1"
    )
    records = [console_login(1, alice, at(0), succeeded=False), console_login(2, alice, at(2)), elsewhere]

    assert [("alice", "ConsoleLogin", "alice")] == path(trace(records, IP))
    assert [("alice", "ConsoleLogin", "alice")] == path(trace(records, "203.0.113.0/24"))
    assert "1 failed sign-in from" in trace(records, IP).notes[0]
    assert ["session"] == [node.kind for node in trace(records, "192.0.2.0/28").nodes if node.is_asked]


@pytest.mark.parametrize("which", [0, 3])
def test_by_event(trace: TraceOf, which: int) -> None:
    """
    An eventID stands for the credentials that made the call; one that gave out credentials for these as well.
    """
    records = chain()
    asked = {_end(node.id) for node in trace(records, records[which]["eventID"]).nodes if node.is_asked}
    assert {0: {USER_KEY}, 3: {"s1", "s2"}}[which] == asked


def test_a_sign_in_by_its_event(trace: TraceOf) -> None:
    """
    The eventID of a ConsoleLogin finds its session.
    """
    records = [
        console_login(1, user(key=""), at(2)),
        event(2, user(key="ASIACONSOLE1EXAMPLE0", created=at(2)), f"{IAM}:ListUsers", at(3)),
    ]
    assert [("alice", "ConsoleLogin", "alice")] == path(trace(records, records[0]["eventID"]))


def test_a_password_given_to_somebody(trace: TraceOf) -> None:
    """
    CreateLoginProfile leads to the user and to the sign-in after it; and back from there.
    """
    bob = user("bob", key="")
    records = [
        event(1, user(), f"{IAM}:CreateLoginProfile", at(0), requestParameters={"userName": "bob"}),
        console_login(2, bob, at(1)),
        event(3, user("bob", "ASIABOBBOB00EXAMPLE0", created=at(1)), f"{IAM}:ListUsers", at(2)),
    ]
    whole = [("alice", "owns", USER_KEY), (USER_KEY, "CreateLoginProfile", "bob"), ("bob", "ConsoleLogin", "bob")]

    assert whole == path(trace(records, USER_KEY))
    assert whole == path(trace(records, "ASIABOBBOB00EXAMPLE0"))


def test_a_password_nobody_used(trace: TraceOf) -> None:
    """
    Without a sign-in after it, the user is the end, and says so.
    """
    made = event(1, user(), f"{IAM}:UpdateLoginProfile", at(0), requestParameters={"userName": "bob"})
    found = trace([made], USER_KEY)
    assert ("no sign-in after it got its password is in the lake",) == found.nodes[-1].notes


def test_a_key_nobody_used(trace: TraceOf) -> None:
    """
    A key that was made and not used is a node without calls; it is found by its own name as well.
    """
    for asked in (USER_KEY, "AKIABOBBOB000EXAMPLE"):
        found = trace([create_key(1, user(), "bob", "AKIABOBBOB000EXAMPLE", at(0))], asked)
        unused = found.node("key:AKIABOBBOB000EXAMPLE")
        assert (0, ("no use of it is in the lake",)) == (unused.calls, unused.notes)
        assert (USER_KEY, "CreateAccessKey", "AKIABOBBOB000EXAMPLE") in path(found)


def minted(name: str, who: Record, key: str, answer: Record | None = None, source: str = STS) -> list[Record]:
    """An event that gave out a key, and a use of it."""
    later = session("deploy", "web", key, at(1))
    given = {"responseElements": answer} if answer else {}
    return [
        assume(1, who, later, at(1), name=name, **({"eventSource": source} if source != STS else {}))
        if not answer
        else event(1, who, f"{source}:{name}", at(1), **given),
        event(2, later, "s3.amazonaws.com:ListBuckets", at(2)),
    ]


_KEY = "ASIAMINTED000EXAMPLE"
_CREDENTIALS = {"credentials": {"accessKeyId": _KEY, "expiration": "later"}}


@pytest.mark.parametrize(
    ("records", "kind", "source"),
    [
        (
            minted("AssumeRoleWithSAML", {"type": "SAMLUser", "principalId": "q:bob", "identityProvider": "idp"}, _KEY),
            "provider",
            "idp",
        ),
        (
            minted(
                "AssumeRoleWithWebIdentity",
                {"type": "WebIdentityUser", "principalId": "x", "identityProvider": "oidc.example.com"},
                _KEY,
            ),
            "provider",
            "oidc.example.com",
        ),
        (minted("AssumeRole", {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}, _KEY), "service", "lambda"),
        (minted("GetSessionToken", user(), _KEY, _CREDENTIALS), "key", USER_KEY),
        (minted("GetFederationToken", user(), _KEY, _CREDENTIALS), "key", USER_KEY),
        (minted("AssumeRoot", user(), _KEY, _CREDENTIALS), "key", USER_KEY),
        (minted("GetSigninToken", user(), _KEY, _CREDENTIALS, SIGNIN), "key", USER_KEY),
        (
            minted("GetCredentialsForIdentity", user(), _KEY, _CREDENTIALS, "cognito-identity.amazonaws.com"),
            "key",
            USER_KEY,
        ),
        (
            minted(
                "CreateSession",
                user(),
                _KEY,
                {"credentialSet": [{"credentials": {"accessKeyId": _KEY}}]},
                "rolesanywhere.amazonaws.com",
            ),
            "key",
            USER_KEY,
        ),
    ],
    ids=lambda value: value[0]["eventName"] if isinstance(value, list) else "",
)
def test_each_way_to_get_credentials(trace: TraceOf, records: list[Record], kind: str, source: str) -> None:
    """
    Whatever gave out a key leads to what was done with it.
    """
    found = trace(records, _KEY)

    (edge,) = [edge for edge in found.edges if edge.name == records[0]["eventName"]]
    assert (kind, "session") == (found.node(edge.source).kind, found.node(edge.target).kind)
    assert source in edge.source
    assert records[0]["eventID"] == edge.event_id


def test_refused_calls_lead_nowhere(trace: TraceOf) -> None:
    """
    A denied AssumeRole is an error of its key, and no edge.
    """
    denied = event(1, user(), f"{STS}:AssumeRole", at(0), errorCode="AccessDenied")
    found = trace([denied], USER_KEY)
    assert [("alice", "owns", USER_KEY)] == path(found)
    assert 1 == found.node(f"key:{USER_KEY}").errors


INSTANCE = "i-0123456789abcdef0"
PROFILE = {"arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/web"}
EC2_SERVICE = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}


def _launch(number: int, who: Record, minutes: float, *, asked: Any = None, given: Any = None, **more: Any) -> Record:
    item = {"instanceId": INSTANCE, "tagSet": {"items": [{"value": '"instanceId":"i-0aaaaaaaaaaaaaaa0"'}]}}
    if given:
        item["iamInstanceProfile"] = given
    answer = {"instancesSet": {"items": [item, {"instanceId": "i-0123456789abcdef1"}]}}
    request = {"instanceType": "t3.micro", **({"iamInstanceProfile": asked} if asked else {})}
    return event(
        number,
        who,
        "ec2.amazonaws.com:RunInstances",
        at(minutes),
        **{"requestParameters": request, "responseElements": answer, **more},
    )


def _on_instance(key: str = "ASIAINSTANCE1EXAMPLE", minutes: float = 5) -> Record:
    return session("web", INSTANCE, key, at(minutes))


@pytest.mark.parametrize(
    ("asked", "given"), [(PROFILE, PROFILE), ({"name": "web"}, None), (None, {**PROFILE, "id": "AIPAXXXX"})]
)
@pytest.mark.parametrize("start", [USER_KEY, INSTANCE])
def test_who_started_the_instance(trace: TraceOf, asked: Any, given: Any, start: str) -> None:
    """
    RunInstances with a role leads to the sessions of the instance, and they lead back to it; a template may name it.
    """
    records = [
        _launch(1, user(), 0, asked=asked, given=given),
        event(2, _on_instance(), "s3.amazonaws.com:ListBuckets", at(6)),
        event(3, _on_instance("ASIAINSTANCE2EXAMPLE", 400), "s3.amazonaws.com:ListBuckets", at(401)),
        event(4, session("web", "i-0aaaaaaaaaaaaaaa0", "ASIAINSTANCE3EXAMPLE", at(5)), f"{IAM}:ListUsers", at(6)),
    ]
    found = trace(records, start)

    assert [("alice", "owns", USER_KEY), *[(USER_KEY, "RunInstances", INSTANCE)] * 2] == path(found)
    edge = found.edges[1]
    assert (records[0]["eventID"], at(0), "started the instance, with its role") == (
        edge.event_id,
        edge.time,
        edge.detail,
    )


def test_a_started_instance_and_what_came_after(trace: TraceOf) -> None:
    """
    Through an instance: from a role's session to what the instance's role assumed; and all the way back.
    """
    deploy = session("deploy", "s1", "ASIAFIRST0000EXAMPLE", at(1))
    last = session("admin", "s2", "ASIASECOND000EXAMPLE", at(7))
    records = [
        assume(1, user(), deploy, at(1)),
        _launch(2, deploy, 2, asked={"name": "web"}),
        assume(3, EC2_SERVICE, _on_instance(), at(5), recipientAccountId=ACCOUNT),
        assume(4, _on_instance(), last, at(7)),
        event(5, last, f"{IAM}:ListUsers", at(8)),
    ]
    way = [
        ("alice", "owns", USER_KEY),
        (USER_KEY, "AssumeRole", "s1"),
        ("s1", "RunInstances", INSTANCE),
        (INSTANCE, "AssumeRole", "s2"),
    ]

    assert way == path(trace(records, USER_KEY))
    back = path(trace(records, last["accessKeyId"]))
    assert [*way[:3], ("ec2.amazonaws.com", "AssumeRole", INSTANCE), way[3]] == back


@pytest.mark.parametrize("start", [USER_KEY, "ASIAINSTANCE1EXAMPLE"])
def test_a_session_called_like_an_instance(trace: TraceOf, start: str) -> None:
    """
    Whoever takes a role may name the session after an instance: that came from them, not from who started the instance.
    """
    records = [
        _launch(1, user(), 0, asked=PROFILE),
        assume(2, user("mallory", "AKIAMALLORY01EXAMPLE"), _on_instance(), at(5)),
        event(3, _on_instance(), "s3.amazonaws.com:ListBuckets", at(6)),
    ]
    assert "RunInstances" not in {name for _, name, _ in path(trace(records, start))}


@pytest.mark.parametrize(
    "launch",
    [
        _launch(1, user(), 0),
        _launch(1, user(), 0, asked=PROFILE, errorCode="Client.UnauthorizedOperation"),
        _launch(1, user(), 0, asked=PROFILE, responseElements=None),
        _launch(1, user(account=OTHER_ACCOUNT), 0, asked=PROFILE),
        _launch(1, user(), 0, asked=PROFILE, responseElements={"instancesSet": "none", "x": [None, 7]}),
    ],
    ids=["no role", "refused", "no answer", "another account", "odd"],
)
@pytest.mark.parametrize("start", [USER_KEY, INSTANCE])
def test_a_launch_that_gave_no_role(trace: TraceOf, launch: Record, start: str) -> None:
    """
    Without a role, refused, without an answer, or of another account's instance: RunInstances leads nowhere.
    """
    records = [launch, event(2, _on_instance(), "s3.amazonaws.com:ListBuckets", at(6))]
    assert "RunInstances" not in {name for _, name, _ in path(trace(records, start))}


def test_a_service_started_the_instance(trace: TraceOf) -> None:
    """
    A caller without a key, such as a service, is where it began.
    """
    records = [
        _launch(1, {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}, 0, asked=PROFILE),
        event(2, _on_instance(), "s3.amazonaws.com:ListBuckets", at(6)),
    ]
    assert [("autoscaling.amazonaws.com", "RunInstances", INSTANCE)] == path(trace(records, INSTANCE))


def test_an_instance_whose_role_was_not_seen_to_be_assumed(trace: TraceOf) -> None:
    """
    A session called like an instance came from EC2; by the instance's id all of its sessions are found.
    """
    uses = [
        event(n, session("web", "i-0123456789abcdef0", f"ASIAWEB{n}00000EXAMPLE", at(n)), f"{IAM}:ListUsers", at(n + 1))
        for n in (1, 2)
    ]
    found = trace(uses, "i-0123456789abcdef0")
    assert [("ec2.amazonaws.com", "instance role", "i-0123456789abcdef0")] * 2 == path(found)
    assert any("is not in the lake" in note for note in found.nodes[-1].notes)


def test_a_session_of_unknown_origin(trace: TraceOf) -> None:
    """
    A role session whose AssumeRole is missing stands under its role, with its path, and says so.
    """
    found = trace([event(1, session("deploy", "s1", _KEY, at(0)), f"{IAM}:ListUsers", at(1))], _KEY)
    assert ("role", f"arn:aws:iam::{ACCOUNT}:role/path/deploy") == (found.nodes[0].kind, found.nodes[0].principal)
    assert ("the AssumeRole it came from is not in the lake",) == found.nodes[1].notes


@pytest.mark.parametrize("asked", ["deploy", f"arn:aws:iam::{ACCOUNT}:role/path/deploy", "s1"])
def test_a_role_by_name_and_arn(trace: TraceOf, asked: str) -> None:
    """
    A role's name, its ARN and a session's name find the same session.
    """
    assert ["s1"] == [_end(node.id) for node in trace(chain(), asked).nodes if node.is_asked]


def test_what_services_did_for_a_user(trace: TraceOf) -> None:
    """
    Calls that services made with keys of their own for a user are one node under the user.
    """
    callers = [user(key=f"ASIASERVICE{n}EXAMPLE0", created=at(n)) for n in range(3)]
    calls = [event(n, who | {"invokedBy": "AWS Internal"}, f"{IAM}:Get", at(n)) for n, who in enumerate(callers)]
    found = trace(calls, "alice")
    assert [("alice", "invoked", "alice")] == path(found)
    assert [3] == [node.calls for node in found.nodes if node.kind == "session"]


def test_a_switched_role(trace: TraceOf) -> None:
    """
    SwitchRole in the console leads from the user to the role's session.
    """
    later = session("deploy", "alice", _KEY, at(1))
    switch = event(
        1,
        {name: value for name, value in later.items() if name != "accessKeyId"},
        f"{SIGNIN}:SwitchRole",
        at(1),
        responseElements={"SwitchRole": "Success"},
        additionalEventData={"SwitchFrom": f"arn:aws:iam::{ACCOUNT}:user/alice"},
    )
    found = trace([switch, event(2, later, f"{IAM}:ListUsers", at(2))], _KEY)
    assert [("alice", "SwitchRole", "alice")] == path(found)
    assert f"user:arn:aws:iam::{ACCOUNT}:user/alice" == found.edges[0].source


def test_root(trace: TraceOf) -> None:
    """
    `root` finds the root users' sessions.
    """
    found = trace([event(1, root("ASIAROOT00000EXAMPLE", at(0)), f"{IAM}:ListUsers", at(1))], "root")
    assert ["root"] == [node.kind for node in found.nodes if not node.access_keys]


def test_the_window_counts_calls_and_not_origins(trace: TraceOf) -> None:
    """
    Calls are counted from --since to --until; where the credentials came from may lie before.
    """
    found = trace(chain(), "ASIASECOND000EXAMPLE", since=at(2.5), until=at(4))

    assert ("s1", "AssumeRole", "s2") in path(found)
    (second,) = [node for node in found.nodes if node.is_asked]
    assert (1, at(3)) == (second.calls, second.first)


def test_many_sessions_are_bounded(trace: TraceOf) -> None:
    """
    Of more sessions than asked for the latest are kept, and that is said.
    """
    uses = [
        event(n, session("web", f"s{n}", f"ASIAWEB{n:02}0000EXAMPLE", at(n)), f"{IAM}:ListUsers", at(n))
        for n in range(10)
    ]
    found = trace(uses, "web", most_sessions=3)
    assert ["s7", "s8", "s9"] == sorted(_end(node.id) for node in found.nodes if node.is_asked)
    assert "7 more sessions" in found.notes[0]


def test_nothing_there(trace: TraceOf) -> None:
    """
    What nobody has used is an empty graph; nothing at all is a wrong question.
    """
    assert () == trace(chain(), "AKIANOBODY000EXAMPLE").nodes
    with pytest.raises(UsageError):
        trace(chain(), " ")


def test_the_sample_attack(sample_lake: Path) -> None:
    """
    The sample's key came from a console session of web-developer that began without MFA after 17 wrong passwords.
    """
    found = trace_from(sample_lake, "AKIANEWKEY123EXAMPLE")

    assert ["web-developer", "web-developer", "AKIANEWKEY123EXAMPLE"] == [_end(node.id) for node in found.nodes]
    assert ["no MFA, after 17 failed sign-ins from 203.0.113.66, 203.0.113.77", ""] == [e.detail for e in found.edges]
    assert (430, 101) == (found.nodes[-1].calls, found.nodes[-1].errors)
    about = {api.name: api.subjects for api in found.nodes[1].apis}
    assert {
        "AttachUserPolicy": ("build-bot", "AdministratorAccess"),
        "CreateAccessKey": ("build-bot",),
        "GetCallerIdentity": (),
    } == about
    assert {"111122223333", "444455556666"} == {
        account for edge in trace_from(sample_lake, "ops-lead").edges for account in edge.accounts
    }


def test_a_damaged_lake_is_named(lake_dir: Path, trace: TraceOf) -> None:
    """
    A file that is no Parquet any more is an error about the lake, not a traceback.
    """
    trace(chain(), USER_KEY)
    (part,) = (lake_dir / "events").rglob("*.parquet")
    part.write_bytes(b"PAR1" + bytes(part.stat().st_size - 8) + b"PAR1")
    with pytest.raises(TrailqlError):
        trace_from(lake_dir, USER_KEY)


def test_addresses_that_look_like_networks(trace: TraceOf) -> None:
    """
    A source address of dots and digits that is none does not stop the search for a network.
    """
    odd = [event(n, user(), f"{IAM}:ListUsers", at(n), sourceIPAddress=ip) for n, ip in enumerate(["1..", "1.2", IP])]
    assert [3] == [node.calls for node in trace(odd, "203.0.113.0/24").nodes if node.is_asked]


def test_a_real_intrusion(tmp_path: Path) -> None:
    """
    sans504: jmerckle's key made a second key; root signed in three times from one address.
    """
    ingest_logs([str(shared_data("sans504"))], tmp_path / "lake")

    stolen = trace_from(tmp_path / "lake", "3.238.12.183")
    assert ("AKIAU7JNXC7K7XNL3F6J", "CreateAccessKey", "AKIAU7JNXC7KZLY6XYHJ") in path(stolen)
    signed_in = [edge.time for edge in trace_from(tmp_path / "lake", "root").edges if edge.name == "ConsoleLogin"]
    assert ["2021-07-29T00:07:51Z", "2021-07-29T12:54:17Z", "2021-07-30T10:37:34Z"] == [
        zulu(time) for time in signed_in if time
    ]
