"""
AWS Security Hub: findings in its format, ASFF, by BatchImportFindings.

The finding's Id is its fingerprint, so an alert that comes again updates the finding instead of adding one.

Source:
    https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trailql.detect.finding import Severity
from trailql.errors import SinkError, SourceError
from trailql.report.text import as_text, visible
from trailql.sinks.alert import Alert, in_words
from trailql.sinks.sink import Key, Kind, Sink
from trailql.sinks.sns import AWS_KEYS
from trailql.sources.aws import Aws, AwsAccess
from trailql.sources.aws import in_words as aws_in_words

_LABELS = {severity: severity.name for severity in Severity} | {Severity.INFO: "INFORMATIONAL"}
_TITLE, _DESCRIPTION, _VALUE, _PRODUCT_FIELDS = 256, 1024, 2048, 40
_ADDRESS_4 = re.compile(r"^\d{1,3}(\.\d{1,3}){3}$", re.ASCII)
_ADDRESS_6 = re.compile(r"^[0-9a-fA-F:]+:[0-9a-fA-F:.]*$", re.ASCII)


class _SecurityHub:
    def __init__(self, name: str, account: str, region: str, partition: str, aws: Aws) -> None:
        self._name = name
        self._account = account
        self._region = region
        self._partition = partition
        self._aws = aws
        self._client: Any = None

    def send(self, alert: Alert) -> None:
        finding = asff(alert, account=self._account, region=self._region, partition=self._partition)
        try:
            if self._client is None:
                self._client = self._aws.client("securityhub", region=self._region, retries="standard")
            with aws_in_words("Security Hub"):
                answer = self._client.batch_import_findings(Findings=[finding])
        except SourceError as error:
            raise SinkError(str(error), at=self._name, hint=error.hint) from error
        if answer.get("FailedCount"):
            [failed, *_] = answer["FailedFindings"]
            text = visible(f"refused it: {failed.get('ErrorCode')} {failed.get('ErrorMessage', '')}")[:300]
            raise SinkError(text, at=self._name, is_alert=True)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def asff(alert: Alert, *, account: str, region: str, partition: str = "aws") -> dict[str, Any]:
    """
    An alert as a finding of Security Hub.

    Args:
        alert: The alert.
        account, region: Where it is imported; the finding's own account stands in its resources.
        partition: `aws`, `aws-cn` or `aws-us-gov`.
    """
    told, words = alert.told, in_words(alert)
    where = str(told.get("account") or account)
    resource: dict[str, Any] = {
        "Type": "AwsAccount",
        "Id": f"AWS::::Account:{where}",
        "Partition": partition,
        "Region": str(told.get("region") or region),
    }
    resources = [resource]
    if str(told.get("actor") or "").startswith("arn:"):
        actor = str(told["actor"])
        kind = "AwsIamUser" if ":user/" in actor else "AwsIamRole" if ":role/" in actor else "Other"
        resources.append({"Type": kind, "Id": actor[:512], "Partition": partition})
    found: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": f"trailql/{alert.fingerprint}",
        "ProductArn": f"arn:{partition}:securityhub:{region}:{account}:product/{account}/default",
        "ProductName": "trailql",
        "CompanyName": "trailql",
        "GeneratorId": str(told["id"])[:512],
        "AwsAccountId": account,
        "Types": ["TTPs" if told.get("attack") else "Unusual Behaviors"],
        "CreatedAt": _time(told.get("found_at") or told["last_event_time"]),
        "UpdatedAt": _time(told.get("recorded_at") or told.get("found_at") or told["last_event_time"]),
        "FirstObservedAt": _time(told["first_event_time"]),
        "LastObservedAt": _time(told["last_event_time"]),
        "Severity": {"Label": _LABELS[alert.severity], "Original": str(told["severity"])},
        "Title": visible(str(told["title"]))[:_TITLE],
        "Description": (words.why or words.headline)[:_DESCRIPTION],
        "Resources": resources,
        "RecordState": "ARCHIVED" if alert.is_over else "ACTIVE",
        "Workflow": {"Status": "NEW"},
        "ProductFields": _product_fields(alert),
    }
    if words.next_step:
        found["Remediation"] = {"Recommendation": {"Text": words.next_step[:512]}}
    source = str(told.get("source_ip") or "")
    if _ADDRESS_4.match(source):
        found["Network"] = {"SourceIpV4": source}
    elif _ADDRESS_6.match(source):
        found["Network"] = {"SourceIpV6": source}
    return found


def _product_fields(alert: Alert) -> dict[str, str]:
    told = alert.told
    fields = {
        "trailql/key": alert.key,
        "trailql/reason": told["reason"],
        "trailql/actor": told.get("actor"),
        "trailql/attack": ",".join(told.get("attack") or ()),
        "trailql/events": told.get("events"),
        **{f"trailql/{name}": value for name, value in (told.get("numbers") or {}).items()},
    }
    texts = {name[:128]: visible(as_text(value))[:_VALUE] for name, value in fields.items()}
    return dict([(name, text) for name, text in texts.items() if text][:_PRODUCT_FIELDS])


def _time(text: str) -> str:
    return text.replace("+00:00", "Z")


def _make(name: str, values: Mapping[str, Any]) -> Sink:
    access = AwsAccess(values.get("profile"), values.get("role_arn"), values.get("external_id"))
    region = values["region"]
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    return _SecurityHub(name, values["account"], region, partition, Aws(access))


SECURITY_HUB = Kind(
    {
        "account": Key("text", "account to import into", is_needed=True),
        "region": Key("text", "Region to import into", is_needed=True),
        **AWS_KEYS,
    },
    _make,
)
