import { ConfigurationError } from './errors.js'
import { type Content, describe } from './messages.js'
import type { Transport } from './transport.js'

/** Options that every kind of client understands. Durations are milliseconds. */
export interface CommonOptions {
  /** Sent with every request; brokers use it in logs, metrics and quotas. Default `kafka-wasm`. */
  readonly clientId?: string | null
  /** How long an attempt to connect may take. Default 10 000. */
  readonly connectTimeoutMs?: number | null
  /** How long a reply may take. Default 30 000. */
  readonly requestTimeoutMs?: number | null
  /** The first wait before a broker is connected to again. Default 50. */
  readonly reconnectBackoffMs?: number | null
  /** The longest such wait. Default 1 000. */
  readonly reconnectBackoffMaxMs?: number | null
  /** The first wait before a failed request is sent again. Default 100. */
  readonly retryBackoffMs?: number | null
  /** The longest such wait. Default 1 000. */
  readonly retryBackoffMaxMs?: number | null
  /** When metadata is asked for again though nothing went wrong. Default 300 000. */
  readonly metadataMaxAgeMs?: number | null
  /** When an unused connection is closed. Default 540 000. */
  readonly connectionsMaxIdleMs?: number | null
  /** The largest reply accepted, in bytes. Default 134 217 728. */
  readonly maxFrameSize?: number | null
}

/** Options of a producer. */
export interface ProducerOptions extends CommonOptions {
  /** Who must have a record before it counts as sent: -1 or `all`, 1 (the leader), 0 (nobody). Default all. */
  readonly acks?: -1 | 0 | 1 | 'all' | null
  /** How long a batch waits for company. Default 0: what one turn of the event loop has gathered is sent at once. */
  readonly lingerMs?: number | null
  /** The size at which a batch is full, in bytes. Default 131 072. */
  readonly batchSize?: number | null
  /** The largest request and so the largest record, in bytes. Default 1 048 576. */
  readonly maxRequestSize?: number | null
  /** How many bytes of records may wait. Default 33 554 432. */
  readonly bufferMemory?: number | null
  /** How long a record may take to be delivered, retries included. Default 120 000. */
  readonly deliveryTimeoutMs?: number | null
  /** How many requests may be unanswered per broker, 1 to 5. Default 5. */
  readonly maxInFlightRequests?: number | null
  /** Whether retries may neither duplicate nor reorder records. Needs acks all. Default true. */
  readonly idempotent?: boolean | null
  /** How a record without a partition gets one: as Java does, or in turn. Default `default`. */
  readonly partitioner?: 'default' | 'roundRobin' | null
  /** How long a record may wait for room in the buffer. Default 60 000. */
  readonly maxBlockMs?: number | null
  /** Headers added to each record that lacks their key; null takes one of a lower layer away. */
  readonly extraHeaders?: Readonly<Record<string, Content>> | null
}

/** Options of a consumer. */
export interface ConsumerOptions extends CommonOptions {
  /** How many bytes the broker should wait for. Default 1. */
  readonly fetchMinBytes?: number | null
  /** How long the broker may wait for them. Default 500. */
  readonly fetchMaxWaitMs?: number | null
  /** The most bytes in one reply. Default 52 428 800. */
  readonly fetchMaxBytes?: number | null
  /** The most bytes per partition in one reply. Default 1 048 576. */
  readonly maxPartitionFetchBytes?: number | null
  /** Whether records of open and aborted transactions are left out. Default `read_uncommitted`. */
  readonly isolationLevel?: 'read_uncommitted' | 'read_committed' | null
  /** Where to go when an offset does not exist. Default `latest`. */
  readonly offsetReset?: 'earliest' | 'latest' | 'none' | null
  /** Whether checksums are verified. Default true. */
  readonly checkCrcs?: boolean | null
}

/** Options of `new Kafka()`. Those of clients are defaults for the clients made from it. */
export interface KafkaOptions extends CommonOptions {
  /** Where to begin: `host:port`, at least one. */
  readonly brokers: readonly string[]
  /**
   * The WebSocket bridge: its URL (`ws://localhost:8090`), or a function that says the whole URL for each broker, for
   * other proxies. Browsers need it; other hosts go straight to the brokers without it.
   */
  readonly bridge?: string | URL | ((broker: { host: string; port: number }) => string | URL)
  /** What lets this client in at the bridge. */
  readonly bridgeToken?: string
  /** Another way to reach brokers, in place of a bridge. */
  readonly transport?: Transport
  /** Headers added to each record that lacks their key. */
  readonly extraHeaders?: Readonly<Record<string, Content>> | null
}

/** The configuration in force. */
export type ResolvedConfig = Readonly<Record<string, { readonly value: unknown; readonly layer: string }>>

/** Options, checked, merged and owned. @internal */
export interface Settings {
  /** What the core gets: only what differs from its defaults. */
  readonly values: Record<string, unknown>
  readonly bridge: string | ((host: string, port: number) => string) | undefined
  readonly bridgeToken: string | undefined
  readonly transport: Transport | undefined
  readonly maxBlockMs: number
  readonly maxRequestSize: number
  /** For resolvedConfig(). */
  readonly resolved: Record<string, { value: unknown; layer: string }>
}

/** What a value must be, in words for the error; undefined when it is. */
type Check = (value: unknown) => string | undefined

interface Option {
  readonly check: Check
  readonly byDefault: unknown
}

const millis: Check = (value) => (typeof value === 'number' && value >= 0 ? undefined : '0 or more milliseconds')
const positiveMillis: Check = (value) => (typeof value === 'number' && value > 0 ? undefined : 'more than 0 milliseconds')
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false')
const text: Check = (value) => (typeof value === 'string' ? undefined : 'a string')
const whole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `a whole number from ${least} to ${most}`
const oneOf =
  (...allowed: unknown[]): Check =>
  (value) =>
    allowed.includes(value) ? undefined : `one of ${allowed.map(describe).join(', ')}`
const headers: Check = (value) => {
  const expected = 'an object of names and Uint8Array or string values'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return expected
  const good = (content: unknown): boolean => content === null || typeof content === 'string' || content instanceof Uint8Array
  return Object.values(value).every(good) ? undefined : expected
}

const INT_MAX = 0x7fff_ffff
const common: Record<string, Option> = {
  clientId: { check: text, byDefault: 'kafka-wasm' },
  connectTimeoutMs: { check: positiveMillis, byDefault: 10_000 },
  requestTimeoutMs: { check: positiveMillis, byDefault: 30_000 },
  reconnectBackoffMs: { check: millis, byDefault: 50 },
  reconnectBackoffMaxMs: { check: millis, byDefault: 1_000 },
  retryBackoffMs: { check: millis, byDefault: 100 },
  retryBackoffMaxMs: { check: millis, byDefault: 1_000 },
  metadataMaxAgeMs: { check: millis, byDefault: 300_000 },
  connectionsMaxIdleMs: { check: millis, byDefault: 540_000 },
  maxFrameSize: { check: whole(1024, INT_MAX), byDefault: 128 * 1024 * 1024 },
}
const producer: Record<string, Option> = {
  ...common,
  acks: { check: oneOf(-1, 0, 1, 'all'), byDefault: -1 },
  lingerMs: { check: millis, byDefault: 0 },
  batchSize: { check: whole(1, INT_MAX), byDefault: 128 * 1024 },
  maxRequestSize: { check: whole(1024, 1024 * 1024 * 1024), byDefault: 1024 * 1024 },
  bufferMemory: { check: whole(1024, INT_MAX), byDefault: 32 * 1024 * 1024 },
  deliveryTimeoutMs: { check: positiveMillis, byDefault: 120_000 },
  maxInFlightRequests: { check: whole(1, 5), byDefault: 5 },
  idempotent: { check: flag, byDefault: true },
  partitioner: { check: oneOf('default', 'roundRobin'), byDefault: 'default' },
  maxBlockMs: { check: millis, byDefault: 60_000 },
  extraHeaders: { check: headers, byDefault: {} },
}
const consumer: Record<string, Option> = {
  ...common,
  fetchMinBytes: { check: whole(0, INT_MAX), byDefault: 1 },
  fetchMaxWaitMs: { check: millis, byDefault: 500 },
  fetchMaxBytes: { check: whole(1, INT_MAX), byDefault: 50 * 1024 * 1024 },
  maxPartitionFetchBytes: { check: whole(1, INT_MAX), byDefault: 1024 * 1024 },
  isolationLevel: { check: oneOf('read_uncommitted', 'read_committed'), byDefault: 'read_uncommitted' },
  offsetReset: { check: oneOf('earliest', 'latest', 'none'), byDefault: 'latest' },
  checkCrcs: { check: flag, byDefault: true },
}
const tables = { producer, consumer }

const brokerList: Check = (value) => {
  const good = (broker: unknown): boolean => typeof broker === 'string' && /^(\[[^\]\s]+\]|[^\s/@?#:]+):\d{1,5}$/.test(broker)
  return Array.isArray(value) && value.length > 0 && value.every(good) ? undefined : 'at least one "host:port"'
}
const bridgeUrl: Check = (value) => {
  if (typeof value === 'function') return undefined
  const expected = 'a URL like ws://localhost:8090, or a function'
  try {
    return /^(ws|http)s?:$/.test(new URL(value as string).protocol) ? undefined : expected
  } catch {
    return expected
  }
}
const transportObject: Check = (value) =>
  typeof value === 'object' && value !== null && typeof (value as Transport).connect === 'function'
    ? undefined
    : 'an object with a method connect(host, port, handlers)'
/** Options that only make sense once for all clients. */
const kafkaOnly: Record<string, Option> = {
  brokers: { check: brokerList, byDefault: undefined },
  bridge: { check: bridgeUrl, byDefault: undefined },
  bridgeToken: { check: text, byDefault: undefined },
  transport: { check: transportObject, byDefault: undefined },
  extraHeaders: { check: headers, byDefault: {} },
}

/** A layer of options whose keys and types have been checked, as a copy of its own. @internal */
export interface Layer {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
}

/** Checks the options of `new Kafka()`. @internal */
export function kafkaLayer(options: KafkaOptions, canDoWithoutBridge: boolean): Layer {
  const layer = checkLayer('Kafka options', { ...common, ...kafkaOnly }, options)
  const problem = (key: string, text: string): never => {
    throw new ConfigurationError(layer.name, key, text)
  }
  const { brokers, bridge, bridgeToken, transport } = layer.options
  if (brokers === undefined || brokers === null) problem('brokers', 'expected at least one "host:port", found none')
  if (bridge != null && transport != null) problem('transport', 'expected a bridge or a transport, found both')
  if (bridge == null && transport == null && !canDoWithoutBridge) {
    problem('bridge', 'expected the URL of a WebSocket bridge, found none; a browser cannot reach brokers without one')
  }
  if (bridgeToken != null && (bridge == null || typeof bridge === 'function')) {
    problem('bridgeToken', 'expected only with a bridge URL')
  }
  return layer
}

/** Merges defaults, the options of `new Kafka()` and those of a client. @internal */
export function settings(role: keyof typeof tables, kafka: Layer, given: object): Settings {
  const table = tables[role]
  const layers = [kafka, checkLayer(`${role} options`, table, given)]
  const resolved: Settings['resolved'] = {}
  for (const [key, { byDefault }] of Object.entries(table)) resolved[key] = { value: byDefault, layer: 'defaults' }
  for (const { name, options } of layers) {
    for (const [key, value] of Object.entries(options)) {
      if (key === 'extraHeaders') {
        if (role === 'producer') resolved[key] = mergeHeaders(resolved[key]!, value, name)
      } else if (value !== null) resolved[key] = { value, layer: name }
      // An explicit null is not absence: it takes the value of a lower layer away.
      else if (key in table) resolved[key] = { value: table[key]!.byDefault, layer: name }
    }
  }
  const value = (key: string): unknown => resolved[key]?.value
  const values: Record<string, unknown> = { role }
  for (const [key, { value, layer }] of Object.entries(resolved)) if (layer !== 'defaults') values[key] = value
  for (const key of ['bridge', 'bridgeToken', 'transport', 'maxBlockMs']) delete values[key]
  values['extraHeaders'] = encodeHeaders(value('extraHeaders') as Record<string, Content> | undefined)
  if (values['acks'] === 'all') values['acks'] = -1
  checkTogether(role, resolved)
  return {
    values,
    bridge: bridgeNetwork(value('bridge') as KafkaOptions['bridge']),
    bridgeToken: value('bridgeToken') as string | undefined,
    transport: value('transport') as Transport | undefined,
    maxBlockMs: value('maxBlockMs') as number,
    maxRequestSize: value('maxRequestSize') as number,
    resolved,
  }
}

/** @internal */
export function describeConfig({ resolved }: Settings): ResolvedConfig {
  const shown = Object.entries(resolved).map(([key, { value, layer }]) => {
    const hidden = key === 'bridgeToken' ? '(hidden)' : value instanceof URL ? value.href : value
    return [key, { value: structuredCloneable(hidden), layer }] as const
  })
  return Object.fromEntries(shown)
}

const structuredCloneable = (value: unknown): unknown =>
  Array.isArray(value) ? [...value] : isPlain(value) ? { ...value } : value
const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

function checkLayer(name: string, table: Record<string, Option>, options: object): Layer {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError(name, 'options', `expected an object, found ${describe(options)}`)
  }
  const own: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(options)) {
    const option = Object.hasOwn(table, key) ? table[key] : undefined
    if (option === undefined) {
      const known = Object.keys(table).sort().join(', ')
      throw new ConfigurationError(name, key, `there is no such option; there are: ${known}`)
    }
    if (value === undefined) continue
    const expected = value === null ? undefined : option.check(value)
    if (expected !== undefined) throw new ConfigurationError(name, key, `expected ${expected}, found ${describe(value)}`)
    own[key] = structuredCloneable(value)
  }
  return { name, options: own }
}

/** Values that are right one by one and wrong together. */
function checkTogether(role: string, resolved: Settings['resolved']): void {
  const check = (key: string, good: (value: never, other: never) => boolean, other: string, expected: string): void => {
    const [mine, theirs] = [resolved[key]!, resolved[other]!]
    if (good(mine.value as never, theirs.value as never)) return
    const layer = mine.layer === 'defaults' ? theirs.layer : mine.layer
    throw new ConfigurationError(layer, key, `expected ${expected}, found ${describe(mine.value)}`)
  }
  const atMost = (mine: number, theirs: number): boolean => mine <= theirs
  check('reconnectBackoffMs', atMost, 'reconnectBackoffMaxMs', 'no more than reconnectBackoffMaxMs')
  check('retryBackoffMs', atMost, 'retryBackoffMaxMs', 'no more than retryBackoffMaxMs')
  if (role !== 'producer') return
  const acks = 'all (-1) because idempotent is on; set idempotent: false for others'
  check('acks', (mine: unknown, idempotent: boolean) => !idempotent || mine === -1 || mine === 'all', 'idempotent', acks)
  check('maxRequestSize', atMost, 'bufferMemory', 'no more than bufferMemory')
  check('lingerMs', (linger: number, delivery: number) => linger < delivery, 'deliveryTimeoutMs', 'less than deliveryTimeoutMs')
}

function mergeHeaders(lower: { value: unknown; layer: string }, value: unknown, layer: string): { value: unknown; layer: string } {
  if (value === null) return { value: {}, layer }
  const merged: Record<string, unknown> = { ...(lower.value as object) }
  for (const [name, content] of Object.entries(value as Record<string, unknown>)) {
    if (content === null) delete merged[name]
    else merged[name] = content
  }
  return { value: merged, layer }
}

function encodeHeaders(headers: Record<string, Content> | undefined): [Uint8Array, Uint8Array | null][] {
  const bytes = (content: Uint8Array | string): Uint8Array =>
    typeof content === 'string' ? new TextEncoder().encode(content) : content.slice()
  return Object.entries(headers ?? {}).map(([name, content]) => [bytes(name), content === null ? null : bytes(content)])
}

function bridgeNetwork(bridge: KafkaOptions['bridge']): Settings['bridge'] {
  if (bridge === undefined || bridge === null) return undefined
  return typeof bridge === 'function' ? (host, port) => String(bridge({ host, port })) : String(bridge)
}
