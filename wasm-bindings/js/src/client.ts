import { ClientHandle } from '#glue'
import { type Boundary, guard, Memory, translate } from './boundary.js'
import { type Core, brokenCore, watch } from './core.js'
import { abortError, type ErrorObject, fromObject, KafkaError, stoppedError, timeoutError } from './errors.js'
import { unfit } from './messages.js'
import { bridgeNetwork, type ResolvedConfig, type SaslOptions, copied, describeConfig, type Settings } from './options.js'
import { findCredentials } from './sasl.js'
import { type Status, StatusFeed } from './status.js'
import type { PartitionInfo } from './topics.js'
import { Port, type Transport } from './transport.js'

/** How long a call may take, and how to give it up. */
export interface WaitOptions {
  /** Gives the call up when it is aborted. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds after which the call fails with a TimeoutError. */
  readonly timeoutMs?: number | undefined
}

/** Where a client is in its life. */
export type ClientState = 'idle' | 'starting' | 'started' | 'stopping' | 'fenced' | 'failed'

/** What clients tell those who listen. */
export interface ClientEvents {
  /** The client's condition changed. */
  status: Status
  /** The client is finished: every pending and later call fails with this error. */
  fatal: KafkaError
}

/** How a client reaches brokers, and the core. @internal */
export interface Host {
  load(): Promise<Core>
  /** What to use when the options name neither a bridge nor a transport. */
  readonly transport?: (tls?: boolean | object) => Transport
}

/** How long stop() lets pending records take, unless it is told. */
const STOP_TIMEOUT_MS = 30_000

interface Waiter {
  resolve(value: unknown): void
  reject(error: Error): void
}

type CoreEvent =
  | { readonly type: 'completed'; readonly operation: number; readonly value?: unknown; readonly error?: ErrorObject }
  | { readonly type: 'recordsAvailable' }
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'partitionError'; readonly topic: string; readonly partition: number; readonly error: ErrorObject }
  | { readonly type: 'credentials'; readonly broker: number; readonly generation: number }
  | { readonly type: 'fatal'; readonly error: ErrorObject }

/** What all clients have in common: their life. */
export abstract class Client<Events extends ClientEvents> {
  readonly #host: Host
  readonly #settings: Settings
  readonly #status = new StatusFeed()
  readonly #operations = new Map<number, Waiter>()
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()
  #opening: Promise<Boundary> | undefined
  #boundary: Boundary | undefined
  #port: Port | undefined
  #scheduled = false
  #failure: KafkaError | undefined
  /** Calls that begin while the core is still loading count as starting. */
  #early = 0
  /** Raised by stop(), so that calls which waited for the core learn that they are too late. */
  #life = 0
  #stopped = false
  #closed: PromiseWithResolver<KafkaError | undefined> | undefined

  /** @internal */
  constructor(host: Host, settings: Settings) {
    this.#host = host
    this.#settings = settings
  }

  /** Where the client is in its life. */
  get state(): ClientState {
    if (this.#failure !== undefined) return 'failed'
    if (this.#boundary === undefined) return this.#early > 0 ? 'starting' : 'idle'
    const { handle } = this.#boundary
    return guard(() => handle.state()) as ClientState
  }

  /**
   * Ends when the client's life does: with nothing after stop(), with the error when it failed. Never rejects.
   */
  get closed(): Promise<KafkaError | undefined> {
    if (this.#failure !== undefined) return Promise.resolve(this.#failure)
    this.#closed ??= withResolver()
    return this.#closed.promise
  }

  /**
   * Starts the client. Optional, for the first call that needs it does the same; and idempotent: concurrent calls start
   * it once and end together. Without a time limit it goes on trying until a broker answers.
   */
  async start(options: WaitOptions = {}): Promise<void> {
    checkWait(options)
    this.#stopped = false
    await this.#begin(options)
  }

  /**
   * Sends what is pending and stops the client; it can be started again. What is not done when the time limit comes
   * (30 s unless `timeoutMs` says otherwise) fails.
   */
  async stop(options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    checkWait(options)
    if (this.#failure !== undefined) return
    this.#stopped = true
    this.#life++
    const { timeoutMs = STOP_TIMEOUT_MS } = options
    const deadline = performance.now() + timeoutMs
    const boundary = this.#boundary ?? (this.#opening === undefined ? undefined : await this.#opening.catch(() => undefined))
    if (boundary !== undefined) {
      await this.settleBeforeStop(timeoutMs)
      const left = Math.max(0, deadline - performance.now())
      await this.operation((handle) => handle.stop(left), {})
    }
    if (this.#stopped) this.#close(undefined)
  }

  /** The same as start(). */
  connect(options?: WaitOptions): Promise<void> {
    return this.start(options)
  }

  /** The same as stop(). */
  disconnect(options?: { readonly timeoutMs?: number | undefined }): Promise<void> {
    return this.stop(options)
  }

  /** The same as stop(). */
  close(options?: { readonly timeoutMs?: number | undefined }): Promise<void> {
    return this.stop(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** The partitions of a topic, with leaders and replicas. */
  partitionsFor(topic: string, options: WaitOptions = {}): Promise<PartitionInfo[]> {
    return this.request('partitionsFor', { ...options, topic })
  }

  /** The client's condition now and from now on, until its end. */
  status(): AsyncIterableIterator<Status> {
    return this.#status.read()
  }

  /** Calls back at each event of that name; returns a function that ends this. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    let listeners = this.#listeners.get(name)
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()))
    listeners.add(listener as (event: never) => void)
    return () => this.off(name, listener)
  }

  /** Ends what on() began. */
  off<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void {
    this.#listeners.get(name)?.delete(listener as (event: never) => void)
  }

  /** The configuration in force: each key with its value and the layer that set it, secrets hidden. */
  resolvedConfig(): ResolvedConfig {
    return describeConfig(this.#settings)
  }

  /** Counters of the client's inside, all zero before it was first started. */
  metrics(): Readonly<Record<string, number>> {
    const boundary = this.#boundary
    return boundary === undefined ? {} : guard(() => boundary.handle.counters())
  }

  /** @internal */
  fail(error: KafkaError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#port?.closeAll()
    for (const operation of this.#operations.values()) operation.reject(error)
    this.#operations.clear()
    this.failed(error)
    this.#status.set({ state: 'fatal' })
    this.emit('status', { state: 'fatal' } as Events['status'])
    this.emit('fatal', error as Events['fatal'])
    this.#close(error)
  }

  /** The value of an option in force. @internal */
  protected option<T = number>(key: string): T {
    return this.#settings.resolved[key]?.value as T
  }

  /** The client in wasm, once it is loaded. @internal */
  protected get boundary(): Boundary | undefined {
    return this.#boundary
  }

  /** Why no call can succeed any more, or not before start(). @internal */
  protected get refusal(): KafkaError | undefined {
    return this.#failure ?? brokenCore() ?? (this.#stopped ? stoppedError() : undefined)
  }

  /** Loads the core if need be and starts the client unless it was stopped on purpose; does not wait for the start. @internal */
  protected async ready(signal?: AbortSignal): Promise<Boundary> {
    if (this.refusal !== undefined) throw this.refusal
    const life = this.#life
    const boundary = await this.readyAnyway(signal)
    if (life !== this.#life) throw stoppedError()
    return boundary
  }

  /** The same for what was accepted before stop() was called. @internal */
  protected async readyAnyway(signal?: AbortSignal): Promise<Boundary> {
    const boundary = this.#boundary ?? (await abortable(this.#open(), signal))
    if (this.#failure !== undefined) throw this.#failure
    if (guard(() => boundary.handle.state()) === 'idle') {
      // Those who wait for something wait for that, not for the start; a start that fails fails them too.
      this.operation((handle) => handle.start(), {}).catch(() => {})
    }
    return boundary
  }

  /** Begins an operation of the core and waits for its end. @internal */
  protected operation<T>(begin: (handle: ClientHandle) => number, { signal }: WaitOptions): Promise<T> {
    if (signal?.aborted === true) return Promise.reject(abortError(signal))
    return new Promise<T>((resolve, reject) => {
      const { handle } = this.#boundary!
      const operation = guard(() => begin(handle))
      const abort = (): void => {
        this.call((handle) => handle.cancel(operation))
      }
      signal?.addEventListener('abort', abort, { once: true })
      const left = (): void => signal?.removeEventListener('abort', abort)
      this.#operations.set(operation, {
        resolve: (value) => (left(), resolve(value as T)),
        reject: (error) => (left(), reject(signal?.aborted === true ? abortError(signal) : error)),
      })
      this.schedule()
    })
  }

  /** Asks the core for something; ../../src/exports/requests.rs says what there is. @internal */
  protected async request<T>(name: string, options: WaitOptions & Record<string, unknown>): Promise<T> {
    checkWait(options)
    const { signal, timeoutMs, ...asked } = options
    // As it is now: whoever asks may change it later.
    const request = copied(asked)
    await this.ready(signal)
    return this.operation((handle) => handle.request(name, request, timeoutMs), options)
  }

  /** Calls into wasm and sees to it that what follows from it is carried out. @internal */
  protected call<T>(call: (handle: ClientHandle) => T): T {
    const { handle } = this.#boundary!
    this.schedule()
    return guard(() => call(handle))
  }

  /** Ends the turn when the code that runs now has ended. @internal */
  protected schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(this.#turn)
  }

  /** Tells those who listen. @internal */
  protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(event as never)
      } catch (thrown) {
        // A listener's error is its own: it is reported as uncaught and disturbs nobody here.
        queueMicrotask(() => {
          throw thrown
        })
      }
    }
  }

  // What happens to a client, for the kinds of clients. @internal

  /** The client has just been made in wasm. @internal */
  protected opened(_boundary: Boundary): void {}
  /** The turn ends: hand over what has gathered. @internal */
  protected beforeTurn(): void {}
  /** The turn has ended: settlements are in the report. @internal */
  protected afterTurn(): void {}
  /** Records can be taken. @internal */
  protected recordsAvailable(): void {}
  /** A partition needs attention. @internal */
  protected partitionError(_topic: string, _partition: number, _error: KafkaError): void {}
  /** The condition changed. @internal */
  protected statusChanged(_status: Status): void {}
  /** Waits for what must reach the core before it stops. @internal */
  protected async settleBeforeStop(_timeoutMs: number): Promise<void> {}
  /** The client has failed for good. @internal */
  protected failed(_error: KafkaError): void {}
  /** The client has ended: stopped, or failed. @internal */
  protected ended(_error: KafkaError): void {}

  readonly #turn = (): void => {
    this.#scheduled = false
    const boundary = this.#boundary
    if (boundary === undefined || this.#failure !== undefined) return
    let events: unknown[] | undefined
    try {
      this.beforeTurn()
      events = guard(() => boundary.handle.drain())
      boundary.memory.refresh()
      this.afterTurn()
    } catch (thrown) {
      this.fail(thrown instanceof KafkaError ? thrown : (translate(thrown) as KafkaError))
      return
    }
    if (events !== undefined) for (const event of events) this.#handle(event as CoreEvent)
  }

  #handle(event: CoreEvent): void {
    switch (event.type) {
      case 'completed': {
        const waiter = this.#operations.get(event.operation)
        this.#operations.delete(event.operation)
        if (event.error !== undefined) waiter?.reject(fromObject(event.error))
        else waiter?.resolve(event.value)
        break
      }
      case 'recordsAvailable':
        this.recordsAvailable()
        break
      case 'status':
        this.#status.set(event.status)
        this.statusChanged(event.status)
        this.emit('status', event.status as Events['status'])
        break
      case 'partitionError':
        this.partitionError(event.topic, event.partition, fromObject(event.error))
        break
      case 'credentials':
        void this.#provide(event)
        break
      case 'fatal':
        this.fail(fromObject(event.error))
    }
  }

  async #begin(options: WaitOptions): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (options.signal?.aborted === true) throw abortError(options.signal)
    const life = this.#life
    const begun = performance.now()
    this.#early++
    try {
      await abortable(this.#open(), options.signal)
    } finally {
      this.#early--
    }
    if (life !== this.#life) throw stoppedError()
    if (this.#failure !== undefined) throw this.#failure
    const { timeoutMs } = options
    const left = timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - (performance.now() - begun))
    await this.operation((handle) => handle.start(left), options)
  }

  /** Asks the application who it is, and passes the answer on; the core knows whether it is still wanted. */
  async #provide({ broker, generation }: { broker: number; generation: number }): Promise<void> {
    const answer = await findCredentials(this.#settings.resolved['sasl']!.value as SaslOptions)
    if (this.#failure === undefined) this.call((handle) => handle.credentials(broker, generation, answer))
  }

  #open(): Promise<Boundary> {
    const broken = brokenCore()
    if (broken !== undefined) return Promise.reject(broken)
    this.#opening ??= this.#make().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #make(): Promise<Boundary> {
    const core = await this.#host.load()
    const { role, layers } = this.#settings
    let network: unknown = bridgeNetwork(this.option('bridge'))
    if (network === undefined) {
      // Without a bridge there is one of these: the options have been checked for that.
      this.#port = new Port(this.option<Transport>('transport') ?? this.#host.transport!(this.option('tls')))
      this.#port.attach((report) => this.#report(report))
      network = this.#port
    }
    const handle = guard(() => new ClientHandle(role, layers, network, this.option('bridgeToken'), () => this.schedule()))
    const boundary = { handle, memory: new Memory(core.memory, handle.reportAddress()) }
    this.#boundary = boundary
    watch(this)
    this.opened(boundary)
    return boundary
  }

  /** What a transport reports. Its own code is on the stack, so errors must not go there. */
  #report(report: (handle: ClientHandle) => void): void {
    const { handle } = this.#boundary!
    if (this.#failure !== undefined) return
    try {
      guard(() => report(handle))
    } catch (thrown) {
      this.fail(thrown as KafkaError)
    }
  }

  #close(error: KafkaError | undefined): void {
    this.ended(error ?? stoppedError())
    this.#closed?.resolve(error)
    this.#closed = undefined
  }
}

interface PromiseWithResolver<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
}

function withResolver<T>(): PromiseWithResolver<T> {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** A promise that ends early when the signal is aborted. What it stands for goes on. @internal */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) return Promise.reject(abortError(signal))
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(abortError(signal))
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** A promise that ends early when the signal is aborted or the time is up. What it stands for goes on. @internal */
export function bounded<T>(promise: Promise<T>, what: string, { signal, timeoutMs }: WaitOptions): Promise<T> {
  if (timeoutMs === undefined || timeoutMs === Infinity) return abortable(promise, signal)
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(timeoutError(`${what} did not end within ${timeoutMs} ms`))
    }, Math.min(timeoutMs, 0x7fff_ffff))
  })
  return abortable(Promise.race([promise, late]), signal).finally(() => clearTimeout(timer))
}

/** Checks the options that all waiting calls share. @internal */
export function checkWait({ signal, timeoutMs }: WaitOptions): void {
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
    throw unfit('timeoutMs', '0 or more milliseconds', timeoutMs)
  }
  if (signal !== undefined && !(typeof signal === 'object' && 'aborted' in signal)) {
    throw unfit('signal', 'an AbortSignal', signal)
  }
}
