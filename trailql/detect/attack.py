"""
Which tactics an ATT&CK technique serves, for the packs named after them.

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
    "T1021": "lateral-movement",
    "T1040": "credential-access discovery",
    "T1046": "discovery",
    "T1048": "exfiltration",
    "T1049": "discovery",
    "T1059": "execution",
    "T1069": "discovery",
    "T1070": "defense-evasion",
    "T1072": "execution lateral-movement",
    "T1074": "collection",
    "T1078": "initial-access persistence privilege-escalation defense-evasion",
    "T1082": "discovery",
    "T1087": "discovery",
    "T1098": "persistence privilege-escalation",
    "T1110": "credential-access",
    "T1114": "collection",
    "T1119": "collection",
    "T1133": "initial-access persistence",
    "T1136": "persistence",
    "T1190": "initial-access",
    "T1199": "initial-access",
    "T1201": "discovery",
    "T1204": "execution",
    "T1212": "credential-access",
    "T1213": "collection",
    "T1484": "privilege-escalation defense-evasion",
    "T1485": "impact",
    "T1486": "impact",
    "T1489": "impact",
    "T1490": "impact",
    "T1491": "impact",
    "T1496": "impact",
    "T1498": "impact",
    "T1499": "impact",
    "T1518": "discovery",
    "T1525": "persistence",
    "T1526": "discovery",
    "T1528": "credential-access",
    "T1530": "collection",
    "T1531": "impact",
    "T1535": "defense-evasion",
    "T1537": "exfiltration",
    "T1538": "discovery",
    "T1546": "persistence privilege-escalation",
    "T1548": "privilege-escalation defense-evasion",
    "T1550": "defense-evasion lateral-movement",
    "T1552": "credential-access",
    "T1555": "credential-access",
    "T1556": "persistence defense-evasion credential-access",
    "T1562": "defense-evasion",
    "T1566": "initial-access",
    "T1567": "exfiltration",
    "T1578": "defense-evasion",
    "T1580": "discovery",
    "T1584": "resource-development",
    "T1595": "reconnaissance",
    "T1606": "credential-access",
    "T1609": "execution",
    "T1610": "execution defense-evasion",
    "T1619": "discovery",
    "T1621": "credential-access",
    "T1648": "execution",
    "T1651": "execution",
    "T1654": "discovery",
    "T1657": "impact",
    "T1666": "defense-evasion",
}


def tactics_of(technique: str) -> tuple[str, ...]:
    """The tactics of a technique or sub-technique, such as `T1098.003`; none when the table does not hold it."""
    return tuple(_BY_TECHNIQUE.get(technique.partition(".")[0], "").split())
