"""Drives a running simulator through the vendor's own Python SDK, which knows nothing of this repository.

    pip install thousandeyes-sdk-usage==6.0.0 thousandeyes-sdk-administrative==6.0.0
    export TE_BASE_URL=… TE_TOKEN=…     (the two lines that `quotakeeper simulate` prints)
    python3 tests/sdk.py

All nine operations, paging, and errors. It changes quotas of the simulator and puts them back.
"""

import os
from datetime import datetime, timedelta, timezone

from thousandeyes_sdk import administrative, usage
from thousandeyes_sdk.core import ApiClient, Configuration
from thousandeyes_sdk.core.exceptions import (
    BadRequestException,
    ForbiddenException,
    UnauthorizedException,
)
from thousandeyes_sdk.usage.models import (
    AccountGroupQuota,
    ExpandUsageOptions,
    OrganizationQuota,
    OrganizationQuotaAssignment,
    OrganizationQuotaUnassignment,
    OrganizationsQuotasAssign,
    OrganizationsQuotasUnassign,
    QuotasAssignRequest,
    QuotasUnassign,
)

HOST = os.environ["TE_BASE_URL"].rstrip("/") + "/v7"


def client(token):
    return ApiClient(Configuration(host=HOST, access_token=token))


def expect(error, call):
    """What the call raised, which must be this error."""
    try:
        call()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


def group_quotas(org_id, aid, value):
    group = AccountGroupQuota(aid=aid, value=value)
    return OrganizationsQuotasAssign(
        organizations=[OrganizationQuotaAssignment(org_id=org_id, account_groups=[group])]
    )


def read_quotas(quotas):
    """{(org_id, aid or None): value} of everything that has a quota."""
    found = {}
    for quota in quotas.get_quotas().quotas:
        org_id = quota.organization_quota.org_id if quota.organization_quota else None
        if org_id:
            found[org_id, None] = quota.organization_quota.value
        for group in quota.account_group_quotas or []:
            found[org_id, group.aid] = group.value
    return found


def names(api):
    groups = administrative.AccountGroupsApi(api).get_account_groups().account_groups
    assert groups and all(g.aid and g.account_group_name and g.org_id and g.organization_name for g in groups)
    assert sum(g.is_current_account_group for g in groups) == 1
    return groups


def reading(api, groups):
    """/usage of each organization: its totals are the sums of its breakdowns. And both paged operations."""
    usages = usage.UsageApi(api)
    expand = [ExpandUsageOptions.TEST, ExpandUsageOptions.ENTERPRISE_MINUS_AGENT_MINUS_UNIT]
    for aid in {g.org_id: g.aid for g in groups}.values():
        got = usages.get_usage(aid=aid, expand=expand).usage
        assert got.quota.month_start <= datetime.now(timezone.utc) < got.quota.month_end
        assert got.quota.cloud_units_included > 0
        assert got.cloud_units_used == sum(t.cloud_units_used for t in got.tests)
        assert got.enterprise_units_used == sum(a.enterprise_units_used for a in got.enterprise_agent_units)
        rows = list(usages.get_tests_units_usage_paginated(aid=aid))
        assert len({r.test_id for r in rows}) == len(rows) > 0
        assert sum(r.cloud_units_used for r in rows) == got.cloud_units_used
    own = usages.get_usage().usage
    assert own.tests is None and own.enterprise_agent_units is None
    agents = list(usages.get_enterprise_agents_units_usage_paginated())
    assert sum(a.enterprise_units_used for a in agents) == own.enterprise_units_used

    first = usages.get_tests_units_usage()
    assert first.links.next and first.links.next.href.startswith(HOST), first.links
    assert len(list(usages.get_tests_units_usage_paginated())) > len(first.breakdowns)
    end = datetime.now(timezone.utc)
    for dates in [(end - timedelta(days=7), end), (datetime(end.year, end.month, 1) - timedelta(days=3), None)]:
        given = {k: v for k, v in zip(("start_date", "end_date"), dates) if v}
        assert list(usages.get_tests_units_usage_paginated(**given))
        assert list(usages.get_enterprise_agents_units_usage_paginated(**given))


def writing(api, groups):
    """Each of the four writes does what it says, touches nothing else, and can be taken back."""
    quotas = usage.QuotasApi(api)
    before = read_quotas(quotas)
    org_id = groups[-1].org_id
    aid = next(g.aid for g in groups if (org_id, g.aid) in before)
    value = before[org_id, aid]

    answer = quotas.assign_organizations_account_groups_quotas(group_quotas(org_id, aid, value + 5))
    assert answer.to_dict() == group_quotas(org_id, aid, value + 5).to_dict()
    assert read_quotas(quotas) == {**before, (org_id, aid): value + 5}
    off = OrganizationQuotaUnassignment(org_id=org_id, account_groups=[aid])
    nothing = quotas.unassign_organizations_account_groups_quotas(OrganizationsQuotasUnassign(organizations=[off]))
    assert nothing is None
    assert (org_id, aid) not in read_quotas(quotas)
    quotas.assign_organizations_account_groups_quotas(group_quotas(org_id, aid, value))
    assert read_quotas(quotas) == before

    own = groups[0].org_id
    request = QuotasAssignRequest(organizations=[OrganizationQuota(value=before[own, None] + 1)])
    answer = quotas.assign_organizations_quotas(request)
    assert [(o.org_id, o.value) for o in answer.organizations] == [(own, before[own, None] + 1)]
    quotas.unassign_organizations_quotas(QuotasUnassign(organizations=[own]))
    left = quotas.get_quotas().quotas
    assert own not in [q.organization_quota.org_id for q in left if q.organization_quota]
    request = QuotasAssignRequest(organizations=[OrganizationQuota(org_id=own, value=before[own, None])])
    quotas.assign_organizations_quotas(request)
    assert read_quotas(quotas) == before


def errors(api, groups):
    quotas = usage.QuotasApi(api)
    org_id, aid = groups[0].org_id, groups[0].aid
    assign = quotas.assign_organizations_account_groups_quotas
    raised = expect(BadRequestException, lambda: assign(group_quotas(org_id, aid, -1)))
    assert raised.data.status == 400
    assert [e.var_field for e in raised.data.errors] == [
        "organizations[0].accountGroups[0].value"
    ]
    raised = expect(ForbiddenException, lambda: assign(group_quotas("1", aid, 1)))
    assert "Edit organization and account group quotas" in raised.data.detail
    expect(ForbiddenException, lambda: usage.UsageApi(api).get_usage(aid="1"))
    stranger = usage.QuotasApi(client("wrong"))
    assert expect(UnauthorizedException, stranger.get_quotas).data.error == "invalid_token"


def main():
    api = client(os.environ["TE_TOKEN"])
    groups = names(api)
    reading(api, groups)
    writing(api, groups)
    errors(api, groups)
    print("the vendor's SDK drove all nine operations, their pages and their errors")


if __name__ == "__main__":
    main()
