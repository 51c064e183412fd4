"""The plan: what to fetch next, in which tier, within a budget, and why."""
