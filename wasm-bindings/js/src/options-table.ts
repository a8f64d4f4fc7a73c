// Made from client-core/src/config/options.rs by client-core/tests/options.rs, which says how. Not to be edited.

/** An option: what it is by default, what kind it is of, and the kind's limits or words. @internal */
export type OptionInfo = readonly [byDefault: unknown, kind: string, ...limits: readonly unknown[]]

/** Options of every client. */
const common = {
  clientId: ['kafka-wasm', 'text'],
  brokers: [[], 'addresses'],
  connectTimeoutMs: [10000, 'millis', 0.001],
  requestTimeoutMs: [30000, 'millis', 0.001],
  reconnectBackoffMs: [50, 'millis', 0],
  reconnectBackoffMaxMs: [1000, 'millis', 0],
  retryBackoffMs: [100, 'millis', 0],
  retryBackoffMaxMs: [1000, 'millis', 0],
  metadataMaxAgeMs: [300000, 'millis', 0],
  metadataRecoveryStrategy: ['rebootstrap', 'oneOf', 'rebootstrap', 'none'],
  metadataRecoveryRebootstrapTriggerMs: [300000, 'millis', 0],
  connectionsMaxIdleMs: [540000, 'millis', 0],
  maxFrameSize: [134217728, 'whole', 1024, 2147483647],
  sasl: [null, 'sasl'],
} as const satisfies Record<string, OptionInfo>

/** Options by the kind of client. @internal */
export const clientOptions = {
  producer: {
    ...common,
    acks: [-1, 'oneOf', -1, 'all', 1, 0],
    lingerMs: [0, 'millis', 0],
    batchSize: [131072, 'whole', 1, 2147483647],
    maxRequestSize: [1048576, 'whole', 1024, 1073741824],
    bufferMemory: [33554432, 'whole', 1024, 2147483647],
    deliveryTimeoutMs: [120000, 'millis', 0.001],
    maxBlockMs: [60000, 'millis', 0],
    maxInFlightRequests: [5, 'whole', 1, 5],
    idempotent: [true, 'flag'],
    compression: ['none', 'oneOf', 'none', 'gzip', 'snappy', 'lz4', 'zstd'],
    partitioner: ['default', 'oneOf', 'default', 'roundRobin'],
    extraHeaders: [{}, 'headers'],
  },
  consumer: {
    ...common,
    fetchMinBytes: [1, 'whole', 0, 2147483647],
    fetchMaxWaitMs: [500, 'millis', 0, 3600000],
    fetchMaxBytes: [52428800, 'whole', 1, 2147483647],
    maxPartitionFetchBytes: [1048576, 'whole', 1, 2147483647],
    isolationLevel: ['read_uncommitted', 'oneOf', 'read_uncommitted', 'read_committed'],
    offsetReset: ['latest', 'oneOf', 'latest', 'earliest', 'none'],
    checkCrcs: [true, 'flag'],
  },
  admin: {
    ...common,
    defaultApiTimeoutMs: [60000, 'millis', 0.001],
  },
} as const satisfies Record<string, Record<string, OptionInfo>>

/** Options that together must be at most another one. @internal */
export const limits: readonly string[] = [
  'reconnectBackoffMs <= reconnectBackoffMaxMs',
  'retryBackoffMs <= retryBackoffMaxMs',
  'maxRequestSize <= bufferMemory',
  'requestTimeoutMs + lingerMs <= deliveryTimeoutMs',
]
