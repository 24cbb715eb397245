"""Stand-ins for what notices are sent to: Slack, Teams' workflows, a mail server and a receiver of webhooks."""
