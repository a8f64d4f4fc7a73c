"""librdkafka against a broker: produces in every compression, reads everything back, looks offsets up, and manages a topic.

Usage: librdkafka.py HOST:PORT
"""

import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

COMPRESSIONS = ["none", "gzip", "snappy", "lz4", "zstd"]
RECORDS = 500
HEADERS = [("h", b"1"), ("h", b"2"), ("none", None), ("empty", b"")]
PATIENCE = 20


def produce(broker, topic, compression):
    failed = []
    producer = Producer(
        {"bootstrap.servers": broker, "enable.idempotence": True, "compression.type": compression, "log_level": 3}
    )
    for number in range(RECORDS):
        producer.produce(
            topic,
            key=f"k{number}",
            value=f"v{number}" * 10,
            headers=HEADERS,
            timestamp=1_000_000 + number,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        producer.poll(0)
    left = producer.flush(PATIENCE)
    assert left == 0, f"{left} records were not delivered in time"
    assert not failed, failed


def consume(broker, topic):
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "assigned by hand",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            # Look-ups wait behind a Fetch on the same connection.
            "fetch.wait.max.ms": 20,
            "log_level": 3,
        }
    )
    partitions = list(consumer.list_topics(topic, timeout=PATIENCE).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    records, ended, deadline = {}, set(), time.monotonic() + PATIENCE
    while len(ended) < len(partitions):
        assert time.monotonic() < deadline, f"only {len(records)} records came in time"
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            assert message.error().name() == "_PARTITION_EOF", message.error()
            ended.add(message.partition())
            continue
        records[message.key().decode()] = (message.value().decode(), message.headers())
    assert len(records) == RECORDS, f"{len(records)} records came back"
    for number in range(RECORDS):
        value, headers = records[f"k{number}"]
        assert (value, headers) == (f"v{number}" * 10, HEADERS), (number, value, headers)

    ends = [consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=PATIENCE) for p in partitions]
    assert sum(high - low for low, high in ends) == RECORDS, ends
    early = consumer.offsets_for_times([TopicPartition(topic, p, 1) for p in partitions], timeout=PATIENCE)
    late = consumer.offsets_for_times([TopicPartition(topic, p, 2_000_000) for p in partitions], timeout=PATIENCE)
    assert {found.offset for found in early} == {0}, early
    # Nothing is that new.
    assert {found.offset for found in late} == {-1}, late
    consumer.close()


def administer(broker):
    admin = AdminClient({"bootstrap.servers": broker, "log_level": 3})
    topic = "librdkafka-admin"
    (created,) = admin.create_topics([NewTopic(topic, 2, 3)], request_timeout=PATIENCE).values()
    created.result(PATIENCE)
    (again,) = admin.create_topics([NewTopic(topic, 2, 3)], request_timeout=PATIENCE).values()
    assert again.exception(PATIENCE).args[0].name() == "TOPIC_ALREADY_EXISTS", again.exception()
    (grown,) = admin.create_partitions([NewPartitions(topic, 4)], request_timeout=PATIENCE).values()
    grown.result(PATIENCE)
    assert len(admin.list_topics(topic, timeout=PATIENCE).topics[topic].partitions) == 4
    (deleted,) = admin.delete_topics([topic], request_timeout=PATIENCE).values()
    deleted.result(PATIENCE)
    (gone,) = admin.delete_topics([topic], request_timeout=PATIENCE).values()
    assert gone.exception(PATIENCE).args[0].name() == "UNKNOWN_TOPIC_OR_PART", gone.exception()


def main():
    broker = sys.argv[1]
    administer(broker)
    for compression in COMPRESSIONS:
        topic = f"librdkafka-{compression}"
        produce(broker, topic, compression)
        consume(broker, topic)


main()
