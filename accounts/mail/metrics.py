"""The e-mail queue in /metrics."""

from collections.abc import Iterator

from django.db import Error
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts.models import OutgoingEmail


class EmailQueueCollector(Collector):
    """Counts the queue at each scrape; yields nothing while the database does not answer."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            numbers, ages = OutgoingEmail.objects.counts(), OutgoingEmail.objects.ages()
        except Error:
            return
        yield gauge("contactbook_outgoing_emails", "E-mails in the queue.", numbers)
        yield gauge("contactbook_outgoing_emails_age_seconds", "Age of the oldest waiting e-mail.", ages)


def gauge(name: str, documentation: str, by_state: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=["state"])
    for state, number in by_state.items():
        family.add_metric([state], number)
    return family
