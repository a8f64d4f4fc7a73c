import { Client, type ClientEvents, type WaitOptions } from './client.js'
import type { OffsetFound, TopicPartition } from './consumer.js'
import type { KafkaError } from './errors.js'
import type { PartitionInfo } from './topics.js'

/** Options of every command: `timeoutMs` in place of the option `defaultApiTimeoutMs`, and a signal to give it up. */
export type CommandOptions = WaitOptions

/** Options of commands that change something. */
export interface ChangeOptions extends CommandOptions {
  /** Whether to check only, and change nothing. */
  readonly validateOnly?: boolean | undefined
}

/** A topic to create. */
export interface NewTopic {
  readonly topic: string
  /** How many partitions; without a number, as many as brokers make by default. */
  readonly numPartitions?: number | undefined
  /** How many copies of each; without a number, as many as brokers make by default. */
  readonly replicationFactor?: number | undefined
  /** Which brokers hold which partition, in place of the numbers; the preferred leader comes first. */
  readonly replicaAssignment?: readonly { readonly partition: number; readonly replicas: readonly number[] }[] | undefined
  /** Settings that differ from the cluster's. */
  readonly configEntries?: readonly { readonly name: string; readonly value: string }[] | undefined
}

/** A topic that is to have more partitions. */
export interface NewPartitions {
  readonly topic: string
  /** How many it is to have in all. */
  readonly count: number
  /** For each new partition the brokers that hold it; without, the cluster chooses. */
  readonly assignments?: readonly (readonly number[])[] | undefined
}

/** Something that has settings. */
export interface ConfigResource {
  readonly type: 'topic' | 'broker' | 'brokerLogger' | 'clientMetrics' | 'group'
  /** A topic's name, a broker's node id; `''` for what holds for all brokers. */
  readonly name: string
}

/** The change of one setting. */
export interface ConfigChange {
  readonly name: string
  /** `append` and `subtract` are for lists. Default `set`. */
  readonly operation?: 'set' | 'delete' | 'append' | 'subtract' | undefined
  readonly value?: string | undefined
}

/** A setting. */
export interface ConfigEntry {
  readonly name: string
  /** Absent when it is secret or not set. */
  readonly value?: string
  readonly isReadOnly: boolean
  readonly isSensitive: boolean
  /** Who set it: this topic, this broker, all `brokers` together, a broker's `file`, nobody. */
  readonly source: 'unknown' | 'topic' | 'broker' | 'brokers' | 'file' | 'default' | 'brokerLogger' | 'clientMetrics' | 'group'
}

/** A topic as metadata describes it. */
export interface TopicDescription {
  readonly topic: string
  /** Its id; absent when the broker is too old to tell. */
  readonly topicId?: string
  /** Whether Kafka uses it for itself. */
  readonly isInternal: boolean
  readonly partitions: readonly PartitionInfo[]
}

/** A cluster as metadata describes it. */
export interface ClusterDescription {
  readonly clusterId?: string
  /** The node id of the broker that commands go to; absent while there is none. */
  readonly controller?: number
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number; readonly rack?: string }[]
}

/** What became of one part of a command: a topic, a partition, or something that has settings. */
export interface CommandResult {
  readonly topic?: string
  readonly partition?: number
  readonly type?: ConfigResource['type']
  readonly name?: string
  /** Why it failed. Without one it was done. */
  readonly error?: KafkaError | undefined
}

/** An offset to look up: of one of the partition's ends, by default the latest, or of the first record at or after a time. */
export interface OffsetWanted extends TopicPartition {
  readonly offset?: 'earliest' | 'latest' | undefined
  /** Unix time in milliseconds. */
  readonly timestamp?: bigint | number | Date | undefined
}

/**
 * Manages topics and settings. Each part of a command ends by itself: when some have failed, the promise is rejected with the error of the first one, whose
 * `results` say what became of all. A command whose reply got lost is sent again, so what it did may be reported as done before (`TOPIC_ALREADY_EXISTS`).
 */
export class Admin extends Client<ClientEvents> {}

export interface Admin {
  createTopics(request: { readonly topics: readonly NewTopic[] } & ChangeOptions): Promise<{ topic: string }[]>
  /** Deletes topics with all their records. */
  deleteTopics(request: { readonly topics: readonly string[] } & CommandOptions): Promise<{ topic: string }[]>
  /** Gives topics more partitions. */
  createPartitions(request: { readonly topicPartitions: readonly NewPartitions[] } & ChangeOptions): Promise<{ topic: string }[]>
  /** Every topic, those that Kafka uses for itself only when asked for. */
  listTopics(request?: { readonly includeInternal?: boolean | undefined } & CommandOptions): Promise<TopicDescription[]>
  describeTopics(request: { readonly topics: readonly string[] } & CommandOptions): Promise<TopicDescription[]>
  describeCluster(request?: CommandOptions): Promise<ClusterDescription>
  listOffsets(
    request: {
      readonly partitions: readonly OffsetWanted[]
      /** Whether the end of a partition is that of the last ended transaction. Default `read_uncommitted`. */
      readonly isolationLevel?: 'read_uncommitted' | 'read_committed' | undefined
    } & CommandOptions,
  ): Promise<OffsetFound[]>
  /** The settings of topics and brokers: all, or those of these names. */
  describeConfigs(
    request: { readonly resources: readonly (ConfigResource & { readonly configNames?: readonly string[] | undefined })[] } & CommandOptions,
  ): Promise<(ConfigResource & { configs: ConfigEntry[] })[]>
  /** Changes single settings, and leaves the others as they are. */
  incrementalAlterConfigs(
    request: { readonly resources: readonly (ConfigResource & { readonly configs: readonly ConfigChange[] })[] } & ChangeOptions,
  ): Promise<ConfigResource[]>
  /** Deletes the records before these offsets; `-1n` deletes all there are. */
  deleteRecords(
    request: { readonly partitions: readonly (TopicPartition & { readonly offset: bigint | number | string })[] } & CommandOptions,
  ): Promise<(TopicPartition & { lowWatermark: bigint })[]>
}

// To the facade all commands are alike, and what they must be the core knows: only their types differ.
const commands =
  'createTopics deleteTopics createPartitions listTopics describeTopics describeCluster listOffsets describeConfigs incrementalAlterConfigs deleteRecords'
for (const name of commands.split(' ')) {
  Object.defineProperty(Admin.prototype, name, {
    value(this: Admin, request: Record<string, unknown> = {}): Promise<unknown> {
      return this.request(name, request)
    },
    configurable: true,
    writable: true,
  })
}
