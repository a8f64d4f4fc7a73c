// The package's types, as a program uses them: compiled by `tsc --strict`, never run. What must not compile says so.

import {
  AbortError,
  type Admin,
  BridgeError,
  type Compression,
  type ConfigEntry,
  type Consumer,
  type ConsumerRecord,
  type DeliveryReport,
  Kafka,
  KafkaError,
  type Message,
  type Producer,
  type RecordBatch,
  type RecordMetadata,
  type Status,
  type TopicPartition,
} from 'kafka-wasm'
import { init } from 'kafka-wasm/slim'
import { websocket } from 'kafka-wasm/transports/websocket'

const kafka = new Kafka({ brokers: ['b1:9092'], bridge: 'ws://localhost:8090', clientId: 'types', extraHeaders: { a: 'b' } })
const byBroker = new Kafka({ brokers: ['b1:9092'], bridge: ({ host, port }) => new URL(`ws://proxy/${host}/${port}`) })
const overTls = [new Kafka({ brokers: ['b1:9092'], tls: true }), new Kafka({ brokers: ['b1:9092'], tls: { servername: 'b1' } })]
const byTransport = new Kafka({ brokers: ['b1:9092'], transport: websocket({ bridge: 'ws://localhost:8090' }) })
void [byBroker, byTransport, init]

// @ts-expect-error brokers are needed
new Kafka({ bridge: 'ws://localhost' })
new Kafka({ profile: { name: 'staging', brokers: ['b1:9092'], lingerMs: 5, offsetReset: 'earliest' }, clientId: null })
// @ts-expect-error a profile has a name
new Kafka({ brokers: ['b1:9092'], profile: { lingerMs: 5 } })
// @ts-expect-error there is no such option
new Kafka({ brokers: ['b1:9092'], sasl: {} })

async function manage(signal: AbortSignal): Promise<void> {
  const admin: Admin = kafka.admin({ defaultApiTimeoutMs: 5_000 })
  // @ts-expect-error a producer's option
  kafka.admin({ lingerMs: 5 })
  await admin.createTopics({ topics: [{ topic: 't', numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '1' }] }], signal })
  // @ts-expect-error a topic has a name
  await admin.createTopics({ topics: [{ numPartitions: 3 }] })
  await admin.createPartitions({ topicPartitions: [{ topic: 't', count: 4 }], validateOnly: true, timeoutMs: 100 })
  const [found] = await admin.listOffsets({ partitions: [{ topic: 't', partition: 0, offset: 'earliest' }], isolationLevel: 'read_committed' })
  const offset: bigint | undefined = found?.offset
  const [low] = await admin.deleteRecords({ partitions: [{ topic: 't', partition: 0, offset: offset ?? -1 }] })
  const watermark: bigint | undefined = low?.lowWatermark
  const [{ configs } = { configs: [] as ConfigEntry[] }] = await admin.describeConfigs({ resources: [{ type: 'topic', name: 't' }] })
  await admin.incrementalAlterConfigs({ resources: [{ type: 'broker', name: '', configs: [{ name: 'x', operation: 'delete' }] }] })
  // @ts-expect-error there is no such operation
  await admin.incrementalAlterConfigs({ resources: [{ type: 'broker', name: '', configs: [{ name: 'x', operation: 'drop' }] }] })
  const { brokers, clusterId } = await admin.describeCluster()
  const [topic] = await admin.listTopics({ includeInternal: true })
  console.log(watermark, configs, brokers[0]?.host, clusterId, topic?.partitions[0]?.leader)
  try {
    await admin.deleteTopics({ topics: ['t'] })
  } catch (error) {
    if (KafkaError.is(error)) for (const { topic, error: cause } of error.results ?? []) console.log(topic, cause?.code)
  }
}

async function write(signal: AbortSignal): Promise<void> {
  const producer: Producer = kafka.producer({ acks: 'all', lingerMs: 5, partitioner: 'roundRobin', compression: 'lz4' })
  // @ts-expect-error one of -1, 0, 1 and 'all'
  kafka.producer({ acks: 3 })
  await producer.start({ signal, timeoutMs: 1_000 })
  const messages: Message[] = [
    { key: 'k', value: new Uint8Array(1), headers: { one: 'x', many: ['a', new Uint8Array(2), null] } },
    { value: null, headers: [['a', '1'], ['a', null]], partition: 1, timestamp: Date.now() },
    { value: 'x', timestamp: 5n },
  ]
  const reports: DeliveryReport[] = await producer.send({ topic: 't', messages, signal })
  const metadata: RecordMetadata = await producer.produce({ topic: 't', value: 'v' })
  const offset: bigint | undefined = metadata.offset
  // @ts-expect-error a value is bytes, text or null
  await producer.produce({ topic: 't', value: 5 })
  const compression: Compression = 'zstd'
  await producer.send({ topic: 't', messages, compression })
  await producer.sendBatch({ topicMessages: [{ topic: 't', messages }], compression: 'gzip' })
  // @ts-expect-error there is no such compression
  await producer.send({ topic: 't', messages, compression: 'brotli' })
  const bytes: number = producer.bufferedBytes
  await Promise.all([producer.flush(), producer.writable({ timeoutMs: 5 })])
  const [partition] = await producer.partitionsFor('t')
  const leader: number | undefined = partition?.leader
  const off: () => void = producer.on('status', (status: Status) => {
    if (status.state === 'reconnecting') console.log(status.attempt, status.delayMs)
  })
  off()
  // @ts-expect-error there is no such event
  producer.on('nothing', () => {})
  void [reports, offset, bytes, leader]
  const failure: KafkaError | undefined = await producer.closed
  if (failure instanceof BridgeError) console.log(failure.closeCode)
  if (failure instanceof AbortError) console.log(failure.cause)
}

async function read(): Promise<void> {
  const consumer: Consumer = kafka.consumer({ offsetReset: 'earliest', isolationLevel: 'read_committed' })
  const partition: TopicPartition = { topic: 't', partition: 0 }
  consumer.assign([{ ...partition, offset: 5n }, { topic: 't', partition: 1, offset: 'latest' }, { topic: 't', partition: 2 }])
  // @ts-expect-error an offset is a number, or one of the ends
  consumer.assign([{ ...partition, offset: {} }])
  consumer.seek(partition, '17')
  consumer.pause([partition])
  consumer.resume(consumer.paused())
  const position: bigint | undefined = consumer.position(partition)
  for await (const record of consumer) {
    const { key, value, offset, timestamp }: ConsumerRecord = record
    const parts: [Uint8Array | null, Uint8Array | null, bigint, bigint] = [key, value, offset, timestamp]
    const all: (Uint8Array | null)[] = record.headers.getAll('a')
    const text: string | null = record.text()
    const json: unknown = record.json()
    void [parts, all, text, json]
    // @ts-expect-error records cannot be changed
    record.offset = 1n
    break
  }
  for await (const batch of consumer.batches()) {
    const one: RecordBatch = batch
    for (const record of one) console.log(record.partition, one.highWatermark)
  }
  const records: ConsumerRecord[] = await consumer.poll({ maxRecords: 5, timeoutMs: 100 })
  const [end] = await consumer.endOffsets([partition], { timeoutMs: 100 })
  const last: bigint | undefined = end?.offset
  consumer.on('partitionError', ({ topic, partition, error }) => console.log(topic, partition, error.code, error.blame))
  // @ts-expect-error groups are not there yet
  consumer.subscribe({ topics: ['t'] })
  void [position, records, last]
  await consumer[Symbol.asyncDispose]()
}

void [write, read, manage]
