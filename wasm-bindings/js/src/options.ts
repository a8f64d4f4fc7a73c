import { ConfigurationError } from './errors.js'
import { type Content, describe } from './messages.js'
import { clientOptions, limits, type OptionInfo } from './options-table.js'
import type { Transport } from './transport.js'

/** Options that every kind of client understands. Durations are milliseconds. */
export interface CommonOptions {
  /** Where to begin: `host:port`, at least one. */
  readonly brokers?: readonly string[] | null
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
  /** What to do when no known broker answers any more: ask `brokers` again, or nothing. Default `rebootstrap`. */
  readonly metadataRecoveryStrategy?: 'rebootstrap' | 'none' | null
  /** How long metadata may fail to come before what is known of the cluster is dropped and `brokers` are asked again. Default 300 000. */
  readonly metadataRecoveryRebootstrapTriggerMs?: number | null
  /** When an unused connection is closed. Default 540 000. */
  readonly connectionsMaxIdleMs?: number | null
  /** The largest reply accepted, in bytes; also the most that the records of one batch may take when decompressed. Default 134 217 728. */
  readonly maxFrameSize?: number | null
  /** Who this client is, for brokers that ask. Default null: nobody is asked. */
  readonly sasl?: SaslOptions | null
}

/** A value, or a function that finds it each time it is needed. */
export type Found<T> = T | (() => T | Promise<T>)

/** How this client says who it is: once for each connection, and again when a session that the broker limits is about to end. */
export type SaslOptions =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512' | 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: Found<string>
      readonly password: Found<string>
      /** Whom to act as, if not as oneself. */
      readonly authorizationId?: string
    }
  | {
      readonly mechanism: 'oauthbearer' | 'OAUTHBEARER'
      /** The token, or a function that finds it, together with extensions (KIP-342) if need be. */
      readonly oauthBearerProvider:
        | string
        | (() => OauthBearerToken | Promise<OauthBearerToken>)
      /** Whom to act as, if not as oneself. */
      readonly authorizationId?: string
    }

/** What an `oauthBearerProvider` finds. */
export interface OauthBearerToken {
  readonly value: string
  readonly extensions?: Readonly<Record<string, string>>
}

/** How batches of records can be compressed. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Options of a producer. */
export interface ProducerOptions extends CommonOptions {
  /** Who must have a record before it counts as sent: -1 or `all`, 1 (the leader), 0 (nobody). Default all. */
  readonly acks?: -1 | 0 | 1 | 'all' | null
  /** How long a batch waits for company. Default 0: what one turn of the event loop has gathered is sent at once. */
  readonly lingerMs?: number | null
  /** The size at which a batch is full, in bytes before compression. Default 131 072. */
  readonly batchSize?: number | null
  /** The largest request and so the largest record, in bytes. Default 1 048 576. */
  readonly maxRequestSize?: number | null
  /** How many bytes of records may wait. Default 33 554 432. */
  readonly bufferMemory?: number | null
  /** How long a record may take to be delivered, retries included. Default 120 000; at least `requestTimeoutMs` and `lingerMs` together. */
  readonly deliveryTimeoutMs?: number | null
  /** How many requests may be unanswered per broker, 1 to 5. Default 5. */
  readonly maxInFlightRequests?: number | null
  /** Whether retries may neither duplicate nor reorder records. Needs acks all. Default true. */
  readonly idempotent?: boolean | null
  /** How batches are compressed. One that would not become smaller goes uncompressed. Default `none`. */
  readonly compression?: Compression | null
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

/** Options of an admin client. */
export interface AdminOptions extends CommonOptions {
  /** How long a command may take, retries included, unless its caller says otherwise. Default 60 000. */
  readonly defaultApiTimeoutMs?: number | null
}

/** Options for all clients made from one `Kafka`; those of one kind of client do not matter to the others. */
export interface SharedOptions extends ProducerOptions, ConsumerOptions, AdminOptions {
  /**
   * The WebSocket bridge: its URL (`ws://localhost:8090`), or a function that says the whole URL for each broker, for
   * other proxies. Browsers need it; other hosts go straight to the brokers without it.
   */
  readonly bridge?: string | URL | ((broker: { host: string; port: number }) => string | URL) | null
  /** What lets this client in at the bridge. */
  readonly bridgeToken?: string | null
  /** Another way to reach brokers, in place of a bridge. */
  readonly transport?: Transport | null
  /**
   * TLS straight to the brokers, in Node.js, Deno and Bun: `true`, or the options of `node:tls` (`ca`, `servername`, `cert`, `key`, ...).
   * Default false. Through a bridge TLS is the bridge's affair.
   */
  readonly tls?: boolean | object | null
}

/** A named set of options, for instance of an environment: above the defaults, below what is passed beside it. */
export interface Profile extends SharedOptions {
  /** What errors and `resolvedConfig()` call it. */
  readonly name: string
}

/**
 * Options of `new Kafka()`. Each key of a higher layer wins over the same key of a lower one: defaults, the profile, these
 * options, those of a client. `null` takes away what lower layers say.
 */
export type KafkaOptions = SharedOptions & { readonly profile?: Profile | null } & (
    | { readonly brokers: readonly string[] }
    | { readonly profile: Profile }
  )

/** The configuration in force. */
export type ResolvedConfig = Readonly<Record<string, { readonly value: unknown; readonly layer: string }>>

/** The kinds of clients. @internal */
export type RoleName = 'producer' | 'consumer' | 'admin'

/** A layer of options whose keys and types have been checked, as a copy of its own. @internal */
export interface Layer {
  readonly name: string
  /** Whether it is for clients of every kind. */
  readonly shared: boolean
  readonly options: Readonly<Record<string, unknown>>
}

/** The layers of a client, merged. @internal */
export interface Settings {
  readonly role: RoleName
  /** What the core gets, which merges them once more: it has the last word. */
  readonly layers: readonly (readonly [name: string, shared: boolean, options: object])[]
  readonly resolved: ResolvedConfig
}

const headersObject = 'an object of Uint8Array or string values'
const urlOrFunction = 'a URL (ws://...) or a function'

/** Options that are the facade's own affair. */
const hostOptions: Record<string, OptionInfo> = {
  bridge: [undefined, 'bridge'],
  bridgeToken: [undefined, 'text'],
  transport: [undefined, 'transport'],
  tls: [undefined, 'tls'],
}
const everything: Record<string, OptionInfo> = Object.assign({}, ...Object.values(clientOptions), hostOptions)

/** What a value must be, in words for the error; undefined when it is. @internal */
export function expected(value: unknown, [, kind, ...limits]: OptionInfo): string | undefined {
  const [least, most] = limits as number[]
  const within = typeof value === 'number' && value >= least! && !(value > most!)
  const [good, words] = {
    text: () => [typeof value === 'string', 'a string'] as const,
    flag: () => [typeof value === 'boolean', 'true or false'] as const,
    millis: () => [within, `${least}${most === undefined ? ' or more' : ` to ${most}`} milliseconds`] as const,
    whole: () => [within && Number.isInteger(value), `a whole number from ${least} to ${most}`] as const,
    oneOf: () => [limits.includes(value), `one of ${limits.map(describe).join(', ')}`] as const,
    addresses: () => [Array.isArray(value) && value.length > 0 && value.every(isAddress), 'at least one "host:port"'] as const,
    // What a mechanism needs, the core knows.
    sasl: () => [isObject(value), 'an object'] as const,
    headers: () => [isObject(value) && Object.values(value).every(isContent), headersObject] as const,
    bridge: () => [typeof value === 'function' || isUrl(value), urlOrFunction] as const,
    tls: () => [isObject(value) || typeof value === 'boolean', 'true or an object'] as const,
    transport: () => [isObject(value) && typeof (value as Transport).connect === 'function', 'an object with a method connect(host, port, handlers)'] as const,
  }[kind as 'text']()
  return good ? undefined : words
}

const isAddress = (broker: unknown): boolean =>
  typeof broker === 'string' && /^(\[[^\]\s]+\]|[^\s/@?#:]+):\d{1,5}$/.test(broker)
const isContent = (content: unknown): boolean =>
  content === null || typeof content === 'string' || content instanceof Uint8Array
const isUrl = (url: unknown): boolean => {
  try {
    return /^(ws|http)s?:$/.test(new URL(url as string).protocol)
  } catch {
    return false
  }
}

/** Checks the options of `new Kafka()`, and makes layers of them. @internal */
export function kafkaLayers(options: KafkaOptions, canDoWithoutBridge: boolean): Layer[] {
  const own = 'Kafka options'
  if (!isObject(options)) throw new ConfigurationError(own, 'options', `expected an object, found ${describe(options)}`)
  const { profile, ...rest } = options
  const layers = [makeLayer(own, everything, rest, true)]
  if (profile != null) {
    if (!isObject(profile) || typeof profile.name !== 'string') {
      throw new ConfigurationError(own, 'profile', 'expected an object with a name')
    }
    const { name, ...rest } = profile
    layers.unshift(makeLayer(`profile ${name}`, everything, rest, true))
  }
  const found = (key: string): unknown => layers.findLast(({ options }) => key in options)?.options[key]
  const check = (good: boolean, key: string, problem: string): void => {
    if (!good) throw new ConfigurationError(layers.findLast(({ options }) => key in options)?.name ?? own, key, problem)
  }
  const [bridge, transport] = [found('bridge'), found('transport')]
  check(found('brokers') != null, 'brokers', 'expected at least one "host:port", found none')
  check(bridge == null || transport == null, 'transport', 'expected a bridge or a transport')
  const other = bridge ?? transport
  check(other != null || canDoWithoutBridge, 'bridge', 'expected a bridge, browsers need one')
  check(other == null || !found('tls'), 'tls', "TLS to brokers is the bridge's job")
  const hasUrl = bridge != null && typeof bridge !== 'function'
  check(found('bridgeToken') == null || hasUrl, 'bridgeToken', 'expected only with a bridge URL')
  return layers
}

/** Merges defaults, the layers of `new Kafka()` and the options of a client. @internal */
export function settings(role: RoleName, shared: readonly Layer[], given: object): Settings {
  const own: Record<string, OptionInfo> = clientOptions[role]
  const layers = [...shared, makeLayer(`${role} options`, own, given, false)]
  const resolved: Record<string, { value: unknown; layer: string }> = {}
  for (const [key, info] of Object.entries({ ...own, ...hostOptions })) {
    let [[value], layer] = [info, 'defaults']
    for (const { name, options } of layers) {
      if (!(key in options)) continue
      layer = name
      // An explicit null is not absence: it takes the value of lower layers away.
      const above = options[key] ?? info[0]
      value = key === 'extraHeaders' && options[key] !== null ? mergeHeaders(value as object, above as object) : above
    }
    if (value !== undefined) resolved[key] = { value, layer }
  }
  checkTogether(resolved)
  const passed = layers.map(({ name, shared, options }) => {
    const core = Object.entries(options).filter(([key]) => !(key in hostOptions))
    return [name, shared, Object.fromEntries(core)] as const
  })
  return { role, layers: passed, resolved }
}

/** A copy which nobody's later edits change, and which changes nobody. @internal */
export function describeConfig({ resolved }: Settings): ResolvedConfig {
  const shown = Object.entries(resolved).map(([key, { value, layer }]) => {
    return [key, { value: value && /sasl|Token|tls/.test(key) ? '(hidden)' : owned(key, value), layer }] as const
  })
  return Object.fromEntries(shown)
}

/** A transport has a life of its own, and TLS options are read for each connection, so that certificates can be renewed; everything else is copied through and through. */
const owned = (key: string, value: unknown): unknown => (/^t[lr]/.test(key) ? value : copied(value))

/** A copy through and through, of what wasm can read. @internal */
export function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied)
  if (value instanceof Uint8Array) return value.slice()
  if (value instanceof URL) return value.href
  if (value instanceof Date) return Number(value)
  if (typeof value === 'bigint') return String(value)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copied(inner)]))
}

// Whatever its prototype: objects of other realms have others.
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

function makeLayer(name: string, known: Record<string, OptionInfo>, given: object, shared: boolean): Layer {
  if (!isObject(given)) throw new ConfigurationError(name, 'options', `expected an object, found ${describe(given)}`)
  const options: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(given)) {
    const info = Object.hasOwn(known, key) ? known[key]! : undefined
    if (info === undefined) {
      throw new ConfigurationError(name, key, `there is no such option; there are: ${Object.keys(known).sort().join(', ')}`)
    }
    if (value === undefined) continue
    const words = value === null ? undefined : expected(value, info)
    if (words !== undefined) throw new ConfigurationError(name, key, `expected ${words}, found ${describe(value)}`)
    options[key] = owned(key, value)
  }
  return { name, shared, options }
}

/** Values that are right one by one and wrong together. */
function checkTogether(resolved: Settings['resolved']): void {
  const check = (key: string, other: string, good: boolean, expected: string): void => {
    if (good) return
    const layer = [resolved[key]!.layer, resolved[other]!.layer].find((layer) => layer !== 'defaults')!
    throw new ConfigurationError(layer, key, `expected ${expected}, found ${describe(resolved[key]!.value)}`)
  }
  const { acks, idempotent } = resolved
  const all = idempotent?.value !== true || [-1, 'all'].includes(acks!.value as string)
  check('acks', 'idempotent', all, 'all (-1), or idempotent: false')
  for (const limit of limits) {
    const keys = limit.split(/ \+ | <= /)
    const numbers = keys.map((key) => resolved[key]?.value as number)
    const most = numbers.pop()!
    // A client of another kind lacks some: what is not a number compares with nothing.
    check(keys[0]!, keys.at(-1)!, !(numbers.reduce((a, b) => a + b) > most), limit)
  }
}

/** Header by header: a name keeps its place and gets the higher value; null takes it away. */
function mergeHeaders(lower: object, higher: object): object {
  const merged = new Map(Object.entries(lower))
  for (const [name, content] of Object.entries(higher)) {
    if (content === null) merged.delete(name)
    else merged.set(name, content)
  }
  // Names are free: as `fromEntries` makes it, even `__proto__` is a name like any other.
  return Object.fromEntries(merged)
}

/** What the core is to go through: a bridge's URL, or a function from host and port to a URL. @internal */
export function bridgeNetwork(bridge: unknown): string | ((host: string, port: number) => string) | undefined {
  if (typeof bridge === 'function') return (host, port) => String(bridge({ host, port }))
  return bridge === undefined ? undefined : String(bridge)
}
