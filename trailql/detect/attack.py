"""
Which tactics an ATT&CK technique serves, for the packs named after them and for the matrix.

A table of our own for the cloud matrix, so that nothing has to be fetched. Sub-techniques serve their technique's
tactics.

Source:
    https://attack.mitre.org/matrices/enterprise/cloud/
"""

from __future__ import annotations

TACTICS = (
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "exfiltration",
    "impact",
)
"""In the order of the matrix."""

_BY_TECHNIQUE = {
    "T1021": ("Remote Services", "lateral-movement"),
    "T1040": ("Network Sniffing", "credential-access discovery"),
    "T1046": ("Network Service Discovery", "discovery"),
    "T1048": ("Exfiltration Over Alternative Protocol", "exfiltration"),
    "T1049": ("System Network Connections Discovery", "discovery"),
    "T1059": ("Command and Scripting Interpreter", "execution"),
    "T1069": ("Permission Groups Discovery", "discovery"),
    "T1070": ("Indicator Removal", "defense-evasion"),
    "T1072": ("Software Deployment Tools", "execution lateral-movement"),
    "T1074": ("Data Staged", "collection"),
    "T1078": ("Valid Accounts", "initial-access persistence privilege-escalation defense-evasion"),
    "T1082": ("System Information Discovery", "discovery"),
    "T1087": ("Account Discovery", "discovery"),
    "T1098": ("Account Manipulation", "persistence privilege-escalation"),
    "T1110": ("Brute Force", "credential-access"),
    "T1114": ("Email Collection", "collection"),
    "T1119": ("Automated Collection", "collection"),
    "T1133": ("External Remote Services", "initial-access persistence"),
    "T1136": ("Create Account", "persistence"),
    "T1190": ("Exploit Public-Facing Application", "initial-access"),
    "T1199": ("Trusted Relationship", "initial-access"),
    "T1201": ("Password Policy Discovery", "discovery"),
    "T1204": ("User Execution", "execution"),
    "T1212": ("Exploitation for Credential Access", "credential-access"),
    "T1213": ("Data from Information Repositories", "collection"),
    "T1484": ("Domain or Tenant Policy Modification", "privilege-escalation defense-evasion"),
    "T1485": ("Data Destruction", "impact"),
    "T1486": ("Data Encrypted for Impact", "impact"),
    "T1489": ("Service Stop", "impact"),
    "T1490": ("Inhibit System Recovery", "impact"),
    "T1491": ("Defacement", "impact"),
    "T1496": ("Resource Hijacking", "impact"),
    "T1498": ("Network Denial of Service", "impact"),
    "T1499": ("Endpoint Denial of Service", "impact"),
    "T1518": ("Software Discovery", "discovery"),
    "T1525": ("Implant Internal Image", "persistence"),
    "T1526": ("Cloud Service Discovery", "discovery"),
    "T1528": ("Steal Application Access Token", "credential-access"),
    "T1530": ("Data from Cloud Storage", "collection"),
    "T1531": ("Account Access Removal", "impact"),
    "T1535": ("Unused/Unsupported Cloud Regions", "defense-evasion"),
    "T1537": ("Transfer Data to Cloud Account", "exfiltration"),
    "T1538": ("Cloud Service Dashboard", "discovery"),
    "T1546": ("Event Triggered Execution", "persistence privilege-escalation"),
    "T1548": ("Abuse Elevation Control Mechanism", "privilege-escalation defense-evasion"),
    "T1550": ("Use Alternate Authentication Material", "defense-evasion lateral-movement"),
    "T1552": ("Unsecured Credentials", "credential-access"),
    "T1555": ("Credentials from Password Stores", "credential-access"),
    "T1556": ("Modify Authentication Process", "persistence defense-evasion credential-access"),
    "T1562": ("Impair Defenses", "defense-evasion"),
    "T1566": ("Phishing", "initial-access"),
    "T1567": ("Exfiltration Over Web Service", "exfiltration"),
    "T1578": ("Modify Cloud Compute Infrastructure", "defense-evasion"),
    "T1580": ("Cloud Infrastructure Discovery", "discovery"),
    "T1584": ("Compromise Infrastructure", "resource-development"),
    "T1606": ("Forge Web Credentials", "credential-access"),
    "T1609": ("Container Administration Command", "execution"),
    "T1610": ("Deploy Container", "execution defense-evasion"),
    "T1619": ("Cloud Storage Object Discovery", "discovery"),
    "T1621": ("Multi-Factor Authentication Request Generation", "credential-access"),
    "T1648": ("Serverless Execution", "execution"),
    "T1651": ("Cloud Administration Command", "execution"),
    "T1654": ("Log Enumeration", "discovery"),
    "T1657": ("Financial Theft", "impact"),
    "T1666": ("Modify Cloud Resource Hierarchy", "defense-evasion"),
}


def tactics_of(technique: str) -> tuple[str, ...]:
    """The tactics of a technique or sub-technique, such as `T1098.003`; none when the table does not hold it."""
    return tuple(_BY_TECHNIQUE.get(technique.partition(".")[0], ("", ""))[1].split())


def technique_name(technique: str) -> str:
    """What ATT&CK calls a technique; of a sub-technique the technique's name. Empty for one the table does not hold."""
    return _BY_TECHNIQUE.get(technique.partition(".")[0], ("", ""))[0]


def techniques_of(tactic: str) -> tuple[str, ...]:
    """The techniques of the cloud matrix that serve a tactic."""
    return tuple(technique for technique, (_, tactics) in _BY_TECHNIQUE.items() if tactic in tactics.split())
