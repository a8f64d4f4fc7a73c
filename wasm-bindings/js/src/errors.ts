import type { CommandResult } from './admin.js'
import { reasonOf } from './sasl.js'

/** Whose doing an error is. */
export type Blame = 'application' | 'broker' | 'network' | 'bridge' | 'client'

/** What an error is made of. */
export interface KafkaErrorProperties {
  readonly code: string
  readonly retriable?: boolean
  readonly fatal?: boolean
  readonly blame?: Blame
  readonly errno?: number | undefined
  readonly cause?: unknown
  readonly results?: readonly CommandResult[] | undefined
}

/**
 * Every error of this package. The message says what happened and what to do; `code` is the stable name to match on, for
 * errors of a broker the protocol's own, such as `NOT_LEADER_OR_FOLLOWER`.
 */
export class KafkaError extends Error {
  /** The stable name of what happened. */
  readonly code: string
  /** Kafka's error number, where a broker sent one. */
  readonly errno: number | undefined
  /** Whether the same call can succeed later without changing anything. */
  readonly retriable: boolean
  /** Whether the client can do nothing more, so that a new one is needed. */
  readonly fatal: boolean
  /** Whose doing it was. */
  readonly blame: Blame
  /** What became of each part of an admin client's command, when this is the error of the first part that failed. */
  readonly results: readonly CommandResult[] | undefined

  /** @internal */
  constructor(message: string, properties: KafkaErrorProperties) {
    super(message, properties.cause === undefined ? undefined : { cause: properties.cause })
    this.code = properties.code
    this.errno = properties.errno
    this.retriable = properties.retriable ?? false
    this.fatal = properties.fatal ?? false
    this.blame = properties.blame ?? 'application'
    this.results = properties.results
  }

  /** Whether something that was thrown is an error of this package. */
  static is(error: unknown): error is KafkaError {
    return error instanceof KafkaError
  }
}

/** A broker answered with an error, or with something that cannot be read. */
export class ProtocolError extends KafkaError {}

/** A connection was lost or could not be made. */
export class ConnectionError extends KafkaError {}

/** The WebSocket bridge refused or failed. */
export class BridgeError extends ConnectionError {
  /** The WebSocket close code; docs/bridge.md lists them. */
  readonly closeCode: number

  /** @internal */
  constructor(message: string, properties: KafkaErrorProperties & { readonly closeCode: number }) {
    super(message, properties)
    this.closeCode = properties.closeCode
  }
}

/** A broker does not accept who we are. */
export class AuthenticationError extends KafkaError {}

/** Something took longer than it was allowed to. */
export class TimeoutError extends KafkaError {}

/** The caller gave up, by its AbortSignal. `cause` is the signal's reason. */
export class AbortError extends KafkaError {}

/** A newer producer has taken over. */
export class ProducerFencedError extends KafkaError {}

/** The broker speaks no version of a request that this client speaks. */
export class UnsupportedVersionError extends KafkaError {}

/** A record or an argument cannot be sent as it is. */
export class SerializationError extends KafkaError {}

/** The call does not fit the client's state, such as a call after stop(). */
export class StateError extends KafkaError {}

/** An option cannot be used. `layer` and `key` say which. */
export class ConfigurationError extends KafkaError {
  /** Where it was set: `Kafka options`, `producer options` and the like. */
  readonly layer: string
  /** Its name. */
  readonly key: string

  /** @internal */
  constructor(layer: string, key: string, problem: string) {
    super(`${key} (${layer}): ${problem}`, { code: 'INVALID_CONFIG' })
    this.layer = layer
    this.key = key
  }
}

/** A bug in this package. Every pending and later call fails with it. */
export class InternalError extends KafkaError {
  /** @internal */
  constructor(message: string, cause?: unknown) {
    super(`internal error, please report it: ${message}`, { code: 'INTERNAL', fatal: true, blame: 'client', cause })
  }
}

const kinds = {
  ProtocolError,
  ConnectionError,
  AuthenticationError,
  TimeoutError,
  AbortError,
  ProducerFencedError,
  UnsupportedVersionError,
  SerializationError,
  StateError,
}

// Bundlers rename classes; names in messages and logs stay.
for (const [name, kind] of Object.entries({ KafkaError, BridgeError, ConfigurationError, InternalError, ...kinds })) {
  Object.defineProperty(kind.prototype, 'name', { value: name, configurable: true, writable: true })
}

/** An error as wasm hands it over. @internal */
export interface ErrorObject extends Omit<KafkaErrorProperties, 'results'> {
  readonly kind: string
  readonly message: string
  readonly closeCode?: number
  readonly layer?: string
  readonly key?: string
  readonly cause?: ErrorObject
  readonly results?: readonly (Omit<CommandResult, 'error'> & { readonly error?: ErrorObject })[]
}

/** @internal */
export function fromObject(object: ErrorObject): KafkaError {
  const { kind, message, cause: inner, results: parts, ...own } = object
  const results = parts?.map((part) => ({ ...part, error: part.error && fromObject(part.error) }))
  const properties = { ...own, results }
  const cause = inner ? fromObject(inner) : reasonOf(message)
  if (kind === 'BridgeError') return new BridgeError(message, { ...properties, closeCode: object.closeCode ?? 0, cause })
  if (kind === 'ConfigurationError') {
    const problem = message.slice(message.indexOf(': ') + 2)
    return new ConfigurationError(object.layer ?? 'options', object.key ?? '', problem)
  }
  const Kind = kinds[kind as keyof typeof kinds]
  if (Kind !== undefined) return new Kind(message, { ...properties, cause })
  return new InternalError(message.replace(/^internal error, please report it: /, ''))
}

/** @internal */
export function isErrorObject(thrown: unknown): thrown is ErrorObject {
  return typeof thrown === 'object' && thrown !== null && !(thrown instanceof Error) && 'kind' in thrown
}

/** @internal */
export const abortError = (signal: AbortSignal): AbortError =>
  new AbortError('the caller cancelled this call', { code: 'CANCELLED', cause: signal.reason })

/** @internal */
export const timeoutError = (message: string): TimeoutError =>
  new TimeoutError(message, { code: 'TIMEOUT', retriable: true, blame: 'network' })

/** @internal */
export const stoppedError = (): StateError =>
  new StateError('the client was stopped; call start() to use it again', { code: 'STOPPED' })
