"""Reports of failure modes: Allure attachments, the summary, the chart."""
