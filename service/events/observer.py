"""What the purchase stream reports of itself, for metrics."""

from service.events.errors import Cause


class Observer:
    """Takes reports, and ignores them unless a subclass does not; called from several threads."""

    def took(self, new: int, known: int, quarantined: int, refused: int) -> None:
        """Called with the numbers of events of each batch that was kept."""

    def not_kept(self, cause: Cause) -> None:
        """Called for each batch that was not kept, which its sender must send again."""

    def exported(self) -> None:
        """Called after each export that succeeded, even if there were no events."""

    def measured(self, backlog: int, quarantined: int, letters_bytes: int, unpurged: int) -> None:
        """Called every export with what waits.

        Args:
            backlog: events to export.
            quarantined: events from the future.
            letters_bytes: size of the dead letters.
            unpurged: users who were forgotten, and whose events are not deleted yet.
        """

    def disk_free(self, free_bytes: int) -> None:
        """Called every export with the free bytes of the disk that has the events."""

    def consuming(self, topic: str, consuming: bool) -> None:
        """Called when the events of a Kafka topic begin or cease to be taken in."""

    def lagging(self, topic: str, messages: int) -> None:
        """Called with the number of messages, in this worker's partitions, that are not kept."""

    def broker_failed(self, topic: str, error: str) -> None:
        """Called for each error of a broker or of the connection to it, with its name."""
