"""Every sink against a real server on loopback: what arrives, and what a failure says."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hunt.receivers import NASTY, Web, alert, mail_server, syslog_server, web_server
from tests.servers import KEYS, Server, aws_server
from trailql.detect.finding import Severity
from trailql.errors import SinkError
from trailql.sinks.alert import in_words
from trailql.sinks.kinds import KINDS
from trailql.sinks.secret import Secret
from trailql.sinks.sink import Sink

TOKEN = "T0000000/B0000000/XXXXXXXXXXXXXXXXXXXXXXXX"


def make(kind: str, **values: Any) -> Sink:
    return KINDS[kind].make("sink", values)


@pytest.fixture
def web() -> Iterator[Web]:
    """
    A web server.
    """
    with web_server() as running:
        yield running


@pytest.fixture
def hook(web: Web, monkeypatch: pytest.MonkeyPatch) -> Secret:
    """
    Its URL, with a token in it, out of the environment.
    """
    monkeypatch.setenv("HOOK", f"{web.url}/services/{TOKEN}")
    return Secret("env", "HOOK")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    An AWS for SNS, SQS and Security Hub.
    """
    with aws_server(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture
def aws(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """
    The same, where the environment says it is AWS.
    """
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": server.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return server


def test_slack_gets_readable_blocks(web: Web, hook: Secret) -> None:
    """
    Who, what, where, from, when, how often, and what to do next; a text for the notification.
    """
    make("slack", url=hook).send(alert())

    [request] = web.requests
    message = json.loads(request.body)
    assert f"/services/{TOKEN}" == request.path
    assert {"header", "section", "context"} == {block["type"] for block in message["blocks"]}
    fields = [each["text"] for block in message["blocks"] for each in block.get("fields", ())]
    labels = [text.partition("\n")[0].strip("*") for text in fields]
    assert ["Who", "What", "Where", "From", "When", "How often"] == labels
    assert "`production (111122223333), us-east-1`" in fields[2]
    assert "`203.0.113.66 (AS64500 Example Hosting, NL)`" in fields[3]
    assert "trailql findings show" in request.body.decode()
    assert message["text"].startswith("HIGH: A policy that allows everything")


def test_slack_obeys_no_log(web: Web, hook: Secret) -> None:
    """
    An actor's name mentions no channel, opens no tag, ends no code span; every text keeps to Slack's limits.
    """
    make("slack", url=hook).send(alert(actor=NASTY, numbers={"requestParameters": "`<@U1>" * 2000, "calls": 1}))

    message = json.loads(web.requests[0].body)
    texts = [each["text"] for block in message["blocks"] for each in block.get("fields", ())]
    texts += [block["text"]["text"] for block in message["blocks"] if "text" in block]
    assert not any("<!channel>" in text or "<@" in text or "\x1b" in text for text in texts)
    assert all(text.count("`") % 2 == 0 for text in texts if len(text) < 2900)
    assert all(len(text) <= 3000 for text in texts)


@pytest.mark.parametrize("answer", [404, 500, 302])
def test_a_url_is_in_no_error(web: Web, hook: Secret, answer: int) -> None:
    """
    What the server says is told without the webhook's token, and a redirect is not followed.
    """
    web.answers.append((answer, {"Location": f"{web.url}/elsewhere"}, f"no such hook: /services/{TOKEN}".encode()))

    with pytest.raises(SinkError, match=str(answer)) as raised:
        make("slack", url=hook).send(alert())

    assert "XXXX" not in str(raised.value)
    assert 1 == len(web.requests)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A refused connection is told in words, without the URL.
    """
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:9/services/{TOKEN}")
    with pytest.raises(SinkError, match="cannot be reached: connection refused") as raised:
        make("slack", url=Secret("env", "HOOK")).send(alert())
    assert "services" not in str(raised.value)


def test_a_sink_may_ask_for_a_pause(web: Web, hook: Secret) -> None:
    """
    Retry-After is heeded; an alert that is refused as such is told apart from a sink that is down.
    """
    web.answers += [(429, {"Retry-After": "90"}, b""), (400, {}, b"invalid_blocks")]
    sink = make("slack", url=hook)

    with pytest.raises(SinkError) as busy:
        sink.send(alert())
    with pytest.raises(SinkError) as refused:
        sink.send(alert())

    assert (90, False) == (busy.value.retry_after, busy.value.is_alert)
    assert refused.value.is_alert


def test_webhook_is_signed(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The signature is of time and body with the shared key; the idempotency key is in a header.
    """
    monkeypatch.setenv("HMAC_KEY", "a shared key")
    sent = alert()

    make("webhook", url=Secret("text", web.url), secret=Secret("env", "HMAC_KEY")).send(sent)

    [request] = web.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["x-trailql-signature"])
    assert found
    mac = hmac.new(b"a shared key", f"{found[1]}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert (mac, True) == (found[2], abs(time.time() - int(found[1])) < 60)
    assert sent.key == headers["idempotency-key"] == json.loads(request.body)["key"]


def test_webhook_fills_a_template(web: Web) -> None:
    """
    Text goes into strings escaped, whole values as JSON; a field that is none, or no JSON, is said.
    """
    url = Secret("text", web.url)
    template = '{"summary": "{{ title }} by {{actor}}", "techniques": {{ attack }}, "raw": {{ numbers }}}'

    make("webhook", url=url, template=template).send(alert(actor='"quoted"\nname'))

    told = json.loads(web.requests[0].body)
    assert '"quoted"\nname' in told["summary"]
    assert (["T1098.003"], 2) == (told["techniques"], told["raw"]["calls"])
    with pytest.raises(SinkError, match="nosuch"):
        make("webhook", url=url, template='{"a": {{ nosuch }}}').send(alert())
    with pytest.raises(SinkError, match="no JSON"):
        make("webhook", url=url, template='{"a": ').send(alert())


def test_mail_over_starttls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Signed in with the password from the environment; plain text and HTML; nothing of a log becomes header or markup.
    """
    monkeypatch.setenv("SMTP_PASSWORD", "correct horse")
    values = {"user": "trailql", "password": Secret("env", "SMTP_PASSWORD"), "from": "trailql@example.com"}
    with mail_server(tmp_path, user="trailql", password="correct horse") as server:
        sink = make(
            "email",
            host="127.0.0.1",
            port=server.port,
            ca_file=str(server.certificate),
            to=("soc@example.com",),
            **values,
        )
        sink.send(alert())
        sink.send(alert(actor=NASTY))
        sink.close()

    assert [["soc@example.com"]] * 2 == [recipients for _, recipients, _ in server.letters]
    first, second = (email.message_from_bytes(body, policy=email.policy.default) for *_, body in server.letters)
    assert str(first["Subject"]).startswith("HIGH: A policy that allows everything")
    assert "multipart/alternative" == first.get_content_type()
    plain, html = (part.get_content() for part in second.iter_parts())
    assert second["Bcc"] is None
    assert "\x1b" not in plain
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert f"<{alert().key}@example.com>" == first["Message-ID"]


def test_mail_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A wrong password, and a server that wants it later, are told without the password; the next try gets through.
    """
    monkeypatch.setenv("SMTP_PASSWORD", "wrong horse")
    with mail_server(tmp_path, user="trailql", password="correct horse", refuse=1) as server:
        sink = make(
            "email",
            host="127.0.0.1",
            port=server.port,
            ca_file=str(server.certificate),
            user="trailql",
            **{"password": Secret("env", "SMTP_PASSWORD"), "from": "t@example.com", "to": ("soc@example.com",)},
        )
        with pytest.raises(SinkError, match="535") as raised:
            sink.send(alert())
        assert "horse" not in str(raised.value)
        monkeypatch.setenv("SMTP_PASSWORD", "correct horse")
        with pytest.raises(SinkError, match="451"):
            sink.send(alert())
        sink.send(alert())
        sink.close()
    assert 1 == len(server.letters)


def test_sns_has_a_topic_for_each_level(aws: Server) -> None:
    """
    Critical, error and info reach the queues of their topics, as JSON with the key among the attributes.
    """
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topics, queues = {}, {}
    for level in ("critical", "error", "info"):
        topics[level] = sns.create_topic(Name=level)["TopicArn"]
        queues[level] = sqs.create_queue(QueueName=level)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queues[level], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topics[level], Protocol="sqs", Endpoint=arn)
    sink = make("sns", **topics)

    for severity in Severity:
        sink.send(alert(severity=severity))

    got = {level: [] for level in queues}
    for level, url in queues.items():
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for each in messages:
                got[level].append(json.loads(each["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    severities = {
        level: {json.loads(each["Message"])["severity"] for each in messages} for level, messages in got.items()
    }
    assert {"critical": {"critical"}, "error": {"high", "medium"}, "info": {"low", "info"}} == severities
    [critical] = got["critical"]
    assert "CRITICAL: A policy that allows everything was attached or made the default" == critical["Subject"]
    assert alert().key == critical["MessageAttributes"]["key"]["Value"]


def test_sns_without_topic(aws: Server) -> None:
    """
    A topic that is not there is an error with AWS's words.
    """
    missing = dict.fromkeys(("critical", "error", "info"), "arn:aws:sns:us-east-1:111122223333:missing")
    with pytest.raises(SinkError, match=r"NotFound|no such"):
        make("sns", **missing).send(alert())


def test_security_hub_gets_asff(aws: Server) -> None:
    """
    BatchImportFindings takes it; an alert that comes again updates the finding with its Id.
    """
    sink = make("security_hub", account="123456789012", region="us-east-1")

    sink.send(alert(severity=Severity.INFO))
    sink.send(alert(severity=Severity.CRITICAL, reason="raised:critical"))

    found = [each for each in aws.client("securityhub").get_findings()["Findings"] if "trailql" in each["Id"]]
    assert {f"trailql/{alert().fingerprint}"} == {each["Id"] for each in found}
    assert "CRITICAL" in {each["Severity"]["Label"] for each in found}
    assert "203.0.113.66" == found[-1]["Network"]["SourceIpV4"]
    assert found[-1]["FirstObservedAt"] == "2026-10-14T03:11:53Z"


@pytest.mark.parametrize("protocol", ["udp", "tcp", "unix"])
def test_syslog(tmp_path: Path, protocol: str) -> None:
    """
    RFC 5424 with structured data; over TCP with its length; an attacker's line break starts no second message.
    """
    with syslog_server(protocol, tmp_path) as (address, got):
        sink = make("syslog", address=address, protocol=protocol, facility="local4")
        sink.send(alert(actor=NASTY))
        sink.close()
        for _ in range(100):
            if got:
                break
            time.sleep(0.02)

    [message] = got
    if protocol == "tcp":
        length, _, message = message.partition(b" ")
        assert int(length) == len(message)
    head, _, body = message.partition(b"\xef\xbb\xbf")
    assert re.fullmatch(
        rb"<163>1 2026-10-14T03:25:02\.000000Z \S+ trailql \d+ finding "
        rb'\[trailql@32473 key="[0-9a-f]{32}" severity="high" detection="iam\.[a-z_]+" account="111122223333" '
        rb'fingerprint="[0-9a-f]{32}"\] ',
        head,
    )
    assert not {10, 13, 27} & set(message)
    assert json.loads(body)["actor"] == NASTY


def test_syslog_nobody_listens(tmp_path: Path) -> None:
    """
    TCP and unix sockets say when nobody is there.
    """
    for values in (
        {"address": "127.0.0.1:9", "protocol": "tcp"},
        {"address": str(tmp_path / "no"), "protocol": "unix"},
    ):
        with pytest.raises(SinkError, match="cannot be reached"):
            make("syslog", **values).send(alert())


def test_file_mends_a_torn_line(tmp_path: Path) -> None:
    """
    A line that a crash cut short does not swallow the next one.
    """
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"torn": ')
    make("file", path=path).send(alert())
    assert alert().key == json.loads(path.read_text().splitlines()[1])["key"]


def test_words_hold_no_command_of_an_attacker() -> None:
    """
    The next step, made to be pasted into a shell, is of a fingerprint and the configured lake alone.
    """
    words = in_words(alert(actor="$(rm -rf ~)", account="; true", numbers={"eventName": "`id`"}))
    assert re.fullmatch(r"trailql findings show [0-9a-f]{12} --lake /var/lib/trailql", words.next_step)


@pytest.mark.parametrize("where", ["env", "file"])
def test_secrets_are_said_to_be_missing_by_name(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    By the variable's or file's name; nothing else is known of them.
    """
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    name = "NO_SUCH_SECRET" if where == "env" else str(tmp_path / "missing")
    with pytest.raises(SinkError, match=name.rpartition("/")[2]):
        make("slack", url=Secret(where, name)).send(alert())
