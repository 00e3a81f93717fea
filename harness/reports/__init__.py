"""What a failure mode leaves behind: Allure attachments, the summary, the chart."""
